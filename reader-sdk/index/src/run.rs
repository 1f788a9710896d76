//! A run: one sorted sequence of records in one order, in memory or as a tree.

use std::sync::{Arc, OnceLock};

use duramen_model::Order;

use crate::key::is_by_time;
use crate::memory::MemoryRun;
use crate::node::Node;
use crate::nodes::{self, Nodes, Shape};
use crate::{IndexError, Layer, Record, Tree, v1};

/// One sorted sequence of records in one order. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Run {
    /// Records in memory.
    Memory(MemoryRun),
    /// Nodes in packs.
    Tree(TreeRun),
}

/// A run in the bucket, with its highest node once it has been needed.
#[derive(Debug, Clone)]
pub struct TreeRun {
    tree: Arc<Tree>,
    top: Arc<OnceLock<Arc<Node>>>,
}

impl Run {
    /// Makes a run of records, in any sequence, of any number of transactions.
    #[must_use]
    pub fn memory(order: Order, layer: Layer, records: Vec<Record>) -> Self {
        Self::Memory(MemoryRun::new(order, layer, records))
    }

    /// Makes a run of a tree in the bucket. Nothing is read yet.
    #[must_use]
    pub fn tree(tree: Tree) -> Self {
        Self::Tree(TreeRun { tree: Arc::new(tree), top: Arc::default() })
    }

    /// How many records the run has.
    #[must_use]
    pub fn records(&self) -> u64 {
        match self {
            Self::Memory(run) => run.records().len() as u64,
            Self::Tree(run) => run.tree.records,
        }
    }

    /// The sum of the weights of its records.
    #[must_use]
    pub fn net(&self) -> i64 {
        match self {
            Self::Memory(run) => run.net(),
            Self::Tree(run) => run.tree.net,
        }
    }
}

impl TreeRun {
    /// What is known of the tree without reading it.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn shape(&self, level: u8) -> Shape {
        Shape { order: self.tree.order, layer: self.tree.layer, level }
    }

    /// Whether the tree is of a version that sorted the records in another sequence. A cursor
    /// regroups what it reads of one, and a merge has nothing of it that could be kept.
    pub(crate) async fn is_regrouped(&self, nodes: &Nodes) -> Result<bool, IndexError> {
        Ok(is_by_time(self.tree.order, self.tree.layer)
            && self.top(nodes).await?.header.version == v1::VERSION)
    }

    /// The highest node, if it is in memory.
    pub(crate) fn top_at_hand(&self, nodes: &Nodes) -> Result<Option<Arc<Node>>, IndexError> {
        match (self.top.get(), &self.tree.top_bytes) {
            (Some(top), _) => Ok(Some(Arc::clone(top))),
            (None, Some(_)) => Ok(None),
            (None, None) => {
                let top = nodes.get_at_hand(&self.tree.top, self.shape(self.tree.height))?;
                // What came along stays in memory, and need not be looked for again.
                if let Some(top) = top.as_ref().filter(|_| nodes.is_inlined(&self.tree.top.hash)) {
                    self.top.get_or_init(|| Arc::clone(top));
                }
                Ok(top)
            }
        }
    }

    /// The highest node. It stays in memory if the tree carries it along.
    pub(crate) async fn top(&self, nodes: &Nodes) -> Result<Arc<Node>, IndexError> {
        let (pointer, shape) = (&self.tree.top, self.shape(self.tree.height));
        let Some(bytes) = &self.tree.top_bytes else {
            return nodes.load(pointer, shape).await;
        };
        if let Some(top) = self.top.get() {
            return Ok(Arc::clone(top));
        }
        let name = || format!("the top of a tree, carried along from {}", pointer.pack);
        let top = Arc::new(nodes::decode_verified(bytes, &pointer.hash, name)?);
        nodes::check(pointer, &top, shape, name)?;
        nodes.complete(std::slice::from_ref(&top)).await?;
        Ok(Arc::clone(self.top.get_or_init(|| top)))
    }
}
