//! Sorted records that are at hand, and several such stretches read as one.

use std::cmp::Ordering;
use std::sync::Arc;

use duramen_model::{Order, T};

use crate::key::KeyRef;
use crate::leaf::Leaf;
use crate::picks::{Picks, gallop};
use crate::pieces::{PIECE_RECORDS, Pieces};
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
    Memory(Arc<[Record]>, Option<Arc<Pieces>>),
    /// The rows were opened.
    Leaf(Arc<Leaf>),
}

/// From how many records on a stretch is handed over as columns. Few in tests, so that small runs
/// are read so too.
const STRETCH_RECORDS_MIN: usize = if cfg!(test) { 2 } else { 32 };

impl Chunk {
    /// No records.
    pub(crate) fn none() -> Self {
        Self::memory(Arc::from([]), None, (0..0).into())
    }

    /// Some records of a run in memory.
    pub(crate) const fn memory(
        records: Arc<[Record]>,
        pieces: Option<Arc<Pieces>>,
        picks: Picks,
    ) -> Self {
        Self { records: Records::Memory(records, pieces), picks }
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
    pub(crate) fn key(&self, index: usize) -> KeyRef<'_> {
        let index = self.picks.get(index);
        match &self.records {
            Records::Memory(records, _) => KeyRef::from(&records[index]),
            Records::Leaf(leaf) => leaf.key(index),
        }
    }

    /// How one of the records that are left stands to another place.
    pub(crate) fn compare(&self, index: usize, other: &KeyRef<'_>, merging: &Merging) -> Ordering {
        let by_entity = match &self.records {
            Records::Memory(..) => None,
            Records::Leaf(leaf) => leaf.compare_entity(self.picks.get(index), other, merging.order),
        };
        by_entity.unwrap_or_else(|| merging.compare(self.key(index), *other))
    }

    /// The records that are left but for those of some numbers among them, which ascend.
    pub(crate) fn without(&self, numbers: &[usize]) -> Self {
        let mut picks = Vec::with_capacity(self.len());
        let mut begin = 0;
        for &number in numbers.iter().chain(std::iter::once(&self.len())) {
            picks.extend((begin..number).map(|own| self.picks.get(own)));
            begin = number + 1;
        }
        Self { records: self.records.clone(), picks: picks.into() }
    }

    /// Whether there may be steps among the records other than an insertion.
    pub(crate) fn has_steps(&self) -> bool {
        match &self.records {
            Records::Memory(..) => true,
            Records::Leaf(leaf) => leaf.has_steps(),
        }
    }

    /// The records that are left and pass, by their numbers among them and their states.
    pub(crate) fn filter(&self, mut passes: impl FnMut(usize, State) -> bool) -> Self {
        let state = |index: usize| match &self.records {
            Records::Memory(records, _) => records[index].state,
            Records::Leaf(leaf) => leaf.state(index),
        };
        let places = self.picks.iter().enumerate();
        let passed = places.filter(|(number, index)| passes(*number, state(*index)));
        let picks: Vec<usize> = passed.map(|(_, index)| index).collect();
        Self { records: self.records.clone(), picks: picks.into() }
    }

    /// How many of the records that are left fulfil a predicate that holds for a prefix. Looks
    /// near the beginning first.
    pub(crate) fn gallop(&self, holds: impl Fn(KeyRef<'_>) -> bool) -> usize {
        gallop(0..self.len(), |index| holds(self.key(index)))
    }

    /// Takes so many records, as they are wanted.
    fn take_wanted(&mut self, count: usize, wanting: &Wanting, taken: &mut Vec<Record>) {
        self.visit_some(count, wanting, |record| taken.push(record));
    }

    /// Gives all records that are left, as they are wanted.
    pub(crate) fn visit(&mut self, wanting: &Wanting, visit: impl FnMut(Record)) {
        self.visit_some(self.len(), wanting, visit);
    }

    fn visit_some(&mut self, count: usize, wanting: &Wanting, mut visit: impl FnMut(Record)) {
        let picks = self.picks.split_front(count);
        match &self.records {
            Records::Memory(records, _) => {
                for index in picks.iter() {
                    let record = &records[index];
                    let v = || ValueRef::from(&record.v);
                    if let Some(state) = wanting.state(record.state, record.added, v) {
                        visit(Record { state, ..record.clone() });
                    }
                }
            }
            Records::Leaf(leaf) => {
                let rows = leaf.opened_rows();
                for row in picks.iter() {
                    let v = || rows.v(row);
                    if let Some(state) = wanting.state(rows.state(row), rows.added_at(row), v) {
                        visit(rows.record(row, state));
                    }
                }
            }
        }
    }

    /// Takes so many records: as columns, if that is wanted and they are many.
    pub(crate) fn take_stretch(
        &mut self,
        count: usize,
        (wanting, form): (&Wanting, Form),
        taken: &mut Vec<Stretch>,
    ) -> Result<(), IndexError> {
        if wanting.values.is_some() {
            self.take_records(count, wanting, taken);
            return Ok(());
        }
        match &self.records {
            Records::Leaf(leaf) if count >= STRETCH_RECORDS_MIN.min(leaf.len()) => {
                let (leaf, rows) = (Arc::clone(leaf), self.picks.split_front(count));
                taken.extend(stretch(leaf, rows)?);
            }
            Records::Memory(records, Some(pieces))
                if form == Form::Columns && count >= STRETCH_RECORDS_MIN =>
            {
                let (records, pieces) = (Arc::clone(records), Arc::clone(pieces));
                let mut rest = self.split_front(count);
                while !rest.is_empty() {
                    rest.take_piece(&records, &pieces, wanting, taken)?;
                }
            }
            _ => self.take_records(count, wanting, taken),
        }
        Ok(())
    }

    /// Takes the records that are in one piece with the first.
    fn take_piece(
        &mut self,
        records: &[Record],
        pieces: &Pieces,
        wanting: &Wanting,
        taken: &mut Vec<Stretch>,
    ) -> Result<(), IndexError> {
        let number = self.picks.get(0) / PIECE_RECORDS;
        let mut rest = self.picks.clone();
        let own = rest.split_below((number + 1) * PIECE_RECORDS);
        match pieces.leaf(number, records, own.len()) {
            Some(leaf) => {
                self.picks = rest;
                taken.extend(stretch(leaf, own.counted_from(number * PIECE_RECORDS))?);
            }
            None => self.take_records(own.len(), wanting, taken),
        }
        Ok(())
    }

    fn take_records(&mut self, count: usize, wanting: &Wanting, taken: &mut Vec<Stretch>) {
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

/// Rows of a leaf without those that say that there is nothing; `None` if there are no others.
pub(crate) fn stretch(leaf: Arc<Leaf>, rows: Picks) -> Result<Option<Stretch>, IndexError> {
    let rows = leaf.without_removed(rows)?;
    Ok((!rows.is_empty()).then_some(Stretch::Leaf { leaf, rows }))
}

/// What records are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Columns where they are many.
    Columns,
    /// Records one by one, in the end.
    Records,
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
        form: Form,
        merged: &mut Vec<Stretch>,
    ) -> Result<(), IndexError> {
        let wanting = (&self.wanting, form);
        while let Some((first, step)) = self.next_step(chunks) {
            match step {
                Step::Take(count) => chunks[first].take_stretch(count, wanting, merged)?,
                Step::Hide(others) => {
                    chunks[first].take_records(1, &self.wanting, merged);
                    others.iter().for_each(|other| chunks[*other].skip());
                }
            }
            if (0..chunks.len()).any(|index| chunks[index].is_empty() && has_more(index)) {
                break;
            }
        }
        Ok(())
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

    pub(crate) fn compare(&self, x: KeyRef<'_>, y: KeyRef<'_>) -> Ordering {
        x.compare(&y, self.order, self.layer)
    }
}

enum Step {
    /// So many records come before all others.
    Take(usize),
    /// One record hides those at the heads of other, older stretches.
    Hide(Vec<usize>),
}
