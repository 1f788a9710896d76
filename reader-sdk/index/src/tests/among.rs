//! A walk for some keys reads what has them, and as little else as possible.

use duramen_model::{AttributeId, EntityId, Order, Value};

use super::bucket::Bucket;
use crate::{Index, KeyRange, Keys, Layer, Nodes, Record, Run, State, Stretch, Times};

/// Ranges with keys that suit them, and some that do not.
pub(super) fn cases(
    order: Order,
    mut entities: Vec<EntityId>,
    a: AttributeId,
    mut values: Vec<Value>,
) -> Vec<(KeyRange, Keys)> {
    entities.sort_unstable();
    entities.dedup();
    values.sort();
    values.dedup();
    let all = KeyRange::all(order);
    let of_a = all.clone().with_a(a);
    let some = Keys::Entities(entities.clone().into());
    let none = Keys::Entities([].into());
    let facts = Keys::Facts(entities.into(), [AttributeId::MIN, a].into());
    let of_value = of_a.clone().with_v(values[0].clone());
    let values = Keys::Values(values.into());
    match order {
        Order::Eavt => {
            vec![(all.clone(), some.clone()), (of_a, some.clone()), (of_value, some), (all, facts)]
        }
        Order::Aevt => vec![(of_a.clone(), some), (of_a, none), (all, facts)],
        Order::Avet => vec![(of_a, values)],
        Order::Vaet => vec![(of_a, some.clone()), (all, some)],
    }
}

/// Whether a fact has one of the keys.
pub(super) fn has_key(range: &KeyRange, keys: &Keys, fact: &Record) -> bool {
    match keys {
        Keys::Entities(entities) if range.order == Order::Vaet => {
            entities.iter().any(|e| fact.v == Value::Ref(*e))
        }
        Keys::Entities(entities) => entities.contains(&fact.e),
        Keys::Values(values) => values.contains(&fact.v),
        Keys::Facts(entities, attributes) => {
            entities.contains(&fact.e) && attributes.contains(&fact.a)
        }
    }
}

fn record(e: u64) -> Record {
    Record {
        e: EntityId::constant(e),
        a: AttributeId::FIRST_USER,
        v: Value::string(format!("v{e}")),
        added: duramen_model::T::GENESIS,
        state: State::Inserted,
    }
}

fn entities(entities: impl IntoIterator<Item = u64>) -> Keys {
    Keys::Entities(entities.into_iter().map(EntityId::constant).collect())
}

#[tokio::test]
async fn only_leaves_that_can_hold_a_key_are_read() {
    let mut bucket = Bucket::new(100_000_000, 4);
    let records: Vec<Record> = (0..400).map(record).collect();
    let tree = bucket.tree(Order::Aevt, Layer::Current, &records).await.unwrap();
    let levels = u64::from(tree.height) + 1;
    let index = Index::new(Order::Aevt, Layer::Current).with_run(Run::tree(tree));
    let range = KeyRange::all(Order::Aevt).with_a(AttributeId::FIRST_USER);
    let keys = entities([7, 99, 201, 399]);
    let mut cursor = index.cursor_among(&bucket.nodes, &range, keys, true, Times::default());
    let mut found = Vec::new();
    while let Some(batch) = cursor.next_batch().await.unwrap() {
        found.extend(batch);
    }
    assert_eq!(found, [7, 99, 201, 399].map(record));
    // A path to each, or two where a separator does not tell; the leaves alone are a hundred.
    let loads = bucket.nodes.stats().loads;
    assert!(loads <= 8 * levels, "{loads} nodes");
}

#[tokio::test]
async fn a_few_records_of_many_in_memory_are_picked() {
    let records = (0..10_000).map(record).collect();
    let index = Index::new(Order::Aevt, Layer::Current).with_run(Run::memory(
        Order::Aevt,
        Layer::Current,
        records,
    ));
    let range = KeyRange::all(Order::Aevt).with_a(AttributeId::FIRST_USER);
    for (keys, expected) in [(entities([5, 9_000, 20_000]), 2), (entities(0..9_999), 10_000)] {
        let nodes = Nodes::empty();
        let mut cursor = index.cursor_among(&nodes, &range, keys, false, Times::default());
        let mut count = 0;
        while let Some(stretches) = cursor.next_stretches().await.unwrap() {
            count += stretches.iter().map(Stretch::len).sum::<usize>();
        }
        assert_eq!(count, expected);
    }
}

#[tokio::test]
async fn many_records_in_memory_are_read_as_columns_that_stay() {
    let (order, layer) = (Order::Aevt, Layer::Current);
    let many = Run::memory(order, layer, (0..10_000).map(record).collect());
    let state = State::Removed;
    let removed = (0..5_000).map(|e| Record { state, ..record(2 * e) }).collect();
    let index = Index::new(order, layer).with_run(many);
    let [Run::Memory(run)] = index.runs() else { panic!("one run in memory") };
    assert_eq!(run.column_bytes(), 0);
    let nodes = Nodes::empty();
    let mut cursor = index.cursor(&nodes, &KeyRange::all(order));
    let mut count = 0;
    while let Some(stretches) = cursor.next_stretches().await.unwrap() {
        assert!(stretches.iter().all(|stretch| matches!(stretch, Stretch::Leaf { .. })));
        count += stretches.iter().map(Stretch::len).sum::<usize>();
    }
    assert_eq!(count, 10_000);
    assert!(index.column_bytes() > 10_000 * 16);
    // Tombstones alone show nothing, as columns either.
    let closed = Index::new(order, layer).with_run(Run::memory(order, layer, removed));
    let mut cursor = closed.cursor(&nodes, &KeyRange::all(order));
    assert!(cursor.next_stretches().await.unwrap().is_none());
}
