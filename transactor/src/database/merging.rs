//! Merging: folding novelty into runs, and runs into larger ones, beside the commits.
//!
//! ```text
//! novelty over its limit -> flush      \
//!                                       made -> checkpoint -> named by the next root
//! runs that are alike    -> compaction /
//! ```
//!
//! Several merges run at once: one flush, and compactions of different sizes, each on runs of its
//! own. What they have made becomes a checkpoint on top of the newest one. It counts when a root
//! names it; until then it is garbage that does no harm. A flush reads a published value whose log
//! is in segments to the last transaction, so at first the tail is spilled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use duramen_db::{
    Checkpoint, CheckpointOptions, CheckpointRef, Db, DbError, LogSum, MergeInput, MergePlan,
    MergePolicy, Merged, RunId, merge, write_checkpoint,
};
use duramen_index::NodeOptions;
use duramen_model::T;
use duramen_store::layout::ObjectName;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::background::Background;
use super::serving::Serving;
use crate::settings::Settings;

/// What merges have made, as a checkpoint.
#[derive(Debug)]
pub(crate) struct MergedCheckpoint {
    reference: CheckpointRef,
    checkpoint: Arc<Checkpoint>,
    /// A recently published value on top of it.
    db: Db,
}

/// A published value that a flush can read: its log is in segments to the last transaction.
#[derive(Debug, Clone)]
pub(crate) struct MergeBase {
    pub(crate) db: Db,
    /// The sum over its transactions.
    pub(crate) sum: LogSum,
}

/// A merge that runs, or whose outcome is in no checkpoint yet.
#[derive(Debug, Clone)]
struct Job {
    plan: Arc<MergePlan>,
    /// What it has made, when it is done.
    made: Option<Arc<Merged>>,
    started: Instant,
}

/// The merges of a database.
#[derive(Debug)]
pub(crate) struct Merging {
    work: JoinSet<Result<Merged, DbError>>,
    running: BTreeMap<Id, Job>,
    /// Those that wait for a checkpoint.
    done: Vec<Job>,
    /// The checkpoint that is being written, and what it takes in.
    writing: Background<Result<Option<MergedCheckpoint>, DbError>>,
    taken: Vec<Job>,
    /// The checkpoint that no root names yet.
    made: Option<MergedCheckpoint>,
    base: Option<MergeBase>,
    not_before: Option<Instant>,
    /// The runs are not the same as when compactions were last looked for.
    looks: bool,
    /// A flush failed: the next leaves all runs alone, since one of them may be the reason.
    flushes_alone: bool,
}

/// Something that a merge came to.
#[derive(Debug)]
pub(crate) enum MergeEvent {
    /// One has ended; `None` when it broke off.
    Ended(Id, Option<Result<Merged, DbError>>),
    /// A checkpoint is written, or not; `None` when the writing broke off.
    Written(Option<Result<Option<MergedCheckpoint>, DbError>>),
}

impl Merging {
    pub(crate) fn idle() -> Self {
        Self {
            work: JoinSet::new(),
            running: BTreeMap::new(),
            done: Vec::new(),
            writing: Background::idle(),
            taken: Vec::new(),
            made: None,
            base: None,
            not_before: None,
            looks: true,
            flushes_alone: false,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_empty() || self.writing.is_running()
    }

    /// Waits for the next event; for ever when nothing runs.
    pub(crate) async fn event(&mut self) -> MergeEvent {
        tokio::select! {
            biased;
            written = self.writing.done() => MergeEvent::Written(written),
            Some(ended) = self.work.join_next_with_id(), if !self.work.is_empty() => match ended {
                Ok((id, result)) => MergeEvent::Ended(id, Some(result)),
                Err(broken) => MergeEvent::Ended(broken.id(), None),
            },
        }
    }

    /// Whether nothing of it failed recently.
    pub(crate) fn is_rested(&self) -> bool {
        self.not_before.is_none_or(|time| time <= Instant::now())
    }

    /// Until when it is left alone; `None` when it is not.
    pub(crate) fn rests_until(&self) -> Option<Instant> {
        self.not_before.filter(|time| *time > Instant::now())
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

    /// All merges whose outcome is in no checkpoint yet.
    fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.running.values().chain(&self.done).chain(&self.taken)
    }

    /// The runs that they fold.
    fn busy(&self) -> BTreeSet<RunId> {
        self.jobs().flat_map(|job| job.plan.runs().cloned()).collect()
    }

    /// Whether a flush may start: one at a time, and the novelty that one has made an end of does
    /// not count twice.
    fn may_flush(&self) -> bool {
        self.is_rested() && self.made.is_none() && !self.jobs().any(|job| job.plan.is_flush())
    }

    fn may_compact(&self, plan: &MergePlan, at_once_max: usize) -> bool {
        let mut compactions = self.running.values().filter(|job| !job.plan.is_flush());
        let same_lane = |job: &Job| job.plan.lane() == plan.lane();
        compactions.clone().count() < at_once_max && !compactions.any(same_lane)
    }
}

/// Starting.
impl Serving<'_> {
    /// Whether there is so much novelty that a flush should run, and none does.
    pub(super) fn wants_flush(&self) -> bool {
        self.merging.may_flush()
            && self.novelty_now().over(&self.context.settings.novelty_soft).is_some()
    }

    /// Starts the merges that are wanted and can run, and makes a checkpoint of those that are
    /// done.
    pub(super) fn start_merges(&mut self) {
        if !self.merging.is_rested() {
            return;
        }
        self.start_checkpoint();
        self.start_flush();
        self.start_compactions();
    }

    fn start_flush(&mut self) {
        if !self.wants_flush() {
            return;
        }
        if self.root.root.tail.is_empty() {
            self.merging.rebase(MergeBase { db: self.db.clone(), sum: self.root.root.sum });
        }
        let merged = self.db.checkpoint_t();
        let base = match &self.merging.base {
            Some(base) if Some(base.db.basis_t()) > merged => base.clone(),
            // A root that names the segment makes a value that can be read.
            _ if self.spill.is_idle() => return self.spill_published(),
            _ => return,
        };
        match MergePlan::flush(&base.db, &self.policy(), &self.merging.busy()) {
            Ok(plan) if self.merging.flushes_alone => self.start(base, plan.alone()),
            Ok(plan) => self.start(base, plan),
            Err(error) => {
                tracing::error!(database = %self.place.name, %error, "nothing can be flushed");
                self.rest_merging();
            }
        }
    }

    fn start_compactions(&mut self) {
        if !std::mem::take(&mut self.merging.looks) {
            return;
        }
        let Some(checkpoint) = self.db.checkpoint().cloned() else { return };
        let at_once_max = self.context.settings.merges_at_once_max;
        for plan in MergePlan::compactions(&checkpoint, &self.policy(), &self.merging.busy()) {
            if self.merging.may_compact(&plan, at_once_max) {
                let base = MergeBase { db: self.db.clone(), sum: self.root.root.sum };
                self.start(base, plan);
            }
        }
    }

    fn policy(&self) -> MergePolicy {
        let settings = &self.context.settings;
        MergePolicy {
            runs_min: settings.merge_runs_min,
            small_records: settings.leaf_records_max as u64,
            ..MergePolicy::default()
        }
    }

    fn start(&mut self, base: MergeBase, plan: MergePlan) {
        let (records, flush) = (plan.records(), plan.is_flush());
        tracing::info!(database = %self.place.name, records, flush, "merging");
        let options = node_options(&self.context.settings);
        let segments = self.root.root.segments.clone();
        let (writer, list_seq) = (self.names.writer(), self.names.pack_list());
        let first_pack_seq = self.names.packs();
        let store = Arc::clone(self.context.store());
        let plan = Arc::new(plan);
        let job = Job { plan: Arc::clone(&plan), made: None, started: Instant::now() };
        let work = self.merging.work.spawn(async move {
            let (MergeBase { db, sum }, plan, options) = (&base, &*plan, &options);
            let (segments, sum) = (&segments[..], *sum);
            let input =
                MergeInput { db, plan, segments, sum, writer, list_seq, first_pack_seq, options };
            merge(store, input).await
        });
        self.merging.running.insert(work.id(), job);
    }

    /// Begins to write a checkpoint with what merges have made. One at a time: the next is on top
    /// of it.
    fn start_checkpoint(&mut self) {
        let merging = &mut self.merging;
        if merging.done.is_empty() || merging.writing.is_running() || merging.made.is_some() {
            return;
        }
        merging.taken.append(&mut merging.done);
        let made: Vec<Arc<Merged>> =
            merging.taken.iter().filter_map(|job| job.made.clone()).collect();
        let name = ObjectName { writer: self.names.writer(), seq: self.names.checkpoint() };
        let settings = &self.context.settings;
        let options = CheckpointOptions {
            inlined_bytes_max: settings.inlined_bytes_max,
            log_entries_max: settings.log_entries_max,
        };
        let (store, shown) = (Arc::clone(self.context.store()), self.show_db.subscribe());
        let db = self.db.clone();
        merging.writing = Background::start(async move {
            let written = write_checkpoint(store, &db, &made, name, options).await?;
            let Some(written) = written else { return Ok(None) };
            let (reference, checkpoint) = (written.reference, Arc::new(written.checkpoint));
            // What was committed meanwhile is sorted here and not where commits wait for it.
            let newest = shown.borrow().clone().unwrap_or(db);
            let db = newest.with_checkpoint(Arc::clone(&checkpoint))?;
            Ok(Some(MergedCheckpoint { reference, checkpoint, db }))
        });
    }
}

fn node_options(settings: &Settings) -> NodeOptions {
    NodeOptions {
        leaf_records_max: settings.leaf_records_max,
        branch_children_max: settings.branch_children_max,
        ..NodeOptions::default()
    }
}

/// Hearing what became of it.
impl Serving<'_> {
    pub(super) fn merge_event(&mut self, event: MergeEvent) {
        match event {
            MergeEvent::Ended(id, result) => self.ended(id, result),
            MergeEvent::Written(result) => self.written(result),
        }
    }

    /// A merge has ended: what it has made waits for a checkpoint.
    fn ended(&mut self, id: Id, result: Option<Result<Merged, DbError>>) {
        let Some(job) = self.merging.running.remove(&id) else { return };
        self.merging.looks = true;
        let kind = if job.plan.is_flush() { "flush" } else { "compaction" };
        let outcome = if matches!(result, Some(Ok(_))) { "made" } else { "failed" };
        metrics::counter!("duramen_merges_total", "kind" => kind, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("duramen_merge_seconds", "kind" => kind)
            .record(job.started.elapsed().as_secs_f64());
        if job.plan.is_flush() {
            self.merging.flushes_alone = outcome == "failed";
        }
        match result {
            Some(Ok(made)) => {
                let job = Job { made: Some(Arc::new(made)), ..job };
                self.merging.done.push(job);
            }
            failed => {
                tracing::error!(database = %self.place.name, ?failed, kind, "a merge failed");
                self.rest_merging();
            }
        }
    }

    /// Takes a checkpoint that was written: everything in memory rests on it from now on, and the
    /// next root names it. One that was not written is made again later.
    fn written(&mut self, result: Option<Result<Option<MergedCheckpoint>, DbError>>) {
        let mut taken = std::mem::take(&mut self.merging.taken);
        self.merging.looks = true;
        let outcome = match result {
            Some(Ok(Some(made))) => self.rest_on(&made).map(|()| Some(made)),
            Some(Ok(None)) => return,
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        match outcome {
            Ok(Some(made)) => self.merging.made = Some(made),
            failed => {
                tracing::error!(database = %self.place.name, ?failed, "no checkpoint was made");
                taken.append(&mut self.merging.done);
                self.merging.done = taken;
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
        // What is merged needs no base any more.
        self.merging.base.take_if(|base| base.db.basis_t() <= made.checkpoint.t);
        let spilled = self.flight.iter_mut().flat_map(|flight| &mut flight.spilled);
        let bases = spilled.map(|spilled| &mut spilled.base).chain(self.spill.base_mut());
        for base in bases.chain(&mut self.merging.base) {
            let same = |db: &&Db| db.basis_t() == base.db.basis_t();
            base.db = match rested.iter().find(same) {
                Some(db) => db.clone(),
                None => base.db.with_checkpoint(Arc::clone(&made.checkpoint))?,
            };
        }
        let mut rested = rested.into_iter();
        self.db = rested.next().unwrap_or_else(|| self.db.clone());
        let on_its_way = self.flight.iter_mut().map(|flight| &mut flight.batch);
        for (batch, db) in on_its_way.chain(&mut self.batches).zip(rested) {
            batch.db = db;
        }
        self.show();
        Ok(())
    }

    /// Something of a merge failed: merges are left alone for a while.
    pub(super) fn rest_merging(&mut self) {
        let pause = Duration::from_millis(self.context.settings.merge_pause_ms);
        self.merging.not_before = Some(Instant::now() + pause);
        self.merging.looks = true;
    }

    /// A root that names a checkpoint is published.
    pub(super) fn merge_published(&mut self, t: T) {
        tracing::info!(database = %self.place.name, %t, "merged");
        self.novelty.merged(t);
        self.merging.named();
    }
}
