//! The next root: what it says, given what there is to say. No effects, no decisions.

use duramen_db::{CheckpointRef, LoggedTx, NextIds, OpenedRoot, RequestWindow, Root, SegmentRef};

use crate::catalog;

/// Bytes of a root beside its tail and its segments, at most.
pub(crate) const FIXED_BYTES: usize = 2 << 10;
/// Bytes of a root for each segment that it names, at most.
const SEGMENT_REF_BYTES: usize = 128;
/// Bytes of a root for each transaction in the tail, beside the transaction, at most.
pub(crate) const TX_FRAME_BYTES: usize = 8;

/// What a root says beyond the one before it.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    /// The transactions that it adds.
    pub(crate) txs: &'a [LoggedTx],
    /// The ids that follow them.
    pub(crate) next_ids: NextIds,
    /// A segment that takes over the older part of the tail.
    pub(crate) segment: Option<SegmentRef>,
    /// A checkpoint that takes over segments.
    pub(crate) checkpoint: Option<CheckpointRef>,
    /// Which requests the writer remembers.
    pub(crate) requests: RequestWindow,
}

/// The root after another one.
pub(crate) fn next_root(previous: &OpenedRoot, nonce: [u8; 16], progress: &Progress<'_>) -> Root {
    let mut root = catalog::successor(previous, nonce);
    root.requests = Some(progress.requests);
    root.tail.extend_from_slice(progress.txs);
    root.sum = root.sum.plus_all(progress.txs);
    root.next_ids = progress.next_ids;
    if let Some(last) = progress.txs.last() {
        root.t = last.t();
        root.instant = last.record().instant;
    }
    if let Some(segment) = progress.segment {
        root.segments.push(segment);
        root.tail.retain(|tx| tx.t() > segment.t_last);
    }
    if let Some(checkpoint) = progress.checkpoint {
        root.checkpoint = Some(checkpoint);
        root.segments.retain(|segment| segment.t_last > checkpoint.t);
    }
    root
}

/// How large the object of a root is, at most.
pub(crate) fn bytes_of(root: &Root) -> usize {
    let frames = root.tail.len() * TX_FRAME_BYTES + root.segments.len() * SEGMENT_REF_BYTES;
    FIXED_BYTES + frames + root.tail_bytes()
}
