//! A walk through the references to segments, which opens log indexes as it meets them.

use std::collections::VecDeque;

use duramen_model::T;

use super::{LogIndex, LogIndexRef};
use crate::SegmentRef;

/// Walks through the segments of a stretch of the log, oldest first.
#[derive(Debug)]
pub(crate) struct LogWalk {
    /// In the order of the log.
    pending: VecDeque<Entry>,
    first: T,
    last: T,
}

#[derive(Debug)]
enum Entry {
    Index(LogIndexRef),
    Segment(SegmentRef),
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// A log index, which is to be opened and [entered](LogWalk::enter).
    Index(LogIndexRef),
    /// Segments, at least one.
    Segments(Vec<SegmentRef>),
}

impl LogWalk {
    /// A walk through what holds the transactions from one to another.
    pub(crate) fn new(
        indexes: &[LogIndexRef],
        segments: &[SegmentRef],
        (first, last): (T, T),
    ) -> Self {
        let indexes = indexes.iter().copied().map(Entry::Index);
        let segments = segments.iter().copied().map(Entry::Segment);
        let mut walk = Self { pending: VecDeque::new(), first, last };
        walk.pending = indexes.chain(segments).filter(|entry| walk.needs(entry)).collect();
        walk
    }

    /// The next step: so many segments at most, and so many bytes unless it is one segment.
    pub(crate) fn next(&mut self, segments_max: usize, bytes_max: u64) -> Option<Step> {
        if let Some(Entry::Index(index)) = self.pending.front() {
            let index = *index;
            self.pending.pop_front();
            return Some(Step::Index(index));
        }
        let (mut segments, mut bytes) = (Vec::new(), 0_u64);
        while let Some(Entry::Segment(segment)) = self.pending.front() {
            bytes = bytes.saturating_add(segment.bytes);
            if !segments.is_empty() && (segments.len() >= segments_max || bytes > bytes_max) {
                break;
            }
            segments.push(*segment);
            self.pending.pop_front();
        }
        (!segments.is_empty()).then_some(Step::Segments(segments))
    }

    /// Goes on with what is in a log index that was met.
    pub(crate) fn enter(&mut self, index: &LogIndex) {
        let entries: Vec<Entry> = match index {
            LogIndex::Segments(segments) => segments.iter().copied().map(Entry::Segment).collect(),
            LogIndex::Indexes(indexes) => indexes.iter().copied().map(Entry::Index).collect(),
        };
        let needed: Vec<Entry> = entries.into_iter().filter(|entry| self.needs(entry)).collect();
        needed.into_iter().rev().for_each(|entry| self.pending.push_front(entry));
    }

    fn needs(&self, entry: &Entry) -> bool {
        let (first, last) = match entry {
            Entry::Index(index) => (index.t_first, index.t_last),
            Entry::Segment(segment) => (segment.t_first, segment.t_last),
        };
        first <= self.last && last >= self.first
    }
}
