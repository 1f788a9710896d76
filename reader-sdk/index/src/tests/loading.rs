//! What loading nodes costs, and what it says when it fails.

use std::collections::BTreeSet;
use std::future::Future;

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use duramen_store::{Key, ReadStore, StoreError, WriteStore};
use futures_util::future::{join, join_all, poll_immediate};

use super::bucket::Bucket;
use crate::nodes::Shape;
use crate::{
    Index, IndexError, KeyRange, Layer, NodeHash, NodeOptions, Nodes, Pointer, Record, Run, State,
    Times, Tree, merge,
};

fn record(e: u64, t: u64, state: State) -> Record {
    Record {
        e: EntityId::constant(e),
        a: AttributeId::FIRST_USER,
        v: Value::Long(1),
        added: T::new(t).unwrap(),
        state,
    }
}

fn index(records: impl IntoIterator<Item = Record>) -> Index {
    let run = Run::memory(Order::Eavt, Layer::Current, records.into_iter().collect());
    Index::new(Order::Eavt, Layer::Current).with_run(run)
}

fn of_tree(tree: &Tree) -> Index {
    Index::new(tree.order, tree.layer).with_run(Run::tree(tree.clone()))
}

/// A thousand entities in leaves of four.
async fn thousand(bucket: &mut Bucket) -> Tree {
    let records = (0..1000).map(|e| record(e * 10, e, State::Inserted));
    bucket.merge(&index(records)).await.unwrap()
}

fn all() -> KeyRange {
    KeyRange::all(Order::Eavt)
}

fn entity(e: u64) -> KeyRange {
    KeyRange::entity(EntityId::constant(e))
}

#[tokio::test]
async fn a_point_reads_one_node_for_each_level_below_the_top() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    assert!(tree.top_bytes.is_some());
    assert_eq!(tree.height, 2);
    let (index, nodes) = (of_tree(&tree), bucket.cold_nodes());
    assert_eq!(index.scan(&nodes, &entity(5010)).await.unwrap().len(), 1);
    assert_eq!(nodes.stats().requests, 2);
    assert_eq!(index.scan(&nodes, &entity(5010)).await.unwrap().len(), 1);
    assert_eq!(nodes.stats().requests, 2);
    assert_eq!(nodes.stats().hits, 2);
}

#[tokio::test]
async fn neighbours_in_a_pack_are_read_with_one_request() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let (index, nodes) = (of_tree(&tree), bucket.cold_nodes());
    assert_eq!(index.scan(&nodes, &all()).await.unwrap().len(), 1000);
    let stats = nodes.stats();
    assert!(stats.loads > 250, "{stats:?}");
    assert!(stats.requests < 40, "{stats:?}");
}

#[tokio::test]
async fn concurrent_loads_of_a_node_fetch_once() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let (index, nodes) = (of_tree(&tree), bucket.far_nodes());
    let range = entity(5010);
    let scans = join_all((0..20).map(|_| index.scan(&nodes, &range))).await;
    assert!(scans.into_iter().all(|scan| scan.unwrap().len() == 1));
    assert_eq!(nodes.stats().requests, 2);
    assert!(nodes.stats().joined > 0, "{:?}", nodes.stats());
}

/// Whoever asks for a node second must not wait for the first asker to go on.
#[tokio::test]
async fn a_load_that_nobody_polls_blocks_nobody() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let (index, nodes) = (of_tree(&tree), bucket.far_nodes());
    let range = entity(5010);
    let mut stalled = Box::pin(index.scan(&nodes, &range));
    assert!(poll_immediate(&mut stalled).await.is_none());
    assert_eq!(index.scan(&nodes, &range).await.unwrap().len(), 1);
    assert_eq!(stalled.await.unwrap().len(), 1);
    let dropped = bucket.far_nodes();
    assert!(poll_immediate(Box::pin(index.scan(&dropped, &range))).await.is_none());
    assert_eq!(index.scan(&dropped, &range).await.unwrap().len(), 1);
}

#[tokio::test]
async fn counting_reads_only_the_ends_of_a_range() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let (index, nodes) = (of_tree(&tree), bucket.cold_nodes());
    assert_eq!(index.count(&nodes, &all()).await.unwrap(), 1000);
    assert_eq!(nodes.stats().loads, 0);
    let of_a = KeyRange::all(Order::Eavt).with_e(EntityId::constant(50));
    assert_eq!(index.count(&nodes, &of_a).await.unwrap(), 1);
    assert!(nodes.stats().loads <= 4, "{:?}", nodes.stats());
}

#[tokio::test]
async fn a_merge_keeps_the_leaves_that_nothing_touches() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let before = leaves(&bucket.nodes, &tree).await;
    let changed = of_tree(&tree).with_run(Run::memory(
        Order::Eavt,
        Layer::Current,
        vec![record(5001, 2000, State::Inserted), record(20, 2000, State::Removed)],
    ));
    let nodes = bucket.cold_nodes();
    let mut writer = bucket.writer();
    let merged = merge(&changed, 0..2, &nodes, &mut writer, &bucket.options).await.unwrap();
    let merged = merged.tree.unwrap();
    bucket.finish(writer).await;
    let after = leaves(&bucket.nodes, &merged).await;
    assert_eq!(merged.records, 1000);
    assert!(after.difference(&before).count() <= 4);
    assert!(nodes.stats().loads <= 6, "{:?}", nodes.stats());
    let expected = changed.scan(&nodes, &all()).await.unwrap();
    assert_eq!(of_tree(&merged).scan(&nodes, &all()).await.unwrap(), expected);
}

async fn leaves(nodes: &Nodes, tree: &Tree) -> BTreeSet<NodeHash> {
    let mut level = vec![tree.top.clone()];
    for height in (1..=tree.height).rev() {
        let shape = Shape { order: tree.order, layer: tree.layer, level: height };
        let branches = nodes.load_all(&level, shape).await.unwrap();
        level = branches
            .iter()
            .flat_map(|node| match &node.body {
                crate::node::Body::Branch(branch) => branch.pointers().to_vec(),
                crate::node::Body::Leaf(_) => panic!("a leaf on level {height}"),
            })
            .collect();
    }
    level.into_iter().map(|pointer| pointer.hash).collect()
}

/// Trees that grow and shrink by small merges keep their shape.
#[tokio::test]
async fn small_merges_leave_no_dust() {
    let mut bucket = Bucket::new(1 << 30, 8);
    bucket.options.leaf_records_max = 16;
    let mut tree = thousand(&mut bucket).await;
    for round in 0..60_u64 {
        let step = |n: u64| {
            let e = (round * 7919 + n * 104_729) % 10_000;
            let is_there = e.is_multiple_of(10);
            let state = if is_there { State::Replaced } else { State::Inserted };
            record(e, 2000 + round, state)
        };
        // An entity that is already there twice would be an insertion of what is there.
        let known: BTreeSet<EntityId> =
            of_tree(&tree).scan(&bucket.nodes, &all()).await.unwrap().iter().map(|r| r.e).collect();
        let steps: Vec<Record> = (0..10)
            .map(step)
            .map(|r| match known.contains(&r.e) {
                true => Record { state: State::Removed, ..r },
                false => Record { state: State::Inserted, ..r },
            })
            .collect();
        let run = Run::memory(Order::Eavt, Layer::Current, steps);
        tree = bucket.merge(&of_tree(&tree).with_run(run)).await.unwrap();
    }
    let leaves = leaves(&bucket.nodes, &tree).await.len() as u64;
    assert!(leaves * 6 < tree.records, "{leaves} leaves for {} records", tree.records);
}

#[tokio::test]
async fn a_merge_without_younger_runs_writes_nothing() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let mut writer = bucket.writer();
    let merged =
        merge(&of_tree(&tree), 0..1, &bucket.nodes, &mut writer, &bucket.options).await.unwrap();
    assert_eq!(merged.tree, Some(tree));
    assert_eq!(writer.finish().await.unwrap(), vec![]);
}

#[tokio::test]
async fn damage_names_the_object() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let mut tree = thousand(&mut bucket).await;
    let name = tree.top.pack.clone();
    let key = bucket.packs.join(&name);
    let object = bucket.store.get(&key).await.unwrap().unwrap();
    let scan = async |tree: &Tree| {
        let error = of_tree(tree).scan(&bucket.cold_nodes(), &all()).await.unwrap_err();
        (matches!(&error, IndexError::Store(StoreError::Corrupt { .. })), error.to_string())
    };
    let mut flipped = object.to_vec();
    flipped[100] ^= 1;
    bucket.store.put(&key, Bytes::from(flipped)).await.unwrap();
    let (corrupt, message) = scan(&tree).await;
    assert!(corrupt && message.contains(&name), "{message}");
    bucket.store.put(&key, object.slice(..90)).await.unwrap();
    let (corrupt, message) = scan(&tree).await;
    assert!(corrupt && message.contains(&name), "{message}");
    tree.top_bytes = Some(Bytes::from_static(b"junk"));
    let (corrupt, message) = scan(&tree).await;
    assert!(corrupt && message.contains(&name), "{message}");
}

#[tokio::test]
async fn a_pack_that_is_gone_is_missing() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let elsewhere =
        Nodes::new(bucket.store.clone(), Key::new("elsewhere"), crate::NodeCache::new(0));
    for nodes in [elsewhere, Nodes::empty()] {
        let error = of_tree(&tree).scan(&nodes, &all()).await.unwrap_err();
        let missing = matches!(&error, IndexError::Store(StoreError::Missing { .. }));
        assert!(missing && error.to_string().contains(&tree.top.pack), "{error}");
    }
}

/// A pointer that lies about its node is damage, wherever the node comes from.
#[tokio::test]
async fn pointers_are_held_to_what_they_say() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let lies: [fn(&mut Tree); 4] = [
        |tree| tree.top.records += 1,
        |tree| tree.top.t_max = T::MAX,
        |tree| tree.height -= 1,
        |tree| tree.layer = Layer::History,
    ];
    for lie in lies {
        let mut wrong = tree.clone();
        lie(&mut wrong);
        for top_bytes in [tree.top_bytes.clone(), None] {
            let wrong = Tree { top_bytes, ..wrong.clone() };
            let error = of_tree(&wrong).scan(&bucket.nodes, &all()).await.unwrap_err();
            assert!(matches!(error, IndexError::Store(StoreError::Corrupt { .. })), "{error}");
        }
    }
}

#[tokio::test]
async fn large_values_make_small_nodes() {
    let mut bucket = Bucket::new(1 << 30, 512);
    bucket.options = NodeOptions::default();
    let text = "y".repeat(100_000);
    let records = (0..40).map(|e| Record {
        v: Value::string(format!("{text}{e}")),
        ..record(e / 4, e, State::Inserted)
    });
    let index = index(records);
    let tree = bucket.merge(&index).await.unwrap();
    assert!(tree.height > 0);
    assert!(tree.top.length < 10_000, "{} bytes of separators", tree.top.length);
    let expected = index.scan(&Nodes::empty(), &all()).await.unwrap();
    assert_eq!(of_tree(&tree).scan(&bucket.nodes, &all()).await.unwrap(), expected);
}

#[tokio::test]
async fn what_could_not_be_read_again_is_refused() {
    let bucket = Bucket::new(1 << 30, 16);
    let deep = (0..40).fold(Value::Long(1), |value, _| Value::Tuple([Some(value)].into()));
    let huge = Value::string("z".repeat(17 << 20));
    for v in [deep, huge] {
        let index = index([Record { v, ..record(1, 1, State::Inserted) }]);
        let mut writer = bucket.writer();
        let error =
            merge(&index, 0..1, &bucket.nodes, &mut writer, &bucket.options).await.unwrap_err();
        assert!(matches!(error, IndexError::Unstorable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_cursor_reads_little_at_first() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let nodes = bucket.cold_nodes();
    let mut cursor = of_tree(&tree).cursor(&nodes, &all());
    assert!(!cursor.next_batch().await.unwrap().unwrap().is_empty());
    assert!(nodes.stats().loads <= 16, "{:?}", nodes.stats());
}

#[tokio::test]
async fn what_is_new_is_found_without_reading_the_old() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let tree = thousand(&mut bucket).await;
    let nodes = bucket.cold_nodes();
    let times = Times { after: T::new(989), up_to: None };
    let found = of_tree(&tree).scan_within(&nodes, &all(), times).await.unwrap();
    assert!(found.len() >= 10, "{}", found.len());
    assert!(nodes.stats().loads <= 5, "{:?}", nodes.stats());
}

#[tokio::test]
async fn runs_are_read_at_the_same_time() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let old = thousand(&mut bucket).await;
    let young = index((0..1000).map(|e| record(e * 10 + 1, 3000, State::Inserted)));
    let young = bucket.merge(&young).await.unwrap();
    let index = of_tree(&old).with_run(Run::tree(young));
    let nodes = bucket.cold_nodes();
    let (few, many) =
        join(index.scan(&nodes, &entity(5010)), index.count(&nodes, &entity(5011))).await;
    assert_eq!((few.unwrap().len(), many.unwrap()), (1, 1));
}

#[test]
fn futures_can_move_between_threads() {
    fn is_send(_: impl Future + Send) {}
    let (index, nodes) = (Index::new(Order::Eavt, Layer::Current), Nodes::empty());
    let bucket = Bucket::new(0, 4);
    let mut writer = bucket.writer();
    is_send(index.scan(&nodes, &all()));
    is_send(index.count(&nodes, &all()));
    is_send(index.cursor(&nodes, &all()).next_batch());
    is_send(merge(&index, 0..1, &nodes, &mut writer, &bucket.options));
    is_send(writer.finish());
    fn is_shared<T: Send + Sync>() {}
    is_shared::<(Index, Nodes, Pointer)>();
}
