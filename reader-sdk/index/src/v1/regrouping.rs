//! The history of a tree of version 1 in the sequence of today.

use duramen_model::Order;

use crate::chunk::Chunk;
use crate::key::KeyRef;
use crate::walk::LeafRows;
use crate::{IndexError, Layer, Record};

/// Sorts what is read of a tree of version 1, whose history is in the sequence `(e a v added)` where
/// that of today is in `(e a closed v added)`. What differs is within one entity and attribute, so
/// the last of these waits until all of it was read.
#[derive(Debug)]
pub(crate) struct Regrouping {
    order: Order,
    layer: Layer,
    waiting: Vec<Record>,
}

impl Regrouping {
    pub(crate) const fn new(order: Order, layer: Layer) -> Self {
        Self { order, layer, waiting: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the next records; those that are complete, sorted.
    pub(crate) fn push(&mut self, next: &LeafRows) -> Result<Chunk, IndexError> {
        self.waiting.extend(next.leaf.records_at(&next.rows)?);
        let last = self.waiting.last().map(|record| (record.e, record.a));
        let others =
            self.waiting.iter().rev().take_while(|record| Some((record.e, record.a)) == last);
        let complete = self.waiting.len() - others.count();
        let rest = self.waiting.split_off(complete);
        let records = std::mem::replace(&mut self.waiting, rest);
        Ok(self.sorted(records))
    }

    /// What is left.
    pub(crate) fn finish(&mut self) -> Chunk {
        let records = std::mem::take(&mut self.waiting);
        self.sorted(records)
    }

    fn sorted(&self, mut records: Vec<Record>) -> Chunk {
        let (order, layer) = (self.order, self.layer);
        records.sort_by(|x, y| KeyRef::from(x).compare(&KeyRef::from(y), order, layer));
        let count = records.len();
        Chunk::memory(records.into(), None, (0..count).into())
    }
}
