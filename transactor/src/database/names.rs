//! The names of objects that one writer makes.

use duramen_db::merge::PACKS_PER_MERGE;
use duramen_store::layout::{ObjectName, WriterId};

/// Gives out names, each once. The writer's id is drawn anew at each claim, so no other writer
/// makes the same.
#[derive(Debug)]
pub(crate) struct Names {
    writer: WriterId,
    segments: u64,
    checkpoints: u64,
    pack_lists: u64,
    packs: u64,
}

impl Names {
    pub(crate) const fn new(writer: WriterId) -> Self {
        Self { writer, segments: 0, checkpoints: 0, pack_lists: 0, packs: 0 }
    }

    /// Whose names they are.
    pub(crate) const fn writer(&self) -> WriterId {
        self.writer
    }

    pub(crate) fn segment(&mut self) -> ObjectName {
        ObjectName { writer: self.writer, seq: take(&mut self.segments, 1) }
    }

    /// The number of a checkpoint.
    pub(crate) fn checkpoint(&mut self) -> u64 {
        take(&mut self.checkpoints, 1)
    }

    /// The number of a pack list.
    pub(crate) fn pack_list(&mut self) -> u64 {
        take(&mut self.pack_lists, 1)
    }

    /// The first number for the packs of a merge; as many as it needs follow.
    pub(crate) fn packs(&mut self) -> u64 {
        take(&mut self.packs, PACKS_PER_MERGE)
    }
}

fn take(next: &mut u64, count: u64) -> u64 {
    let first = *next;
    *next += count;
    first
}
