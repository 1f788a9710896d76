//! Decoded nodes, kept within a byte budget.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::NodeHash;
use crate::node::Node;
use crate::pointer::ByBeginning;

/// What a decoded node takes, for the cache's estimate of how many it will hold.
const NODE_BYTES_TYPICAL: u64 = 256 << 10;

/// Keeps decoded nodes by their hash, within a byte budget. Cheap to clone, and shared by any
/// number of databases: a node is the same wherever it is kept.
#[derive(Clone)]
pub struct NodeCache {
    nodes: Arc<Cache<NodeHash, Arc<Node>, ByMemory, ByBeginning>>,
}

#[derive(Debug, Clone)]
struct ByMemory;

impl Weighter<NodeHash, Arc<Node>> for ByMemory {
    fn weight(&self, _hash: &NodeHash, node: &Arc<Node>) -> u64 {
        node.memory_bytes()
    }
}

impl NodeCache {
    /// A cache with a budget in bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let nodes_typical = usize::try_from(bytes_max / NODE_BYTES_TYPICAL).unwrap_or(usize::MAX);
        let (by, lifecycle) = (ByBeginning::default(), DefaultLifecycle::default());
        let nodes = Cache::with(nodes_typical.max(16), bytes_max, ByMemory, by, lifecycle);
        Self { nodes: Arc::new(nodes) }
    }

    /// What the nodes in the cache take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.nodes.weight()
    }

    /// How many nodes are in the cache.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node in the cache.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn get(&self, hash: &NodeHash) -> Option<Arc<Node>> {
        self.nodes.get(hash)
    }

    pub(crate) fn insert(&self, hash: NodeHash, node: Arc<Node>) {
        self.nodes.insert(hash, node);
    }
}

impl fmt::Debug for NodeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeCache")
            .field("len", &self.len())
            .field("bytes", &self.bytes())
            .field("bytes_max", &self.nodes.capacity())
            .finish()
    }
}
