//! Merges that leave packs.

use std::collections::BTreeSet;

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use super::bucket::Bucket;
use crate::{Index, KeyRange, Layer, LiveBytes, MergedRun, Record, Run, State, Tree, merge};

fn record(e: u64, v: i64, t: u64) -> Record {
    let (e, added) = (EntityId::new(e).unwrap(), T::new(t).unwrap());
    Record { e, a: AttributeId::FIRST_USER, v: Value::Long(v), added, state: State::Inserted }
}

/// A tree of many packs.
async fn tree(bucket: &mut Bucket) -> (Tree, LiveBytes) {
    bucket.pack_bytes_target = 400;
    let records: Vec<Record> = (0..400).map(|e| record(e, 1, 1)).collect();
    let tree = bucket.tree(Order::Eavt, Layer::Current, &records).await.unwrap();
    let live = LiveBytes::of_tree(&tree, &bucket.nodes).await.unwrap();
    (tree, live)
}

fn index_of(tree: Tree) -> Index {
    Index::new(Order::Eavt, Layer::Current).with_run(Run::tree(tree))
}

/// Merges all runs, leaving packs; checks that they are left, and nothing else is different.
async fn merge_leaving(bucket: &mut Bucket, index: &Index, left: BTreeSet<String>) -> MergedRun {
    let all = KeyRange::all(Order::Eavt);
    let expected = index.scan(&bucket.nodes, &all).await.unwrap();
    let mut writer = bucket.writer();
    writer.leave(left.clone());
    let runs = 0..index.runs().len();
    let merged = merge(index, runs, &bucket.nodes, &mut writer, &bucket.options).await.unwrap();
    bucket.finish(writer).await;
    let tree = merged.tree.clone().unwrap();
    let after = LiveBytes::of_tree(&tree, &bucket.nodes).await.unwrap();
    assert!(after.iter().all(|(pack, _)| !left.contains(pack)), "{after:?}");
    let index = index_of(tree);
    assert_eq!(index.scan(&bucket.cold_nodes(), &all).await.unwrap(), expected);
    merged
}

#[tokio::test]
async fn a_merge_writes_anew_what_is_in_packs_that_are_left_and_little_else() {
    let mut bucket = Bucket::new(1 << 20, 4);
    let (old, before) = tree(&mut bucket).await;
    let packs = before.iter().len();
    for one_in in [3, 17] {
        let left: BTreeSet<String> =
            before.iter().step_by(one_in).map(|(pack, _)| pack.into()).collect();
        let in_left: u64 = left.iter().map(|pack| before.of(pack)).sum();
        let young = Run::memory(Order::Eavt, Layer::Current, vec![record(200, 2, 2)]);
        let index = index_of(old.clone()).with_run(young);
        let merged = merge_leaving(&mut bucket, &index, left.clone()).await;
        let after = LiveBytes::of_tree(merged.tree.as_ref().unwrap(), &bucket.nodes).await.unwrap();
        let mut accounted = before.clone();
        accounted.add_all(&merged.written);
        assert!(accounted.take_all(&merged.dissolved));
        assert_eq!(accounted, after);
        let stay = before.iter().filter(|(pack, _)| after.of(pack) > 0).count();
        assert!(2 * stay > packs, "{stay} of {packs} packs stay");
        // Beside it the branches above, of which there are many where nodes are as small as here.
        let written = merged.written.total();
        assert!(written < in_left + before.total() / 2, "{written} of {}", before.total());
    }
}

#[tokio::test]
async fn a_single_run_leaves_packs_too() {
    let mut bucket = Bucket::new(1 << 20, 4);
    let (old, before) = tree(&mut bucket).await;
    let index = index_of(old.clone());
    let none = merge_leaving(&mut bucket, &index, ["no-such-pack".to_owned()].into()).await;
    assert_eq!((none.tree.as_ref(), none.written.total()), (Some(&old), 0));
    let one = before.iter().nth(5).unwrap().0.to_owned();
    let merged = merge_leaving(&mut bucket, &index, [one].into()).await;
    assert!(merged.written.total() < before.total() / 4, "{:?}", merged.written);
    let leaf = bucket.tree(Order::Eavt, Layer::Current, &[record(1, 1, 1)]).await.unwrap();
    let pack = leaf.top.pack.clone();
    merge_leaving(&mut bucket, &index_of(leaf), [pack].into()).await;
}
