//! The plan of a merge: which runs of which indexes it folds.

use std::collections::BTreeSet;

use duramen_index::{Layer, Run};
use duramen_model::Order;

use super::avet;
use super::policy::{MergePolicy, RunSize};
use crate::facts::Facts;
use crate::{Checkpoint, Db, DbError, RunId};

/// Merges whose sizes lie within this factor, as a power of 2, share a lane.
const LANE_BITS: u32 = 4;

/// What a merge is to do: a *flush* folds what is in memory, and the youngest runs that are small
/// against it; a *compaction* folds neighbouring runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    pub(super) flushes: bool,
    pub(super) picks: Vec<Pick>,
    records: u64,
}

/// The runs of one index, newest first, that become one. In a flush they are the youngest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) order: Order,
    pub(super) layer: Layer,
    pub(super) runs: Vec<RunId>,
    /// How many records are read, roughly.
    pub(super) records: u64,
}

impl MergePlan {
    /// A flush of a database. Runs that are `busy` in other merges are left alone.
    ///
    /// # Errors
    /// `NotCurrent` for a view.
    pub fn flush(db: &Db, policy: &MergePolicy, busy: &BTreeSet<RunId>) -> Result<Self, DbError> {
        let facts = db.whole()?;
        let mut plan = Self { flushes: true, picks: Vec::new(), records: 0 };
        for (order, layer) in indexes() {
            let Some(novelty) = novelty(facts, order, layer) else { continue };
            let runs = facts
                .checkpoint
                .as_ref()
                .map_or_else(Vec::new, |checkpoint| runs_of(checkpoint, order, layer, busy));
            let sizes: Vec<RunSize> = runs.iter().map(|(_, size)| *size).collect();
            let absorbed = policy.absorbed(novelty, &sizes);
            let records = novelty + sizes[..absorbed].iter().map(|run| run.records).sum::<u64>();
            plan.records += records;
            let runs = runs.into_iter().take(absorbed).map(|(id, _)| id).collect();
            plan.picks.push(Pick { order, layer, runs, records });
        }
        Ok(plan)
    }

    /// The same flush, leaving all runs alone.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.picks.iter_mut().for_each(|pick| pick.runs.clear());
        self
    }

    /// The compactions that the runs of a checkpoint are worth, one for each lane at most. Runs
    /// that are `busy` in other merges are left alone. A run of which much is idle is written
    /// anew by itself, as far as it is in sparse packs.
    #[must_use]
    pub fn compactions(
        checkpoint: &Checkpoint,
        policy: &MergePolicy,
        busy: &BTreeSet<RunId>,
    ) -> Vec<Self> {
        let mut plans: Vec<Self> = Vec::new();
        for (order, layer) in indexes() {
            let runs = runs_of(checkpoint, order, layer, busy);
            let sizes: Vec<RunSize> = runs.iter().map(|(_, size)| *size).collect();
            if let Some(which) = policy.compaction(&sizes) {
                let records = sizes[which.clone()].iter().map(|run| run.records).sum();
                let runs = runs[which].iter().map(|(id, _)| id.clone()).collect();
                add(&mut plans, Pick { order, layer, runs, records });
            }
        }
        for pick in idle(checkpoint, policy, busy) {
            if !plans.iter().any(|plan| plan.runs().any(|run| pick.runs.contains(run))) {
                add(&mut plans, pick);
            }
        }
        plans
    }

    /// Whether it folds what is in memory.
    #[must_use]
    pub const fn is_flush(&self) -> bool {
        self.flushes
    }

    /// How large it is, roughly: compactions in different lanes may run at once, so that a long
    /// one holds up none that is short.
    #[must_use]
    pub const fn lane(&self) -> u32 {
        lane_of(self.records)
    }

    /// How many records it reads, roughly.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The runs that it folds.
    pub fn runs(&self) -> impl Iterator<Item = &RunId> {
        self.picks.iter().flat_map(|pick| &pick.runs)
    }
}

/// Puts the fold of some runs into the plan of its lane.
fn add(plans: &mut Vec<MergePlan>, pick: Pick) {
    match plans.iter_mut().find(|plan| lane_of(pick.records) == plan.lane()) {
        Some(plan) => {
            plan.records = plan.records.max(pick.records);
            plan.picks.push(pick);
        }
        None => {
            let records = pick.records;
            plans.push(MergePlan { flushes: false, picks: vec![pick], records });
        }
    }
}

/// The runs that are to leave sparse packs.
fn idle(
    checkpoint: &Checkpoint,
    policy: &MergePolicy,
    busy: &BTreeSet<RunId>,
) -> impl Iterator<Item = Pick> {
    checkpoint.runs.iter().filter_map(move |run| {
        let (packs, id) = (run.packs?, RunId::of(&run.tree));
        let is_idle = policy.is_idle(packs.live_bytes, packs.idle_bytes) && !busy.contains(&id);
        let (order, layer, records) = (run.tree.order, run.tree.layer, run.tree.records);
        is_idle.then(|| Pick { order, layer, runs: vec![id], records })
    })
}

const fn lane_of(records: u64) -> u32 {
    (records | 1).ilog2() / LANE_BITS
}

/// All indexes of a database.
pub(super) fn indexes() -> impl Iterator<Item = (Order, Layer)> {
    let layers = [Layer::Current, Layer::History];
    layers.into_iter().flat_map(|layer| Order::ALL.map(|order| (order, layer)))
}

/// How many records of an index are in memory; `None` if there is nothing to write.
fn novelty(facts: &Facts, order: Order, layer: Layer) -> Option<u64> {
    if order == Order::Avet {
        return avet::novelty(facts, layer);
    }
    let memory = facts.index(order, layer).runs().iter();
    let records = memory.filter(|run| matches!(run, Run::Memory(_))).map(Run::records).sum();
    Some(records).filter(|records| *records > 0)
}

/// The runs of an index in a checkpoint, newest first.
fn runs_of(
    checkpoint: &Checkpoint,
    order: Order,
    layer: Layer,
    busy: &BTreeSet<RunId>,
) -> Vec<(RunId, RunSize)> {
    let size = |run: &crate::CheckpointRun| {
        let id = RunId::of(&run.tree);
        let busy = busy.contains(&id);
        (id, RunSize { records: run.tree.records, busy })
    };
    checkpoint.runs_of(order, layer).map(size).collect()
}
