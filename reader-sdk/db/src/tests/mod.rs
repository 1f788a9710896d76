//! Tests of the crate as a whole, and what they share.

pub(crate) mod bucket;
pub(crate) mod fixtures;
mod opening;
pub(crate) mod oracle;
mod sending;
mod splits;
mod unlisted;

use std::sync::Arc;

use crate::TxRecord;

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn shared(records: &[TxRecord]) -> Vec<Arc<TxRecord>> {
    records.iter().cloned().map(Arc::new).collect()
}
