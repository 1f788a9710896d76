//! Records in memory as columns, made when they are first read as such.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use duramen_model::Order;

use crate::keys::Keys;
use crate::leaf::Leaf;
use crate::node::Header;
use crate::{Layer, Record, Slice, State};

/// How many records make one piece. Few in tests, so that small runs have several.
pub(crate) const PIECE_RECORDS: usize = if cfg!(test) { 4 } else { 4096 };
/// A piece is made for whoever reads one in so many of its records.
const WORTH_READING: usize = 8;

/// The records of a run in memory in pieces, each of them like a leaf once it was needed.
#[derive(Debug)]
pub(crate) struct Pieces {
    order: Order,
    layer: Layer,
    leaves: Box<[OnceLock<Arc<Leaf>>]>,
    bytes: AtomicU64,
}

impl Pieces {
    /// The pieces of so many records.
    pub(crate) fn new(order: Order, layer: Layer, records: usize) -> Self {
        let leaves = (0..records.div_ceil(PIECE_RECORDS)).map(|_| OnceLock::new()).collect();
        Self { order, layer, leaves, bytes: AtomicU64::new(0) }
    }

    /// What the pieces that were made take in memory, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A piece of the records, if it is there or worth making for so many of its rows.
    pub(crate) fn leaf(&self, number: usize, records: &[Record], rows: usize) -> Option<Arc<Leaf>> {
        let slot = self.leaves.get(number)?;
        let start = number * PIECE_RECORDS;
        let own = &records[start..records.len().min(start + PIECE_RECORDS)];
        if slot.get().is_none() && rows.saturating_mul(WORTH_READING) < own.len() {
            return None;
        }
        Some(Arc::clone(slot.get_or_init(|| {
            let leaf = self.make(own);
            self.bytes.fetch_add(leaf.memory_bytes() as u64, Ordering::Relaxed);
            Arc::new(leaf)
        })))
    }

    fn make(&self, records: &[Record]) -> Leaf {
        let header = Header::in_memory(self.order, self.layer, records.len());
        let closed = records.iter().map(|record| match record.state {
            State::Closed(closed) => closed,
            _ => record.added,
        });
        let closed = (self.layer == Layer::History).then(|| closed.collect());
        let keys = records.iter().map(|record| (record.e, record.a, &record.v, record.added));
        let is_plain = |record: &Record| record.state == State::Inserted;
        let states = (self.layer == Layer::Current && !records.iter().all(is_plain))
            .then(|| records.iter().map(|record| record.state).collect::<Slice<State>>());
        Leaf::decoded(&header, Keys::of(keys, closed), states)
    }
}
