//! What functions and aggregates give.

use duramen_model::edn::{self, Edn};
use duramen_query::{Input, Query, QueryOptions, Registry, q, q_with};

/// The result of a call; nil when it drops the row.
async fn call(text: &str) -> Result<Edn, String> {
    let query = Query::parse(&format!("[:find ?x . :in :where [({text}) ?x]]"));
    let query = query.map_err(|error| error.to_string())?;
    q(&query, Vec::new()).await.map(|answer| answer.to_edn()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn functions_have_their_clojure_meaning() {
    for (text, expected) in [
        ("= 1 1.0 1N 1M", "true"),
        ("= [1 2] [1 2.0]", "true"),
        ("= 9007199254740993 9007199254740992.0", "false"),
        ("not= \"a\" \"b\"", "true"),
        ("< 1 1.5 2N 2.5M", "true"),
        ("<= \"a\" \"a\" \"b\"", "true"),
        ("> #inst \"2020\" #inst \"2019\"", "true"),
        ("compare :b :a", "1"),
        ("compare [1 2] [3]", "1"),
        ("+", "0"),
        ("+ 1 2.5", "3.5"),
        ("+ 9223372036854775807N 1", "9223372036854775808N"),
        ("- 5", "-5"),
        ("/ 1M 3", "0.3333333333333333333333333333333333M"),
        ("/ 1.0 0", "##Inf"),
        ("quot -7 2", "-3"),
        ("rem -7 2", "-1"),
        ("mod -7 2", "1"),
        ("mod 7 -2", "-1"),
        ("quot 7.5 2", "3.0"),
        ("abs -3", "3"),
        ("max 1 2.5 2", "2.5"),
        ("min \"b\" \"a\"", "\"a\""),
        ("even? 0", "true"),
        ("odd? -3", "true"),
        ("odd? 3N", "true"),
        ("zero? 0.0", "true"),
        ("neg? -0.5M", "true"),
        ("long 3.9", "3"),
        ("double 1N", "1.0"),
        ("parse-long \"12\"", "12"),
        ("parse-long \"x\"", "nil"),
        ("inst-ms #inst \"1970-01-01T00:00:01Z\"", "1000"),
        ("and 1 false 2", "false"),
        ("or false 2", "2"),
        ("not nil", "true"),
        ("some? 1", "true"),
        ("str \"a\" nil 1 :k \\c 1.5 [1 \"x\"]", "\"a1:kc1.5[1 \\\"x\\\"]\""),
        ("subs \"héllo\" 1 3", "\"él\""),
        ("name :a/b", "\"b\""),
        ("namespace :b", "nil"),
        ("keyword \"a\" \"b\"", ":a/b"),
        ("re-find \"(\\\\d+)-(x)?\" \"ab 12-\"", "[\"12-\" \"12\" nil]"),
        ("re-matches \"a|ab\" \"ab\"", "\"ab\""),
        ("re-seq \"[a-z]+\" \"ab 1 c\"", "[\"ab\" \"c\"]"),
        ("clojure.string/join \", \" [1 :a \"b\"]", "\"1, :a, b\""),
        ("clojure.string/split \"a,b,,\" \",\"", "[\"a\" \"b\"]"),
        ("clojure.string/replace \"aXbX\" \"X\" \"-\"", "\"a-b-\""),
        ("clojure.string/capitalize \"hELLO\"", "\"Hello\""),
        ("clojure.string/blank? \" \"", "true"),
        ("clojure.string/index-of \"héllo\" \"l\"", "2"),
        ("count \"héllo\"", "5"),
        ("count {:a 1}", "1"),
        ("contains? #{1 2} 2", "true"),
        ("contains? [7 8] 2", "false"),
        ("get {:a 1} :a", "1"),
        ("get {:a 1} :b :none", ":none"),
        ("nth [1 2 3] 1", "2"),
        ("first []", "nil"),
        ("last [1 2]", "2"),
        ("vector 1 :a", "[1 :a]"),
        ("hash-map :a 1", "{:a 1}"),
        ("set [1 1 2]", "#{1 2}"),
        ("range 1 7 2", "[1 3 5]"),
        ("keyword? :a", "true"),
        ("uuid? #uuid \"00000000-0000-4000-8000-000000000001\"", "true"),
        ("coll? 1", "false"),
    ] {
        let expected = edn::read(expected).expect("EDN").edn;
        assert_eq!(call(text).await, Ok(expected), "({text})");
    }
}

#[tokio::test]
async fn functions_refuse_what_they_cannot_take() {
    for text in [
        "+ 1 \"a\"",
        "inc 9223372036854775807",
        "- -9223372036854775808",
        "quot 1 0",
        "rem 1.0 0.0",
        "quot -9223372036854775808 -1",
        "long 1e30",
        "long ##NaN",
        "* 1e9999M 1e9999M 1e9999M",
        "subs \"abc\" 2 1",
        "subs \"abc\" 4",
        "nth [1] 1",
        "range 0 10000000000",
        "range 0 1 0",
        "hash-map :a",
        "name 1",
        "re-find \"(\" \"\"",
        "re-find \"(a{1000}){1000}\" \"\"",
        "even? 1.5",
        "< 1 \"a\"",
        "< [1] [:a]",
        "untuple 1",
        "count 1",
    ] {
        let refused = call(text).await.expect_err(text);
        assert!(refused.starts_with("query/function-error"), "({text}): {refused}");
    }
}

#[tokio::test]
async fn a_hostile_expression_takes_linear_time() {
    let text = format!("re-find \"(a+)+$\" \"{}!\"", "a".repeat(20_000));
    assert_eq!(call(&text).await, Ok(Edn::Nil));
}

#[tokio::test]
async fn the_host_lends_functions_with_types() {
    let registry = Registry::new()
        .with("text/slug", |title: String| title.to_lowercase().replace(' ', "-"))
        .with("maybe/half", |n: i64| (n % 2 == 0).then_some(n / 2))
        .with("never", || -> Result<i64, String> { Err("never works".to_owned()) });
    let options = QueryOptions { registry, ..QueryOptions::default() };
    let ask = async |call: &str, input: &str| {
        let query = Query::parse(&format!("[:find ?y . :in ?x :where [({call}) ?y]]"));
        let input = Input::Value(edn::read(input).expect("EDN").edn);
        q_with(&query.expect("a query"), vec![input], &options).await.map(|found| found.to_edn())
    };
    assert_eq!(ask("text/slug ?x", "\"A B\"").await.expect("a slug"), Edn::from("a-b"));
    assert_eq!(ask("maybe/half ?x", "8").await.expect("a half"), Edn::from(4));
    assert_eq!(ask("maybe/half ?x", "7").await.expect("no row"), Edn::Nil);
    let error = ask("text/slug ?x", "7").await.expect_err("a number is no title");
    assert_eq!(
        error.to_string(),
        "query/function-error: text/slug: expected a string, found an integer"
    );
    let error = ask("never", "7").await.expect_err("it never works");
    assert_eq!(error.code(), "query/function-error");
    let error = ask("text/slug ?x ?x", "7").await.expect_err("one argument too many");
    assert_eq!(error.code(), "query/function-arity");
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Person {
    name: String,
    born: Option<i64>,
}

#[tokio::test]
async fn rows_become_the_callers_own_types() {
    let rows = edn::read("[[\"Ann\" 1941] [\"Bo\" 1956]]").expect("EDN").edn;
    let ask = async |text: &str| {
        let query = Query::parse(text).expect("a query");
        q(&query, vec![Input::Value(rows.clone())]).await.expect("an answer")
    };
    let answer = ask("[:find ?born ?name :where [?name ?born] [(< ?born 1950)]]").await;
    let person = Person { name: "Ann".to_owned(), born: Some(1941) };
    assert_eq!(answer.rows_as::<Person>().expect("people"), [person]);
    assert_eq!(answer.rows_as::<(i64, String)>().expect("pairs"), [(1941, "Ann".to_owned())]);
    assert_eq!(answer.columns(), ["?born", "?name"]);
    let answer = ask("[:find ?n (max ?b) :keys person/name person/born :where [?n ?b]]").await;
    let mut people = answer.rows_as::<Person>().expect("people");
    people.sort_by_key(|person| person.born);
    assert_eq!(people[1], Person { name: "Bo".to_owned(), born: Some(1956) });
    let answer = ask("[:find (count ?n) . :where [?n]]").await;
    assert_eq!(answer.rows_as::<u8>().expect("a number"), [2]);
    assert!(answer.rows_as::<String>().is_err());
}

#[tokio::test]
async fn with_alone_keeps_equal_rows() {
    let rows = Input::Value(edn::read("[[1 :a] [2 :a]]").expect("EDN").edn);
    let query = Query::parse("[:find ?k :with ?n :where [?n ?k]]").expect("a query");
    let answer = q(&query, vec![rows]).await.expect("an answer");
    assert_eq!(answer.to_edn(), edn::read("[[:a] [:a]]").expect("EDN").edn);
}
