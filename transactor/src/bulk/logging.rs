//! The log of a load: transactions, put together to segments that upload beside the work.

use std::collections::VecDeque;
use std::sync::Arc;

use duramen_db::{LogSum, LoggedTx, SegmentRef, segment};
use duramen_store::WriteStore;
use duramen_store::layout::{ContentsFolder, DatabaseId, ObjectName, WriterId};
use tokio::task::JoinHandle;

use super::error::BulkError;

/// Segments that are sealed and uploaded at once.
const UPLOADS_MAX: usize = 4;

/// Where the segments of a load go.
#[derive(Debug, Clone)]
pub(crate) struct SegmentPlace {
    pub(crate) store: Arc<dyn WriteStore>,
    pub(crate) contents: ContentsFolder,
    pub(crate) id: DatabaseId,
    pub(crate) writer: WriterId,
}

/// The log as far as it is written.
#[derive(Debug)]
pub(crate) struct LogWriter {
    place: SegmentPlace,
    bytes_target: usize,
    seq: u64,
    pending: Vec<LoggedTx>,
    pending_bytes: usize,
    uploads: VecDeque<JoinHandle<Result<SegmentRef, BulkError>>>,
    segments: Vec<SegmentRef>,
    sum: LogSum,
}

impl LogWriter {
    /// Goes on after segments that are written, with the sum over what is in them.
    pub(crate) fn after(
        place: SegmentPlace,
        bytes_target: usize,
        segments: Vec<SegmentRef>,
        sum: LogSum,
    ) -> Self {
        let (pending, uploads) = (Vec::new(), VecDeque::new());
        Self { place, bytes_target, seq: 0, pending, pending_bytes: 0, uploads, segments, sum }
    }

    /// The sum over all transactions.
    pub(crate) const fn sum(&self) -> LogSum {
        self.sum
    }

    /// Adds the next transaction.
    pub(crate) async fn push(&mut self, tx: LoggedTx) -> Result<(), BulkError> {
        self.sum = self.sum.plus(&tx);
        self.pending_bytes += tx.bytes().len();
        self.pending.push(tx);
        if self.pending_bytes >= self.bytes_target { self.end_segment().await } else { Ok(()) }
    }

    /// Ends the segment, and waits until all are written.
    pub(crate) async fn flush(&mut self) -> Result<&[SegmentRef], BulkError> {
        self.end_segment().await?;
        while !self.uploads.is_empty() {
            self.uploaded().await?;
        }
        Ok(&self.segments)
    }

    /// The same, and forgets them: who calls keeps them.
    pub(crate) async fn take_segments(&mut self) -> Result<Vec<SegmentRef>, BulkError> {
        self.flush().await?;
        Ok(std::mem::take(&mut self.segments))
    }

    async fn end_segment(&mut self) -> Result<(), BulkError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        while self.uploads.len() >= UPLOADS_MAX {
            self.uploaded().await?;
        }
        self.pending_bytes = 0;
        let txs = std::mem::take(&mut self.pending);
        let name = ObjectName { writer: self.place.writer, seq: self.seq };
        self.seq += 1;
        self.uploads.push_back(tokio::spawn(upload(self.place.clone(), name, txs)));
        Ok(())
    }

    async fn uploaded(&mut self) -> Result<(), BulkError> {
        if let Some(upload) = self.uploads.pop_front() {
            self.segments.push(upload.await??);
        }
        Ok(())
    }
}

async fn upload(
    place: SegmentPlace,
    name: ObjectName,
    txs: Vec<LoggedTx>,
) -> Result<SegmentRef, BulkError> {
    let id = place.id;
    let sealing = tokio::task::spawn_blocking(move || segment::seal(id, name, &txs));
    let sealed = sealing.await?.expect("a segment has a transaction");
    place.store.put(&place.contents.segment(name), sealed.object).await?;
    Ok(sealed.reference)
}
