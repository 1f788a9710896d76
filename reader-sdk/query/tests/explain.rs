//! How a query is answered, shown to people and to programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn;
use duramen_query::{Clock, Input, Query, QueryOptions, explain, explain_analyze};

const SCHEMA: &str = "[
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/friends :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";

async fn people() -> Db {
    let friends: String = (0..40)
        .map(|n| {
            let (a, b) = ((n * 7 + 1) % 40, (n * 3 + 2) % 40);
            format!(
                "{{:db/id \"{n}\" :p/name \"N{n}\" :p/age {} :p/friends [\"{a}\" \"{b}\"]}}",
                n % 5
            )
        })
        .collect();
    let mut db = Db::genesis();
    for text in [SCHEMA, &format!("[{friends}]")] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

const QUERY: &str = "[:find ?n (count ?f) :in $ % ?age
  :where [?p :p/age ?age] [?p :p/name ?n]
         (or [?p :p/friends ?f] [?f :p/friends ?p])
         (reach ?p ?f)
         (not [?f :p/age ?age])
         [(get-else $ ?f :p/age 0) ?a] [(< ?a 4)]]";

const RULES: &str =
    "[[(reach ?a ?b) [?a :p/friends ?b]] [(reach ?a ?b) [?a :p/friends ?c] (reach ?c ?b)]]";

fn inputs(db: &Db) -> Vec<Input> {
    vec![Input::from(db), Input::from(RULES), 3.into()]
}

/// Compares with a file beside the tests; `UPDATE_GOLDEN=1` writes it.
#[track_caller]
fn golden(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect(&path);
    assert_eq!(found, expected, "{path}");
}

#[tokio::test]
async fn a_plan_is_a_table() {
    let db = people().await;
    let query = Query::parse(QUERY).expect("a query");
    let plan = explain(&query, inputs(&db), &QueryOptions::default()).await.expect("a plan");
    golden("explain.txt", &plan.to_string());
}

#[tokio::test]
async fn estimates_stand_beside_what_came() {
    let db = people().await;
    let query = Query::parse(QUERY).expect("a query");
    let options = QueryOptions::default();
    let (answer, plan) = explain_analyze(&query, inputs(&db), &options).await.expect("an answer");
    golden("explain_analyze.txt", &plan.to_string());
    golden("explain_analyze.json", &plan.to_json());
    let showing = plan.showing.expect("it ran");
    assert_eq!(showing.rows, answer.rows().len() as u64);
    let last = plan.steps.last().and_then(|step| step.actual).expect("it ran");
    assert!(last.rows >= showing.rows);
}

#[tokio::test]
async fn with_a_clock_there_are_times() {
    let db = people().await;
    let query = Query::parse(QUERY).expect("a query");
    // It goes on by a millisecond whenever someone looks.
    let time = Arc::new(AtomicU64::new(0));
    let clock = Clock::new(move || Duration::from_millis(time.fetch_add(1, Ordering::Relaxed)));
    let options = QueryOptions { clock: Some(clock), ..QueryOptions::default() };
    let (_, plan) = explain_analyze(&query, inputs(&db), &options).await.expect("an answer");
    let time = |cost: Option<duramen_query::Cost>| cost.and_then(|cost| cost.time);
    assert!(time(plan.planning) > Some(Duration::ZERO));
    assert!(time(plan.showing) > Some(Duration::ZERO));
    for step in &plan.steps {
        assert!(time(step.actual) > Some(Duration::ZERO), "{}", step.what);
    }
    assert!(plan.to_string().contains(" us"), "{plan}");
    assert!(plan.to_json().contains("\"micros\": "));
}
