//! Plans that are made once: taken again as they are, looked over, or made anew.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::{self, Edn};
use duramen_query::{Input, PlanCache, Query, QueryOptions, Registry, q, q_with, rows};
use futures_util::TryStreamExt;

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/boss :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]";

async fn transact(db: &Db, text: &str) -> Db {
    let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
    db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0
}

async fn people() -> Db {
    let db = transact(&Db::genesis(), SCHEMA).await;
    let people = "[{:db/id \"a\" :p/name \"Ann\" :p/age 30}
                   {:p/name \"Bo\" :p/age 40 :p/boss \"a\"} {:p/name \"Cy\" :p/age 30 :p/boss \"a\"}]";
    transact(&db, people).await
}

/// Some hundred more people.
async fn grown(db: &Db, from: usize, to: usize) -> Db {
    let more: String = (from..to).map(|n| format!("{{:p/name \"P{n}\" :p/age {n}}}")).collect();
    transact(db, &format!("[{more}]")).await
}

const OF_AGE: &str = "[:find [?n ...] :in $ ?a :where [?p :p/age ?a] [?p :p/name ?n] :order-by ?n]";

#[tokio::test]
async fn other_values_take_the_plan_as_it_is() {
    let db = people().await;
    let query = Query::parse(OF_AGE).expect("a query");
    let like = vec![Input::from(&db), 1.into()];
    let prepared = query.prepare(like, &QueryOptions::default()).await.expect("a plan");
    for (age, expected) in [(30, "[\"Ann\" \"Cy\"]"), (40, "[\"Bo\"]"), (50, "[]")] {
        let answer = prepared.run(vec![Input::from(&db), age.into()]).await.expect("an answer");
        assert_eq!(answer.to_edn().to_string(), expected);
    }
    assert_eq!(prepared.orders_made(), 1);
}

#[tokio::test]
async fn newer_databases_are_ordered_anew_only_when_counts_change_much() {
    let db = people().await;
    let query = Query::parse(OF_AGE).expect("a query");
    let like = vec![Input::from(&db), 1.into()];
    let prepared = query.prepare(like, &QueryOptions::default()).await.expect("a plan");
    let little = grown(&db, 0, 50).await;
    let answer = prepared.run(vec![Input::from(&little), 40.into()]).await.expect("an answer");
    assert_eq!(answer.to_edn().to_string(), "[\"Bo\" \"P40\"]");
    assert_eq!(prepared.orders_made(), 1);
    let much = grown(&little, 50, 2_000).await;
    let answer = prepared.run(vec![Input::from(&much), 1_000.into()]).await.expect("an answer");
    assert_eq!(answer.to_edn().to_string(), "[\"P1000\"]");
    assert_eq!(prepared.orders_made(), 2);
    // And back.
    let answer = prepared.run(vec![Input::from(&db), 30.into()]).await.expect("an answer");
    assert_eq!(answer.to_edn().to_string(), "[\"Ann\" \"Cy\"]");
}

#[tokio::test]
async fn names_in_the_query_are_looked_up_in_each_database() {
    let db = people().await;
    let text =
        "[:find [?n ...] :where [?p :p/boss [:p/name \"Ann\"]] [?p :p/name ?n] :order-by ?n]";
    let query = Query::parse(text).expect("a query");
    let prepared = query.prepare(vec![Input::from(&db)], &QueryOptions::default()).await;
    let prepared = prepared.expect("a plan");
    let show = async |db: &Db| {
        prepared.run(vec![Input::from(db)]).await.expect("an answer").to_edn().to_string()
    };
    assert_eq!(show(&db).await, "[\"Bo\" \"Cy\"]");
    // Two values that have the same basis and give the name to different people.
    let bo = "[[:db/add [:p/name \"Ann\"] :p/name \"Anna\"]]";
    let bo =
        transact(&transact(&db, bo).await, "[[:db/add [:p/name \"Bo\"] :p/name \"Ann\"]]").await;
    let cy = "[[:db/add [:p/name \"Ann\"] :p/name \"Anna\"]]";
    let cy =
        transact(&transact(&db, cy).await, "[[:db/add [:p/name \"Cy\"] :p/name \"Ann\"]]").await;
    assert_eq!(bo.basis_t(), cy.basis_t());
    assert_eq!(show(&bo).await, "[]");
    let more = "[{:p/name \"Di\" :p/boss [:p/name \"Ann\"]}]";
    assert_eq!(show(&transact(&cy, more).await).await, "[\"Di\"]");
    assert_eq!(show(&db).await, "[\"Bo\" \"Cy\"]");
    assert_eq!(show(&db.as_of(duramen_model::T::new(1).expect("small"))).await, "[]");
}

#[tokio::test]
async fn other_types_and_other_sources_make_other_plans() {
    let db = people().await;
    let text = "[:find [?n ...] :in $ :where [?p :p/age ?a] [(< 35 ?a)] [?p :p/name ?n]]";
    let query = Query::parse(text).expect("a query");
    let prepared = query.prepare(vec![Input::from(&db)], &QueryOptions::default()).await;
    let prepared = prepared.expect("a plan");
    let schema = SCHEMA
        .replace(":p/age :db/valueType :db.type/long", ":p/age :db/valueType :db.type/double");
    let other = transact(&Db::genesis(), &schema).await;
    let other =
        transact(&other, "[{:p/name \"Di\" :p/age 35.5} {:p/name \"Ed\" :p/age 1.0}]").await;
    for (db, expected) in [(&db, "[\"Bo\"]"), (&other, "[\"Di\"]"), (&db, "[\"Bo\"]")] {
        let answer = prepared.run(vec![Input::from(db)]).await.expect("an answer");
        assert_eq!(answer.to_edn().to_string(), expected);
    }
    let rows = "[[1 :p/age 40] [1 :p/name \"Row\"]]";
    let rows = Input::Value(edn::read(rows).expect("EDN").edn);
    let answer = prepared.run(vec![rows]).await.expect("an answer");
    assert_eq!(answer.to_edn().to_string(), "[\"Row\"]");
}

#[tokio::test]
async fn a_query_remembers_plans_and_takes_none_for_another() {
    let db = people().await;
    let text = "[:find [?n ...] :in $ ?a :where [?p :p/age ?a] [?p :p/name ?n] :order-by ?n]";
    let query = Query::parse(text).expect("a query");
    let schema = SCHEMA
        .replace(":p/age :db/valueType :db.type/long", ":p/age :db/valueType :db.type/string");
    let other = transact(&Db::genesis(), &schema).await;
    let other = transact(&other, "[{:p/name \"Di\" :p/age \"30\"}]").await;
    let later = grown(&db, 0, 40).await;
    for _ in 0..2 {
        for (db, age, expected) in [
            (&db, Input::from(30), "[\"Ann\" \"Cy\"]"),
            (&later, 30.into(), "[\"Ann\" \"Cy\" \"P30\"]"),
            (&other, "30".into(), "[\"Di\"]"),
            (&other, 30.into(), "[]"),
            (&later.as_of(db.basis_t()), 30.into(), "[\"Ann\" \"Cy\"]"),
            (&db, 40.into(), "[\"Bo\"]"),
        ] {
            let answer = q(&query, vec![Input::from(db), age]).await.expect("an answer");
            assert_eq!(answer.to_edn().to_string(), expected);
        }
    }
    // What it remembers is not taken where less is allowed.
    let mut options = QueryOptions::default();
    options.limits.clauses_max = 1;
    let error = q_with(&query, vec![Input::from(&db), 30.into()], &options).await;
    assert_eq!(error.expect_err("too many").code(), "query/limit");
}

#[tokio::test]
async fn other_rules_are_other_queries() {
    let db = people().await;
    let query = Query::parse("[:find (count ?p) . :in $ % :where (r ?p)]").expect("a query");
    let run = |rules: &str| vec![Input::from(&db), Input::from(rules)];
    let (all, some) = ("[[(r ?p) [?p :p/name]]]", "[[(r ?p) [?p :p/boss]]]");
    let prepared = query.prepare(run(all), &QueryOptions::default()).await.expect("a plan");
    for (rules, expected) in [(all, 3), (some, 2), (all, 3), (all, 3)] {
        let answer = prepared.run(run(rules)).await.expect("an answer");
        assert_eq!(answer.to_edn(), Edn::from(expected));
    }
    assert_eq!(prepared.orders_made(), 3);
}

#[tokio::test]
async fn a_cache_keeps_so_many_plans() {
    let db = people().await;
    let plans = PlanCache::new(2);
    let options = QueryOptions { plans: Some(plans.clone()), ..QueryOptions::default() };
    let ask = async |text: &str, age: i64| {
        let query = Query::parse(text).expect("a query");
        let inputs = vec![Input::from(&db), age.into()];
        q_with(&query, inputs, &options).await.expect("an answer").rows().len()
    };
    let other = OF_AGE.replace("[?n ...]", "?n");
    let third = OF_AGE.replace("[?n ...]", "[?p ...]").replace(":order-by ?n", "");
    assert_eq!([ask(OF_AGE, 30).await, ask(OF_AGE, 40).await, ask(OF_AGE, 1).await], [2, 1, 0]);
    assert_eq!((plans.stats().hits, plans.stats().misses), (2, 1));
    ask(&other, 30).await;
    ask(OF_AGE, 30).await;
    ask(&third, 30).await;
    // The one that was not used for longest had to go.
    ask(OF_AGE, 30).await;
    assert_eq!((plans.stats().hits, plans.stats().misses), (4, 3));
    ask(&other, 30).await;
    assert_eq!((plans.stats().hits, plans.stats().misses, plans.stats().orders_made), (4, 4, 4));
}

#[tokio::test]
async fn a_cache_does_not_mix_up_functions() {
    let plans = PlanCache::default();
    let query = Query::parse("[:find ?y . :in ?x :where [(own ?x) ?y]]").expect("a query");
    for factor in [2, 3] {
        let registry = Registry::new().with("own", move |x: i64| x * factor);
        let plans = Some(plans.clone());
        let options = QueryOptions { registry, plans, ..QueryOptions::default() };
        let answer = q_with(&query, vec![5.into()], &options).await.expect("an answer");
        assert_eq!(answer.to_edn(), Edn::from(5 * factor));
    }
}

#[tokio::test]
async fn batches_hold_the_rows_of_the_answer() {
    let db = grown(&people().await, 0, 1_000).await;
    let text = "[:find ?a (pull ?p [:p/name]) :where [?p :p/age ?a] :order-by ?a ?p]";
    let query = Query::parse(text).expect("a query");
    let whole = q(&query, vec![Input::from(&db)]).await.expect("an answer");
    let stream = rows(&query, vec![Input::from(&db)], &QueryOptions::default()).await;
    let stream = stream.expect("rows");
    assert_eq!((stream.rows_left(), stream.columns()), (1_003, whole.columns()));
    let batches: Vec<_> = stream.into_stream(100).try_collect().await.expect("batches");
    assert_eq!(batches.len(), 11);
    assert!(batches.iter().flatten().eq(whole.rows()));
}
