//! Large values, which are stored by themselves.

use std::collections::BTreeSet;

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use duramen_store::{ReadStore, StoreError, WriteStore};
use futures_util::future::join_all;
use proptest::prelude::*;

use super::bucket::Bucket;
use super::codec;
use crate::node::{Body, Node, encode_leaf};
use crate::values::{Storing, large_bytes};
use crate::{
    Index, IndexError, KeyRange, Layer, LiveBytes, MergedRun, NodeHash, Nodes, PackWriter, Record,
    Run, State, StoredValue, Tree, merge,
};

fn record(e: u64, v: Value, t: u64, state: State) -> Record {
    Record {
        e: EntityId::constant(e),
        a: AttributeId::FIRST_USER,
        v,
        added: T::new(t).unwrap(),
        state,
    }
}

/// A text of which the beginning is the same for many, and the end tells them apart.
fn text(n: u64, length: usize) -> Value {
    Value::string(format!("{}{n:08}", "é".repeat(length / 2)))
}

fn memory(order: Order, records: Vec<Record>) -> Index {
    Index::new(order, Layer::Current).with_run(Run::memory(order, Layer::Current, records))
}

fn of_tree(tree: &Tree) -> Index {
    Index::new(tree.order, tree.layer).with_run(Run::tree(tree.clone()))
}

/// A bucket whose large values are stored by themselves.
struct Large {
    bucket: Bucket,
    /// Runs of values, newest first.
    values: Vec<Tree>,
}

impl Large {
    fn new() -> Self {
        Self { bucket: Bucket::new(1 << 30, 8), values: Vec::new() }
    }

    fn nodes(&self) -> Nodes {
        self.bucket.cold_nodes().with_values(self.values.clone())
    }

    fn writer(&self) -> PackWriter {
        self.bucket.writer().with_large_values(self.nodes())
    }

    /// Merges all runs of some indexes in one job; the trees, and what became of the values.
    async fn merge(&mut self, indexes: &[Index]) -> (Vec<Option<Tree>>, MergedRun) {
        let (mut writer, nodes) = (self.writer(), self.nodes());
        let mut trees = Vec::new();
        for index in indexes {
            let all = 0..index.runs().len();
            let merged = merge(index, all, &nodes, &mut writer, &self.bucket.options).await;
            trees.push(merged.unwrap().tree);
        }
        let values = writer.finish_values(&self.bucket.options).await.unwrap();
        self.values.splice(0..0, values.tree.clone());
        self.bucket.finish(writer).await;
        (trees, values)
    }
}

async fn scan(index: &Index, nodes: &Nodes) -> Vec<Record> {
    index.scan(nodes, &KeyRange::all(index.order())).await.unwrap()
}

#[tokio::test]
async fn a_large_value_is_stored_once_for_all_indexes_and_merges() {
    let mut large = Large::new();
    let bytes = 20_000;
    let records = |from: u64, t: u64| -> Vec<Record> {
        let of = |e| record(e, text(e % 5, bytes), t, State::Inserted);
        (from..from + 10).map(of).collect()
    };
    let orders = [Order::Eavt, Order::Aevt, Order::Avet];
    let first: Vec<Index> = orders.iter().map(|order| memory(*order, records(0, 1))).collect();
    let (trees, values) = large.merge(&first).await;
    assert_eq!(values.tree.as_ref().map(|tree| tree.records), Some(5));
    assert!(values.written.total() < 5 * (bytes as u64 + 200), "{:?}", values.written);
    let run = values.tree.as_ref().unwrap();
    assert_eq!(LiveBytes::of_values(run, &large.nodes()).await.unwrap(), values.written);
    assert!(trees.iter().flatten().all(|tree| tree.top.pack == run.top.pack));
    assert_eq!(values.written.iter().len(), 2, "nodes and values have packs of their own");
    for (index, tree) in first.iter().zip(&trees) {
        let tree = tree.as_ref().unwrap();
        let expected = scan(index, &Nodes::empty()).await;
        assert_eq!(scan(&of_tree(tree), &large.nodes()).await, expected);
    }
    // The next merge knows them all, and one more.
    let mut more = records(100, 2);
    more.push(record(7, text(77, bytes), 2, State::Inserted));
    let index = of_tree(trees[0].as_ref().unwrap());
    let index = index.with_run(Run::memory(Order::Eavt, Layer::Current, more));
    let (trees, values) = large.merge(std::slice::from_ref(&index)).await;
    assert_eq!(values.tree.map(|tree| tree.records), Some(1));
    let expected = scan(&index, &large.nodes()).await;
    assert_eq!(expected.len(), 21);
    assert_eq!(scan(&of_tree(trees[0].as_ref().unwrap()), &large.nodes()).await, expected);
}

#[tokio::test]
async fn values_of_a_leaf_come_together() {
    let mut large = Large::new();
    large.bucket.options.leaf_records_max = 1000;
    let records = (0..40).map(|e| record(e, text(e, 5000), 1, State::Inserted)).collect();
    let index = memory(Order::Eavt, records);
    let (trees, _) = large.merge(&[index]).await;
    let tree = trees[0].as_ref().unwrap();
    let (nodes, index) = (large.nodes(), of_tree(tree));
    let scans = join_all((0..4).map(|_| scan(&index, &nodes))).await;
    assert!(scans.iter().all(|records| records.len() == 40));
    let stats = nodes.stats();
    assert!(stats.requests <= 8, "{stats:?}");
    let again = nodes.stats().requests;
    assert_eq!(scan(&index, &nodes).await.len(), 40);
    assert_eq!(nodes.stats().requests, again, "the leaf is complete, and kept so");
}

#[tokio::test]
async fn bounds_and_counts_are_those_of_the_values() {
    let mut large = Large::new();
    let values: Vec<Value> =
        (0..60).map(|n| text(n / 2, if n % 2 == 0 { 300 } else { 6000 })).collect();
    let records = values.iter().zip(0..);
    let records = records.map(|(v, e)| record(e, v.clone(), 1, State::Inserted)).collect();
    let index = memory(Order::Avet, records);
    let (trees, _) = large.merge(std::slice::from_ref(&index)).await;
    let tree = of_tree(trees[0].as_ref().unwrap());
    for v in &values {
        let of_a = KeyRange::all(Order::Avet).with_a(AttributeId::FIRST_USER);
        let from = (std::ops::Bound::Included(v.clone()), std::ops::Bound::Unbounded);
        for range in [of_a.clone().with_v(v.clone()), KeyRange { v: from, ..of_a }] {
            let expected = index.scan(&Nodes::empty(), &range).await.unwrap();
            assert_eq!(tree.scan(&large.nodes(), &range).await.unwrap(), expected);
            let count = tree.count(&large.nodes(), &range).await.unwrap();
            assert_eq!(count, expected.len() as u64);
        }
    }
}

#[tokio::test]
async fn a_value_that_is_gone_or_damaged_is_named() {
    let mut large = Large::new();
    let index = memory(Order::Eavt, vec![record(1, text(1, 9000), 1, State::Inserted)]);
    let (trees, values) = large.merge(&[index]).await;
    let tree = of_tree(trees[0].as_ref().unwrap());
    let all = KeyRange::all(Order::Eavt);
    let unknown = tree.scan(&large.bucket.cold_nodes(), &all).await.unwrap_err();
    assert!(matches!(unknown, IndexError::Store(StoreError::Missing { .. })), "{unknown}");
    assert!(unknown.to_string().contains("a value of 9008 bytes"), "{unknown}");
    let places = values.tree.unwrap().top.pack;
    let pack = values.written.iter().map(|(pack, _)| pack).find(|pack| *pack != places);
    let pack = pack.unwrap().to_owned();
    let key = large.bucket.packs.join(&pack);
    let mut object = large.bucket.store.get(&key).await.unwrap().unwrap().to_vec();
    let middle = object.len() - 5000;
    object[middle] ^= 1;
    large.bucket.store.put(&key, object.into()).await.unwrap();
    let damaged = tree.scan(&large.nodes(), &all).await.unwrap_err();
    assert!(matches!(damaged, IndexError::Store(StoreError::Corrupt { .. })), "{damaged}");
    assert!(damaged.to_string().contains(&pack), "{damaged}");
}

#[tokio::test]
async fn values_without_a_run_are_refused() {
    let large = Large::new();
    let index = memory(Order::Eavt, vec![record(1, text(1, 9000), 1, State::Inserted)]);
    let mut writer = large.writer();
    merge(&index, 0..1, &large.nodes(), &mut writer, &large.bucket.options).await.unwrap();
    assert!(writer.finish().await.is_err());
}

fn golden_records() -> Vec<Record> {
    let values = [
        (1, Value::string("small")),
        (2, text(2, 5000)),
        (3, Value::Bytes(vec![0xA5; 4097].into())),
        (4, Value::Uri("https://example.org/".repeat(300).into())),
        (5, Value::string("x".repeat(4096))),
    ];
    values.into_iter().map(|(e, v)| record(e, v, e, State::Inserted)).collect()
}

fn golden_parts() -> Vec<(&'static str, Vec<u8>)> {
    let records = golden_records();
    let leaf = encode_leaf(Order::Eavt, Layer::Current, &records, Storing::Elsewhere).unwrap();
    let hash = NodeHash::of(b"value");
    let place = StoredValue { hash, pack: "0a0b-1".to_owned(), offset: 300, length: 5 };
    assert_eq!(StoredValue::of(&place.to_record()).unwrap(), place);
    let Value::Bytes(place) = place.to_record().v else { panic!() };
    vec![("leaf", leaf), ("place", place.to_vec())]
}

/// What was written once is read for ever; see the golden nodes.
#[test]
fn the_format_of_large_values_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/golden-large.txt");
    let Ok(golden) = std::fs::read_to_string(path) else {
        let lines: Vec<String> = golden_parts()
            .iter()
            .map(|(name, bytes)| format!("{name}: {}\n", codec::hex(bytes)))
            .collect();
        std::fs::write(path, lines.concat()).unwrap();
        panic!("{path} was missing and has been written: look at it and commit it");
    };
    let golden = codec::golden_of(&golden);
    let node = Node::decode(&golden["leaf"], || "golden".to_owned()).unwrap();
    let Body::Leaf(leaf) = &node.body else { panic!("no leaf") };
    assert!(leaf.is_incomplete());
    assert!(leaf.records(0..1).is_err());
    let expected = golden_records();
    let large = expected.iter().filter_map(|record| large_bytes(&record.v));
    let large = large.map(|bytes| (NodeHash::of(bytes), Bytes::copy_from_slice(bytes))).collect();
    assert_eq!(leaf.remotes().unwrap().len(), 3);
    leaf.complete(&large).unwrap();
    assert_eq!(leaf.records(0..5).unwrap(), expected);
    assert_eq!(golden["place"], golden_parts()[1].1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Merges of steps on facts with values of all lengths read like a set.
    #[test]
    fn merges_with_large_values_read_like_a_set(
        rounds in prop::collection::vec(
            prop::collection::vec((0u64..12, 0u64..4, prop::bool::ANY), 1..40), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut large = Large::new();
            let mut index = Index::new(Order::Eavt, Layer::Current);
            let mut open: BTreeSet<(u64, Value)> = BTreeSet::new();
            for (steps, t) in rounds.into_iter().zip(1..) {
                for (e, n, is_long) in steps {
                    let v = text(n, if is_long { 5000 } else { 10 });
                    let fact = (e, v.clone());
                    let state = if open.remove(&fact) {
                        State::Removed
                    } else {
                        open.insert(fact);
                        State::Inserted
                    };
                    let run = Run::memory(Order::Eavt, Layer::Current, vec![record(e, v, t, state)]);
                    index = index.with_run(run);
                }
                let (trees, _) = large.merge(std::slice::from_ref(&index)).await;
                index = Index::new(Order::Eavt, Layer::Current);
                if let Some(tree) = trees.into_iter().flatten().next() {
                    index = index.with_run(Run::tree(tree));
                }
                let found = scan(&index, &large.nodes()).await;
                let found: Vec<(u64, Value)> =
                    found.into_iter().map(|record| (record.e.get(), record.v)).collect();
                assert_eq!(found, open.iter().cloned().collect::<Vec<_>>());
            }
        });
    }
}
