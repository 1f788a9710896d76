//! Pointers to nodes, and the tree that hangs from one.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;
use duramen_model::{Order, T};

use crate::Layer;

/// The BLAKE3 of a node's stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeHash([u8; 32]);

/// Hashes hashes in memory: by what they begin with, as nothing could be more random.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beginning(u64);

pub(crate) type ByBeginning = BuildHasherDefault<Beginning>;

impl Hasher for Beginning {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(beginning) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*beginning);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl NodeHash {
    /// Bytes in a hash.
    pub const LENGTH: usize = 32;

    /// Hashes stored bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Takes a hash that was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a node is, what it hashes to, and what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The name of the pack object, within the folder of packs.
    pub pack: String,
    /// Where in the object the node begins, in bytes.
    pub offset: u64,
    /// How long the node is, in bytes.
    pub length: u32,
    /// The BLAKE3 of its bytes.
    pub hash: NodeHash,
    /// Records at and below it.
    pub records: u64,
    /// The sum of their weights.
    pub net: i64,
    /// The earliest transaction that a record at or below it names.
    pub t_min: T,
    /// The latest transaction that a record at or below it names.
    pub t_max: T,
}

/// A run in the bucket: a tree of nodes in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The order of its records.
    pub order: Order,
    /// The layer that its records belong to.
    pub layer: Layer,
    /// The highest node.
    pub top: Pointer,
    /// The bytes of the highest node, where they are carried along to save a request.
    pub top_bytes: Option<Bytes>,
    /// Levels below the top: 0 when the top is a leaf.
    pub height: u8,
    /// Records in the tree.
    pub records: u64,
    /// The sum of their weights.
    pub net: i64,
    /// The earliest transaction that a record names.
    pub t_min: T,
    /// The latest transaction that a record names.
    pub t_max: T,
}
