//! How many dependent requests reading costs. The clock stands still but for the store's latency,
//! so that elapsed time counts rounds.

mod publisher;

use std::sync::Arc;
use std::time::Duration;

use duramen::{Client, Connection, DbExt, EntityId, EntityRef, Keyword, Stats, Stores, Value};
use duramen_index::NodeOptions;
use duramen_store::delayed::{Delayed, Latency};
use publisher::{Publisher, stores};
use tokio::time::Instant;

const PLACE: &str = "memory://place";
const ROUND: Duration = Duration::from_millis(30);

const SCHEMA: &str = "[
  {:db/ident :p/mail :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]";

/// A thousand people with friends elsewhere among them, in trees several levels high, of which the
/// checkpoint carries along so many bytes.
async fn people(inlined_bytes_max: usize) -> Stores {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, PLACE, "people").await;
    publisher.transact(SCHEMA).await;
    let person = |n: u64| {
        let (age, friend) = (n % 90, (n * 7 + 500) % 1000);
        format!(
            "{{:db/id \"{n}\" :db/ident :n{n} :p/name \"Person {n}\" :p/age {age} \
              :p/mail \"p{n}@example.org\" :p/friend \"{friend}\"}}"
        )
    };
    let people: Vec<String> = (0..1000).map(person).collect();
    publisher.transact(&format!("[{}]", people.join(" "))).await;
    let small = NodeOptions {
        leaf_records_max: 16,
        branch_children_max: 8,
        top_bytes_max: inlined_bytes_max,
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

/// Pulls from some people, cold; the rounds and what it cost.
async fn pull(stores: &Stores, pattern: &str, people: u64) -> (u128, Stats) {
    let connection = far(stores).await;
    let db = connection.last_db();
    let ident = |n| db.schema().entity(&Keyword::new(format!("n{n}"))).expect("a person");
    let entities: Vec<EntityId> = (0..people).map(ident).collect();
    let (before, start) = (connection.stats(), Instant::now());
    let shown = db.pull_many(pattern, &entities).await.expect("maps");
    assert_eq!(shown.len(), entities.len());
    (start.elapsed().as_millis() / ROUND.as_millis(), connection.stats() - before)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_entities_wait_no_longer_than_one() {
    let stores = people(0).await;
    for (pattern, levels) in [("[:p/name :p/age]", 1), ("[* {:p/friend [:p/name]}]", 2)] {
        let (one, _) = pull(&stores, pattern, 1).await;
        let (all, cost) = pull(&stores, pattern, 1000).await;
        assert!(one >= levels, "{pattern}: {one}");
        assert!(all <= one, "{pattern}: {all} rounds for all, {one} for one, {cost}");
        assert!(cost.gets < 500, "{pattern}: {cost}");
    }
}

#[tokio::test(start_paused = true)]
async fn opening_takes_few_rounds_and_reopening_one() {
    let stores = people(0).await;
    let start = Instant::now();
    let connection = far(&stores).await;
    let rounds = start.elapsed().as_millis() / ROUND.as_millis();
    assert_eq!(rounds, 2, "{}", connection.stats());
    let (before, start) = (connection.stats(), Instant::now());
    connection.db().await.expect("a value");
    assert_eq!(start.elapsed(), ROUND);
    assert_eq!((connection.stats() - before).gets, 1);
}

/// With the top levels in the checkpoint: root, checkpoint, the leaf that knows the unique value,
/// the leaf that knows the entity.
#[tokio::test(start_paused = true)]
async fn a_cold_lookup_takes_four_rounds() {
    let stores = people(256 << 10).await;
    let start = Instant::now();
    let connection = far(&stores).await;
    let mail = EntityRef::lookup(Keyword::new("p/mail"), Value::string("p777@example.org"));
    let person = connection.last_db().pull("[:p/name]", mail).await.expect("a map");
    assert_eq!(person.to_string(), "{:p/name \"Person 777\"}");
    let rounds = start.elapsed().as_millis() / ROUND.as_millis();
    let cost = connection.stats();
    assert!(rounds <= 4, "{rounds} rounds, {cost}");
    assert!(cost.bytes < 1 << 20 && cost.gets <= 8, "{cost}");
}
