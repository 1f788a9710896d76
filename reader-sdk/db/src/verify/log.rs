//! The log: every segment, no gap, the running sum, and what the indexes must hold by it.

use duramen_index::Layer;
use duramen_model::{Instant, Schema, T, Value, builtin};
use duramen_store::envelope::Kind;
use futures_util::future;

use super::sums::{Content, Fact};
use super::{Stage, Verifier};
use crate::log::{LogWalk, Step};
use crate::malformed::Malformed;
use crate::{
    Change, Checkpoint, DbError, LogIndexRef, LogSum, LoggedTx, Root, SegmentRef, TxRecord,
};

/// How many segments are read at once.
const SEGMENTS_AT_ONCE: usize = 16;
/// How many bytes of segments are read at once, if it is more than one.
const BYTES_AT_ONCE: u64 = 8 << 20;

/// What the log says.
#[derive(Debug, Default)]
pub(super) struct LogContent {
    /// Whether every transaction could be read.
    pub(super) is_whole: bool,
    pub(super) current: Content,
    pub(super) history: Content,
    /// Every datom that defines schema, as it stands.
    pub(super) schema: Content,
}

/// A walk through the log.
struct Walk {
    /// The transaction that comes next.
    next: u64,
    /// The newest that is merged.
    merged: Option<T>,
    instant: Instant,
    sum: LogSum,
    schema: Schema,
    /// A segment could not be read since the last transaction.
    skipped: bool,
    content: LogContent,
}

impl LogContent {
    pub(super) fn layer(&self, layer: Layer) -> &Content {
        match layer {
            Layer::Current => &self.current,
            Layer::History => &self.history,
        }
    }
}

impl Verifier<'_> {
    /// Reads the whole log up to a root.
    pub(super) async fn check_log(
        &mut self,
        root: &Root,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<LogContent, DbError> {
        let mut walk = Walk::new(checkpoint.map(|checkpoint| checkpoint.t));
        let (indexes, segments) = all_segments(root, checkpoint);
        let mut refs = LogWalk::new(indexes, &segments, (T::GENESIS, T::MAX));
        while let Some(step) = refs.next(SEGMENTS_AT_ONCE, BYTES_AT_ONCE) {
            match step {
                Step::Index(index) => self.enter_index(&mut walk, &mut refs, &index).await?,
                Step::Segments(some) => self.take_segments(&mut walk, &some, checkpoint).await?,
            }
            self.progress_to(Stage::Log, walk.next, root.t.get() + 1);
        }
        let object = self.source.root_key(root.place.n).to_string();
        self.take(&mut walk, &root.tail, &object, checkpoint);
        Ok(self.end_log(walk, root, &object))
    }

    async fn enter_index(
        &mut self,
        walk: &mut Walk,
        refs: &mut LogWalk,
        reference: &LogIndexRef,
    ) -> Result<(), DbError> {
        let key = self.source.contents.log_index(reference.name);
        self.reach_bytes(Kind::LogIndex, &key, reference.bytes);
        match self.source.log_index(reference).await {
            Ok(index) => refs.enter(&index),
            Err(error) => {
                walk.skipped = true;
                self.report.note(error)?;
            }
        }
        Ok(())
    }

    async fn take_segments(
        &mut self,
        walk: &mut Walk,
        segments: &[SegmentRef],
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(), DbError> {
        let reads: Vec<_> =
            segments.iter().map(|reference| self.source.segment(reference)).collect();
        let stretches = future::join_all(reads).await;
        for (reference, stretch) in segments.iter().zip(stretches) {
            let key = self.source.contents.segment(reference.name);
            self.reach_bytes(Kind::Segment, &key, reference.bytes);
            match stretch {
                Ok(txs) => self.take(walk, &txs, &key.to_string(), checkpoint),
                Err(error) => {
                    walk.skipped = true;
                    self.report.note(error)?;
                }
            }
        }
        Ok(())
    }

    /// Takes in a stretch of the log, which may overlap what was read.
    fn take(
        &mut self,
        walk: &mut Walk,
        txs: &[LoggedTx],
        object: &str,
        checkpoint: Option<&Checkpoint>,
    ) {
        let known = txs.partition_point(|tx| tx.t().get() < walk.next);
        for tx in &txs[known..] {
            if tx.t().get() > walk.next {
                self.gap(walk, object, format!("transaction {}", tx.t()));
            }
            walk.skipped = false;
            if tx.record().instant < walk.instant {
                let malformed = Malformed::new("instants that never decrease", tx.t());
                self.report.note_malformed(object, malformed);
            }
            walk.absorb(tx);
            self.report.transactions += 1;
            self.report.datoms += tx.record().changes.len() as u64;
            let merged = checkpoint.filter(|checkpoint| checkpoint.t == tx.t());
            if let Some(checkpoint) = merged.filter(|_| walk.content.is_whole)
                && (checkpoint.sum, checkpoint.instant) != (walk.sum, walk.instant)
            {
                let malformed = Malformed::new("the sum and instant of its transactions", "others");
                self.report.note_malformed(format!("the checkpoint at {}", tx.t()), malformed);
            }
        }
    }

    fn gap(&mut self, walk: &mut Walk, object: &str, found: String) {
        walk.content.is_whole = false;
        // What is missing was in a segment that is in the report already.
        if !walk.skipped {
            let malformed = Malformed::new(format!("transaction {}", walk.next), found);
            self.report.note_malformed(object, malformed);
        }
    }

    fn end_log(&mut self, mut walk: Walk, root: &Root, object: &str) -> LogContent {
        if walk.next <= root.t.get() {
            self.gap(&mut walk, object, "the end of the log".to_owned());
        }
        if walk.content.is_whole && walk.sum != root.sum {
            let malformed = Malformed::new("transactions that add up to the sum", "others");
            self.report.note_malformed(object, malformed);
        }
        self.progress_to(Stage::Log, walk.next, root.t.get() + 1);
        walk.content
    }
}

impl Walk {
    fn new(merged: Option<T>) -> Self {
        Self {
            next: 0,
            merged,
            instant: Instant::from_millis(0),
            sum: LogSum::default(),
            schema: Schema::default(),
            skipped: false,
            content: LogContent { is_whole: true, ..LogContent::default() },
        }
    }

    fn absorb(&mut self, tx: &LoggedTx) {
        self.next = tx.t().get() + 1;
        self.instant = tx.record().instant;
        self.sum = self.sum.plus(tx);
        if self.merged.is_some_and(|merged| tx.t() <= merged) {
            self.absorb_facts(tx.record());
        }
    }

    /// Opens and closes facts as the trees are to show them.
    fn absorb_facts(&mut self, record: &TxRecord) {
        let defining = || record.datoms().filter(|datom| builtin::defines_schema(datom.a));
        if defining().next().is_some() {
            self.schema.apply(defining());
            defining().for_each(|datom| self.content.schema.add_datom(datom));
        }
        for Change { datom, closes } in &record.changes {
            let (e, a, v): (_, _, &Value) = (datom.e, datom.a, &datom.v);
            let Some(added) = *closes else {
                self.content.current.add(Fact { e, a, v, added: record.t, closed: None });
                continue;
            };
            self.content.current.subtract(Fact { e, a, v, added, closed: None });
            let forgotten = self.schema.attribute(a).is_some_and(|own| own.no_history);
            if !forgotten {
                self.content.history.add(Fact { e, a, v, added, closed: Some(record.t) });
            }
        }
    }
}

/// What the checkpoint lists of the log, and the segments that only the root names.
fn all_segments<'a>(
    root: &Root,
    checkpoint: Option<&'a Checkpoint>,
) -> (&'a [LogIndexRef], Vec<SegmentRef>) {
    let indexes = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.log_indexes[..]);
    let mut segments = checkpoint.map_or_else(Vec::new, |checkpoint| checkpoint.log.clone());
    let known = segments.len();
    for segment in &root.segments {
        if !segments[..known].contains(segment) {
            segments.push(*segment);
        }
    }
    (indexes, segments)
}
