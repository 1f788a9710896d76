//! Merge: folding novelty into runs, and runs into larger ones.
//!
//! ```text
//! MergePlan -> merge -> Merged (packs and a pack list written) -> write_checkpoint
//! ```
//!
//! A merge replaces the runs that it has read, and nothing else, so several may be under way at
//! once, as long as they read different ones. Everything is written under names that nothing
//! refers to yet; the next root makes it count. A merge that is given up leaves garbage and no
//! harm.

mod avet;
mod merged;
mod packs;
mod plan;
mod policy;
mod values;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use duramen_index::{Index, MergedRun, NodeHash, NodeOptions, PackWriter, Run, Tree};
use duramen_model::Order;
use duramen_store::WriteStore;
use duramen_store::layout::{ObjectName, WriterId};

pub use merged::{CheckpointOptions, Merged, write_checkpoint};
pub use plan::MergePlan;
pub use policy::MergePolicy;

use crate::facts::Facts;
use crate::source::Source;
use crate::{CheckpointRun, Db, DbError, LogSum, PackList, RunId, RunPacksRef, SegmentRef};
use avet::Scratch;
use merged::{Flushed, Replaced};
use packs::{KnownPacks, Usage};
use plan::Pick;

/// How many bytes of its highest nodes a checkpoint carries along, unless somebody knows better.
pub const INLINED_BYTES_MAX: u64 = 256 << 10;
/// How many numbers of packs one merge may use.
pub const PACKS_PER_MERGE: u64 = 1 << 20;
/// A run of so many leaves has packs of its own: it goes out of use apart from others.
const APART_LEAVES: u64 = 16;

/// What a merge needs to be told.
#[derive(Debug, Clone)]
pub struct MergeInput<'a> {
    /// A database, not a view, that was read from the bucket and is published.
    pub db: &'a Db,
    /// What is to be merged of it.
    pub plan: &'a MergePlan,
    /// The segments of the root that published the database. For a flush they hold, with the log
    /// of the checkpoint before, every transaction up to that of the database: the tail must have
    /// been spilled.
    pub segments: &'a [SegmentRef],
    /// For a flush: the sum over the transactions from 0 to that of the database.
    pub sum: LogSum,
    /// Whose names are used.
    pub writer: WriterId,
    /// The number of the pack list, which the writer has not used for one before.
    pub list_seq: u64,
    /// The number of the first pack. [`PACKS_PER_MERGE`] from it on have not been used.
    pub first_pack_seq: u64,
    /// How large nodes become.
    pub options: &'a NodeOptions,
}

/// Does what a plan says, and writes what comes of it.
///
/// # Errors
/// `NotCurrent` for a view, for a database in memory only, and for one that does not have the
/// runs of the plan. When the store fails, when something in it is damaged, or when a transaction
/// is in no segment.
pub async fn merge(store: Arc<dyn WriteStore>, input: MergeInput<'_>) -> Result<Merged, DbError> {
    let facts = input.db.whole()?;
    let source = facts.source.as_ref().ok_or(DbError::NotCurrent)?;
    let (name, mut picks) = (input.list_name(), input.plan.picks.clone());
    picks.sort_by_key(|pick| pick.records);
    let read = runs_read(facts, &input);
    let mut known = KnownPacks::load(source, facts, &read).await?;
    let mut packs = input.packs(&store, facts, source);
    packs.leave(known.sparse(&read));
    let mut folded = Vec::new();
    for pick in &picks {
        // What is large is merged with what is as large, and what is small with what is small.
        if pick.records >= input.apart_records() {
            packs.end_pack();
        }
        let (index, which) = inputs(facts, pick, &store, &input).await?;
        let nodes = facts.nodes();
        folded.push(duramen_index::merge(&index, which, nodes, &mut packs, input.options).await?);
    }
    let indexes = picks.len();
    for (pick, run) in values::fold(facts, &mut packs, &input).await? {
        picks.push(pick);
        folded.push(run);
    }
    let packs = packs.finish().await?;
    known.add(&packs);
    let is_flush = input.plan.flushes;
    let lists = Lists { store: &store, source, is_flush, indexes, read: &read };
    let mut replaced = lists.write(name, &picks, &folded, known).await?;
    let values = replaced.split_off(indexes);
    let branches = folded.into_iter().flat_map(highest).collect();
    let flushed = input.plan.flushes.then(|| flushed(facts, &input));
    Ok(Merged { packs, id: source.id, replaced, values, flushed, branches })
}

impl MergeInput<'_> {
    fn packs(&self, store: &Arc<dyn WriteStore>, facts: &Facts, source: &Source) -> PackWriter {
        let (store, folder) = (Arc::clone(store), source.contents().packs());
        let packs = PackWriter::new(store, folder, self.writer, self.first_pack_seq);
        let packs = packs.with_bytes_target(self.options.pack_bytes_target);
        packs.with_large_values(facts.nodes().clone())
    }

    const fn list_name(&self) -> ObjectName {
        ObjectName { writer: self.writer, seq: self.list_seq }
    }

    /// A run of so many records has packs of its own.
    const fn apart_records(&self) -> u64 {
        (self.options.leaf_records_max as u64).saturating_mul(APART_LEAVES)
    }
}

/// The runs that a merge reads.
fn runs_read(facts: &Facts, input: &MergeInput<'_>) -> BTreeSet<RunId> {
    let values = values::inputs(facts, input).iter().map(|run| RunId::of(&run.tree));
    input.plan.runs().cloned().chain(values).collect()
}

/// The nodes of a run that are at hand.
fn highest(folded: MergedRun) -> impl Iterator<Item = (NodeHash, Bytes)> {
    let top = folded.tree.and_then(|tree| Some((tree.top.hash, tree.top_bytes?)));
    folded.branches.into_iter().chain(top)
}

/// The runs of an index, and which of them are folded.
async fn inputs(
    facts: &Facts,
    pick: &Pick,
    store: &Arc<dyn WriteStore>,
    input: &MergeInput<'_>,
) -> Result<(Index, Range<usize>), DbError> {
    let (order, layer) = (pick.order, pick.layer);
    let old: Vec<&CheckpointRun> =
        facts.checkpoint.iter().flat_map(|checkpoint| checkpoint.runs_of(order, layer)).collect();
    let is = |run: &&CheckpointRun, id: &RunId| RunId::of(&run.tree) == *id;
    let first = match pick.runs.first() {
        Some(id) => old.iter().position(|run| is(run, id)).ok_or(DbError::NotCurrent)?,
        None => 0,
    };
    let end = first + pick.runs.len();
    let found = old.get(first..end).ok_or(DbError::NotCurrent)?;
    let are_there = found.iter().zip(&pick.runs).all(|(run, id)| is(run, id));
    if !are_there || (input.plan.flushes && first > 0) {
        return Err(DbError::NotCurrent);
    }
    let mut index = Index::new(order, layer);
    for run in old.iter().rev() {
        index = index.with_run(Run::tree(run.tree.clone()));
    }
    if !input.plan.flushes {
        return Ok((index, first..end));
    }
    for run in young_runs(facts, pick, store, input).await?.into_iter().rev() {
        index = index.with_run(run);
    }
    let young = index.runs().len() - old.len();
    Ok((index, 0..young + end))
}

/// What a flush takes from memory, newest first.
async fn young_runs(
    facts: &Facts,
    pick: &Pick,
    store: &Arc<dyn WriteStore>,
    input: &MergeInput<'_>,
) -> Result<Vec<Run>, DbError> {
    let source = facts.source.as_ref().ok_or(DbError::NotCurrent)?;
    if pick.order == Order::Avet {
        let layer_half = PACKS_PER_MERGE / 4 * (2 + pick.layer as u64);
        let names = (input.writer, input.first_pack_seq + layer_half);
        let contents = source.contents();
        let mut scratch = Scratch::new(Arc::clone(store), contents, names, input.options);
        return avet::runs(facts, pick.layer, &mut scratch).await;
    }
    let runs = facts.index(pick.order, pick.layer).runs().iter();
    Ok(runs.filter(|run| matches!(run, Run::Memory(_))).cloned().collect())
}

/// Where pack lists go.
struct Lists<'a> {
    store: &'a Arc<dyn WriteStore>,
    source: &'a Source,
    is_flush: bool,
    /// How many of the runs belong to an index; the others are of values.
    indexes: usize,
    /// The runs that were read.
    read: &'a BTreeSet<RunId>,
}

impl Lists<'_> {
    /// Writes the pack list, and makes runs of trees.
    async fn write(
        &self,
        name: ObjectName,
        picks: &[Pick],
        folded: &[MergedRun],
        mut known: KnownPacks,
    ) -> Result<Vec<Replaced>, DbError> {
        let mut list = PackList { id: self.source.id, runs: Vec::new() };
        let mut replaced = Vec::new();
        for (place, (pick, folded)) in picks.iter().zip(folded).enumerate() {
            let inputs = (&pick.runs[..], place >= self.indexes);
            let output = match &folded.tree {
                None => None,
                Some(tree) => {
                    list.runs.push(known.of_merged(folded, tree, inputs, self.source).await?);
                    // Its top may come along with the checkpoint, among others.
                    let tree = Tree { top_bytes: None, ..tree.clone() };
                    Some(CheckpointRun { tree, packs: None })
                }
            };
            let (order, layer, inputs) = (pick.order, pick.layer, pick.runs.clone());
            replaced.push(Replaced { order, layer, inputs, output });
        }
        if list.runs.is_empty() {
            return Ok(replaced);
        }
        let (reference, object) = list.seal(name)?;
        self.store.put(&self.source.contents().pack_list(name), object).await?;
        let outputs = replaced.iter_mut().filter_map(|replaced| {
            // It has just left its sparse packs. That made others sparse, of which branches were
            // needed; if it went on so, a tree with many branches would never come to rest.
            let is_left = !self.is_flush && replaced.inputs.len() == 1;
            replaced.output.as_mut().map(|output| (output, is_left))
        });
        let usage = known.usage(self.read, &list.runs);
        for ((place, (output, is_left)), usage) in (0..).zip(outputs).zip(usage) {
            let Usage { live_bytes, idle_bytes } = usage;
            let idle_bytes = if is_left { 0 } else { idle_bytes };
            output.packs = Some(RunPacksRef { place, live_bytes, idle_bytes, ..reference });
        }
        Ok(replaced)
    }
}

fn flushed(facts: &Facts, input: &MergeInput<'_>) -> Flushed {
    Flushed {
        after: facts.checkpoint.as_ref().map(|checkpoint| checkpoint.t),
        t: facts.basis,
        instant: facts.instant,
        sum: input.sum,
        schema: facts.schema_datoms.to_vec(),
        avet_attributes: avet::attributes(facts),
        segments: unmerged(facts, input.segments),
    }
}

/// The segments that have something of what a flush takes over.
fn unmerged(facts: &Facts, segments: &[SegmentRef]) -> Vec<SegmentRef> {
    let after = facts.checkpoint.as_ref().map(|checkpoint| checkpoint.t);
    let has_some = |segment: &&SegmentRef| {
        segment.t_first <= facts.basis && after.is_none_or(|after| segment.t_last > after)
    };
    segments.iter().filter(has_some).copied().collect()
}
