//! Rules that follow an attribute, in rounds of few rows and of many.

use std::collections::{BTreeMap, BTreeSet};

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::{Edn, Instant, edn};
use duramen_query::{Input, Limits, Query, QueryError, QueryOptions, explain_analyze, q_with};

const SCHEMA: &str = "[{:db/ident :to :db/valueType :db.type/ref
                        :db/cardinality :db.cardinality/many}
                       {:db/ident :number :db/valueType :db.type/long
                        :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}]";
const FORTH: &str = "[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?c] (reach ?c ?b)]]";
const BACK: &str = "[[(reach ?b ?a) [?a :to ?b]] [(reach ?b ?a) [?a :to ?c] (reach ?b ?c)]]";

async fn graph(nodes: u64, edges: &[(u64, u64)]) -> Db {
    let mut forms = String::from("[");
    (0..nodes).for_each(|node| forms += &format!("[:db/add \"{node}\" :number {node}] "));
    edges.iter().for_each(|(a, b)| forms += &format!("[:db/add \"{a}\" :to \"{b}\"] "));
    forms += "]";
    let mut db = Db::genesis();
    for text in [SCHEMA, &forms] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

/// Edges that nothing orders, with circles among them.
fn edges(nodes: u64, count: u64, seed: u64) -> Vec<(u64, u64)> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % nodes
    };
    (0..count).map(|_| (next(), next())).collect()
}

/// For each start what it reaches.
fn reached(edges: &[(u64, u64)], starts: &[u64]) -> BTreeSet<(u64, u64)> {
    let mut forth: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    edges.iter().for_each(|(a, b)| forth.entry(*a).or_default().push(*b));
    let mut pairs = BTreeSet::new();
    for start in starts {
        let mut asked = vec![*start];
        while let Some(node) = asked.pop() {
            for next in forth.get(&node).into_iter().flatten() {
                if pairs.insert((*start, *next)) {
                    asked.push(*next);
                }
            }
        }
    }
    pairs
}

fn inputs(db: &Db, rules: &str, starts: &[u64]) -> Vec<Input> {
    let starts = starts.iter().map(|start| Edn::from(*start as i64).into()).collect();
    vec![
        Input::from(db),
        Input::Rules(edn::read(rules).expect("rules")),
        Input::Value(Edn::Vector(starts)),
    ]
}

const ASKED: &str = "[:find ?from ?to :in $ % [?from ...]
                      :where [?a :number ?from] (reach ?a ?b) [?b :number ?to]]";

async fn found(
    db: &Db,
    (rules, starts): (&str, &[u64]),
    limits: Limits,
) -> Result<BTreeSet<(u64, u64)>, QueryError> {
    let query = Query::parse(ASKED).expect("a query");
    let options = QueryOptions { limits, ..QueryOptions::default() };
    let answer = q_with(&query, inputs(db, rules, starts), &options).await?;
    let number = |cell: &Edn| cell.as_long().expect("a number") as u64;
    let pairs: BTreeSet<(u64, u64)> =
        answer.into_rows().iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
    Ok(pairs)
}

#[tokio::test]
async fn what_is_reached_is_found_from_one_start_and_from_many() {
    for (nodes, count, seed) in [(12, 14, 1), (40, 44, 2), (400, 420, 3), (300, 1_500, 4)] {
        let edges = edges(nodes, count, seed);
        let turned: Vec<(u64, u64)> = edges.iter().map(|(a, b)| (*b, *a)).collect();
        let db = graph(nodes, &edges).await;
        let many: Vec<u64> = (0..nodes.min(90)).collect();
        for starts in [&many[..1], &many[3..5], &many] {
            let forth = found(&db, (FORTH, starts), Limits::default()).await.expect("an answer");
            assert_eq!(forth, reached(&edges, starts), "{nodes} nodes from {starts:?}");
            let back = found(&db, (BACK, starts), Limits::default()).await.expect("an answer");
            assert_eq!(back, reached(&turned, starts), "{nodes} nodes back from {starts:?}");
        }
    }
}

#[tokio::test]
async fn it_is_the_same_where_steps_are_looked_at() {
    let edges = edges(200, 210, 7);
    let db = graph(200, &edges).await;
    let starts: Vec<u64> = (0..20).collect();
    let query = Query::parse(ASKED).expect("a query");
    let options = QueryOptions::default();
    let given = || inputs(&db, FORTH, &starts);
    let plain = q_with(&query, given(), &options).await.expect("an answer");
    let (seen, _) = explain_analyze(&query, given(), &options).await.expect("an answer");
    let sorted = |rows: Vec<Vec<Edn>>| {
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(plain.into_rows()), sorted(seen.into_rows()));
}

#[tokio::test]
async fn a_long_chain_takes_as_many_rounds_as_are_allowed() {
    let chain: Vec<(u64, u64)> = (0..60).map(|node| (node, node + 1)).collect();
    let db = graph(2_000, &chain).await;
    let limits = |rounds_max| Limits { rounds_max, ..Limits::default() };
    let all = found(&db, (FORTH, &[0]), limits(100)).await.expect("enough rounds");
    assert_eq!(all.len(), 60);
    let error = found(&db, (FORTH, &[0]), limits(20)).await.expect_err("too few rounds");
    assert!(error.to_string().contains("has not come to an end"), "{error}");
    let few = Limits { rows_max: 30, ..Limits::default() };
    assert!(found(&db, (FORTH, &[0]), few).await.is_err());
}
