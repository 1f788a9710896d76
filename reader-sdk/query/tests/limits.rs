//! `:limit` ends a query early: any rows of the answer, as many as are asked for, each once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::{self, Edn};
use duramen_query::{
    Budget, Input, Limits, Query, QueryErrorKind, QueryOptions, Registry, explain_analyze, q_with,
    rows,
};
use proptest::prelude::*;

const SCHEMA: &str = "[{:db/ident :to :db/valueType :db.type/ref
                        :db/cardinality :db.cardinality/many}
                       {:db/ident :n :db/valueType :db.type/long :db/index true
                        :db/cardinality :db.cardinality/one}
                       {:db/ident :tag :db/valueType :db.type/string
                        :db/cardinality :db.cardinality/many}]";

/// So many entities with numbers and tags, each of which points to a few others.
async fn graph(entities: usize) -> Db {
    let mut forms = String::from("[");
    for e in 0..entities {
        let (a, b) = ((e * 7 + 1) % entities, (e * 13 + 5) % entities);
        forms += &format!(
            "{{:db/id \"e{e}\" :n {} :to [\"e{a}\" \"e{b}\"] :tag [\"t{}\" \"u{}\"]}} ",
            e % 97,
            e % 11,
            e % 5
        );
    }
    forms += "]";
    let mut db = Db::genesis();
    for text in [SCHEMA, &forms] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

/// What is asked of a graph and of a relation of its numbers.
const QUERIES: [&str; 16] = [
    "[:find ?e ?n :in $ $c % :where [?e :n ?n]",
    "[:find ?tag :in $ $c % :where [?e :tag ?tag]",
    "[:find ?a ?c :in $ $c % :where [?a :to ?b] [?b :to ?c]",
    "[:find ?n ?m :in $ $c % :where [?a :to ?b] [?a :n ?n] [?b :n ?m]",
    "[:find ?n ?m ?x :in $ $c % :where [?a :to ?b] [?a :n ?n] [?b :n ?m] [(+ ?n ?m) ?x] [(even? ?x)]",
    "[:find ?e ?y :in $ $c % :where [?e :n ?n] [(range ?n) [?y ...]]",
    "[:find ?x ?y :in $ $c % :where [$c ?x] [$c ?y] [(< ?x ?y)]",
    "[:find ?e :in $ $c % :where [$c ?n] [?e :n ?n] (not [?e :tag \"t1\"])",
    "[:find ?e ?x :in $ $c % :where [?e :n ?n] (or-join [?e ?x] [?e :to ?x] [?x :to ?e])",
    "[:find ?a ?b :in $ $c % :where (reach ?a ?b)",
    "[:find ?a ?b ?c :in $ $c % :where [?a :to ?b] [?b :to ?c] [?c :to ?a]",
    "[:find ?e ?m :in $ $c % :where [?e :tag \"u1\"]
      [?e :n ?n] [(q [:find (count ?o) . :in $ ?n :where [?o :n ?n]] $ ?n) ?m]",
    "[:find ?e ?a ?v :in $ $c % :where [?e ?a ?v]",
    "[:find ?n :with ?e :in $ $c % :where [?e :n ?n]",
    "[:find ?e (pull ?e [:n]) :in $ $c % :where [?e :to ?o] [?o :tag \"t3\"]",
    "[:find ?x ?y :in $ $c % :where [(ground [1 2 3]) [?x ...]] [$c ?y]",
];

const RULES: &str = "[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?c] (reach ?c ?b)]]";

fn inputs(db: &Db) -> Vec<Input> {
    let numbers = (0..60).map(|n| vec![Edn::from(n * 3 % 50)]).collect();
    let rules = edn::read(RULES).expect("rules");
    vec![Input::from(db), Input::Relation(numbers), Input::Rules(rules)]
}

async fn asked(db: &Db, query: &str) -> Vec<Vec<Edn>> {
    let parsed = Query::parse(query).expect(query);
    let options = QueryOptions::default();
    q_with(&parsed, inputs(db), &options).await.expect(query).into_rows()
}

fn shown(rows: &[Vec<Edn>]) -> Vec<String> {
    rows.iter().map(|row| format!("{row:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_limit_keeps_some_of_the_rows(
        entities in 1_usize..220,
        query in prop::sample::select(&QUERIES[..]),
        limit in prop_oneof![0_usize..12, 0_usize..3_000],
        offset in prop_oneof![Just(0_usize), 0_usize..40, 0_usize..2_000],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let db = graph(entities).await;
            let all = asked(&db, &format!("{query}]")).await;
            let some = asked(&db, &format!("{query} :limit {limit} :offset {offset}]")).await;
            let expected = all.len().saturating_sub(offset).min(limit);
            prop_assert_eq!(some.len(), expected, "{}", query);
            let (all, some) = (shown(&all), shown(&some));
            let known: BTreeSet<&String> = all.iter().collect();
            prop_assert!(some.iter().all(|row| known.contains(row)), "{}", query);
            if !query.contains(":with") {
                let distinct: BTreeSet<&String> = some.iter().collect();
                prop_assert_eq!(distinct.len(), some.len(), "{}", query);
            }
            // With a larger limit it begins with the same rows.
            let more = asked(&db, &format!("{query} :limit {} :offset {offset}]", limit + 9)).await;
            prop_assert!(shown(&more).starts_with(&some), "{}", query);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_is_not_wanted_is_not_computed() {
    let db = graph(5_000).await;
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let registry = Registry::new().with("costly", move |n: i64| {
        counted.fetch_add(1, Ordering::Relaxed);
        n
    });
    let options = QueryOptions { registry, ..QueryOptions::default() };
    for (query, most) in [
        ("[:find ?e ?x :where [?e :to ?f] [?f :n ?n] [(costly ?n) ?x] :limit 10]", 2_000),
        ("[:find ?x . :where [?e :to ?f] [?f :n ?n] [(costly ?n) ?x]]", 2_000),
        ("[:find [?x ?e] :where [?e :to ?f] [?f :n ?n] [(costly ?n) ?x]]", 2_000),
        ("[:find ?e ?x :where [?e :n ?n] [(costly ?n) ?x] :order-by ?x :limit 1]", 5_000),
    ] {
        calls.store(0, Ordering::Relaxed);
        let parsed = Query::parse(query).expect(query);
        let answer = q_with(&parsed, vec![Input::from(&db)], &options).await.expect(query);
        assert!(!answer.is_empty(), "{query}");
        assert!(calls.load(Ordering::Relaxed) <= most, "{query}: {calls:?} calls");
    }
    // A product that could not be made as a whole.
    let query = "[:find ?e ?f ?g :where [?e :n] [?f :n] [?g :n] :limit 7]";
    let limits = Limits { rows_max: 2_000_000, ..Limits::default() };
    let options = QueryOptions { limits, ..QueryOptions::default() };
    let parsed = Query::parse(query).expect(query);
    let mut found = rows(&parsed, vec![Input::from(&db)], &options).await.expect(query);
    assert_eq!(found.rows_left(), 7);
    assert_eq!(found.next_batch(3).await.expect("three").map(|batch| batch.len()), Some(3));
}

#[tokio::test]
async fn budgets_hold_under_a_limit() {
    let db = graph(500).await;
    let limits = Limits { rows_max: 300, ..Limits::default() };
    let options = QueryOptions { limits, ..QueryOptions::default() };
    let query = "[:find ?e ?y :where [?e :n ?n] [(range 1000) [?y ...]] :limit 1000]";
    let parsed = Query::parse(query).expect(query);
    let error = q_with(&parsed, vec![Input::from(&db)], &options).await.expect_err(query);
    assert_eq!(error.kind, QueryErrorKind::Limit(Budget::Rows), "{error}");
}

#[tokio::test]
async fn an_explanation_counts_what_was_done() {
    let db = graph(5_000).await;
    let query = "[:find ?e ?n :where [?e :to ?f] [?f :n ?n] :limit 10]";
    let parsed = Query::parse(query).expect(query);
    let options = QueryOptions::default();
    let asked = explain_analyze(&parsed, vec![Input::from(&db)], &options);
    let (answer, explanation) = asked.await.expect(query);
    assert_eq!(answer.len(), 10);
    let text = explanation.to_string();
    assert!(!text.contains("10000 "), "all of it was read:\n{text}");
}
