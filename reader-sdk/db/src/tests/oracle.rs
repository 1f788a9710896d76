//! Test support: random valid transactions, and what every view of them must show, computed the
//! slow and obvious way.

use std::collections::BTreeMap;

use duramen_index::{KeyRange, Keys};
use duramen_model::{
    AttributeId, Datom, EntityId, Instant, Keyword, Order, Schema, T, Value, ValueType, builtin,
};
use proptest::prelude::*;

use crate::{Change, TxRecord};

pub(crate) const FRIEND: AttributeId = AttributeId::constant(1024);
pub(crate) const NAME: AttributeId = AttributeId::constant(1025);
pub(crate) const AGE: AttributeId = AttributeId::constant(1026);
pub(crate) const SECRET: AttributeId = AttributeId::constant(1027);
const ATTRIBUTES: [(AttributeId, &str, ValueType); 4] = [
    (FRIEND, "p/friend", ValueType::Ref),
    (NAME, "p/name", ValueType::String),
    (AGE, "p/age", ValueType::Long),
    (SECRET, "p/secret", ValueType::Long),
];

pub(crate) fn t(number: u64) -> T {
    T::new(number).unwrap()
}

pub(crate) fn user(number: u64) -> EntityId {
    EntityId::user(number).unwrap()
}

/// A fact that a transaction turns: asserts where it is closed, retracts where it is open.
type Turn = (EntityId, AttributeId, Value);

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        8 => (0..6_u64, 0..6_u64).prop_map(|(e, v)| (user(e), FRIEND, Value::Ref(user(v)))),
        8 => (0..6_u64, 0..4_u8).prop_map(|(e, v)| (user(e), NAME, name(v))),
        8 => (0..6_u64, 0..4_i64).prop_map(|(e, v)| (user(e), AGE, Value::Long(v))),
        6 => (0..3_u64, 0..3_i64).prop_map(|(e, v)| (user(e), SECRET, Value::Long(v))),
        1 => Just((AGE.entity(), builtin::INDEX, Value::Boolean(true))),
        1 => Just((AGE.entity(), builtin::NO_HISTORY, Value::Boolean(true))),
        1 => (0..3_u64).prop_map(|v| {
            (user(v), builtin::IDENT, Value::Keyword(Keyword::new(format!("p/i{v}"))))
        }),
    ]
}

/// Names, of which one is so long that it is stored by itself.
fn name(v: u8) -> Value {
    let length = if v == 3 { 5_000 } else { 1 };
    Value::string(format!("n{v}").repeat(length))
}

/// Random transactions from 1 on; the first one defines the attributes.
pub(crate) fn any_txs() -> impl Strategy<Value = Vec<TxRecord>> {
    any_txs_up_to(24)
}

/// The same, with so many at most.
pub(crate) fn any_txs_up_to(count: usize) -> impl Strategy<Value = Vec<TxRecord>> {
    prop::collection::vec(prop::collection::vec(any_turn(), 0..6), 1..count).prop_map(|turns| {
        let mut open = BTreeMap::new();
        let all = std::iter::once(schema_turns()).chain(turns);
        all.zip(1..).map(|(turns, number)| tx(&mut open, turns, t(number))).collect()
    })
}

fn schema_turns() -> Vec<Turn> {
    let many = Value::Ref(builtin::CARDINALITY_MANY);
    let mut turns = vec![
        (NAME.entity(), builtin::INDEX, Value::Boolean(true)),
        (SECRET.entity(), builtin::NO_HISTORY, Value::Boolean(true)),
    ];
    for (a, name, value_type) in ATTRIBUTES {
        let value_type = Value::Ref(builtin::value_type_entity(value_type));
        turns.push((a.entity(), builtin::IDENT, Value::Keyword(Keyword::new(name))));
        turns.push((a.entity(), builtin::VALUE_TYPE, value_type));
        turns.push((a.entity(), builtin::CARDINALITY, many.clone()));
    }
    turns
}

fn tx(open: &mut BTreeMap<Turn, T>, turns: Vec<Turn>, t: T) -> TxRecord {
    // Two transactions share an instant: ties are ordered by t.
    let instant = Instant::from_millis(1_000 * (t.get() as i64 / 2));
    let mut changes = vec![Change::assert(t.entity(), builtin::TX_INSTANT, instant, t)];
    let mut turns = turns;
    turns.sort();
    turns.dedup();
    for (e, a, v) in turns {
        changes.push(match open.remove(&(e, a, v.clone())) {
            Some(closes) => Change::retract(e, a, v, t, closes),
            None => {
                open.insert((e, a, v.clone()), t);
                Change::assert(e, a, v, t)
            }
        });
    }
    let tempids = BTreeMap::new();
    TxRecord { t, instant, request_id: None, digest: [0; 32], tempids, changes }
}

/// All facts that ever were, with the transactions that opened and closed them.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    facts: Vec<(Datom, Option<T>)>,
    schema: Schema,
}

impl Oracle {
    pub(crate) fn of(records: &[TxRecord]) -> Self {
        let mut oracle = Self::default();
        oracle.add(&TxRecord::genesis());
        records.iter().for_each(|record| oracle.add(record));
        oracle
    }

    fn add(&mut self, record: &TxRecord) {
        self.schema.apply(record.datoms());
        for Change { datom, closes } in &record.changes {
            let Some(added) = closes else {
                self.facts.push((datom.clone(), None));
                continue;
            };
            let own = |(fact, _): &(Datom, Option<T>)| {
                (fact.e, fact.a, &fact.v, fact.t) == (datom.e, datom.a, &datom.v, *added)
            };
            let place = self.facts.iter().position(own).unwrap();
            self.facts[place].1 = Some(record.t);
            if self.schema.attribute(datom.a).is_some_and(|attribute| attribute.no_history) {
                self.facts.swap_remove(place);
            }
        }
    }

    /// What a view shows, in an order.
    pub(crate) fn datoms(
        &self,
        order: Order,
        (since, as_of): (Option<T>, Option<T>),
        history: bool,
    ) -> Vec<Datom> {
        let seen = |t: T| since.is_none_or(|s| t > s) && as_of.is_none_or(|u| t <= u);
        let mut datoms = Vec::new();
        for (datom, closed) in &self.facts {
            if history {
                datoms.extend(seen(datom.t).then(|| datom.clone()));
                let retraction = |t| Datom { t, added: false, ..datom.clone() };
                datoms.extend(closed.filter(|&t| seen(t)).map(retraction));
            } else if seen(datom.t) && closed.is_none_or(|t| as_of.is_some_and(|u| t > u)) {
                datoms.push(datom.clone());
            }
        }
        datoms.retain(|datom| order != Order::Vaet || matches!(datom.v, Value::Ref(_)));
        datoms.sort_by(|x, y| {
            order.compare((x.e, x.a, &x.v), (y.e, y.a, &y.v)).then_with(|| x.t.cmp(&y.t))
        });
        datoms
    }
}

/// Checks that a database shows what the transactions say, at every time and in every order.
pub(crate) async fn check(db: &crate::Db, records: &[TxRecord]) {
    let oracle = Oracle::of(records);
    let last = records.len() as u64;
    assert_eq!(db.basis_t(), t(last));
    let times = (0..=last).map(|number| Some(t(number))).chain([None]);
    for as_of in times {
        let at = as_of.map_or(db.clone(), |t| db.as_of(t));
        assert_eq!(*at.schema(), schema_as_of(records, as_of), "schema as of {as_of:?}");
        for since in [None, Some(t(last / 2)), Some(t(last / 3))] {
            let view = since.map_or(at.clone(), |t| at.since(t));
            check_view(&view, &oracle, (since, as_of), false).await;
            check_view(&view.history(), &oracle, (since, as_of), true).await;
        }
    }
}

async fn check_view(
    view: &crate::Db,
    oracle: &Oracle,
    times: (Option<T>, Option<T>),
    history: bool,
) {
    for order in [Order::Eavt, Order::Aevt, Order::Vaet] {
        let expected = oracle.datoms(order, times, history);
        let found = view.datoms(&KeyRange::all(order)).await.unwrap();
        assert_eq!(found, expected, "{order:?} {times:?} history {history}");
        let mut cursor = view.cursor(&KeyRange::all(order));
        let mut batched = Vec::new();
        while let Some(batch) = cursor.next_batch().await.unwrap() {
            batched.extend(batch);
        }
        assert_eq!(batched, expected, "{order:?} {times:?} history {history} in batches");
        let columns = read_columns(view, &KeyRange::all(order)).await;
        assert_eq!(columns, expected, "{order:?} {times:?} history {history} in columns");
        let mut unsorted = read_batches(view.columns_unsorted(&KeyRange::all(order), None)).await;
        unsorted.sort_by(|x, y| crate::window::compare(order, x, y));
        assert_eq!(unsorted, expected, "{order:?} {times:?} history {history} unsorted");
    }
    check_keys(view, oracle, times, history).await;
    for a in [NAME, AGE, builtin::TX_INSTANT] {
        let mut expected = oracle.datoms(Order::Avet, times, history);
        expected.retain(|datom| datom.a == a);
        if view.finds_values_of(a) {
            let range = KeyRange::all(Order::Avet).with_a(a);
            assert_eq!(view.datoms(&range).await.unwrap(), expected, "AVET {a} {times:?}");
            assert_eq!(read_columns(view, &range).await, expected, "AVET {a} {times:?} in columns");
        }
        let one = Value::string("n1");
        let selection = crate::Selection::all().with_a(a).within(..=one.clone());
        expected.retain(|datom| datom.v <= one);
        let mut found = view.select(&selection).await.unwrap();
        found.sort_by(|x, y| crate::window::compare(Order::Avet, x, y));
        assert_eq!(found, expected, "select {a} {times:?}");
        assert!(view.count(&selection).await.unwrap() >= expected.len() as u64);
    }
}

/// Checks that what has some keys is found with one walk.
async fn check_keys(
    view: &crate::Db,
    oracle: &Oracle,
    times: (Option<T>, Option<T>),
    history: bool,
) {
    let some: Vec<EntityId> = [0, 2, 5, 9].into_iter().map(user).collect();
    let names: Vec<Value> = [1, 3].into_iter().map(name).collect();
    let all = KeyRange::all;
    let entities = || Keys::Entities(some.clone().into());
    let cases = [
        (all(Order::Eavt), entities()),
        (all(Order::Eavt).with_a(NAME), entities()),
        (all(Order::Eavt), Keys::Facts(some.clone().into(), [NAME, AGE].into())),
        (all(Order::Aevt).with_a(AGE), entities()),
        (all(Order::Vaet), entities()),
        (all(Order::Vaet).with_a(FRIEND), entities()),
        (all(Order::Avet).with_a(NAME), Keys::Values(names.into())),
    ];
    for (range, keys) in cases {
        let has_key = |datom: &Datom| match &keys {
            Keys::Entities(own) if range.order == Order::Vaet => {
                own.iter().any(|e| datom.v == Value::Ref(*e))
            }
            Keys::Entities(own) => own.contains(&datom.e),
            Keys::Values(own) => own.contains(&datom.v),
            Keys::Facts(own, attributes) => own.contains(&datom.e) && attributes.contains(&datom.a),
        };
        if range.order == Order::Avet && !view.finds_values_of(NAME) {
            continue;
        }
        let mut expected = oracle.datoms(range.order, times, history);
        expected.retain(|datom| range.a.is_none_or(|a| datom.a == a) && has_key(datom));
        let found = view.datoms_among(&range, keys.clone()).await.unwrap();
        assert_eq!(found, expected, "{range:?} {keys:?} {times:?} history {history}");
        let mut found = read_batches(view.columns_among(&range, keys.clone())).await;
        found.retain(&has_key);
        assert_eq!(found, expected, "{range:?} {keys:?} {times:?} history {history} in columns");
        let keys = Some(keys.clone());
        let mut found = read_batches(view.columns_unsorted(&range, keys)).await;
        found.retain(&has_key);
        found.sort_by(|x, y| crate::window::compare(range.order, x, y));
        assert_eq!(found, expected, "{range:?} {times:?} history {history} unsorted");
    }
    check_together(view).await;
}

/// Checks that selections are answered together as they are one by one.
async fn check_together(view: &crate::Db) {
    let all = crate::Selection::all;
    let mut selections = Vec::new();
    for number in [4, 0, 1, 0] {
        let (e, to) = (all().with_e(user(number)), Value::Ref(user(number)));
        selections.extend([e.clone(), e.clone().with_a(NAME), e.with_a(AGE).with_v(1_i64)]);
        selections.push(all().with_a(NAME).with_v(name(number as u8)));
        selections.extend([all().with_a(FRIEND).with_v(to.clone()), all().with_v(to)]);
    }
    let together = view.select_many(&selections).await.unwrap();
    for (selection, found) in selections.iter().zip(together) {
        assert_eq!(found, view.select(selection).await.unwrap(), "{selection:?}");
    }
}

async fn read_columns(view: &crate::Db, range: &KeyRange) -> Vec<Datom> {
    read_batches(view.columns(range)).await
}

async fn read_batches(mut cursor: crate::ColumnCursor) -> Vec<Datom> {
    let mut datoms = Vec::new();
    while let Some(batch) = cursor.next_batch().await.unwrap() {
        assert!(!batch.is_empty());
        datoms.extend(batch.datoms());
    }
    datoms
}

fn schema_as_of(records: &[TxRecord], as_of: Option<T>) -> Schema {
    let mut schema = Schema::fold(TxRecord::genesis().datoms());
    for record in records.iter().filter(|record| as_of.is_none_or(|t| record.t <= t)) {
        schema.apply(record.datoms());
    }
    schema
}
