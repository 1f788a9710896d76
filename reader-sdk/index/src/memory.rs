//! A run in memory: sorted records, shared.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use duramen_model::Order;

use crate::chunk::Chunk;
use crate::fences::Fences;
use crate::key::KeyRef;
use crate::keys::first;
use crate::picks::{Picks, gallop};
use crate::pieces::Pieces;
use crate::sought::Sought;
use crate::{KeyRange, Layer, Record};

/// Sorted records in memory, one for each key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MemoryRun {
    order: Order,
    layer: Layer,
    records: Arc<[Record]>,
    pieces: Arc<Pieces>,
    /// Made when records are sought for the first time.
    fences: Arc<OnceLock<Fences>>,
    net: i64,
}

/// Among so many records for each key that is sought, each key is sought by itself.
const SPARSE_RECORDS: usize = if cfg!(test) { 2 } else { 64 };

impl MemoryRun {
    /// Sorts records and composes those of one key, in the order of their transactions.
    #[must_use]
    pub fn new(order: Order, layer: Layer, mut records: Vec<Record>) -> Self {
        records.sort_by(|x, y| x.compare(y, order, layer).then_with(|| x.added.cmp(&y.added)));
        Self::sorted(order, layer, compose_neighbours(records, order, layer))
    }

    fn sorted(order: Order, layer: Layer, records: Vec<Record>) -> Self {
        let net = records.iter().map(Record::weight).sum();
        let pieces = Arc::new(Pieces::new(order, layer, records.len()));
        Self { order, layer, records: records.into(), pieces, fences: Arc::default(), net }
    }

    /// Folds runs, newest first, into one.
    pub(crate) fn fold(order: Order, layer: Layer, newest_first: &[Self]) -> Self {
        let Some((newest, older)) = newest_first.split_first() else {
            return Self::sorted(order, layer, Vec::new());
        };
        let Some((second, older)) = older.split_first() else {
            return newest.clone();
        };
        let mut folded = compose(&second.records, newest.records.to_vec(), order, layer);
        for run in older {
            folded = compose(&run.records, folded, order, layer);
        }
        Self::sorted(order, layer, folded)
    }

    /// The order of the records.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The layer that the records belong to.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The records, sorted.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn shared(&self) -> Arc<[Record]> {
        Arc::clone(&self.records)
    }

    /// Some of the records.
    pub(crate) fn chunk(&self, picks: Picks) -> Chunk {
        Chunk::memory(self.shared(), Some(Arc::clone(&self.pieces)), picks)
    }

    /// What is kept of the records as columns, in bytes: what was read as such stays.
    #[must_use]
    pub fn column_bytes(&self) -> u64 {
        self.pieces.bytes()
    }

    /// The sum of the weights of all records.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.net
    }

    /// Which records lie in a range.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Range<usize> {
        let fences = self.fences.get_or_init(|| Fences::of(self.order, &self.records));
        let around = fences.around(range, self.records.len());
        let position = |index: usize| range.position_of(&KeyRef::from(&self.records[index]));
        let start = first(around.clone(), |index| position(index).is_ge());
        start..gallop(start..around.end, |index| position(index).is_eq())
    }

    /// Which records are sought.
    pub(crate) fn pick(&self, sought: &Sought) -> Picks {
        if let Some(ranges) = sought.ranges(self.records.len() / SPARSE_RECORDS) {
            let picked: Vec<usize> = ranges.flat_map(|range| self.stretch(&range)).collect();
            return picked.into();
        }
        sought.pick(self.stretch(&sought.around), |index| KeyRef::from(&self.records[index]))
    }

    /// The sum of the weights of the records in a range.
    pub(crate) fn net_in(&self, range: &KeyRange) -> i64 {
        let (range, values) = range.in_layer(self.layer);
        let stretch = self.stretch(&range);
        if values.is_none() && stretch.len() == self.records.len() {
            return self.net;
        }
        let contains = |record: &&Record| {
            values.as_ref().is_none_or(|values| values.contain(KeyRef::from(*record).v))
        };
        self.records[stretch].iter().filter(contains).map(Record::weight).sum()
    }
}

fn compose_neighbours(records: Vec<Record>, order: Order, layer: Layer) -> Vec<Record> {
    let mut composed: Vec<Record> = Vec::with_capacity(records.len());
    for younger in records {
        match composed.pop_if(|older| older.compare(&younger, order, layer).is_eq()) {
            Some(older) => composed.extend(Record::compose(&older, younger)),
            None => composed.push(younger),
        }
    }
    composed
}

/// Merges two sorted sequences, composing the records that meet.
fn compose(older: &[Record], younger: Vec<Record>, order: Order, layer: Layer) -> Vec<Record> {
    let mut composed = Vec::with_capacity(older.len() + younger.len());
    let mut rest = older;
    for record in younger {
        let key = KeyRef::from(&record);
        // Neighbours in one run are mostly near each other in another.
        let is_before =
            |index: usize| KeyRef::from(&rest[index]).compare(&key, order, layer).is_lt();
        let before = gallop(0..rest.len(), is_before);
        composed.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        match rest.split_first() {
            Some((first, after)) if first.compare(&record, order, layer).is_eq() => {
                composed.extend(Record::compose(first, record));
                rest = after;
            }
            _ => composed.push(record),
        }
    }
    composed.extend_from_slice(rest);
    composed
}
