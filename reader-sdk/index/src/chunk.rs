//! Sorted records that are at hand, and several such stretches read as one.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use duramen_model::Order;

use crate::key::KeyRef;
use crate::leaf::Leaf;
use crate::{KeyRange, Layer, Record, State};

/// A stretch of sorted records that are at hand.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    records: Records,
    next: usize,
    end: usize,
}

#[derive(Debug, Clone)]
enum Records {
    Memory(Arc<[Record]>),
    Leaf(Arc<Leaf>),
}

impl Chunk {
    /// No records.
    pub(crate) fn none() -> Self {
        Self::memory(Arc::from([]), 0..0)
    }

    /// A stretch of a run in memory.
    pub(crate) fn memory(records: Arc<[Record]>, stretch: Range<usize>) -> Self {
        Self { records: Records::Memory(records), next: stretch.start, end: stretch.end }
    }

    /// The records of a leaf that lie in a range.
    pub(crate) fn leaf(leaf: Arc<Leaf>, range: &KeyRange) -> Self {
        let stretch = leaf.keys().stretch(range);
        Self { records: Records::Leaf(leaf), next: stretch.start, end: stretch.end }
    }

    /// Takes so many records off the front.
    pub(crate) fn split_front(&mut self, count: usize) -> Self {
        let end = self.next + count.min(self.len());
        let front = Self { records: self.records.clone(), next: self.next, end };
        self.next = end;
        front
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.next
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// The place of the first record that is left.
    pub(crate) fn head(&self) -> Option<KeyRef<'_>> {
        (!self.is_empty()).then(|| self.key(self.next))
    }

    /// Passes over the first record that is left.
    pub(crate) fn skip(&mut self) {
        self.next = self.end.min(self.next + 1);
    }

    fn key(&self, index: usize) -> KeyRef<'_> {
        match &self.records {
            Records::Memory(records) => KeyRef::from(&records[index]),
            Records::Leaf(leaf) => leaf.key(index),
        }
    }

    /// How many of the records that are left fulfil a predicate that holds for a prefix. Looks
    /// near the beginning first.
    pub(crate) fn gallop(&self, holds: impl Fn(KeyRef<'_>) -> bool) -> usize {
        let length = self.len();
        let mut high = 1;
        while high <= length && holds(self.key(self.next + high - 1)) {
            high *= 2;
        }
        let (mut low, mut high) = (high / 2, (high - 1).min(length));
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.key(self.next + middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Takes so many records, as they are wanted.
    pub(crate) fn take(&mut self, count: usize, reading: Reading, taken: &mut Vec<Record>) {
        let stretch = self.next..self.next + count.min(self.len());
        self.next = stretch.end;
        match &self.records {
            Records::Memory(records) => {
                taken.extend(records[stretch].iter().filter_map(|record| {
                    reading.state(record.state).map(|state| Record { state, ..record.clone() })
                }));
            }
            Records::Leaf(leaf) => {
                taken.extend(stretch.filter_map(|index| {
                    reading.state(leaf.state(index)).map(|state| leaf.record(index, state))
                }));
            }
        }
    }
}

/// What a reader wants of the youngest record of each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It, if it is a fact.
    Facts,
    /// It, tombstones included.
    Steps,
}

impl Reading {
    /// The state that a record is read with, if it is wanted.
    const fn state(self, state: State) -> Option<State> {
        match (self, state) {
            (Self::Steps, state) => Some(state),
            (Self::Facts, State::Removed) => None,
            // With nothing below, what was opened again is open.
            (Self::Facts, State::Replaced) => Some(State::Inserted),
            (Self::Facts, state) => Some(state),
        }
    }
}

/// The order that stretches are merged in, and what is wanted of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merging {
    pub(crate) order: Order,
    pub(crate) layer: Layer,
    pub(crate) reading: Reading,
}

impl Merging {
    /// Merges stretches, newest first, until one that `has_more` behind it is used up, or all are.
    pub(crate) fn run(
        self,
        chunks: &mut [Chunk],
        has_more: impl Fn(usize) -> bool,
        merged: &mut Vec<Record>,
    ) {
        while let Some((first, step)) = self.next_step(chunks) {
            match step {
                Step::Take(count) => chunks[first].take(count, self.reading, merged),
                Step::Hide(others) => {
                    chunks[first].take(1, self.reading, merged);
                    others.iter().for_each(|other| chunks[*other].skip());
                }
            }
            if (0..chunks.len()).any(|index| chunks[index].is_empty() && has_more(index)) {
                return;
            }
        }
    }

    /// Which stretch comes next, and what to do with it.
    fn next_step(self, chunks: &[Chunk]) -> Option<(usize, Step)> {
        let mut first: Option<(usize, KeyRef<'_>)> = None;
        let mut second: Option<KeyRef<'_>> = None;
        let mut equal = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let Some(key) = chunk.head() else { continue };
            let against_first = first.map(|(_, least)| self.compare(key, least));
            match against_first {
                None => first = Some((index, key)),
                Some(Ordering::Equal) => equal.push(index),
                Some(Ordering::Less) => {
                    second = first.replace((index, key)).map(|(_, least)| least);
                    equal.clear();
                }
                Some(Ordering::Greater) => {
                    if second.is_none_or(|bound| self.compare(key, bound).is_lt()) {
                        second = Some(key);
                    }
                }
            }
        }
        let (first, _) = first?;
        let step = match second {
            _ if !equal.is_empty() => Step::Hide(equal),
            None => Step::Take(chunks[first].len()),
            Some(bound) => Step::Take(chunks[first].gallop(|key| self.compare(key, bound).is_lt())),
        };
        Some((first, step))
    }

    fn compare(self, x: KeyRef<'_>, y: KeyRef<'_>) -> Ordering {
        x.compare(&y, self.order, self.layer)
    }
}

enum Step {
    /// So many records come before all others.
    Take(usize),
    /// One record hides those at the heads of other, older stretches.
    Hide(Vec<usize>),
}
