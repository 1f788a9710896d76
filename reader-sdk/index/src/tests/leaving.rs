//! Merges that leave packs.

use std::collections::BTreeSet;

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use super::bucket::Bucket;
use crate::{Index, KeyRange, Layer, LiveBytes, Record, Run, State, merge};

fn record(e: u64, v: i64, t: u64) -> Record {
    let (e, added) = (EntityId::new(e).unwrap(), T::new(t).unwrap());
    Record { e, a: AttributeId::FIRST_USER, v: Value::Long(v), added, state: State::Inserted }
}

#[tokio::test]
async fn a_merge_writes_anew_what_is_in_packs_that_are_given_up_and_nothing_else() {
    let mut bucket = Bucket::new(1 << 20, 4);
    bucket.pack_bytes_target = 400;
    let records: Vec<Record> = (0..400).map(|e| record(e, 1, 1)).collect();
    let old = bucket.tree(Order::Eavt, Layer::Current, &records).await.unwrap();
    let before = LiveBytes::of_tree(&old, &bucket.nodes).await.unwrap();
    let left: BTreeSet<String> = before.iter().step_by(3).map(|(pack, _)| pack.into()).collect();
    assert!(left.len() > 5, "{left:?}");

    let young = Run::memory(Order::Eavt, Layer::Current, vec![record(200, 2, 2)]);
    let index = Index::new(Order::Eavt, Layer::Current).with_run(Run::tree(old)).with_run(young);
    let all = KeyRange::all(Order::Eavt);
    let expected = index.scan(&bucket.nodes, &all).await.unwrap();
    let mut writer = bucket.writer().leaving(left.clone());
    let merged = merge(&index, 0..2, &bucket.nodes, &mut writer, &bucket.options).await.unwrap();
    bucket.finish(writer).await;

    let tree = merged.tree.unwrap();
    let after = LiveBytes::of_tree(&tree, &bucket.nodes).await.unwrap();
    assert!(after.iter().all(|(pack, _)| !left.contains(pack)), "{after:?}");
    let mut accounted = before.clone();
    accounted.add_all(&merged.written);
    assert!(accounted.take_all(&merged.dissolved));
    assert_eq!(accounted, after);
    let stay = before.iter().filter(|(pack, _)| after.of(pack) > 0).count();
    assert!(stay > left.len(), "{stay} of {} packs stay", before.iter().len());
    let index = Index::new(Order::Eavt, Layer::Current).with_run(Run::tree(tree));
    assert_eq!(index.scan(&bucket.cold_nodes(), &all).await.unwrap(), expected);
}
