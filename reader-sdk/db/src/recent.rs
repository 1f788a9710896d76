//! The transactions that are not in the checkpoint.

use std::sync::Arc;

use duramen_model::T;

use crate::TxRecord;

/// The newest transactions, oldest first. Cheap to clone and to append to: chunks that fall in
/// size are shared between the databases before and after a transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent {
    chunks: Vec<Arc<[Arc<TxRecord>]>>,
}

impl Recent {
    /// Appends records, which follow those that are there.
    pub(crate) fn extend(&mut self, records: &[Arc<TxRecord>]) {
        if records.is_empty() {
            return;
        }
        let mut youngest: Arc<[_]> = records.into();
        while self.chunks.last().is_some_and(|chunk| chunk.len() <= 2 * youngest.len()) {
            let older = self.chunks.pop().unwrap_or_default();
            youngest = older.iter().chain(youngest.iter()).cloned().collect();
        }
        self.chunks.push(youngest);
    }

    /// The records from `from` on, oldest first.
    pub(crate) fn since(&self, from: T) -> impl Iterator<Item = &Arc<TxRecord>> {
        self.chunks.iter().flat_map(move |chunk| {
            let start = chunk.partition_point(|record| record.t < from);
            chunk[start..].iter()
        })
    }
}
