//! Runs that are read one after the other.

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use super::bucket::Bucket;
use crate::{Index, KeyRange, Layer, Record, Run, State, Times};

fn record((e, t, state): (u64, u64, State)) -> Record {
    Record {
        e: EntityId::constant(e),
        a: AttributeId::FIRST_USER,
        v: Value::Long(1),
        added: T::new(t).unwrap(),
        state,
    }
}

#[tokio::test]
async fn what_was_removed_twice_hides_no_less_than_its_neighbours() {
    let mut bucket = Bucket::new(1 << 20, 4);
    let (inserted, removed) = (State::Inserted, State::Removed);
    let mut index = Index::new(Order::Eavt, Layer::Current);
    for run in [
        vec![(1, 1, inserted), (2, 1, inserted), (3, 1, inserted)],
        vec![(1, 2, removed), (2, 2, removed)],
        vec![(1, 3, inserted)],
        vec![(1, 4, removed)],
    ] {
        let records: Vec<Record> = run.into_iter().map(record).collect();
        let tree = bucket.tree(Order::Eavt, Layer::Current, &records).await.unwrap();
        index = index.with_run(Run::tree(tree));
    }
    let range = KeyRange::all(Order::Eavt);
    let mut cursor = index.cursor_unsorted(&bucket.nodes, &range, None, Times::default());
    let mut found = Vec::new();
    while let Some(stretches) = cursor.next_stretches().await.unwrap() {
        for stretch in stretches {
            found.extend(stretch.into_records().unwrap());
        }
    }
    assert_eq!(found, index.scan(&bucket.nodes, &range).await.unwrap());
    assert_eq!(found, [record((3, 1, inserted))]);
}
