//! The log as a stream: transactions batch by batch, with bounded memory.

use std::sync::Arc;

use duramen_model::T;
use futures_util::future;

use super::{LogWalk, Step};
use crate::malformed::Malformed;
use crate::recent::Recent;
use crate::source::Source;
use crate::{Checkpoint, DbError, LoggedTx, TxRecord};

/// How many segments are read at once, when the reader goes on for long.
const SEGMENTS_AT_ONCE: usize = 16;
/// How many bytes of segments are read at once, if it is more than one.
const BYTES_AT_ONCE: u64 = 4 << 20;

/// Reads the transactions of a stretch of the log batch by batch, oldest first. Memory holds a
/// few segments at a time, however long the stretch.
#[derive(Debug)]
pub struct LogCursor {
    /// `None` where all is in memory.
    merged: Option<Merged>,
    recent: Recent,
    /// The transaction that comes next; what is after all others when there is none.
    next: u64,
    /// The transaction after the last.
    end: u64,
}

/// What is in segments.
#[derive(Debug)]
struct Merged {
    source: Arc<Source>,
    walk: LogWalk,
    /// The last transaction that is read from segments.
    last: T,
    at_once: usize,
}

impl LogCursor {
    /// The transactions from one up to, but without, another; those that are merged come from
    /// the segments of the checkpoint, the others from memory.
    pub(crate) fn new(
        source: Option<(&Arc<Source>, &Checkpoint)>,
        recent: &Recent,
        (from, end): (T, u64),
    ) -> Self {
        let merged = source.and_then(|(source, checkpoint)| {
            let last = T::new(end.checked_sub(1)?)?.min(checkpoint.t);
            let walk = LogWalk::new(&checkpoint.log_indexes, &checkpoint.log, (from, last));
            let is_merged = from <= last;
            is_merged.then(|| Merged { source: Arc::clone(source), walk, last, at_once: 1 })
        });
        Self { merged, recent: recent.clone(), next: from.get(), end }
    }

    /// The next transactions, at least one; `None` at the end.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged. What follows is then unknown.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Arc<TxRecord>>>, DbError> {
        while let Some(merged) = &mut self.merged {
            let Some(txs) = merged.next_segments().await? else {
                self.end_merged()?;
                break;
            };
            let batch = self.take(txs)?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
        let from = T::new(self.next).unwrap_or(T::MAX);
        let rest = self.recent.since(from).take_while(|record| record.t.get() < self.end);
        let rest: Vec<Arc<TxRecord>> = rest.cloned().collect();
        self.next = self.end.max(self.next);
        Ok(Some(rest).filter(|rest| !rest.is_empty()))
    }

    /// The transactions that are wanted of what was read, each once.
    fn take(&mut self, txs: Vec<LoggedTx>) -> Result<Vec<Arc<TxRecord>>, DbError> {
        let Some(merged) = &self.merged else { return Ok(Vec::new()) };
        let mut batch = Vec::with_capacity(txs.len());
        for tx in txs {
            let t = tx.t().get();
            if t < self.next || tx.t() > merged.last {
                continue;
            }
            if t > self.next {
                return Err(self.gap(format!("transaction {t}")));
            }
            self.next = t + 1;
            batch.push(Arc::clone(tx.record()));
        }
        Ok(batch)
    }

    fn end_merged(&mut self) -> Result<(), DbError> {
        match self.merged.take() {
            Some(merged) if self.next <= merged.last.get() => {
                Err(self.gap("the end of the segments".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn gap(&self, found: String) -> DbError {
        Malformed::new(format!("transaction {}", self.next), found).within("the log").into()
    }
}

impl Merged {
    /// The transactions of the next segments, `None` after the last. More at once when the
    /// reader goes on.
    async fn next_segments(&mut self) -> Result<Option<Vec<LoggedTx>>, DbError> {
        loop {
            match self.walk.next(self.at_once, BYTES_AT_ONCE) {
                None => return Ok(None),
                Some(Step::Index(index)) => {
                    let index = self.source.log_index(&index).await?;
                    self.walk.enter(&index);
                }
                Some(Step::Segments(segments)) => {
                    self.at_once = SEGMENTS_AT_ONCE.min(self.at_once * 2);
                    // Collected: the compiler does not see that a closure's future is `Send`.
                    let reads: Vec<_> =
                        segments.iter().map(|segment| self.source.segment(segment)).collect();
                    let stretches = future::try_join_all(reads).await?;
                    return Ok(Some(stretches.into_iter().flatten().collect()));
                }
            }
        }
    }
}
