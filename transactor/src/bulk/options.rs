//! How a load goes about it, and how far it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use duramen_index::NodeOptions;

/// The least memory that a load makes do with, in bytes.
const MEMORY_BYTES_MIN: usize = 64 << 10;

/// How a load goes about it.
#[derive(Debug, Clone)]
pub struct BulkOptions {
    /// What it may take of memory, roughly, in bytes. More of it makes fewer spills.
    pub memory_bytes_max: usize,
    /// The folder for spills, which is there and stays; then the load can be gone on with. A
    /// temporary one of the system where it is not given.
    pub work: Option<PathBuf>,
    /// How large nodes become.
    pub nodes: NodeOptions,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self { memory_bytes_max: 512 << 20, work: None, nodes: NodeOptions::default() }
    }
}

impl BulkOptions {
    pub(crate) fn memory(&self) -> usize {
        self.memory_bytes_max.max(MEMORY_BYTES_MIN)
    }

    /// Bytes of sorted rows that are spilled together. Beside those, others are collected, which
    /// take a good half of what they do once they are being sorted.
    pub(crate) fn spill_bytes(&self) -> usize {
        self.memory() / 2
    }

    /// Bytes of a block of a spill: one of each is in memory in the end.
    pub(crate) fn block_bytes(&self) -> usize {
        (self.memory() / 4_096).clamp(2 << 10, 128 << 10)
    }

    /// Bytes of log in a segment. Several are on their way at once.
    pub(crate) fn segment_bytes(&self) -> usize {
        (self.memory() / 256).clamp(64 << 10, 2 << 20)
    }
}

/// How far a load is, for whoever watches it.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub(crate) to_build: Arc<AtomicU64>,
    pub(crate) built: Arc<AtomicU64>,
}

impl Progress {
    /// Records that are in trees, over all orders.
    #[must_use]
    pub fn built(&self) -> u64 {
        self.built.load(Atomic::Relaxed)
    }

    /// Records that will be in trees; 0 while facts are taken.
    #[must_use]
    pub fn to_build(&self) -> u64 {
        self.to_build.load(Atomic::Relaxed)
    }
}
