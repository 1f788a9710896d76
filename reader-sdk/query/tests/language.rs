//! What `:find` is followed by, aggregates, queries within queries, rules, and the forms of a query.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::{self, Edn};
use duramen_query::{Input, Query, QueryError, QueryOptions, Registry, q_with};

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/city :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
  {:db/ident :p/friends :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";

const PEOPLE: &str = "[
  {:db/id \"ann\" :p/name \"Ann\" :p/age 30 :p/city :oslo :p/friends [\"bo\" \"cy\"]}
  {:db/id \"bo\" :p/name \"Bo\" :p/age 40 :p/city :rome :p/friends [\"cy\"]}
  {:db/id \"cy\" :p/name \"Cy\" :p/age 30 :p/city :oslo}
  {:db/id \"di\" :p/name \"Di\" :p/age 50 :p/city :rome :p/friends [\"ann\"]}]";

async fn people() -> Db {
    let mut db = Db::genesis();
    for text in [SCHEMA, PEOPLE] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

fn value(text: &str) -> Input {
    Input::Value(edn::read(text).expect("EDN").edn)
}

async fn ask(query: &str, inputs: Vec<Input>) -> Result<Edn, QueryError> {
    let options = QueryOptions { seed: Some(7), ..QueryOptions::default() };
    q_with(&Query::parse(query)?, inputs, &options).await.map(|answer| answer.to_edn())
}

async fn gives(query: &str, inputs: Vec<Input>, expected: &str) {
    let answer = ask(query, inputs).await.expect(query);
    let expected = edn::read(expected).expect("EDN").edn;
    assert_eq!(answer, expected, "{query}: {answer}");
}

async fn refused(query: &str, inputs: Vec<Input>, code: &str, at: &str) {
    let error = ask(query, inputs).await.expect_err(query);
    let found = &query[error.span.start as usize..error.span.end as usize];
    assert_eq!((error.code(), found), (code, at), "{query}: {error}");
}

#[tokio::test]
async fn rows_come_in_order() {
    let db = people().await;
    for (order, expected) in [
        (":order-by ?n", r#"[["Ann" 30] ["Bo" 40] ["Cy" 30] ["Di" 50]]"#),
        (":order-by ?n :desc", r#"[["Di" 50] ["Cy" 30] ["Bo" 40] ["Ann" 30]]"#),
        (":order-by [?a :asc ?n :desc]", r#"[["Cy" 30] ["Ann" 30] ["Bo" 40] ["Di" 50]]"#),
        (":order-by [1 :desc 0]", r#"[["Di" 50] ["Bo" 40] ["Ann" 30] ["Cy" 30]]"#),
        (":order-by ?n :limit 2", r#"[["Ann" 30] ["Bo" 40]]"#),
        (":order-by ?n :limit 2 :offset 1", r#"[["Bo" 40] ["Cy" 30]]"#),
        (":order-by ?n :offset 3", r#"[["Di" 50]]"#),
        (":order-by ?n :offset 9", "[]"),
        (":order-by ?n :limit 0", "[]"),
        (":order-by ?n :limit -1 :offset 2", r#"[["Cy" 30] ["Di" 50]]"#),
    ] {
        let query = format!("[:find ?n ?a :where [?p :p/name ?n] [?p :p/age ?a] {order}]");
        gives(&query, vec![db.clone().into()], expected).await;
    }
    let map = "{:find [?n ?a] :where [[?p :p/name ?n] [?p :p/age ?a]] :order-by ?n :limit 1}";
    gives(map, vec![db.clone().into()], r#"[["Ann" 30]]"#).await;
    let map = "{:find [?n] :where [[?p :p/name ?n]] :order-by [?n :desc] :limit 1 :offset 1}";
    gives(map, vec![db.into()], r#"[["Cy"]]"#).await;
}

#[tokio::test]
async fn inputs_say_how_many() {
    let db = people().await;
    let query = "[:find [?n ...] :in $ ?limit ?skip :where [_ :p/name ?n]
                  :order-by ?n :limit ?limit :offset ?skip]";
    let ask = |limit: i64, skip: i64| vec![db.clone().into(), limit.into(), skip.into()];
    gives(query, ask(2, 1), r#"["Bo" "Cy"]"#).await;
    gives(query, ask(-1, 3), r#"["Di"]"#).await;
    gives(query, ask(2, 0), r#"["Ann" "Bo"]"#).await;
    refused(query, ask(-2, 0), "query/inputs", "?limit").await;
    let query = "[:find ?n :where [_ :p/name ?n] :limit ?n]";
    refused(query, vec![db.into()], "query/unbound", "?n").await;
}

#[tokio::test]
async fn order_is_by_with_and_by_aggregates_too() {
    let db = people().await;
    let query = "[:find [?n ...] :with ?a :where [?p :p/name ?n] [?p :p/age ?a]
                  :order-by [?a :desc ?n]]";
    gives(query, vec![db.clone().into()], r#"["Di" "Bo" "Ann" "Cy"]"#).await;
    let query = "[:find ?c (sum ?a) :with ?p :where [?p :p/city ?c] [?p :p/age ?a]
                  :order-by [(sum ?a) :desc]]";
    gives(query, vec![db.clone().into()], "[[:rome 90] [:oslo 60]]").await;
    // One that is not shown.
    let query = "[:find [?c ...] :with ?p :where [?p :p/city ?c] [?p :p/age ?a]
                  :order-by [(min ?a)]]";
    gives(query, vec![db.clone().into()], "[:oslo :rome]").await;
    // Values of several types: numbers first, by value.
    let rows = value(r#"[[2.5] ["a"] [1] [:k] [3N] [2] [true]]"#);
    let query = "[:find [?x ...] :where [?x] [(number? ?x)] :order-by ?x]";
    gives(query, vec![rows], "[1 2 2.5 3N]").await;
    for (order, code, at) in [
        ("?q", "query/unbound", "?q"),
        ("3", "query/malformed", "3"),
        ("-1", "query/malformed", "-1"),
        (":asc", "query/malformed", ":asc"),
        ("?n :down", "query/malformed", ":down"),
        ("[?n :asc :desc]", "query/malformed", ":desc"),
        ("1", "query/malformed", "1"),
    ] {
        let query =
            format!("[:find ?n (pull ?p [:p/age]) :where [?p :p/name ?n] :order-by {order}]");
        refused(&query, vec![db.clone().into()], code, at).await;
    }
}

#[tokio::test]
async fn only_shown_rows_are_pulled() {
    let db = people().await;
    let query = "[:find ?n (pull ?p [:p/age]) :where [?p :p/name ?n] :order-by ?n :limit 1]";
    gives(query, vec![db.clone().into()], r#"[["Ann" {:p/age 30}]]"#).await;
    let query =
        "[:find [(pull ?p [:p/name]) ...] :where [?p :p/name] :order-by [?p :desc] :limit 1]";
    gives(query, vec![db.into()], r#"[{:p/name "Di"}]"#).await;
}

#[tokio::test]
async fn predicates_test_the_rows_of_the_answer() {
    let db = people().await;
    let rows = "[?p :p/city ?c] [?p :p/age ?a]";
    for (having, expected) in [
        ("[(> (sum ?a) 60)]", "#{[:rome 2]}"),
        ("[(< (min ?a) 40)] [(= (count ?p) 2)]", "#{[:oslo 2]}"),
        ("[(not= ?c :rome)]", "#{[:oslo 2]}"),
        ("[(>= (max ?a) ?least)]", "#{[:rome 2]}"),
        ("[(= 1 (count-distinct ?a))]", "#{[:oslo 2]}"),
        ("[(< 5 (count ?p))]", "#{}"),
    ] {
        let query = format!("[:find ?c (count ?p) :in $ ?least :where {rows} :having {having}]");
        gives(&query, vec![db.clone().into(), 45.into()], expected).await;
    }
    for (having, code, at) in [
        ("[(frob ?c)]", "query/unknown-function", "[(frob ?c)]"),
        ("[(< (frob ?c) 1)]", "query/unknown-function", "(frob ?c)"),
        ("[(even? ?c 1)]", "query/function-arity", "[(even? ?c 1)]"),
        ("[(even? ?c)]", "query/function-error", "[(even? ?c)]"),
        ("[(even? ?a)]", "query/unbound", "?a"),
        ("[(missing? $ ?c :x)]", "query/malformed", "$"),
        ("(even? ?c)", "query/malformed", "(even? ?c)"),
    ] {
        let query = format!("[:find ?c (count ?p) :where {rows} :having {having}]");
        refused(&query, vec![db.clone().into()], code, at).await;
    }
}

#[tokio::test]
async fn aggregates_are_those_of_datomic() {
    let rows = "[[:a 1] [:a 2] [:a 4] [:a 5]]";
    for (aggregate, expected) in [
        ("(count ?x)", "4"),
        ("(count-distinct ?x)", "4"),
        ("(distinct ?x)", "#{1 2 4 5}"),
        ("(sum ?x)", "12"),
        ("(avg ?x)", "3.0"),
        ("(median ?x)", "3.0"),
        ("(variance ?x)", "2.5"),
        ("(min ?x)", "1"),
        ("(max ?x)", "5"),
        ("(min 2 ?x)", "[1 2]"),
        ("(max 2 ?x)", "[5 4]"),
        ("(max 9 ?x)", "[5 4 2 1]"),
    ] {
        let query = format!("[:find {aggregate} . :where [_ ?x]]");
        gives(&query, vec![value(rows)], expected).await;
    }
    gives("[:find (stddev ?x) . :where [_ ?x]]", vec![value("[[0 2] [0 4]]")], "1.0").await;
    for (aggregate, code) in [
        ("(min 0 ?x)", "query/malformed"),
        ("(min 1 2 ?x)", "query/function-arity"),
        ("(sample ?x)", "query/function-arity"),
        ("(count 1 ?x)", "query/function-arity"),
        ("(sum ?k)", "query/function-error"),
    ] {
        let query = format!("[:find {aggregate} . :where [?k ?x]]");
        let error = ask(&query, vec![value(rows)]).await.expect_err(aggregate);
        assert_eq!(error.code(), code, "{aggregate}: {error}");
    }
}

#[tokio::test]
async fn draws_come_from_the_callers_seed() {
    let rows = || value("[[:a 1] [:a 2] [:a 4] [:a 5] [:b 7]]");
    let draw = async |aggregate: &str, seed| {
        let query = format!("[:find ?k {aggregate} :where [?k ?x] :order-by ?k]");
        let options = QueryOptions { seed: Some(seed), ..QueryOptions::default() };
        let query = Query::parse(&query).expect("a query");
        q_with(&query, vec![rows()], &options).await.expect("an answer").into_rows()
    };
    let sample = draw("(sample 3 ?x)", 1).await;
    assert_eq!(sample, draw("(sample 3 ?x)", 1).await, "the same seed, the same draw");
    let drawn = sample[0][1].as_sequence().expect("a vector");
    assert_eq!(drawn.len(), 3, "without repetition");
    assert!(drawn.iter().all(|x| drawn.iter().filter(|y| *y == x).count() == 1));
    assert_eq!(sample[1][1], edn::read("[7]").expect("EDN").edn, "no more than there are");
    let drawn = draw("(rand 5 ?x)", 1).await;
    assert_eq!(drawn[1][1], edn::read("[7 7 7 7 7]").expect("EDN").edn, "with repetition");
    let mut seen = Vec::new();
    for seed in 0..40 {
        let one = draw("(rand ?x)", seed).await[0][1].clone();
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    assert_eq!(seen.len(), 4, "every value is drawn some time");
    let query = Query::parse("[:find (rand ?x) . :where [_ ?x]]").expect("a query");
    let error = q_with(&query, vec![rows()], &QueryOptions::default()).await;
    assert_eq!(error.expect_err("no seed").code(), "query/function-error");
}

#[tokio::test]
async fn the_host_lends_aggregates_with_types() {
    let registry = Registry::new()
        .with_aggregate("product", |values: Vec<i64>| values.into_iter().product::<i64>())
        .with_aggregate("over", |least: i64, values: Vec<i64>| {
            values.into_iter().filter(|value| *value > least).collect::<Vec<i64>>()
        })
        .with_aggregate("fails", |_: Vec<i64>| Err::<i64, _>("always"));
    let options = QueryOptions { registry, ..QueryOptions::default() };
    let ask = async |aggregate: &str| {
        let query = format!("[:find {aggregate} . :where [_ ?x]]");
        let query = Query::parse(&query).expect("a query");
        let answer = q_with(&query, vec![value("[[:a 2] [:a 5]]")], &options).await;
        answer.map(|answer| answer.to_edn().to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(ask("(product ?x)").await.as_deref(), Ok("10"));
    assert_eq!(ask("(over 3 ?x)").await.as_deref(), Ok("[5]"));
    assert_eq!(ask("(fails ?x)").await, Err("query/function-error: fails: always".to_owned()));
    let error = ask("(over \"a\" ?x)").await.expect_err("no number");
    assert_eq!(error, "query/function-error: over: expected an integer, found a string");
    assert!(ask("(product 1 ?x)").await.expect_err("arity").starts_with("query/function-arity"));
}

#[tokio::test]
async fn queries_stand_within_queries() {
    let db = people().await;
    // The youngest of each city: the inner query is asked once for each city.
    let query = "[:find ?c ?n :where [_ :p/city ?c]
                  [(q [:find (min ?a) . :in $ ?c :where [?p :p/city ?c] [?p :p/age ?a]] $ ?c) ?a]
                  [?p :p/city ?c] [?p :p/age ?a] [?p :p/name ?n]]";
    let expected = r#"#{[:oslo "Ann"] [:oslo "Cy"] [:rome "Bo"]}"#;
    gives(query, vec![db.clone().into()], expected).await;
    let query = "[:find ?n ?f :in $ % :where [?p :p/name ?n]
                  [(q (quote [:find ?f :in $ % ?p :where (friend ?p ?q) [?q :p/name ?f]]) $ % ?p)
                   [[?f]]]]";
    let rules = "[[(friend ?a ?b) [?a :p/friends ?b]]]";
    let expected = r#"#{["Ann" "Bo"] ["Ann" "Cy"] ["Bo" "Cy"] ["Di" "Ann"]}"#;
    gives(query, vec![db.clone().into(), value(rules)], expected).await;
    // A relation made in the query is a source of the one within; two levels.
    let query = "[:find ?m . :where [(ground [[1 2] [3 4]]) ?rows]
                  [(q [:find ?m . :in ?rows :where
                       [(q [:find (max ?y) . :in $r :where [$r _ ?y]] ?rows) ?m]] ?rows) ?m]]";
    gives(query, vec![db.clone().into()], "4").await;
    // Nothing found binds nothing.
    let query = "[:find [?n ...] :where [?p :p/name ?n]
                  [(q [:find ?x . :in $ ?p :where [?x :p/friends ?p]] $ ?p) ?x]]";
    let found = ask(query, vec![db.clone().into()]).await.expect("names");
    assert_eq!(found.as_sequence().map(<[_]>::len), Some(3));
    let query = "[:find [?n ...] :order-by ?n :where [?p :p/name ?n]
                  [(q [:find ?a :in $ ?p :where [?p :p/age ?a] [(> ?a 35)]] $ ?p) ?found]
                  [(empty? ?found)]]";
    gives(query, vec![db.into()], r#"["Ann" "Cy"]"#).await;
}

#[tokio::test]
async fn queries_within_queries_are_checked_before_anything_runs() {
    let db = people().await;
    for (call, code, at) in [
        ("(q [:find ?x :where [?y :p/age]] $)", "query/unbound", "?x"),
        (
            "(q [:find ?x :where [?x :p/age] [(frob ?x)]] $)",
            "query/unknown-function",
            "[(frob ?x)]",
        ),
        ("(q [:find ?x :in $ ?y :where [?x :p/age ?y]] $)", "query/function-arity", ""),
        ("(q [:find ?x :in ?x] $)", "query/inputs", "$"),
        ("(q [:find ?x :in $ :where [?x]] 1)", "query/inputs", ""),
        ("(q [:find ?x :in % :where (r ?x)] 1)", "query/inputs", "%"),
        ("(q [:find ?x :in $ :where [?x :p/nope]] $)", "query/unknown-attribute", ":p/nope"),
        ("(q ?p)", "query/malformed", "?p"),
        ("(q)", "query/malformed", ""),
        (
            "(q [:find ?x :where [?x :p/age] :timeout 1] $)",
            "query/malformed",
            "[:find ?x :where [?x :p/age] :timeout 1]",
        ),
    ] {
        let query = format!("[:find ?p :where [?p :p/name] [{call} ?found]]");
        let error = ask(&query, vec![db.clone().into()]).await.expect_err(call);
        assert_eq!(error.code(), code, "{call}: {error}");
        let found = &query[error.span.start as usize..error.span.end as usize];
        let whole = format!("[{call} ?found]");
        assert_eq!(found, if at.is_empty() { whole.as_str() } else { at }, "{call}: {error}");
    }
    let rules = "[[(r ?x) [?x :p/age] [(q [:find ?y . :in $ % :where (r ?y)] $ %) ?x]]]";
    let query = "[:find ?x :in $ % :where (r ?x)]";
    let error = ask(query, vec![db.into(), value(rules)]).await.expect_err("no bottom");
    assert_eq!(error.code(), "query/unstratified");
}

#[tokio::test]
async fn several_sets_of_rules_count_together() {
    let db = people().await;
    let query = "[:find [?n ...] :in $ % %more :where (old ?p) [?p :p/name ?n] :order-by ?n]";
    let rules = "[[(old ?p) [?p :p/age 50]]]";
    let more = "[[(old ?p) (fortyish ?p)] [(fortyish ?p) [?p :p/age 40]]]";
    let inputs = || vec![db.clone().into(), value(rules), value(more)];
    gives(query, inputs(), r#"["Bo" "Di"]"#).await;
    let text = vec![db.clone().into(), Input::from(rules), Input::from(more)];
    gives(query, text, r#"["Bo" "Di"]"#).await;
    let twice = "[:find ?p :in $ % % :where (old ?p)]";
    refused(twice, inputs(), "query/malformed", "%").await;
}

#[tokio::test]
async fn every_clause_names_its_source() {
    let db = people().await;
    let rows = || value(r#"[["Ann" :x] ["Cy" :y] ["Ed" :z]]"#);
    let rules = "[[(named ?p ?n) [?p :p/name ?n]]]";
    for (query, expected) in [
        (
            "[:find [?n ...] :in $db $r :where [$db _ :p/name ?n] [$r ?n] :order-by ?n]",
            r#"["Ann" "Cy"]"#,
        ),
        ("[:find [?n ...] :in $db $r :where [$r ?n] ($db not [_ :p/name ?n])]", r#"["Ed"]"#),
        (
            "[:find [?n ...] :in $db $r :where [$r ?n] ($db not-join [?n] [?p :p/name ?n]
           [?p :p/age 30])]",
            r#"["Ed"]"#,
        ),
        (
            "[:find [?n ...] :in $db $r :where [$r ?n :x]
           ($db or [?p :p/name ?n] (and [?p :p/name ?n] [?p :p/age 1]))]",
            r#"["Ann"]"#,
        ),
        (
            "[:find [?n ...] :in $db $r :where [$r ?n :y]
           ($db or-join [?n] [_ :p/name ?n])]",
            r#"["Cy"]"#,
        ),
        ("[:find ?p . :in $db $r % :where [$r ?n :z] ($db named ?p ?n)]", "nil"),
        (
            "[:find ?a . :in $db $r :where [$r ?n :y] [$db ?p :p/name ?n]
           [(get-else $db ?p :p/age 0) ?a]]",
            "30",
        ),
        (
            "[:find ?n . :in $db $r :where [$db ?p :p/name ?n] [(missing? $db ?p :p/friends)]
           [$r ?n _]]",
            r#""Cy""#,
        ),
        (
            "[:find (pull $db ?p [:p/age]) . :in $db $r :where [$r ?n :y] [$db ?p :p/name ?n]]",
            "{:p/age 30}",
        ),
    ] {
        let mut inputs = vec![db.clone().into(), rows()];
        if query.contains('%') {
            inputs.push(value(rules));
        }
        gives(query, inputs, expected).await;
    }
}

#[tokio::test]
async fn attributes_times_and_operations_are_variables_too() {
    let db = people().await;
    let query =
        "[:find [?i ...] :where [?p :p/name \"Cy\"] [?p ?a] [?a :db/ident ?i] :order-by ?i]";
    gives(query, vec![db.clone().into()], "[:p/age :p/city :p/name]").await;
    let query = "[:find ?op . :where [?p :p/name \"Cy\" ?t ?op] [?t :db/txInstant]]";
    gives(query, vec![db.clone().into()], "true").await;
    let query = "[:find [?v ...] :in $ [?a ...] :where [?p :p/name \"Cy\"] [?p ?a ?v]
                  :order-by ?v]";
    gives(query, vec![db.into(), value("[:p/age :p/city]")], "[30 :oslo]").await;
}

#[tokio::test]
async fn return_maps_keep_the_order() {
    let db = people().await;
    let query = "[:find ?n ?a :keys name age :where [?p :p/name ?n] [?p :p/age ?a]
                  :order-by [?a :desc] :limit 1]";
    gives(query, vec![db.clone().into()], r#"[{:name "Di" :age 50}]"#).await;
    let query = "[:find [?n ?a] :strs name age :where [?p :p/name ?n] [?p :p/age ?a]
                  :order-by ?a ?n]";
    gives(query, vec![db.into()], r#"{"name" "Ann" "age" 30}"#).await;
}

#[tokio::test]
async fn sections_that_say_nothing_are_refused() {
    for (section, at) in [
        (":limit", ":limit"),
        (":limit 1 2", ":limit"),
        (":limit :all", ":all"),
        (":limit -2", "-2"),
        (":offset 1.5", "1.5"),
        (":order-by", ":order-by"),
        (":order-by []", ":order-by"),
        (":order-by \"x\"", "\"x\""),
        (":timeout", ":timeout"),
        (":timeout -1", ":timeout"),
        (":having 1", "1"),
    ] {
        let query = format!("[:find ?x :in ?x {section}]");
        refused(&query, vec![1.into()], "query/malformed", at).await;
    }
}
