//! How large nodes and packs become.

use crate::node::NODE_ENTRIES_MAX;
use crate::pack::PACK_BYTES_TARGET;

/// The largest target for a node's bytes.
const BYTES_TARGET_MAX: usize = 8 << 20;

/// How large nodes become, and the packs that they are in.
///
/// Every bound is kept to what a reader accepts, whatever is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeOptions {
    /// Records in a leaf, at most.
    pub leaf_records_max: usize,
    /// Bytes of a leaf before encoding, roughly; a single record may be larger.
    pub leaf_bytes_target: usize,
    /// Children of a branch, at most; at least 2.
    pub branch_children_max: usize,
    /// Bytes of the separators in a branch, roughly.
    pub branch_bytes_target: usize,
    /// How large a tree's highest node may be, in bytes, to be carried along with the tree.
    pub top_bytes_max: usize,
    /// How long a pack gets before the next one is begun, in bytes.
    pub pack_bytes_target: usize,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            leaf_records_max: 4096,
            leaf_bytes_target: 256 << 10,
            branch_children_max: 512,
            branch_bytes_target: 128 << 10,
            top_bytes_max: 64 << 10,
            pack_bytes_target: PACK_BYTES_TARGET,
        }
    }
}

impl NodeOptions {
    pub(crate) fn within_limits(&self) -> Self {
        Self {
            leaf_records_max: self.leaf_records_max.clamp(1, NODE_ENTRIES_MAX),
            leaf_bytes_target: self.leaf_bytes_target.clamp(1, BYTES_TARGET_MAX),
            branch_children_max: self.branch_children_max.clamp(2, NODE_ENTRIES_MAX),
            branch_bytes_target: self.branch_bytes_target.clamp(1, BYTES_TARGET_MAX),
            top_bytes_max: self.top_bytes_max,
            pack_bytes_target: self.pack_bytes_target,
        }
    }
}
