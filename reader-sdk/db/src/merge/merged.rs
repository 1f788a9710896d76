//! What a merge has made, and how it becomes a checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use duramen_index::{Layer, NodeHash, Pack, highest_nodes};
use duramen_model::{AttributeId, Datom, Instant, Order, T};
use duramen_store::WriteStore;
use duramen_store::layout::{DatabaseId, ObjectName};

use super::INLINED_BYTES_MAX;
use super::plan::indexes;
use crate::log;
use crate::source::Source;
use crate::{
    Checkpoint, CheckpointRun, Db, DbError, LogSum, RunId, SegmentRef, UnpublishedCheckpoint,
};

/// What a merge has made, all of it written. It counts when a checkpoint has it.
#[derive(Debug)]
#[must_use]
pub struct Merged {
    /// The packs that were written, in the order of their numbers.
    pub packs: Vec<Pack>,
    pub(super) id: DatabaseId,
    pub(super) replaced: Vec<Replaced>,
    /// The same of the runs of large values.
    pub(super) values: Vec<Replaced>,
    pub(super) flushed: Option<Flushed>,
    /// The highest branches that were written.
    pub(super) branches: Vec<(NodeHash, Bytes)>,
}

/// Runs of an index, newest first, that became one.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) order: Order,
    pub(super) layer: Layer,
    pub(super) inputs: Vec<RunId>,
    pub(super) output: Option<CheckpointRun>,
}

/// What a flush takes over from memory.
#[derive(Debug)]
pub(super) struct Flushed {
    /// What was merged before.
    pub(super) after: Option<T>,
    pub(super) t: T,
    pub(super) instant: Instant,
    pub(super) sum: LogSum,
    pub(super) schema: Vec<Datom>,
    pub(super) avet_attributes: BTreeSet<AttributeId>,
    /// The segments that have something of what was not merged before.
    pub(super) segments: Vec<SegmentRef>,
}

/// How a checkpoint is kept small, and worth its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointOptions {
    /// As many of the highest nodes as fit into so many bytes come along.
    pub inlined_bytes_max: u64,
    /// Lists of more references to the log than this go out into log indexes; at least 2.
    pub log_entries_max: usize,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self { inlined_bytes_max: INLINED_BYTES_MAX, log_entries_max: log::ENTRIES_TARGET }
    }
}

/// How many log indexes one checkpoint may bring along: so many names belong to each of its own.
const LOG_INDEXES_MAX: u64 = 1 << 20;

impl Merged {
    /// The newest transaction in it, if it is a flush.
    #[must_use]
    pub fn flushed_t(&self) -> Option<T> {
        self.flushed.as_ref().map(|flushed| flushed.t)
    }
}

impl Checkpoint {
    /// The checkpoint with what a merge has made in place of what that has read. `None` when it
    /// does not have that any more: then what the merge has made is void.
    #[must_use]
    pub fn replacing(before: Option<&Self>, merged: &Merged) -> Option<Self> {
        let mut checkpoint = match (before, &merged.flushed) {
            (None, None) => return None,
            (Some(before), None) => before.clone(),
            (before, Some(flushed)) => {
                if flushed.after != before.map(|before| before.t) {
                    return None;
                }
                flushed.onto(merged.id, before)
            }
        };
        let is_flush = merged.flushed.is_some();
        let mut runs = Vec::new();
        for (order, layer) in indexes() {
            let mut own: Vec<_> = checkpoint.runs_of(order, layer).cloned().collect();
            let here = |replaced: &&Replaced| (replaced.order, replaced.layer) == (order, layer);
            for replaced in merged.replaced.iter().filter(here) {
                replace(&mut own, replaced, is_flush)?;
            }
            runs.extend(own);
        }
        checkpoint.runs = runs;
        for replaced in &merged.values {
            replace(&mut checkpoint.values, replaced, false)?;
        }
        Some(checkpoint)
    }
}

impl Flushed {
    fn onto(&self, id: DatabaseId, before: Option<&Checkpoint>) -> Checkpoint {
        Checkpoint {
            id,
            t: self.t,
            instant: self.instant,
            sum: self.sum,
            runs: before.map_or_else(Vec::new, |before| before.runs.clone()),
            schema: self.schema.clone(),
            avet_attributes: self.avet_attributes.clone(),
            log_indexes: before.map_or_else(Vec::new, |before| before.log_indexes.clone()),
            log: self.log(before),
            inlined: before.map_or_else(Vec::new, |before| before.inlined.clone()),
            values: before.map_or_else(Vec::new, |before| before.values.clone()),
        }
    }
}

impl Flushed {
    /// The youngest segments. One that reaches beyond what was merged before is listed already.
    fn log(&self, before: Option<&Checkpoint>) -> Vec<SegmentRef> {
        let mut log = before.map_or_else(Vec::new, |before| before.log.clone());
        for segment in &self.segments {
            if !log.iter().rev().any(|known| known.name == segment.name) {
                log.push(*segment);
            }
        }
        log
    }
}

/// Puts a run in the place of others, which must be there, side by side.
fn replace(runs: &mut Vec<CheckpointRun>, replaced: &Replaced, is_flush: bool) -> Option<()> {
    let is = |run: &CheckpointRun, id: &RunId| RunId::of(&run.tree) == *id;
    let first = match replaced.inputs.first() {
        Some(id) => runs.iter().position(|run| is(run, id))?,
        None => 0,
    };
    let end = first + replaced.inputs.len();
    let inputs = runs.get(first..end)?;
    let are_there = inputs.iter().zip(&replaced.inputs).all(|(run, id)| is(run, id));
    // What was in memory is younger than all that was written.
    if !are_there || (is_flush && first > 0) {
        return None;
    }
    runs.splice(first..end, replaced.output.clone());
    Some(())
}

/// Writes the checkpoint of a database with what merges have made in place of what those have
/// read; `None` if nothing of it is valid any more. What it says of the log is kept short by log
/// indexes, whose names follow from its own.
///
/// # Errors
/// `NotCurrent` for a view and for a database in memory only; when the store fails.
pub async fn write_checkpoint(
    store: Arc<dyn WriteStore>,
    db: &Db,
    merged: &[Arc<Merged>],
    name: ObjectName,
    options: CheckpointOptions,
) -> Result<Option<UnpublishedCheckpoint>, DbError> {
    let facts = db.whole()?;
    let source = facts.source.as_ref().ok_or(DbError::NotCurrent)?;
    let mut newest: Option<Checkpoint> = None;
    let mut known: BTreeMap<NodeHash, Bytes> = BTreeMap::new();
    for merged in merged {
        let before = newest.as_ref().or(facts.checkpoint.as_deref());
        match Checkpoint::replacing(before, merged) {
            Some(checkpoint) => {
                newest = Some(checkpoint);
                known.extend(merged.branches.iter().cloned());
            }
            None => tracing::warn!("what a merge has made is void: its runs are gone"),
        }
    }
    let Some(mut checkpoint) = newest else { return Ok(None) };
    let inlined = facts.checkpoint.iter().flat_map(|before| &before.inlined);
    known.extend(inlined.map(|node| (NodeHash::of(node), node.clone())));
    let trees = checkpoint.runs.iter().chain(&checkpoint.values).map(|run| &run.tree);
    checkpoint.inlined =
        highest_nodes(trees, &known, &source.nodes, options.inlined_bytes_max).await;
    fold_log(&store, source, &mut checkpoint, name, options.log_entries_max).await?;
    let checkpoint = checkpoint.seal(name)?;
    store.put(&source.contents().checkpoint(name), checkpoint.object.clone()).await?;
    Ok(Some(checkpoint))
}

/// Moves full lists of the log out of a checkpoint, into objects that are written.
async fn fold_log(
    store: &Arc<dyn WriteStore>,
    source: &Source,
    checkpoint: &mut Checkpoint,
    name: ObjectName,
    entries_max: usize,
) -> Result<(), DbError> {
    let mut seqs = name.seq.saturating_mul(LOG_INDEXES_MAX)..;
    let next = || ObjectName { writer: name.writer, seq: seqs.next().unwrap_or(u64::MAX) };
    let (indexes, segments) = (&mut checkpoint.log_indexes, &mut checkpoint.log);
    let made = log::fold(checkpoint.id, indexes, segments, entries_max, next)?;
    for index in made {
        store.put(&source.contents().log_index(index.reference.name), index.object).await?;
    }
    Ok(())
}
