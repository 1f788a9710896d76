//! Merge: folding novelty into the trees of a new checkpoint.
//!
//! Everything is written under names that nothing refers to yet; the next root does, and makes it
//! the checkpoint. A merge that is given up leaves garbage and no harm.

use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_index::{Index, KeyRange, Layer, NodeOptions, Pack, PackWriter, Record, Run, State};
use duramen_model::{AttributeId, Order};
use duramen_store::WriteStore;
use duramen_store::layout::{DatabaseFolder, ObjectName, WriterId};

use crate::facts::Facts;
use crate::{Checkpoint, CheckpointRun, Db, DbError, LogSum, SegmentRef, UnpublishedCheckpoint};

/// What a merge needs to be told.
#[derive(Debug, Clone)]
pub struct MergeInput<'a> {
    /// A database, not a view, that was read from the bucket and is published.
    pub db: &'a Db,
    /// The segments of the root that published it. With the log of the checkpoint before, they
    /// hold every transaction up to that of the database: the tail must have been spilled.
    pub segments: &'a [SegmentRef],
    /// The sum over the transactions from 0 to that of the database.
    pub sum: LogSum,
    /// Whose names are used.
    pub writer: WriterId,
    /// The number of the checkpoint, which the writer has not used for one before.
    pub checkpoint_seq: u64,
    /// The number of the first pack; none from it on has been used.
    pub first_pack_seq: u64,
    /// How large nodes become.
    pub options: &'a NodeOptions,
}

/// What a merge has made, all of it written.
#[derive(Debug)]
#[must_use]
pub struct Merged {
    /// What the next root is to name.
    pub checkpoint: UnpublishedCheckpoint,
    /// The packs that were written, in the order of their numbers.
    pub packs: Vec<Pack>,
}

/// Merges a database into a new checkpoint, and writes it.
///
/// # Errors
/// `NotCurrent` for a view and for a database in memory only. When the store fails, when
/// something in it is damaged, or when a transaction is in no segment.
pub async fn merge(store: Arc<dyn WriteStore>, input: MergeInput<'_>) -> Result<Merged, DbError> {
    let facts = input.db.whole()?;
    let source = facts.source.as_ref().ok_or(DbError::NotCurrent)?;
    let contents = DatabaseFolder::new(&source.location.name).contents(source.id);
    let mut packs =
        PackWriter::new(Arc::clone(&store), contents.packs(), input.writer, input.first_pack_seq);
    let avet_attributes = avet_attributes(facts);
    let runs = merge_all(facts, &avet_attributes, &mut packs, input.options).await?;
    let checkpoint = Checkpoint {
        id: source.id,
        t: facts.basis,
        instant: facts.instant,
        sum: input.sum,
        runs,
        schema: facts.schema_datoms.to_vec(),
        avet_attributes,
        log_indexes: facts.checkpoint.as_ref().map_or_else(Vec::new, |c| c.log_indexes.clone()),
        log: log(facts, input.segments),
    };
    let name = ObjectName { writer: input.writer, seq: input.checkpoint_seq };
    let checkpoint = checkpoint.seal(name)?;
    let packs = packs.finish().await?;
    store.put(&contents.checkpoint(name), checkpoint.object.clone()).await?;
    Ok(Merged { checkpoint, packs })
}

/// Merges every order and layer.
async fn merge_all(
    facts: &Facts,
    avet_attributes: &BTreeSet<AttributeId>,
    packs: &mut PackWriter,
    options: &NodeOptions,
) -> Result<Vec<CheckpointRun>, DbError> {
    let mut runs = Vec::new();
    for layer in [Layer::Current, Layer::History] {
        for order in Order::ALL {
            let index = match order {
                Order::Avet => avet_index(facts, layer, avet_attributes).await?,
                _ => facts.index(order, layer).clone(),
            };
            let all = 0..index.runs().len();
            let merged = duramen_index::merge(&index, all, facts.nodes(), packs, options).await?;
            runs.extend(merged.tree.map(|tree| CheckpointRun { tree, packs: None }));
        }
    }
    Ok(runs)
}

/// The attributes that AVET is to be complete for: those that are unique or indexed now, and
/// those that once were, so that what was looked up at an earlier time still is.
fn avet_attributes(facts: &Facts) -> BTreeSet<AttributeId> {
    let now = facts.schema.attributes().filter(|a| a.in_avet()).map(|a| a.id);
    let before = facts.checkpoint.iter().flat_map(|checkpoint| &checkpoint.avet_attributes);
    now.chain(before.copied()).collect()
}

/// AVET as the trees keep it: without the attributes that only memory has, and with those that
/// the trees did not have yet.
async fn avet_index(
    facts: &Facts,
    layer: Layer,
    attributes: &BTreeSet<AttributeId>,
) -> Result<Index, DbError> {
    let lacking = |a: &AttributeId| !facts.avet_has(*a);
    let kept = |record: &&Record| attributes.contains(&record.a) && !lacking(&record.a);
    let mut index = Index::new(Order::Avet, layer);
    for run in facts.index(Order::Avet, layer).runs().iter().rev() {
        index = index.with_run(match run {
            Run::Memory(memory) => {
                let records = memory.records().iter().filter(kept).cloned().collect();
                Run::memory(Order::Avet, layer, records)
            }
            Run::Tree(_) => run.clone(),
        });
    }
    for &a in attributes.iter().filter(|a| lacking(a)) {
        index = index.with_run(backfill(facts, layer, a).await?);
    }
    Ok(index)
}

/// All facts of an attribute, from AEVT. In memory at once: an attribute is indexed once.
async fn backfill(facts: &Facts, layer: Layer, a: AttributeId) -> Result<Run, DbError> {
    let range = KeyRange::all(Order::Aevt).with_a(a);
    let mut records = facts.index(Order::Aevt, layer).scan(facts.nodes(), &range).await?;
    for record in &mut records {
        if record.state == State::Replaced {
            record.state = State::Inserted;
        }
    }
    Ok(Run::memory(Order::Avet, layer, records))
}

/// Where the log is, from the first transaction on.
fn log(facts: &Facts, segments: &[SegmentRef]) -> Vec<SegmentRef> {
    let mut log = facts.checkpoint.as_ref().map_or_else(Vec::new, |c| c.log.clone());
    let newer = segments.iter().filter(|segment| segment.t_first <= facts.basis);
    for segment in newer {
        if !log.iter().rev().any(|known| known.name == segment.name) {
            log.push(*segment);
        }
    }
    log
}
