//! What a query may fetch, and that it ends while it waits: over a store that is far away, with a
//! clock that stands still but for its latency.

mod publisher;

use std::sync::Arc;
use std::time::Duration;

use duramen::{
    Budget, CancelToken, Client, Clock, Connection, Db, Error, ErrorKind, Input, Limits,
    QueryErrorKind, QueryOptions, Stores, explain_analyze, prepare, q_with, rows,
};
use duramen_index::NodeOptions;
use duramen_store::delayed::{Delayed, Latency};
use publisher::{Publisher, stores};
use tokio::time::Instant;

const PLACE: &str = "memory://place";
const ROUND: Duration = Duration::from_millis(30);

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]";

const NAMES: &str = "[:find (count ?n) . :where [?p :p/age 7] [?p :p/friend ?f] [?f :p/name ?n]]";

/// A thousand people in trees several levels high.
async fn people() -> Stores {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, PLACE, "people").await;
    publisher.transact(SCHEMA).await;
    let person = |n: u64| {
        let (age, friend) = (n % 90, (n * 7 + 500) % 1000);
        format!("{{:db/id \"{n}\" :p/name \"Person {n}\" :p/age {age} :p/friend \"{friend}\"}}")
    };
    let people: Vec<String> = (0..1000).map(person).collect();
    publisher.transact(&format!("[{}]", people.join(" "))).await;
    let small = NodeOptions {
        leaf_records_max: 16,
        branch_children_max: 8,
        top_bytes_max: 0,
        ..NodeOptions::default()
    };
    publisher.merge(&small).await;
    stores
}

/// A connection with empty caches to a store that is far away.
async fn far(stores: &Stores) -> Connection {
    let latency = Latency { read: ROUND, write: ROUND };
    let store = Delayed::new(stores.open_read(PLACE).expect("a place"), latency);
    let stores = Stores::builder().read_store(PLACE, Arc::new(store)).build();
    let client = Client::builder().stores(stores).build();
    client.connect(&format!("{PLACE}/people")).await.expect("a connection")
}

async fn cold() -> Db {
    far(&people().await).await.last_db()
}

/// The clock of the tests.
fn clock() -> Clock {
    let started = Instant::now();
    Clock::new(move || started.elapsed())
}

fn kind(error: &Error) -> QueryErrorKind {
    match error {
        Error::Query(error) => error.kind,
        other => unreachable!("no error of a query: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_has_a_limit() {
    for (limits, budget) in [
        (Limits { fetched_nodes_max: 3, ..Limits::default() }, Budget::FetchedNodes),
        (Limits { fetched_bytes_max: 2_000, ..Limits::default() }, Budget::FetchedBytes),
    ] {
        let db = cold().await;
        let options = QueryOptions { limits, ..QueryOptions::default() };
        let error = q_with(NAMES, [Input::from(&db)], &options).await.expect_err("it is cold");
        assert_eq!(kind(&error), QueryErrorKind::Limit(budget), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let warm = q_with(NAMES, [Input::from(&db)], &QueryOptions::default()).await;
        let warm = warm.expect("no limit").to_edn();
        // What is in the cache is not fetched.
        let answer = q_with(NAMES, [Input::from(&db)], &options).await.expect("it is warm");
        assert_eq!(answer.to_edn(), warm);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_query_ends_when_it_is_called_off() {
    let db = cold().await;
    let cancel = CancelToken::new();
    let options = QueryOptions { cancel: Some(cancel.clone()), ..QueryOptions::default() };
    let start = Instant::now();
    let asking = tokio::spawn(async move { q_with(NAMES, [Input::from(&db)], &options).await });
    tokio::time::sleep(ROUND / 2).await;
    cancel.cancel();
    let error = asking.await.expect("no panic").expect_err("called off");
    assert_eq!(kind(&error), QueryErrorKind::Cancelled);
    assert_eq!(start.elapsed(), ROUND / 2, "nobody waits for the fetch");
}

#[tokio::test(start_paused = true)]
async fn a_query_ends_in_time_between_fetches() {
    let db = cold().await;
    let limits = Limits { time_max: Some(ROUND * 3 / 2), ..Limits::default() };
    let options = QueryOptions { limits, clock: Some(clock()), ..QueryOptions::default() };
    let start = Instant::now();
    let error = q_with(NAMES, [Input::from(&db)], &options).await.expect_err("too far away");
    assert_eq!(kind(&error), QueryErrorKind::Limit(Budget::Time), "{error}");
    assert!(start.elapsed() <= ROUND * 2, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_query_fetches_no_more() {
    let stores = people().await;
    let connection = far(&stores).await;
    let db = connection.last_db();
    let options = QueryOptions::default();
    let asking = q_with(NAMES, [Input::from(&db)], &options);
    assert!(tokio::time::timeout(ROUND / 2, asking).await.is_err());
    let before = connection.stats();
    tokio::time::sleep(ROUND * 10).await;
    assert_eq!(connection.stats(), before);
}

#[tokio::test(start_paused = true)]
async fn steps_say_what_they_fetched() {
    let stores = people().await;
    let connection = far(&stores).await;
    let db = connection.last_db();
    let options = QueryOptions { clock: Some(clock()), ..QueryOptions::default() };
    let before = connection.stats();
    let asked = explain_analyze(NAMES, [Input::from(&db)], &options).await;
    let (answer, plan) = asked.expect("an answer");
    assert_eq!(answer.rows().len(), 1);
    let cost = connection.stats() - before;
    let steps = plan.steps.iter().filter_map(|step| step.actual);
    let costs: Vec<_> = steps.chain(plan.planning).chain(plan.showing).collect();
    let nodes: u64 = costs.iter().map(|cost| cost.nodes).sum();
    // What is scanned is fetched ahead of the first step.
    assert!(nodes > 0 && nodes <= cost.node_loads, "{plan}\n{cost}");
    assert!(costs.iter().any(|cost| cost.requests > 0 && cost.bytes > 0), "{plan}");
    assert!(costs.iter().any(|cost| cost.time >= Some(ROUND)), "{plan}");
    let (_, warm) = explain_analyze(NAMES, [Input::from(&db)], &options).await.expect("warm");
    assert!(warm.steps.iter().all(|step| step.actual.is_some_and(|cost| cost.nodes == 0)));
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_not_shown_are_not_pulled() {
    let stores = people().await;
    let connection = far(&stores).await;
    let db = connection.last_db();
    let text = "[:find ?p (pull ?p [:p/name :p/friend]) :where [?p :p/age 7] :order-by ?p]";
    let mut some = rows(text, [Input::from(&db)], &QueryOptions::default()).await.expect("rows");
    let found = connection.stats();
    assert_eq!(some.next_batch(2).await.expect("two").map(|rows| rows.len()), Some(2));
    let two = connection.stats() - found;
    assert_eq!(some.rows_left(), 10);
    let all = some.into_answer().await.expect("the rest").rows().len();
    assert_eq!(all, 10);
    let rest = connection.stats() - found - two;
    assert!(two.node_loads > 0 && rest.node_loads > two.node_loads, "{two}; {rest}");
}

#[tokio::test(start_paused = true)]
async fn a_client_shares_its_plans() {
    let client = Client::builder().plans_max(10).build();
    let db = cold().await;
    let options = client.query_options();
    for _ in 0..3 {
        q_with(NAMES, [Input::from(&db)], &options).await.expect("an answer");
    }
    let stats = client.plan_stats();
    assert_eq!((stats.hits, stats.misses, stats.orders_made), (2, 1, 1));
    let prepared = prepare(NAMES, [Input::from(&db)], &options).await.expect("a plan");
    let answer = prepared.run(vec![Input::from(&db)]).await.expect("an answer");
    assert_eq!(answer.rows().len(), 1);
    assert_eq!(prepared.orders_made(), 1);
}
