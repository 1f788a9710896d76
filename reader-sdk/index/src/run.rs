//! A run: one sorted sequence of records in one order, in memory or as a tree.

use duramen_model::Order;

use crate::memory::MemoryRun;
use crate::{Layer, Record};

/// One sorted sequence of records in one order. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Run {
    /// Records in memory.
    Memory(MemoryRun),
}

impl Run {
    /// Makes a run of records, in any sequence, of any number of transactions.
    #[must_use]
    pub fn memory(order: Order, layer: Layer, records: Vec<Record>) -> Self {
        Self::Memory(MemoryRun::new(order, layer, records))
    }

    /// How many records the run has.
    #[must_use]
    pub fn records(&self) -> u64 {
        match self {
            Self::Memory(run) => run.records().len() as u64,
        }
    }

    /// The sum of the weights of its records.
    #[must_use]
    pub fn net(&self) -> i64 {
        match self {
            Self::Memory(run) => run.net(),
        }
    }
}
