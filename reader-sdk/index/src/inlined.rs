//! Nodes that came along with what points to them.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use duramen_store::StoreError;

use crate::NodeHash;
use crate::node::Node;
use crate::pointer::ByBeginning;

/// Nodes that are at hand without a request, and stay so: a checkpoint carries the top levels of
/// its runs along. Each is decoded when it is first needed.
#[derive(Default)]
pub(crate) struct Inlined {
    nodes: HashMap<NodeHash, Slot, ByBeginning>,
    /// What they take in memory, decoded ones included.
    bytes: AtomicU64,
}

struct Slot {
    bytes: Bytes,
    node: OnceLock<Arc<Node>>,
}

impl Inlined {
    /// Takes nodes as they are stored. Each is found by the hash of the bytes that are here, so
    /// what is damaged is found by nobody.
    pub(crate) fn new(nodes: impl IntoIterator<Item = Bytes>) -> Self {
        let slot = |bytes: Bytes| (NodeHash::of(&bytes), Slot { bytes, node: OnceLock::new() });
        let nodes: HashMap<NodeHash, Slot, ByBeginning> = nodes.into_iter().map(slot).collect();
        let bytes = nodes.values().map(|slot| slot.bytes.len() as u64).sum();
        Self { nodes, bytes: AtomicU64::new(bytes) }
    }

    /// What the nodes take in memory, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether a node came along.
    pub(crate) fn has(&self, hash: &NodeHash) -> bool {
        self.nodes.contains_key(hash)
    }

    /// A node, if it came along.
    pub(crate) fn get(&self, hash: &NodeHash) -> Result<Option<Arc<Node>>, StoreError> {
        let Some(slot) = self.nodes.get(hash) else { return Ok(None) };
        if let Some(node) = slot.node.get() {
            return Ok(Some(Arc::clone(node)));
        }
        let name = || format!("a node carried along with its tree, BLAKE3 {hash}");
        let decoded = Node::decode(&slot.bytes, name)?;
        let node = slot.node.get_or_init(|| {
            self.bytes.fetch_add(decoded.memory_bytes(), Ordering::Relaxed);
            Arc::new(decoded)
        });
        Ok(Some(Arc::clone(node)))
    }
}

impl fmt::Debug for Inlined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlined")
            .field("nodes", &self.nodes.len())
            .field("bytes", &self.bytes())
            .finish()
    }
}
