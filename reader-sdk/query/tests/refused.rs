//! What is refused, with which kind, and where in the text.

use duramen_model::edn::{self, Edn};
use duramen_query::{
    Input, Limits, Query, QueryError, QueryErrorKind, QueryOptions, QueryText, q_with,
};

async fn ask(query: &str, inputs: &[&str]) -> Result<Edn, QueryError> {
    let options = QueryOptions {
        limits: Limits { rows_max: 10_000, rounds_max: 100, ..Limits::default() },
        ..QueryOptions::default()
    };
    let inputs = inputs.iter().map(|text| Input::Value(edn::read(text).expect("EDN").edn));
    let query = Query::parse(query)?;
    q_with(&query, inputs.collect(), &options).await.map(|answer| answer.to_edn())
}

/// Checks that a query is refused so, and that the error points at this part of its text.
async fn refused(query: &str, inputs: &[&str], code: &str, at: &str) {
    let error = ask(query, inputs).await.expect_err(query);
    assert_eq!(error.code(), code, "{query}: {error}");
    let span = error.span;
    let found = &query[span.start as usize..span.end as usize];
    assert_eq!(found, at, "{query}: {error}");
}

#[tokio::test]
async fn what_does_not_follow_the_grammar() {
    for (query, at) in [
        ("[:find ?x :where [?x :a]", ""),
        ("[?x :find ?x]", "?x"),
        ("[:find ?x :when [?x]]", ":when"),
        ("[:find ?x :find ?y :where [?x ?y]]", ":find"),
        ("{:find ?x}", "?x"),
        ("[:find ?x :where [?x nil]]", "nil"),
        ("[:find ?x :where [?x (f)]]", "(f)"),
        ("[:find ?x :where [?x :a $b]]", "$b"),
        ("[:find ?x :where [$]]", "[$]"),
        ("[:find ?x :where [(= ?x 1) ?y ?z]]", "?z"),
        ("[:find ?x :where [(= (+ ?x 1) 2)]]", "(+ ?x 1)"),
        ("[:find ?x :where [(= ?x y)]]", "y"),
        ("[:find ?x :where [(?f ?x)]]", "?f"),
        ("[:find ?x :where [?x] (or)]", "(or)"),
        ("[:find ?x :where [?x] (or-join ?x [?x])]", "(or-join ?x [?x])"),
        ("[:find ?x :where [?x] (not-join [[?x]] [?x])]", "?x"),
        ("[:find ?x :where [?x] (not-join [?x ?x] [?x])]", "?x"),
        ("[:find ?x :where (7 ?x)]", "7"),
        ("[:find ?x :where (rule)]", "(rule)"),
        ("[:find ?x :in [] :where [?x]]", "[]"),
        ("[:find ?x :in $ $ :where [?x]]", "$"),
        ("[:find (sum) :where [?x]]", "(sum)"),
        ("[:find (min ?y ?x) :where [?x ?y]]", "?y"),
        ("[:find (pull ?x) :where [?x]]", "(pull ?x)"),
        ("[:find ?x :keys a a :where [?x]]", ":keys"),
    ] {
        let error = Query::parse(query).expect_err(query);
        assert_eq!(error.kind, QueryErrorKind::Malformed, "{query}: {error}");
        let span = error.span;
        let found = query.get(span.start as usize..span.end as usize);
        assert_eq!(found, Some(at), "{query}: {error}");
    }
}

#[tokio::test]
async fn what_nothing_binds() {
    let rows = &["[[1 2] [3 4]]"][..];
    for (query, at) in [
        ("[:find ?z :where [?x ?y]]", "?z"),
        ("[:find ?x :with ?z :where [?x ?y]]", "?z"),
        ("[:find ?x :where [?x ?y] [(< ?z 3)]]", "[(< ?z 3)]"),
        ("[:find ?x :where [?x] [(inc ?a) ?b] [(inc ?b) ?a]]", "[(inc ?a) ?b]"),
        ("[:find ?x :where [?x] (not [?z])]", "(not [?z])"),
        ("[:find ?x :where [?x] (not-join [?z] [?z])]", "(not-join [?z] [?z])"),
        ("[:find ?x :where [?x] (not [?x] [(< ?z 3)])]", "[(< ?z 3)]"),
        ("[:find ?x :where (or-join [[?x]] [?x])]", "(or-join [[?x]] [?x])"),
        ("[:find ?x :where [$other ?x]]", "$other"),
    ] {
        refused(query, rows, "query/unbound", at).await;
    }
    let query = "[:find ?x :in ?y :where [?x]]";
    refused(query, &["1"], "query/unbound", "[?x]").await;
}

#[tokio::test]
async fn what_is_called_wrongly() {
    let rows = &["[[1 2] [3 4]]"][..];
    for (query, code, at) in [
        ("[:find ?x :where [?x] [(frob ?x)]]", "query/unknown-function", "[(frob ?x)]"),
        ("[:find (frob ?x) :where [?x]]", "query/unknown-function", "(frob ?x)"),
        ("[:find (sample 2 ?x) :where [?x]]", "query/function-error", "(sample 2 ?x)"),
        ("[:find ?x :where [?x] [(inc ?x 2) ?y]]", "query/function-arity", "[(inc ?x 2) ?y]"),
        ("[:find (sum 2 ?x) :where [?x]]", "query/function-arity", "(sum 2 ?x)"),
        ("[:find ?x :where [?x] [(inc :k) ?y]]", "query/function-error", "[(inc :k) ?y]"),
        ("[:find ?x :where [?x] [(< ?x :k)]]", "query/function-error", "[(< ?x :k)]"),
        ("[:find ?x :where [?x] [(/ ?x 0) ?y]]", "query/function-error", "[(/ ?x 0) ?y]"),
        (
            "[:find ?y :where [_] [(+ 9223372036854775807 1) ?y]]",
            "query/function-error",
            "[(+ 9223372036854775807 1) ?y]",
        ),
        (
            "[:find ?x :where [?x] [(re-find \"(\" \"a\")]]",
            "query/function-error",
            "[(re-find \"(\" \"a\")]",
        ),
        ("[:find ?y :where [?x] [(inc ?x) [?y]]]", "query/function-error", "[(inc ?x) [?y]]"),
        ("[:find ?x :where (r ?x)]", "query/unknown-rule", "(r ?x)"),
    ] {
        refused(query, rows, code, at).await;
    }
}

async fn refused_rules(query: &str, rules: &str, code: &str) {
    let error = ask(query, &["[[1 2] [2 3]]", rules]).await.expect_err(rules);
    assert_eq!(error.code(), code, "{rules}: {error}");
}

#[tokio::test]
async fn errors_say_where_in_the_rules() {
    let query = "[:find ?x :in $ % :where (r ?x)]";
    for (rules, code, at) in [
        ("[[(r ?x) [?x]] [(r ?x) 42]]", "query/malformed", "42"),
        ("[[(r ?x ?x) [?x]]]", "query/malformed", "?x"),
        ("[[(r ?x) [?x] [(frob ?x)]]]", "query/unknown-function", "[(frob ?x)]"),
        ("[[(r ?x) [?x] [(inc ?x 1) ?y]]]", "query/function-arity", "[(inc ?x 1) ?y]"),
        ("[[(r ?x) [?x] [(inc \"a\") ?y]]]", "query/function-error", "[(inc \"a\") ?y]"),
        ("[[(r ?x) [?x] [(/ ?x 0) ?y]]]", "query/function-error", "[(/ ?x 0) ?y]"),
        ("[[(r ?x) [?x] (s ?x)]]", "query/unknown-rule", "(s ?x)"),
        ("[[(r ?x) [?x] (r ?x ?x)]]", "query/rule-arity", "(r ?x ?x)"),
        ("[[(r ?x) [?x] (not (r ?x))]]", "query/unstratified", "(r ?x)"),
        ("[[(r ?x) [?y]]]", "query/unbound", "[(r ?x) [?y]]"),
        ("[[(r ?x) [?x] [(< ?z 1)]]]", "query/unbound", "[(< ?z 1)]"),
    ] {
        let error = ask(query, &["[[1 2] [2 3]]", rules]).await.expect_err(rules);
        assert_eq!((error.code(), error.text), (code, QueryText::Rules), "{rules}: {error}");
        let found = &rules[error.span.start as usize..error.span.end as usize];
        assert_eq!(found, at, "{rules}: {error}");
        assert!(error.line_and_column(rules).is_some());
    }
    // What calls a rule is at fault in the query.
    let query = "[:find ?x :in $ % :where (s ?x)]";
    let error = ask(query, &["[[1 2]]", "[[(r ?x) [?x]]]"]).await.expect_err("no s");
    assert_eq!(error.text, QueryText::Query);
}

#[tokio::test]
async fn rules_without_meaning() {
    let query = "[:find ?x :in $ % :where (r ?x)]";
    for (rules, code) in [
        ("7", "query/malformed"),
        ("[[]]", "query/malformed"),
        ("[[(r ?x)]]", "query/malformed"),
        ("[[(not ?x) [?x]]]", "query/malformed"),
        ("[[(r) [?x]]]", "query/malformed"),
        ("[[(r ?x 1) [?x]]]", "query/malformed"),
        ("[[(r ?x ?y) [?x ?y]]]", "query/rule-arity"),
        ("[[(r ?x) [?x]] [(r ?x ?y) [?x ?y]]]", "query/rule-arity"),
        ("[[(r ?x) [?y]]]", "query/unbound"),
        ("[[(r [?x]) [?x]]]", "query/unbound"),
        ("[[(r ?x) (r ?x)]]", "ok"),
        ("[[(r ?x) [?x] (not (r ?x))]]", "query/unstratified"),
        ("[[(r ?x) [?x] (s ?x)] [(s ?x) [?x] (not-join [?x] (r ?x))]]", "query/unstratified"),
        // Generated values without end.
        ("[[(r ?x) [?x]] [(r ?x) (r ?y) [(inc ?y) ?x]]]", "query/limit"),
        ("[[(r ?x) [?x]] [(r ?x) (r ?y) [(* ?y 1.5) ?x]]]", "query/limit"),
    ] {
        if code == "ok" {
            let found = ask(query, &["[[1 2]]", rules]).await.expect(rules);
            assert_eq!(found, Edn::Set(Vec::new()), "a rule without a base has no answers");
        } else {
            refused_rules(query, rules, code).await;
        }
    }
}

#[tokio::test]
async fn inputs_of_another_shape() {
    for (query, inputs) in [
        ("[:find ?x :in ?x]", &[][..]),
        ("[:find ?x :in ?x]", &["1", "2"]),
        ("[:find ?x :in ?x]", &["nil"]),
        ("[:find ?x :in [?x ...]]", &["1"]),
        ("[:find ?x :in [?x ...]]", &["[1 nil]"]),
        ("[:find ?x :in [?x ?y]]", &["[1]"]),
        ("[:find ?x :in [[?x]]]", &["[1 2]"]),
        ("[:find ?x :where [?x]]", &["7"]),
        ("[:find ?x :where [?x]]", &["[7]"]),
        ("[:find (pull ?x [:a]) :where [?x]]", &["[[7]]"]),
    ] {
        let error = ask(query, inputs).await.expect_err(query);
        assert_eq!(error.code(), "query/inputs", "{query}: {error}");
    }
}

#[tokio::test]
async fn products_over_the_limit_are_refused_before_they_are_made() {
    let many: String = (0..200).map(|n| format!("{n} ")).collect();
    let many = format!("[{many}]");
    let query = "[:find ?x ?y ?z :in [?x ...] [?y ...] [?z ...]]";
    let error = ask(query, &[&many, &many, &many]).await.expect_err("8,000,000 rows");
    assert_eq!(error.code(), "query/limit");
}

#[tokio::test]
async fn deep_nesting_is_an_error_and_no_overflow() {
    let depth = 90;
    let query = format!("[:find ?x :where {}[?x]{}]", "(or ".repeat(depth), ")".repeat(depth));
    let error = ask(&query, &["[[1]]"]).await.expect_err("too deep");
    assert_eq!(error.code(), "query/malformed");
    let rules: String =
        (0..500).map(|n| format!("[(r{n} ?x) (r{} ?x)]", n + 1)).collect::<String>();
    let rules = format!("[{rules} [(r500 ?x) [?x]]]");
    let error = ask("[:find ?x :in $ % :where (r0 ?x)]", &["[[1]]", &rules]).await;
    assert_eq!(error.expect_err("too deep").code(), "query/malformed");
}

#[tokio::test]
async fn thousands_of_clauses_are_planned() {
    let clauses: String = (0..3000).rev().map(|n| format!("[(inc ?v{n}) ?v{}] ", n + 1)).collect();
    let query = format!("[:find ?v3000 . :in ?v0 :where {clauses}]");
    assert_eq!(ask(&query, &["0"]).await.expect("an answer"), Edn::from(3000));
}

#[test]
fn the_place_is_told_by_line_and_column() {
    let text = "[:find ?n\n :where [?a :name ?n]\n        [(> ?é)] 42]";
    let error = Query::parse(text).expect_err("42 is no clause");
    assert_eq!(error.line_and_column(text), Some((3, 18)));
    assert_eq!(
        error.to_string(),
        "query/malformed: expected a clause: a vector or a list, found an integer"
    );
}
