//! Several sorted stretches of rows, read as one.

use std::sync::Arc;

use super::error::BulkError;
use super::rows::{RowRef, Rows, Sorting};
use super::spill::SpillReader;

/// A sorted stretch of rows.
#[derive(Debug)]
pub(crate) enum Stretch {
    /// In memory.
    Memory(MemoryStretch),
    /// In a file.
    Spill(SpillReader),
}

/// Rows in memory, in the order of their places.
#[derive(Debug)]
pub(crate) struct MemoryStretch {
    pub(crate) rows: Arc<Rows>,
    pub(crate) places: Vec<u32>,
    next: usize,
}

impl MemoryStretch {
    pub(crate) const fn new(rows: Arc<Rows>, places: Vec<u32>) -> Self {
        Self { rows, places, next: 0 }
    }
}

impl Stretch {
    fn head(&self) -> Option<RowRef<'_>> {
        match self {
            Self::Memory(MemoryStretch { rows, places, next }) => {
                places.get(*next).map(|place| rows.get(*place))
            }
            Self::Spill(reader) => reader.head(),
        }
    }

    fn advance(&mut self) -> Result<(), BulkError> {
        match self {
            Self::Memory(memory) => {
                memory.next += 1;
                Ok(())
            }
            Self::Spill(reader) => reader.advance(),
        }
    }
}

/// Reads sorted stretches as one, in a heap of those that have rows left.
#[derive(Debug)]
pub(crate) struct Merging {
    pub(crate) sorting: Sorting,
    stretches: Vec<Stretch>,
}

impl Merging {
    pub(crate) fn new(sorting: Sorting, mut stretches: Vec<Stretch>) -> Self {
        stretches.retain(|stretch| stretch.head().is_some());
        let mut merging = Self { sorting, stretches };
        for place in (0..merging.stretches.len() / 2).rev() {
            merging.sift_down(place);
        }
        merging
    }

    /// The first row that is left.
    pub(crate) fn head(&self) -> Option<RowRef<'_>> {
        self.stretches.first().and_then(Stretch::head)
    }

    /// Goes on to the next row.
    pub(crate) fn advance(&mut self) -> Result<(), BulkError> {
        let Some(first) = self.stretches.first_mut() else { return Ok(()) };
        first.advance()?;
        if first.head().is_none() {
            self.stretches.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    /// Puts a stretch below those that come before it.
    fn sift_down(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= self.stretches.len() {
                return;
            }
            let least = if right < self.stretches.len() && self.is_before(right, left) {
                right
            } else {
                left
            };
            if !self.is_before(least, place) {
                return;
            }
            self.stretches.swap(place, least);
            place = least;
        }
    }

    fn is_before(&self, x: usize, y: usize) -> bool {
        match (self.stretches[x].head(), self.stretches[y].head()) {
            (Some(x), Some(y)) => self.sorting.compare(&x, &y).is_lt(),
            (x, _) => x.is_some(),
        }
    }
}
