//! Tests of the crate as a whole, and what they share.

pub(crate) mod bucket;
mod damage;
pub(crate) mod fixtures;
mod large_values;
mod opening;
pub(crate) mod oracle;
mod sending;
mod sparse;
mod splits;
mod unlisted;
mod verifying;

use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::TxRecord;

/// Some transactions, always the same.
pub(crate) fn sample_txs(count: usize) -> Vec<TxRecord> {
    let mut runner = TestRunner::deterministic();
    let mut records = Vec::new();
    while records.len() < count {
        records = oracle::any_txs_up_to(count + 1).new_tree(&mut runner).unwrap().current();
    }
    records.truncate(count);
    records
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn shared(records: &[TxRecord]) -> Vec<Arc<TxRecord>> {
    records.iter().cloned().map(Arc::new).collect()
}
