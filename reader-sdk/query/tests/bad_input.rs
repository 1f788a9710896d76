//! Whatever is asked: an answer or an error that says where, within bounded time and memory, and
//! never a panic or an overflow of the stack.

use std::time::{Duration, Instant};

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::edn::{self, Edn, Form};
use duramen_query::{
    Answer, Budget, Clock, Input, Limits, Query, QueryError, QueryErrorKind, QueryOptions,
    QueryText, q_with,
};

/// Longer than anything here takes, and shorter than anybody would wait. Debug builds on a busy
/// machine are slow.
const TIME_MAX: Duration = Duration::from_secs(30);

#[allow(clippy::disallowed_methods, reason = "what is limited is real time")]
fn now() -> Instant {
    Instant::now()
}

fn options() -> QueryOptions {
    let started = now();
    let limits = Limits {
        rows_max: 2_000_000,
        memory_bytes_max: 512 << 20,
        time_max: Some(TIME_MAX),
        ..Limits::default()
    };
    let clock = Some(Clock::new(move || started.elapsed()));
    QueryOptions { limits, clock, seed: Some(1), ..QueryOptions::default() }
}

fn value(text: &str) -> Input {
    Input::Value(edn::read(text).expect("EDN").edn)
}

async fn ask(query: &str, inputs: Vec<Input>) -> Result<Answer, QueryError> {
    ask_with(query, inputs, &options()).await
}

async fn ask_with(
    query: &str,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Answer, QueryError> {
    let started = now();
    let asked = async { q_with(&Query::parse(query)?, inputs, options).await };
    let result = asked.await;
    let elapsed = started.elapsed();
    let head: String = query.chars().take(80).collect();
    assert!(elapsed < TIME_MAX, "{elapsed:?}: {head}");
    if let Err(error) = &result {
        assert_ne!(error.kind, QueryErrorKind::Limit(Budget::Time), "{head}: {error}");
        if error.text == QueryText::Query {
            let span = error.span.start as usize..error.span.end as usize;
            assert!(query.get(span).is_some(), "{head}: {error}");
        }
    }
    result
}

/// The kind of the error, or that there is an answer.
async fn outcome(query: &str, inputs: Vec<Input>) -> &'static str {
    ask(query, inputs).await.map_or_else(|error| error.code(), |_| "ok")
}

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// Clauses of one kind, so many of them, over a relation of pairs.
fn of_one_kind(kind: &str, count: usize) -> String {
    match kind {
        "chain" => many(count, |n| format!("[?x{n} ?x{}] ", n + 1)),
        "star" => format!("[?x0 ?y0] {}", many(count, |n| format!("[?x0 ?y{n}] "))),
        "same" => many(count, |_| "[?x0 ?y0] ".to_owned()),
        "apart" => many(count, |n| format!("[?x{n} 1] ")),
        "calls" => format!("[?x0] {}", many(count, |n| format!("[(+ ?x{n} 1) ?x{}] ", n + 1))),
        "tests" => format!("[?x0] {}", many(count, |n| format!("[(< ?x0 {})] ", n + 100))),
        "or" => format!("(or {})", many(count, |n| format!("[?x0 {n}] "))),
        "or-join" => format!("(or-join [?x0] {})", many(count, |n| format!("[?x0 ?y{n}] "))),
        "ors" => many(count / 3, |_| "(or [?x0 1] [?x0 2]) ".to_owned()),
        "nots" => format!("[?x0] {}", many(count / 2, |n| format!("(not [?x0 {n}]) "))),
        "not" => format!("[?x0] (not {})", many(count - 1, |n| format!("[?x{n} ?x{}] ", n + 1))),
        "and" => format!("[?x0] (or (and {}))", many(count - 1, |_| "[?x0 ?y0] ".to_owned())),
        "rules" => many(count, |n| format!("(r{} ?x0) ", n % 10)),
        other => unreachable!("{other}"),
    }
}

const KINDS: [&str; 13] = [
    "chain", "star", "same", "apart", "calls", "tests", "or", "or-join", "ors", "nots", "not",
    "and", "rules",
];

#[tokio::test]
async fn thousands_of_clauses_of_every_kind() {
    let rules = many(10, |n| format!("[(r{n} ?x) [?x]] "));
    let inputs = || vec![value("[[1 1] [2 2]]"), value(&format!("[{rules}]"))];
    for kind in KINDS {
        let query = format!("[:find ?x0 :in $ % :where {}]", of_one_kind(kind, 3_900));
        assert_eq!(outcome(&query, inputs()).await, "ok", "{kind}");
        let query = format!("[:find ?x0 :in $ % :where {}]", of_one_kind(kind, 30_000));
        let error = ask(&query, inputs()).await.expect_err(kind);
        assert_eq!(error.kind, QueryErrorKind::Limit(Budget::Clauses), "{kind}: {error}");
        assert!(error.span.end > 0, "{kind}: {error}");
    }
}

#[tokio::test]
async fn clauses_within_a_query_within_a_query() {
    for kind in ["chain", "or", "not", "calls"] {
        let inner = format!("[:find ?x0 :in $ % :where {}]", of_one_kind(kind, 10_000));
        let query = format!("[:find ?y :in $ % :where [(q {inner} $ %) [[?y]]]]");
        let error = ask(&query, vec![value("[[1 1]]"), value("[]")]).await.expect_err(kind);
        assert_eq!(error.kind, QueryErrorKind::Limit(Budget::Clauses), "{kind}: {error}");
    }
}

#[tokio::test]
async fn thousands_of_rules() {
    let query = "[:find ?x :in $ % :where (r0 ?x)]";
    for (what, rules, expected) in [
        ("bodies", many(3_900, |n| format!("[(r0 ?x) [?x {n}]] ")), "ok"),
        ("bodies", many(50_000, |n| format!("[(r0 ?x) [?x {n}]] ")), "query/limit"),
        ("names", many(3_900, |n| format!("[(r{n} ?x) [?x]] ")), "ok"),
        ("names", many(50_000, |n| format!("[(r{n} ?x) [?x]] ")), "query/limit"),
        (
            "a ring",
            many(1_900, |n| format!("[(r{n} ?x) [?x]] [(r{n} ?x) (r{} ?x)] ", (n + 1) % 1_900)),
            "ok",
        ),
        (
            "each calls all",
            many(60, |n| format!("[(r{n} ?x) [?x] {}] ", many(60, |m| format!("(r{m} ?x)")))),
            "ok",
        ),
        ("a chain", many(3_900, |n| format!("[(r{n} ?x) (r{} ?x)] ", n + 1)), "query/unknown-rule"),
    ] {
        let inputs = vec![value("[[1 1] [2 2]]"), value(&format!("[{rules}]"))];
        assert_eq!(outcome(query, inputs).await, expected, "{what}");
    }
}

/// What is asked, what a rule needs and what is answered goes once around the circle: a round that
/// looked at all of its rules would take minutes.
#[tokio::test]
async fn ten_thousand_rules_in_a_circle() {
    const RULES: usize = 10_000;
    let mut options = options();
    options.limits.clauses_max = 4 * RULES;
    let circle = many(RULES, |n| format!("[(r{n} ?a ?b) (r{} ?a ?b)] ", (n + 1) % RULES));
    let last = RULES - 1;
    for (query, base) in [
        ("[:find ?a ?b :in $ % :where (r0 ?a ?b)]", "[?a ?b]"),
        ("[:find ?a ?b :in $ % :where [?a] (r0 ?a ?b)]", "[_ ?b] [(<= ?b ?a)]"),
    ] {
        let rules = format!("[{circle} [(r{last} ?a ?b) {base}]]");
        let inputs = vec![value("[[1 1] [2 2]]"), value(&rules)];
        let answer = ask_with(query, inputs, &options).await.expect(base);
        assert!(answer.rows().len() >= 2, "{base}");
    }
}

#[tokio::test]
async fn deep_nesting_of_every_kind() {
    let rules = "[[(r ?x) [?x]]]";
    for (open, inner, close, wrap) in [
        ("(or ", "[?x]", ")", false),
        ("(and ", "[?x]", ")", false),
        ("(not ", "[?x]", ")", true),
        ("(or-join [?x] ", "[?x]", ")", false),
        ("(not-join [?x] ", "[?x]", ")", true),
        ("[(q [:find ?x :where ", "[?x]", "] $) [[?x]]]", false),
        ("[", "?x", "]", false),
        ("[(identity [", "1", "]) ?y]", true),
    ] {
        for depth in [20, 62, 1_000, 100_000] {
            let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let first = if wrap { "[?x] " } else { "" };
            let query = format!("[:find ?x :in $ % :where {first}{nested}]");
            let code = outcome(&query, vec![value("[[1] [2]]"), value(rules)]).await;
            let expected = ["ok", "query/malformed", "query/unbound"];
            assert!(expected.contains(&code), "{depth} times {open}: {code}");
            assert!(depth < 100 || code != "ok", "{depth} times {open}");
        }
    }
    // As EDN that no reader has looked at.
    for depth in [200, 2_000] {
        let mut form = edn::read("[?x]").expect("EDN");
        for _ in 0..depth {
            let not = edn::read("not").expect("EDN");
            form = Form::from(Edn::List(vec![not, form]));
        }
        let section = |text: &str| edn::read(text).expect("EDN");
        let parts = vec![section(":find"), section("?x"), section(":where"), section("[?x]"), form];
        let error = Query::from_form(&Form::from(Edn::Vector(parts))).expect_err("too deep");
        assert_eq!(error.code(), "query/malformed", "{error}");
    }
}

#[tokio::test]
async fn values_that_rules_nest_ever_deeper() {
    let query = "[:find (count ?x) . :in $ % :where (r ?x)]";
    for step in [
        "[(vector ?y) ?x]",
        "[(list ?y) ?x]",
        "[(tuple ?y) ?x]",
        "[(vector ?y) ?z] [(set ?z) ?x]",
        "[(hash-map ?y 1) ?x]",
        "[(hash-map 1 ?y) ?x]",
        "[(q [:find ?z :in ?z] ?y) ?x]",
        "[(q [:find (distinct ?z) . :in ?z] ?y) ?x]",
        "[(q [:find (min 1 ?z) . :in ?z] ?y) ?x]",
    ] {
        let rules = format!("[[(r ?x) [?x]] [(r ?x) (r ?y) {step}]]");
        let code = outcome(query, vec![value("[[1]]"), value(&rules)]).await;
        assert_eq!(code, "query/function-error", "{step}");
    }
}

#[tokio::test]
async fn as_many_inputs_as_anybody_likes() {
    let count = 20_000;
    let vars = many(count, |n| format!("?x{n} "));
    let numbers = many(count, |n| format!("{n} "));
    let last = format!("?x{}", count - 1);
    for (binding, input) in [
        (format!("[{vars}]"), format!("[{numbers}]")),
        (format!("[[{vars}]]"), format!("[[{numbers}]]")),
        (format!("[[{vars}]]"), "[]".to_owned()),
    ] {
        let query = format!("[:find {last} :in {binding}]");
        assert_eq!(outcome(&query, vec![value(&input)]).await, "ok");
        let query = format!("[:find {last} :in {binding} :where [(> ?x1 0)] [(+ ?x0 ?x1) ?y]]");
        assert_eq!(outcome(&query, vec![value(&input)]).await, "ok");
    }
    let query = format!("[:find {last} :in {vars}]");
    let inputs = (0..count as i64).map(Input::from).collect();
    assert_eq!(outcome(&query, inputs).await, "ok");
    let query = format!("[:find ?x :in {} ?x]", many(count, |n| format!("$s{n} ")));
    let inputs = (0..count).map(|_| value("[]")).chain([value("1")]).collect();
    assert_eq!(outcome(&query, inputs).await, "ok");
    let query = format!("[:find ?x :in {} ?x]", "_ ".repeat(count));
    let inputs = (0..=count).map(|_| value("1")).collect();
    assert_eq!(outcome(&query, inputs).await, "ok");
    let same = format!("[:find ?x :in [{}]]", "?x ".repeat(count));
    assert_eq!(outcome(&same, vec![value(&format!("[{}]", "1 ".repeat(count)))]).await, "ok");
    let deep = format!("[:find ?x :in {}?x{}]", "[".repeat(100), " ...]".repeat(100));
    assert_eq!(outcome(&deep, vec![value("1")]).await, "query/malformed");
}

#[tokio::test]
async fn answers_of_ever_more_columns() {
    let vars = "?x ".repeat(10_000);
    let few = || vec![value("[1 2 3]")];
    assert_eq!(outcome(&format!("[:find {vars} :in [?x ...]]"), few()).await, "ok");
    let sums = "(sum ?x) ".repeat(10_000);
    assert_eq!(outcome(&format!("[:find {sums} :in [?x ...]]"), few()).await, "ok");
    let keys = many(10_000, |n| format!("k{n} "));
    assert_eq!(outcome(&format!("[:find {vars} :keys {keys} :in [?x ...]]"), few()).await, "ok");
    let order = format!("[:find {vars} :in [?x ...] :order-by [{vars}]]");
    assert_eq!(outcome(&order, few()).await, "ok");
    let having = many(10_000, |n| format!("[(< ?x {})] ", n + 5));
    assert_eq!(outcome(&format!("[:find ?x :in [?x ...] :having {having}]"), few()).await, "ok");
    // More cells than memory has room for.
    let query = format!("[:find {vars} :where [(range 100000) [?x ...]]]");
    assert_eq!(outcome(&query.replace(":where", ":in :where"), vec![]).await, "query/limit");
    let draws = "[:find ?x (rand 1000000 ?x) :in :where [(range 5000) [?x ...]]]";
    assert_eq!(outcome(draws, vec![]).await, "query/limit");
}

#[tokio::test]
async fn amounts_of_any_size() {
    let numbers = || vec![value("[1 2 3]")];
    for (amounts, rows) in [
        (":limit 9223372036854775807", 3),
        (":limit 9223372036854775807 :offset 9223372036854775807", 0),
        (":limit 9223372036854775807 :offset 1", 2),
        (":limit -1 :offset 2", 1),
        (":limit 0", 0),
        (":order-by ?x :limit 9223372036854775807 :offset 9223372036854775807", 0),
        (":order-by ?x :limit 0 :offset 1", 0),
        (":having [(> ?x 1)] :limit 9223372036854775807 :offset 1", 1),
        (":timeout 9223372036854775807", 3),
    ] {
        let query = format!("[:find ?x :in [?x ...] {amounts}]");
        assert_eq!(ask(&query, numbers()).await.expect(&query).len(), rows, "{query}");
    }
    for amount in ["-2", "99999999999999999999", "1.0", "1e30", "1N", "\"1\"", ":x", "nil", "[1]"] {
        for section in [":limit", ":offset"] {
            let query = format!("[:find ?x :in [?x ...] {section} {amount}]");
            assert_eq!(outcome(&query, numbers()).await, "query/malformed", "{query}");
            let query = format!("[:find ?x :in [?x ...] ?n {section} ?n]");
            let code = outcome(&query, vec![value("[1 2 3]"), value(amount)]).await;
            assert_eq!(code, "query/inputs", "{section} {amount}");
        }
    }
}

#[tokio::test]
async fn expressions_built_to_hang() {
    let text = format!("{}!", "a".repeat(50_000));
    for (pattern, expected) in [
        ("(a+)+$", "ok"),
        ("(a|aa)*b", "ok"),
        ("(.*)(.*)(.*)(.*)=", "ok"),
        ("(x+x+)+y", "ok"),
        ("((a{100}){100}){100}", "query/function-error"),
        ("a{1000000}", "query/function-error"),
        ("(?=a)", "query/function-error"),
        ("(a)\\\\1", "query/function-error"),
        ("(", "query/function-error"),
    ] {
        for call in ["re-find", "re-matches", "re-seq"] {
            let query = format!("[:find ?x :in ?t :where [({call} \"{pattern}\" ?t) ?x]]");
            let code = outcome(&query, vec![value(&format!("{text:?}"))]).await;
            assert_eq!(code, expected, "{call} {pattern}");
        }
    }
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    let query = format!("[:find ?x :in ?t :where [(re-find \"{deep}\" ?t) ?x]]");
    assert_eq!(outcome(&query, vec![value("\"a\"")]).await, "query/function-error");
    // Rows that each bring an expression.
    let query = "[:find ?p :in [?p ...] :where [(re-find ?p \"aaaa\")]]";
    let patterns = many(3_000, |n| format!("\"(a|b){{{}}}\" ", n % 50));
    assert_eq!(outcome(query, vec![value(&format!("[{patterns}]"))]).await, "ok");
}

#[tokio::test]
async fn numbers_far_apart() {
    for call in [
        "(+ 1E10000M 1E-10000M)",
        "(* 1E10000M 1E10000M)",
        "(/ 1M 3E10000M)",
        "(= 1E10000M 1E-10000M)",
        "(< 1E10000M 1.5)",
        "(compare 1E10000M 1)",
        "(long 1E10000M)",
        "(bigint 1E10000M)",
        "(bigdec 1e308)",
        "(double 1E10000M)",
        "(quot 1E10000M 3)",
        "(mod -9223372036854775808 -1)",
        "(quot -9223372036854775808 -1)",
        "(abs -9223372036854775808)",
        "(- -9223372036854775808)",
        "(* 9223372036854775807N 9223372036854775807N)",
    ] {
        let query = format!("[:find ?x :in :where [{call} ?x]]");
        let code = outcome(&query, vec![]).await;
        assert!(["ok", "query/function-error"].contains(&code), "{call}: {code}");
    }
    // From the host program, which nothing has looked at.
    for scale in [-4_000_000_000, 4_000_000_000] {
        let number = bigdecimal::BigDecimal::new(1.into(), scale);
        let number = duramen_model::Value::BigDec(number.into());
        for query in
            ["[:find ?x :in ?n :where [(+ ?n 1) ?x]]", "[:find ?e :in $ ?n :where [?e :n ?n]]"]
        {
            let mut inputs = vec![number.clone().into()];
            if query.contains('$') {
                inputs.insert(0, Input::from(&people().await));
            }
            assert_eq!(outcome(query, inputs).await, "query/inputs");
        }
    }
}

async fn people() -> Db {
    let schema = "[{:db/ident :n :db/valueType :db.type/long :db/cardinality :db.cardinality/one
                    :db/unique :db.unique/identity}
                   {:db/ident :d :db/valueType :db.type/bigdec
                    :db/cardinality :db.cardinality/one}
                   {:db/ident :to :db/valueType :db.type/ref
                    :db/cardinality :db.cardinality/many}]";
    let data = "[{:db/id \"a\" :n 1 :to [\"a\" \"b\"]} {:db/id \"b\" :n 2 :d 1.5M :to \"a\"}]";
    let mut db = Db::genesis();
    for text in [schema, data] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, duramen_model::Instant::from_millis(0)).await.expect(text).0;
    }
    db
}

#[tokio::test]
async fn pulls_of_any_size() {
    let db = people().await;
    let ask = async |pattern: &str| {
        let query = format!("[:find (pull ?e {pattern}) :where [?e :n 1]]");
        outcome(&query, vec![Input::from(&db)]).await
    };
    assert_eq!(ask(&format!("[{}]", ":n ".repeat(20_000))).await, "ok");
    let named = many(20_000, |n| format!("[:n :as :k{n}] "));
    assert_eq!(ask(&format!("[{named}]")).await, "ok");
    let nested = |depth| format!("{}[:n]{}", "[{:to ".repeat(depth), "}]".repeat(depth));
    assert_eq!(ask(&nested(15)).await, "ok");
    // Each level doubles what is shown.
    assert_ne!(ask(&nested(40)).await, "ok");
    assert_eq!(ask(&nested(100_000)).await, "query/malformed");
    let single = |depth| format!("{}[:n]{}", "[{[:to :limit 1] ".repeat(depth), "}]".repeat(depth));
    assert_eq!(ask(&single(30)).await, "ok");
    assert_eq!(ask("[:n {:to 4000000000}]").await, "ok");
    assert_eq!(ask("[:n {:to 4000000001000000}]").await, "pull/malformed");
    assert_eq!(ask("[[:to :limit 9223372036854775807]]").await, "ok");
    assert_eq!(ask("[[:to :limit -1]]").await, "pull/malformed");
    assert_eq!(ask("[[:n :xform drop-table]]").await, "pull/unknown-function");
}

/// The functions that the page on the language lists.
fn functions() -> Vec<String> {
    let page = include_str!("../LANGUAGE.md");
    let table = page.split("## Functions").nth(1).and_then(|rest| rest.split("They have").next());
    let mut names = Vec::new();
    for line in table.expect("a table of functions").lines().filter(|line| line.contains(" | ")) {
        let (group, rest) = line[1..].split_once('|').expect("two columns");
        let prefix = if group.contains("clojure.string/") { "clojure.string/" } else { "" };
        let quoted = rest.split('`').skip(1).step_by(2);
        names.extend(quoted.map(|name| format!("{prefix}{name}")));
    }
    let special = ["get-else", "get-some", "missing?", "q"];
    names.retain(|name| !special.contains(&name.as_str()));
    assert!(names.len() > 90, "{names:?}");
    names
}

#[tokio::test]
async fn every_function_takes_or_refuses_whatever_it_is_given() {
    let values = [
        "0",
        "-9223372036854775808",
        "##NaN",
        "1E10000M",
        "10000000000000000000000N",
        "\"é\"",
        ":a/b",
        "[]",
        "[1 [nil] \"x\"]",
        "#{1 :a}",
        "{:a 1}",
        "true",
        "\\c",
        "#bytes \"00ff\"",
        "#inst \"1970-01-01\"",
        "nil",
    ];
    for name in functions() {
        let mut calls = vec![format!("({name})")];
        for (at, a) in values.iter().enumerate() {
            calls.push(format!("({name} {a})"));
            for (other, b) in values.iter().enumerate() {
                calls.push(format!("({name} {a} {b})"));
                if (at + other) % 5 == 0 {
                    let c = values[(at * 3 + other) % values.len()];
                    calls.push(format!("({name} {a} {b} {c})"));
                }
            }
        }
        for call in calls {
            let query = format!("[:find ?x :in :where [{call} ?x]]");
            let code = outcome(&query, vec![]).await;
            let expected = ["ok", "query/function-error", "query/function-arity"];
            assert!(expected.contains(&code), "{call}: {code}");
        }
    }
}

/// Numbers that follow from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

const QUERIES: [&str; 12] = [
    "[ :find ?e ?n :in $ % :where [ ?e :n ?n ] [ ( < ?n 2 ) ] ]",
    "[ :find [ ?n ... ] :in $ % :where [ _ :n ?n ] :order-by ?n :limit 2 :offset 0 ]",
    "[ :find ( count ?e ) . :with ?n :in $ % :where [ ?e :n ?n ] ]",
    "[ :find ?e ( max ?n ) :in $ % :where [ ?e :n ?n ] :having [ ( > ( max ?n ) 1 ) ] ]",
    "[ :find ?a ?b :in $ % :where ( reach ?a ?b ) ]",
    "[ :find ?a :in $ % :where [ ?a :n ] ( not [ ?a :to ?b ] [ ?b :n 2 ] ) ]",
    "[ :find ?a :in $ % :where ( or-join [ ?a ] [ ?a :n 1 ] ( and [ ?a :to ?b ] [ ?b :n 1 ] ) ) ]",
    "[ :find ( pull ?e [ :n { :to [ :n ] } ] ) :in $ % :where [ ?e :n 1 ] ]",
    "[ :find ?x ?y :in $ % :where [ ( ground [ [ 1 2 ] ] ) [ [ ?x ?y ] ] ] ]",
    "[ :find ?m :in $ % :where [ ( q [ :find ( max ?n ) . :where [ _ :n ?n ] ] $ ) ?m ] ]",
    "[ :find ?v :in $ % :where [ [ :n 1 ] :to ?v ?t true ] [ ( get-else $ ?v :d 0M ) ?d ] ]",
    "{ :find [ ?e ] :keys [ k ] :in [ $ % ] :where [ ( $ not-join [ ?e ] [ ?e :d ] ) [ ?e :n ] ] }",
];

#[tokio::test]
async fn queries_with_words_missing_moved_or_repeated() {
    let db = people().await;
    let rules = "[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?c] (reach ?c ?b)]]";
    let mut numbers = Numbers(7);
    let mut answered = 0;
    for turn in 0..6_000 {
        let mut words: Vec<&str> = QUERIES[turn % QUERIES.len()].split(' ').collect();
        for _ in 0..=numbers.below(2) {
            let (at, other) = (numbers.below(words.len()), numbers.below(words.len()));
            let foreign = QUERIES[numbers.below(QUERIES.len())].split(' ');
            match numbers.below(4) {
                0 => drop(words.remove(at)),
                1 => words.insert(at, words[other]),
                2 => words.swap(at, other),
                _ => words[at] = foreign.skip(at).chain(["?e"]).next().unwrap_or("?e"),
            }
        }
        let query = words.join(" ");
        answered +=
            usize::from(outcome(&query, vec![Input::from(&db), value(rules)]).await == "ok");
    }
    assert!(answered > 100, "only {answered} of them mean something");
}
