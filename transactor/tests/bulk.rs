//! Bulk loads: what they make is what transactions make, or nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use duramen_db::resolve::TxData;
use duramen_db::{Change, Db, EntityRef, Location, Selection, TxRecord, verify::verify};
use duramen_index::{KeyRange, NodeCache, NodeOptions};
use duramen_model::{
    AttributeId, EntityId, Instant, Keyword, Order, T, Value, ValueType, builtin, edn,
};
use duramen_store::layout::DatabaseName;
use duramen_store::{Key, MemoryStore, WriteStore};
use duramen_transactor::bulk::{BulkError, BulkLoad, BulkOptions, BulkSchema, Fact, Savepoint};
use duramen_transactor::{Components, Settings, TransactError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use support::{TestServer, db, snapshot};

const SCHEMA: &str = r#"
[{:db/ident :p/email :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/doc "the name"}
 {:db/ident :p/alias :db/valueType :db.type/string :db/cardinality :db.cardinality/many
  :db/index true}
 {:db/ident :p/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
 {:db/ident :p/boss :db/valueType :db.type/ref :db/cardinality :db.cardinality/one :db/index true}
 {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one
  :db/index true}
 {:db/ident :p/weight :db/valueType :db.type/double :db/cardinality :db.cardinality/one
  :db/index true}
 {:db/ident :p/pet :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many
  :db/index true}
 {:db/ident :p/sum :db/valueType :db.type/bigdec :db/cardinality :db.cardinality/one
  :db/index true}
 {:db/ident :p/born :db/valueType :db.type/instant :db/cardinality :db.cardinality/one}
 {:db/ident :p/place :db/valueType :db.type/tuple :db/tupleType :db.type/long
  :db/cardinality :db.cardinality/one :db/index true}]"#;

/// Takes something back, so that the load begins with closed facts.
const CHANGED: &str = r#"[[:db/add :p/name :db/doc "what they are called"]]"#;

fn name() -> DatabaseName {
    DatabaseName::new("cat").unwrap()
}

fn memory() -> Arc<dyn WriteStore> {
    Arc::new(MemoryStore::new())
}

/// So little memory that there are many spills, and such small nodes that trees are deep.
fn tiny() -> BulkOptions {
    let nodes =
        NodeOptions { leaf_records_max: 4, branch_children_max: 3, ..NodeOptions::default() };
    BulkOptions { memory_bytes_max: 0, nodes, ..BulkOptions::default() }
}

async fn begin(store: &Arc<dyn WriteStore>, options: BulkOptions) -> BulkLoad {
    begin_at(store, options, None).await
}

async fn begin_at(
    store: &Arc<dyn WriteStore>,
    options: BulkOptions,
    savepoint: Option<Savepoint>,
) -> BulkLoad {
    let components = Components::new(Arc::clone(store));
    let schema = match savepoint {
        Some(savepoint) => BulkSchema::resume(components, name(), options, savepoint).await,
        None => BulkSchema::begin(components, name(), options).await,
    };
    let mut schema = schema.unwrap();
    for text in [SCHEMA, CHANGED] {
        schema.transact(&TxData::from_form(&edn::read(text).unwrap()).unwrap()).await.unwrap();
    }
    schema.load().await.unwrap()
}

fn attribute(db: &Db, name: &str) -> AttributeId {
    db.schema().attribute_named(&Keyword::qualified("p", name)).unwrap().id
}

fn user(n: u64) -> EntityId {
    EntityId::user(n).unwrap()
}

/// Random people, in transactions of random length.
fn people(db: &Db, seed: u64, count: u64) -> Vec<Vec<Fact>> {
    let mut random = StdRng::seed_from_u64(seed);
    let a = |name: &str| attribute(db, name);
    let mut txs = vec![Vec::new()];
    // Any sequence of entities will do.
    let step = [1, 7, 11][random.random_range(0..3)];
    for i in 0..count {
        let e = user(i * step % count);
        let number = random.random_range(0..50_i64);
        let other = Value::Ref(user(random.random_range(0..count)));
        let mut facts = vec![
            (a("email"), Value::string(format!("{}@{i}", number % 3))),
            (a("name"), Value::string(format!("person {number}"))),
            (a("age"), Value::Long(number - 25)),
            (a("weight"), Value::Double(f64::from(random.random_range(-4..4_i32)) / 2.0)),
            (a("pet"), Value::Keyword(Keyword::new(["dog", "cat/tom", "cat/a"][i as usize % 3]))),
            (a("friend"), other.clone()),
            (a("boss"), other),
        ];
        if number % 2 == 0 {
            let decimal = format!("{}.{}M", number, number % 7);
            let form = edn::read(&decimal).unwrap();
            let edn::Edn::Value(value) = form.edn else { panic!("{decimal}") };
            facts.push((a("sum"), value));
            facts.push((a("born"), Value::Instant(Instant::from_millis(number * 1_000))));
            facts.push((a("alias"), Value::string(format!("a long alias of number {number}"))));
            facts.push((a("alias"), Value::string("al")));
        }
        if number % 10 == 0 {
            // So long that it is stored by itself.
            let long = format!("{number} is a number. ").repeat(300);
            facts.push((a("alias"), Value::string(long)));
        }
        if number % 5 == 0 {
            let members = [Some(Value::Long(number)), None, Some(Value::Long(1))];
            facts.push((a("place"), Value::Tuple(members.to_vec().into())));
        }
        if random.random_range(0..20) == 0 {
            txs.push(Vec::new());
        }
        let tx = txs.last_mut().unwrap();
        tx.extend(facts.into_iter().map(|(a, v)| (e, a, v)));
    }
    txs.retain(|tx| !tx.is_empty());
    txs
}

/// Every object and node is right, and the log says what the indexes say.
async fn assert_sound(store: &Arc<dyn WriteStore>) {
    let location = Location::new(Arc::clone(store) as _, name(), NodeCache::new(1 << 24));
    let report = verify(location, &mut |_| {}).await.unwrap();
    assert_eq!(report.findings, Vec::new());
    assert_eq!(report.not_compared, Vec::<String>::new());
}

/// The same, as transactions make it.
async fn transacted(load: &Db, instant: Instant, txs: &[Vec<Fact>]) -> Db {
    let mut db = Db::genesis();
    for text in [SCHEMA, CHANGED] {
        let data = TxData::from_form(&edn::read(text).unwrap()).unwrap();
        db = Box::pin(db.with(&data, instant)).await.unwrap().0;
    }
    assert_eq!(db.schema(), load.schema());
    for facts in txs {
        let t = db.basis_t().next().unwrap();
        let own = Change::assert(t.entity(), builtin::TX_INSTANT, instant, t);
        let changes = facts.iter().map(|(e, a, v)| Change::assert(*e, *a, v.clone(), t));
        let changes = changes.chain([own]).collect();
        db = db.apply(&TxRecord { t, instant, changes, ..TxRecord::genesis() }).unwrap();
    }
    db
}

async fn assert_same(loaded: &Db, expected: &Db) {
    assert_eq!(loaded.basis_t(), expected.basis_t());
    assert_eq!(loaded.basis_instant(), expected.basis_instant());
    assert_eq!(loaded.next_ids(), expected.next_ids());
    assert_eq!(loaded.schema(), expected.schema());
    let middle = T::new(expected.basis_t().get() / 2 + 1).unwrap();
    let views: [fn(&Db, T) -> Db; 5] = [
        |db, _| db.clone(),
        |db, _| db.history(),
        |db, t| db.as_of(t),
        |db, t| db.since(t),
        |db, _| db.as_of(T::new(1).unwrap()),
    ];
    for view in views {
        let (loaded, expected) = (view(loaded, middle), view(expected, middle));
        for order in [Order::Eavt, Order::Aevt, Order::Vaet] {
            let range = KeyRange::all(order);
            let (found, wanted) = (loaded.datoms(&range).await, expected.datoms(&range).await);
            assert_eq!(found.unwrap(), wanted.unwrap(), "{order:?}");
        }
        for a in expected.schema().attributes().filter(|a| a.in_avet()) {
            assert!(loaded.finds_values_of(a.id));
            let range = KeyRange::all(Order::Avet).with_a(a.id);
            let (found, wanted) = (loaded.datoms(&range).await, expected.datoms(&range).await);
            assert_eq!(found.unwrap(), wanted.unwrap(), "{}", a.ident);
        }
        for a in expected.schema().attributes() {
            let selection = Selection::all().with_a(a.id);
            let (found, wanted) =
                (loaded.count(&selection).await, expected.count(&selection).await);
            assert_eq!(found.unwrap(), wanted.unwrap(), "{}", a.ident);
        }
    }
    let end = expected.basis_t().next().unwrap();
    let log = loaded.tx_range(T::new(1).unwrap(), end).await.unwrap();
    let expected: Vec<_> = expected.recent_txs(T::new(1).unwrap()).cloned().collect();
    assert_eq!(log.len(), expected.len());
    for (found, wanted) in log.iter().zip(&expected) {
        assert_eq!((found.t, found.instant), (wanted.t, wanted.instant));
        let sorted = |record: &TxRecord| {
            let mut datoms: Vec<_> = record.datoms().cloned().collect();
            datoms.sort_by(|x, y| Order::Eavt.compare((x.e, x.a, &x.v), (y.e, y.a, &y.v)));
            datoms
        };
        assert_eq!(sorted(found), sorted(wanted));
    }
}

async fn loads_like_transactions(seed: u64, count: u64, options: BulkOptions) {
    let store = memory();
    let mut load = begin(&store, options).await;
    let txs = people(load.db(), seed, count);
    for facts in &txs {
        load.transact(facts.clone()).await.unwrap();
    }
    let loaded = load.finish().await.unwrap();
    let found = db(&store, "cat").await;
    assert_eq!(found.id(), Some(loaded.id));
    assert_eq!(found.basis_t(), loaded.t);
    assert_eq!(found.count(&Selection::all()).await.unwrap(), loaded.facts);
    let expected = transacted(&found, found.basis_instant(), &txs).await;
    assert_same(&found, &expected).await;
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_load_within_memory_is_what_transactions_make() {
    for seed in 0..4 {
        loads_like_transactions(seed, 200, BulkOptions::default()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_many_spills_is_what_transactions_make() {
    for seed in 10..14 {
        loads_like_transactions(seed, 1_000, tiny()).await;
    }
}

#[tokio::test]
async fn a_large_value_is_stored_once() {
    let store = memory();
    let mut load = begin(&store, BulkOptions::default()).await;
    let a = attribute(load.db(), "alias");
    let text = |n: u64| Value::string(format!("{n:08} of many").repeat(1_250));
    for n in 0..20 {
        load.transact(vec![(user(n), a, text(n))]).await.unwrap();
    }
    load.finish().await.unwrap();
    let contents = snapshot(&store, "cat").await.id();
    let packs = Key::new(format!("cat/{contents}/pack"));
    let mut bytes = 0;
    for key in store.list(&packs, usize::MAX).await.unwrap() {
        bytes += store.get(&key).await.unwrap().unwrap().len();
    }
    assert!((400_000..420_000).contains(&bytes), "{bytes} bytes in packs");
    let found = db(&store, "cat").await;
    let last = Selection::all().with_a(a).with_v(text(19));
    assert_eq!(found.select(&last).await.unwrap().len(), 1);
    assert_sound(&store).await;
}

#[tokio::test]
async fn nothing_but_schema_makes_a_database_too() {
    let store = memory();
    let load = begin(&store, BulkOptions::default()).await;
    let expected = transacted(load.db(), load.db().basis_instant(), &[]).await;
    load.finish().await.unwrap();
    assert_same(&db(&store, "cat").await, &expected).await;
}

#[tokio::test]
async fn a_transactor_goes_on_from_a_load() {
    let store = memory();
    let mut load = begin(&store, tiny()).await;
    let txs = people(load.db(), 3, 300);
    let email = attribute(load.db(), "email");
    let taken = txs[0].iter().find(|fact| fact.1 == email).unwrap().clone();
    for facts in txs {
        load.transact(facts).await.unwrap();
    }
    let loaded = load.finish().await.unwrap();
    let sum = snapshot(&store, "cat").await.root().sum;

    let settings = Settings { leaf_records_max: 4, branch_children_max: 4, ..Settings::default() };
    let server = TestServer::start(Arc::clone(&store), settings).await;
    let client = server.client().await;
    let report = client.transact("cat", r#"[{:db/id "n" :p/email "new" :p/age 7}]"#).await.unwrap();
    assert_eq!(report.report.t, loaded.t.get() + 1);
    assert_eq!(report.report.tempids["n"], user(300).get());
    // Upserts find what was loaded.
    let Value::String(text) = &taken.2 else { panic!("{taken:?}") };
    let upsert = format!("[{{:p/email {text:?} :p/age 99}}]");
    client.transact("cat", &upsert).await.unwrap();
    server.stop().await;

    let found = db(&store, "cat").await;
    let lookup = EntityRef::lookup(Keyword::new("p/email"), taken.2.clone());
    let e = found.entity_of(&lookup).await.unwrap().unwrap();
    assert_eq!(e, taken.0);
    let ages = Selection::all().with_e(e).with_a(attribute(&found, "age"));
    let ages = found.select(&ages).await.unwrap();
    assert_eq!(ages.iter().map(|datom| datom.v.clone()).collect::<Vec<_>>(), [Value::Long(99)]);
    assert_ne!(snapshot(&store, "cat").await.root().sum, sum);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_breaks_a_rule_names_both_sides_and_leaves_nothing() {
    let one = |name: &'static str, v: Value| (user(0), name, v);
    let two = |name: &'static str, v: Value| (user(1), name, v);
    let text = |text: &str| Value::string(text);
    let cases = [
        (one("email", text("a@b")), two("email", text("a@b")), "a unique value has two owners"),
        (one("name", text("x")), one("name", text("y")), "an entity has two values where"),
        (one("alias", text("x")), one("alias", text("x")), "a fact is there twice"),
    ];
    for ((first_e, name, first_v), (e, _, v), reason) in cases {
        for options in [BulkOptions::default(), tiny()] {
            let store = memory();
            let mut load = begin(&store, options).await;
            let a = attribute(load.db(), name);
            load.transact(vec![(first_e, a, first_v.clone())]).await.unwrap();
            for n in 2..600 {
                let other = attribute(load.db(), "age");
                load.transact(vec![(user(n), other, Value::Long(1))]).await.unwrap();
            }
            load.transact(vec![(e, a, v.clone())]).await.unwrap();
            let error = load.finish().await.unwrap_err();
            assert!(matches!(&error, BulkError::Conflict { .. }), "{error}");
            let message = error.to_string();
            assert!(message.starts_with(reason), "{message}");
            let first = format!("of entity {first_e} in transaction 3");
            let second = format!("of entity {e} in transaction 602");
            assert!(message.contains(&first) && message.contains(&second), "{message}");
            assert_no_database(&store).await;
        }
    }
}

async fn assert_no_database(store: &Arc<dyn WriteStore>) {
    let claims = store.list(&Key::new("cat/claim"), 1).await.unwrap();
    assert_eq!(claims, Vec::new());
    // The name is free.
    let load = begin(store, BulkOptions::default()).await;
    load.finish().await.unwrap();
    db(store, "cat").await;
}

#[tokio::test]
async fn a_load_that_is_given_up_leaves_no_database() {
    let store = memory();
    let mut load = begin(&store, tiny()).await;
    for facts in people(load.db(), 1, 500) {
        load.transact(facts).await.unwrap();
    }
    drop(load);
    assert_no_database(&store).await;
}

#[tokio::test]
async fn a_database_that_exists_is_left_alone() {
    let store = memory();
    begin(&store, tiny()).await.finish().await.unwrap();
    let again = BulkSchema::begin(Components::new(Arc::clone(&store)), name(), tiny()).await;
    let exists = |error: &BulkError| {
        matches!(error, BulkError::Transact(TransactError::DatabaseExists { .. }))
    };
    assert!(exists(&again.unwrap_err()));

    // Whoever is faster has the name.
    let store = memory();
    let load = begin(&store, tiny()).await;
    let first = begin(&store, tiny()).await.finish().await.unwrap();
    assert!(exists(&load.finish().await.unwrap_err()));
    assert_eq!(db(&store, "cat").await.id(), Some(first.id));
}

#[tokio::test]
async fn wrong_facts_are_refused_and_leave_the_load_as_it_was() {
    let store = memory();
    let mut load = begin(&store, tiny()).await;
    let a = |name| attribute(load.db(), name);
    let pair = |x: Value| Value::Tuple(vec![Some(x), None].into());
    let wrong = [
        (user(0), a("age"), Value::from("x"), ":p/age is of type long and is given a string"),
        (a("age").entity(), a("age"), Value::Long(1), "entities of the user partition"),
        (user(0), AttributeId::constant(5_000), Value::Long(1), "there is no attribute 5000"),
        (user(0), builtin::IDENT, Value::Keyword(Keyword::new("x")), "is for the schema"),
        (user(0), a("email"), Value::string("x".repeat(5_000)), "5000 bytes, at most 4096 go"),
        (user(0), a("place"), pair(Value::from("x")), "another shape"),
    ];
    let right = (user(0), a("age"), Value::Long(1));
    for (e, a, v, reason) in wrong {
        let error = load.transact(vec![right.clone(), (e, a, v)]).await.unwrap_err();
        assert!(matches!(error, BulkError::Fact { place: 1, .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let t = load.transact(vec![right]).await.unwrap();
    assert_eq!(t, T::new(3).unwrap());
    let dangling = (user(1), attribute(load.db(), "friend"), Value::Ref(user(7)));
    load.transact(vec![dangling]).await.unwrap();
    let error = load.finish().await.unwrap_err();
    assert!(matches!(error, BulkError::Dangling { e } if e == user(7)), "{error}");
    assert_no_database(&store).await;
}

#[tokio::test]
async fn composite_tuples_are_left_to_transactions() {
    let components = Components::new(memory());
    let mut schema = BulkSchema::begin(components, name(), tiny()).await.unwrap();
    let text = r#"[{:db/ident :a :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
      {:db/ident :b :db/valueType :db.type/tuple :db/cardinality :db.cardinality/one
       :db/tupleAttrs [:a :db/doc]}]"#;
    schema.transact(&TxData::from_form(&edn::read(text).unwrap()).unwrap()).await.unwrap();
    assert_eq!(ValueType::ALL.len(), 15, "a new type has to be packed");
    let error = schema.load().await.unwrap_err();
    assert!(matches!(error, BulkError::Schema { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_gone_on_with_is_the_same() {
    let mut random = StdRng::seed_from_u64(5);
    for seed in 0..3 {
        let store = memory();
        let folder = tempfile::tempdir().unwrap();
        let work = BulkOptions { work: Some(folder.path().to_owned()), ..tiny() };
        let mut load = begin(&store, work.clone()).await;
        let txs = people(load.db(), seed, 1_000);
        let mut savepoint: Option<Savepoint> = None;
        let mut breaks = 0;
        let mut next = 0;
        while next < txs.len() {
            load.transact(txs[next].clone()).await.unwrap();
            next += 1;
            load.set_mark(next as u64);
            savepoint = load.take_savepoint().or(savepoint);
            if next + 1 == txs.len() && breaks < 8 {
                savepoint = Some(load.savepoint().await.unwrap());
            }
            if breaks < 8 && (random.random_range(0..6) == 0 || next + 1 == txs.len()) {
                let text = serde_json::to_string(&savepoint).unwrap();
                let known: Option<Savepoint> = serde_json::from_str(&text).unwrap();
                next = known.as_ref().map_or(0, |known| known.mark) as usize;
                drop(load);
                load = begin_at(&store, work.clone(), known).await;
                breaks += 1;
            }
        }
        assert!(breaks > 1, "it never broke off");
        let loaded = load.finish().await.unwrap();
        let found = db(&store, "cat").await;
        assert_eq!(found.count(&Selection::all()).await.unwrap(), loaded.facts);
        let expected = transacted(&found, found.basis_instant(), &txs).await;
        assert_same(&found, &expected).await;
    }
}

#[tokio::test]
async fn transactions_after_the_facts_are_part_of_the_database() {
    let store = memory();
    let mut load = begin(&store, tiny()).await;
    let txs = people(load.db(), 8, 300);
    for facts in &txs {
        load.transact(facts.clone()).await.unwrap();
    }
    let mut expected = transacted(load.db(), load.db().basis_instant(), &txs).await;
    let mut new = load.build().await.unwrap();
    let email = attribute(&expected, "email");
    for n in 0..40_u64 {
        let datoms = expected.select(&Selection::all().with_e(user(n)).with_a(email)).await;
        let Value::String(text) = &datoms.unwrap()[0].v else { panic!("no email") };
        let form = format!("[{{:p/email {text:?} :p/age {n}}} {{:p/email \"new {n}\"}}]");
        let data = TxData::from_form(&edn::read(&form).unwrap()).unwrap();
        new.transact(&data).await.unwrap();
        expected = Box::pin(expected.with(&data, expected.basis_instant())).await.unwrap().0;
    }
    let loaded = new.publish().await.unwrap();
    let found = db(&store, "cat").await;
    assert_eq!(found.count(&Selection::all()).await.unwrap(), loaded.facts);
    assert_same(&found, &expected).await;
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let report = server.client().await.transact("cat", r#"[{:p/email "more"}]"#).await.unwrap();
    assert_eq!(report.report.t, loaded.t.get() + 1);
    server.stop().await;
    assert_sound(&store).await;
}
