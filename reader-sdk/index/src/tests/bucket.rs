//! A bucket in memory for trees.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use duramen_model::Order;
use duramen_store::layout::WriterId;
use duramen_store::{Delayed, Key, Latency, MemoryStore};

use crate::builder::TreeBuilder;
use crate::{
    Index, Layer, MergedRun, NodeCache, NodeOptions, Nodes, PackWriter, Record, Tree, merge,
};

/// A store in memory, and how trees are written to it.
pub(super) struct Bucket {
    pub(super) store: Arc<MemoryStore>,
    pub(super) packs: Key,
    pub(super) nodes: Nodes,
    pub(super) options: NodeOptions,
    pub(super) pack_bytes_target: usize,
    seq: u64,
}

impl Bucket {
    /// A bucket for trees with leaves of four records.
    pub(super) fn new(cache_bytes: u64, branch_children_max: usize) -> Self {
        let store = Arc::new(MemoryStore::new());
        let packs = Key::new("db/pack");
        let nodes = Nodes::new(store.clone(), packs.clone(), NodeCache::new(cache_bytes));
        let options =
            NodeOptions { leaf_records_max: 4, branch_children_max, ..NodeOptions::default() };
        Self { store, packs, nodes, options, pack_bytes_target: 8 << 20, seq: 0 }
    }

    /// Loads from the same packs, with nothing in the cache.
    pub(super) fn cold_nodes(&self) -> Nodes {
        Nodes::new(self.store.clone(), self.packs.clone(), NodeCache::new(1 << 30))
    }

    /// The same, from a store that answers a little later.
    pub(super) fn far_nodes(&self) -> Nodes {
        let latency = Latency { read: Duration::from_millis(1), write: Duration::ZERO };
        let far = Delayed::new(self.store.clone(), latency);
        Nodes::new(Arc::new(far), self.packs.clone(), NodeCache::new(1 << 30))
    }

    pub(super) fn writer(&self) -> PackWriter {
        PackWriter::new(self.store.clone(), self.packs.clone(), WriterId([7; 16]), self.seq)
            .with_bytes_target(self.pack_bytes_target)
    }

    pub(super) async fn finish(&mut self, writer: PackWriter) {
        self.seq += writer.finish().await.unwrap().len() as u64;
    }

    pub(super) async fn merge(&mut self, index: &Index) -> Option<Tree> {
        self.merge_some(index, 0..index.runs().len()).await.tree
    }

    pub(super) async fn merge_some(&mut self, index: &Index, which: Range<usize>) -> MergedRun {
        let mut writer = self.writer();
        let merged = merge(index, which, &self.nodes, &mut writer, &self.options).await.unwrap();
        self.finish(writer).await;
        merged
    }

    /// Writes records as they are, tombstones included.
    pub(super) async fn tree(
        &mut self,
        order: Order,
        layer: Layer,
        records: &[Record],
    ) -> Option<Tree> {
        let mut writer = self.writer();
        let mut builder = TreeBuilder::new(order, layer, &self.options, &mut writer);
        records.iter().for_each(|record| builder.push(record.clone()).unwrap());
        let tree = builder.finish().unwrap().tree;
        self.finish(writer).await;
        tree
    }
}
