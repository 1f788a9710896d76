//! Sorted records that are at hand, and several such stretches read as one.

use std::cmp::Ordering;
use std::sync::Arc;

use duramen_model::{Order, T};

use crate::key::KeyRef;
use crate::leaf::Leaf;
use crate::picks::{Picks, gallop};
use crate::range::ValueBounds;
use crate::stretch::Stretch;
use crate::value_ref::ValueRef;
use crate::{IndexError, Layer, Record, State, Times};

/// A stretch of sorted records that are at hand.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    records: Records,
    picks: Picks,
}

#[derive(Debug, Clone)]
enum Records {
    Memory(Arc<[Record]>),
    /// The rows were opened.
    Leaf(Arc<Leaf>),
}

/// From how many records on a stretch of a leaf is handed over as it is.
const STRETCH_RECORDS_MIN: usize = 32;

impl Chunk {
    /// No records.
    pub(crate) fn none() -> Self {
        Self::memory(Arc::from([]), (0..0).into())
    }

    /// Some records of a run in memory.
    pub(crate) const fn memory(records: Arc<[Record]>, picks: Picks) -> Self {
        Self { records: Records::Memory(records), picks }
    }

    /// Some rows of a leaf. Decodes what they need.
    pub(crate) fn rows(leaf: Arc<Leaf>, picks: Picks) -> Result<Self, IndexError> {
        leaf.open(&picks)?;
        Ok(Self { records: Records::Leaf(leaf), picks })
    }

    /// Takes so many records off the front.
    pub(crate) fn split_front(&mut self, count: usize) -> Self {
        Self { records: self.records.clone(), picks: self.picks.split_front(count) }
    }

    pub(crate) const fn len(&self) -> usize {
        self.picks.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.picks.is_empty()
    }

    /// The place of the first record that is left.
    pub(crate) fn head(&self) -> Option<KeyRef<'_>> {
        (!self.is_empty()).then(|| self.key(0))
    }

    /// Passes over the first record that is left.
    pub(crate) fn skip(&mut self) {
        self.picks.pop();
    }

    /// The place of one of the records that are left.
    fn key(&self, index: usize) -> KeyRef<'_> {
        let index = self.picks.get(index);
        match &self.records {
            Records::Memory(records) => KeyRef::from(&records[index]),
            Records::Leaf(leaf) => leaf.key(index),
        }
    }

    /// How many of the records that are left fulfil a predicate that holds for a prefix. Looks
    /// near the beginning first.
    pub(crate) fn gallop(&self, holds: impl Fn(KeyRef<'_>) -> bool) -> usize {
        gallop(0..self.len(), |index| holds(self.key(index)))
    }

    /// Takes so many records, as they are wanted.
    fn take_wanted(&mut self, count: usize, wanting: &Wanting, taken: &mut Vec<Record>) {
        let picks = self.picks.split_front(count);
        match &self.records {
            Records::Memory(records) => taken.extend(picks.iter().filter_map(|index| {
                let record = &records[index];
                let v = || ValueRef::from(&record.v);
                let state = wanting.state(record.state, record.added, v)?;
                Some(Record { state, ..record.clone() })
            })),
            Records::Leaf(leaf) => taken.extend(picks.iter().filter_map(|row| {
                let v = || leaf.key(row).v;
                let state = wanting.state(leaf.state(row), leaf.added_at(row), v)?;
                Some(leaf.record(row, state))
            })),
        }
    }

    /// Takes so many records: as a stretch of their leaf, if they are many and wanted as they are.
    fn take_stretch(&mut self, count: usize, wanting: &Wanting, taken: &mut Vec<Stretch>) {
        if let Records::Leaf(leaf) = &self.records
            && wanting.takes_whole(leaf)
            && count >= STRETCH_RECORDS_MIN.min(leaf.len())
        {
            let (leaf, rows) = (Arc::clone(leaf), self.picks.split_front(count));
            taken.push(Stretch::Leaf { leaf, rows });
            return;
        }
        if let Some(Stretch::Records(records)) = taken.last_mut() {
            return self.take_wanted(count, wanting, records);
        }
        let mut records = Vec::new();
        self.take_wanted(count, wanting, &mut records);
        if !records.is_empty() {
            taken.push(Stretch::Records(records));
        }
    }
}

/// What is wanted of the records that are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanting {
    /// Bounds that the place of a record says nothing about.
    pub(crate) values: Option<ValueBounds>,
    /// Closed facts that do not matter within these times are left out.
    pub(crate) times: Times,
}

impl Wanting {
    /// The state that the youngest record of a key is read with, if it is wanted. Looks at the
    /// value only if it has to.
    fn state<'a>(&self, state: State, added: T, v: impl FnOnce() -> ValueRef<'a>) -> Option<State> {
        if self.values.as_ref().is_some_and(|values| !values.contain(v())) {
            return None;
        }
        match state {
            State::Removed => None,
            // With nothing below, what was opened again is open.
            State::Replaced => Some(State::Inserted),
            State::Closed(closed) if self.times.miss_closed(added, closed) => None,
            State::Inserted | State::Closed(_) => Some(state),
        }
    }

    /// Whether all records of a leaf are wanted as they are.
    pub(crate) fn takes_whole(&self, leaf: &Leaf) -> bool {
        !leaf.has_steps() && self.values.is_none()
    }

    /// Adds the records of a stretch, as they are wanted.
    pub(crate) fn extend(
        &self,
        records: &mut Vec<Record>,
        stretch: Stretch,
    ) -> Result<(), IndexError> {
        match stretch {
            Stretch::Records(more) if records.is_empty() => *records = more,
            Stretch::Records(more) => records.extend(more),
            Stretch::Leaf { leaf, rows } => {
                let count = rows.len();
                Chunk::rows(leaf, rows)?.take_wanted(count, self, records);
            }
        }
        Ok(())
    }
}

/// The order that stretches are merged in, and what is wanted of them.
#[derive(Debug, Clone)]
pub(crate) struct Merging {
    pub(crate) order: Order,
    pub(crate) layer: Layer,
    pub(crate) wanting: Wanting,
}

impl Merging {
    /// Merges stretches, newest first, until one that `has_more` behind it is used up, or all are.
    pub(crate) fn run(
        &self,
        chunks: &mut [Chunk],
        has_more: impl Fn(usize) -> bool,
        merged: &mut Vec<Stretch>,
    ) {
        while let Some((first, step)) = self.next_step(chunks) {
            match step {
                Step::Take(count) => chunks[first].take_stretch(count, &self.wanting, merged),
                Step::Hide(others) => {
                    chunks[first].take_stretch(1, &self.wanting, merged);
                    others.iter().for_each(|other| chunks[*other].skip());
                }
            }
            if (0..chunks.len()).any(|index| chunks[index].is_empty() && has_more(index)) {
                return;
            }
        }
    }

    /// Which stretch comes next, and what to do with it.
    fn next_step(&self, chunks: &[Chunk]) -> Option<(usize, Step)> {
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

    fn compare(&self, x: KeyRef<'_>, y: KeyRef<'_>) -> Ordering {
        x.compare(&y, self.order, self.layer)
    }
}

enum Step {
    /// So many records come before all others.
    Take(usize),
    /// One record hides those at the heads of other, older stretches.
    Hide(Vec<usize>),
}
