//! Merging: folding novelty into the indexes, beside the commits.
//!
//! A merge reads a published value whose log is in segments to the last transaction, so at first
//! the tail is spilled. What it has made counts when a root names it; until then it is garbage
//! that does no harm.

use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Checkpoint, CheckpointRef, Db, DbError, LogSum, MergeInput, merge};
use duramen_index::NodeOptions;
use duramen_model::T;
use tokio::time::Instant;

use super::background::Background;
use super::serving::Serving;

/// What a merge has made.
#[derive(Debug)]
pub(crate) struct MergedCheckpoint {
    reference: CheckpointRef,
    checkpoint: Arc<Checkpoint>,
    /// A recently published value on top of it.
    db: Db,
}

/// A published value that a merge can read: its log is in segments to the last transaction.
#[derive(Debug, Clone)]
pub(crate) struct MergeBase {
    pub(crate) db: Db,
    /// The sum over its transactions.
    pub(crate) sum: LogSum,
}

/// The merge of a database: none, one that runs, or one whose checkpoint no root names yet.
#[derive(Debug)]
pub(crate) struct Merging {
    work: Background<Result<MergedCheckpoint, DbError>>,
    made: Option<MergedCheckpoint>,
    base: Option<MergeBase>,
    not_before: Option<Instant>,
}

impl Merging {
    pub(crate) const fn idle() -> Self {
        Self { work: Background::idle(), made: None, base: None, not_before: None }
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.work.is_running()
    }

    /// Waits for the merge; for ever when none runs.
    pub(crate) async fn done(&mut self) -> Option<Result<MergedCheckpoint, DbError>> {
        self.work.done().await
    }

    /// Whether nothing of it failed recently.
    pub(crate) fn is_rested(&self) -> bool {
        self.not_before.is_none_or(|time| time <= Instant::now())
    }

    /// The checkpoint that the next root is to name.
    pub(crate) fn made(&self) -> Option<CheckpointRef> {
        self.made.as_ref().map(|made| made.reference)
    }

    /// A published root names segments up to a value.
    pub(crate) fn rebase(&mut self, base: MergeBase) {
        self.base = Some(base);
    }

    /// A published root names the checkpoint.
    pub(crate) fn named(&mut self) {
        self.made = None;
    }

    fn may_start(&self) -> bool {
        self.is_rested() && !self.is_running() && self.made.is_none()
    }
}

impl Serving<'_> {
    /// Whether there is so much novelty that a merge should run, and none does.
    pub(super) fn wants_merge(&self) -> bool {
        self.merging.may_start()
            && self.novelty_now().over(&self.context.settings.novelty_soft).is_some()
    }

    /// Starts a merge if one is wanted and there is a value that it can read.
    pub(super) fn start_merge(&mut self) {
        if !self.wants_merge() {
            return;
        }
        if self.root.root.tail.is_empty() {
            self.merging.rebase(MergeBase { db: self.db.clone(), sum: self.root.root.sum });
        }
        let merged = self.db.checkpoint_t();
        match self.merging.base.take_if(|base| Some(base.db.basis_t()) > merged) {
            Some(base) => self.merge(base),
            // A root that names the segment makes a value that can be read.
            None if self.spill.is_idle() => self.spill_published(),
            None => {}
        }
    }

    fn merge(&mut self, base: MergeBase) {
        let t = base.db.basis_t();
        tracing::info!(database = %self.place.name, %t, "merging");
        let settings = &self.context.settings;
        let options = NodeOptions {
            leaf_records_max: settings.leaf_records_max,
            branch_children_max: settings.branch_children_max,
            ..NodeOptions::default()
        };
        let segments = self.root.root.segments.clone();
        let (writer, checkpoint_seq) = (self.names.writer(), self.names.checkpoint());
        let first_pack_seq = self.names.packs();
        let (store, shown) = (Arc::clone(self.context.store()), self.show_db.subscribe());
        let started = Instant::now();
        self.merging.work = Background::start(async move {
            let MergeBase { db, sum } = &base;
            let (segments, options) = (&segments[..], &options);
            let input = MergeInput {
                db,
                segments,
                sum: *sum,
                writer,
                checkpoint_seq,
                first_pack_seq,
                options,
            };
            let made = merge(store, input).await?.checkpoint;
            metrics::histogram!("duramen_merge_seconds").record(started.elapsed().as_secs_f64());
            let checkpoint = Arc::new(made.checkpoint);
            // What was committed meanwhile is sorted here and not where commits wait for it.
            let newest = shown.borrow().clone().unwrap_or(base.db);
            let db = newest.with_checkpoint(Arc::clone(&checkpoint))?;
            Ok(MergedCheckpoint { reference: made.reference, checkpoint, db })
        });
    }

    /// Takes what a merge has made: everything in memory rests on it from now on, and the next
    /// root names it.
    pub(super) fn merged(&mut self, result: Option<Result<MergedCheckpoint, DbError>>) {
        let outcome = match result {
            Some(Ok(made)) => self.rest_on(&made).map(|()| Some(made)),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        let name = match &outcome {
            Ok(Some(_)) => "made",
            _ => "failed",
        };
        metrics::counter!("duramen_merges_total", "outcome" => name).increment(1);
        match outcome {
            Ok(Some(made)) => self.merging.made = Some(made),
            failed => {
                tracing::error!(database = %self.place.name, ?failed, "a merge failed");
                self.rest_merging();
            }
        }
    }

    /// Puts every value in memory on top of a checkpoint. They all stay the same values: the
    /// published one is put on top, and those after it follow from it.
    fn rest_on(&mut self, made: &MergedCheckpoint) -> Result<(), DbError> {
        let since = made.db.basis_t().next().unwrap_or(T::MAX);
        let mut db = made.db.apply_all(&self.db.recent_txs(since).cloned().collect::<Vec<_>>())?;
        let mut rested = vec![db.clone()];
        let on_its_way = self.flight.iter().map(|flight| &flight.batch);
        for batch in on_its_way.chain(&self.batches) {
            let records: Vec<_> = batch.txs.iter().map(|tx| Arc::clone(tx.record())).collect();
            db = db.apply_all(&records)?;
            rested.push(db.clone());
        }
        let spilled = self.flight.iter_mut().flat_map(|flight| &mut flight.spilled);
        for base in spilled.map(|spilled| &mut spilled.base).chain(self.spill.base_mut()) {
            let same = |db: &&Db| db.basis_t() == base.db.basis_t();
            base.db = match rested.iter().find(same) {
                Some(db) => db.clone(),
                None => base.db.with_checkpoint(Arc::clone(&made.checkpoint))?,
            };
        }
        // Whatever it was, the next segment that is named makes a newer one.
        self.merging.base = None;
        let mut rested = rested.into_iter();
        self.db = rested.next().unwrap_or_else(|| self.db.clone());
        let on_its_way = self.flight.iter_mut().map(|flight| &mut flight.batch);
        for (batch, db) in on_its_way.chain(&mut self.batches).zip(rested) {
            batch.db = db;
        }
        self.show();
        Ok(())
    }

    /// Something of a merge failed: it is left alone for a while.
    pub(super) fn rest_merging(&mut self) {
        let pause = Duration::from_millis(self.context.settings.merge_pause_ms);
        self.merging.not_before = Some(Instant::now() + pause);
    }

    /// A root that names a checkpoint is published.
    pub(super) fn merge_published(&mut self, t: T) {
        tracing::info!(database = %self.place.name, %t, "merged");
        self.novelty.merged(t);
        self.merging.named();
    }
}
