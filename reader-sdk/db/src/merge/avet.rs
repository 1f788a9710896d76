//! AVET as the trees keep it: the attributes that are unique or indexed, complete.
//!
//! Memory has every attribute in this order. The trees have only some; one that becomes indexed
//! is read from AEVT and sorted into this order, in pieces: its facts may be more than fit into
//! memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_index::{Index, KeyRange, Layer, NodeOptions, PackWriter, Record, Run, State};
use duramen_model::{AttributeId, Order};
use duramen_store::WriteStore;
use duramen_store::layout::{ContentsFolder, WriterId};

use crate::DbError;
use crate::facts::Facts;

/// How many records are sorted at once.
const PIECE_RECORDS: usize = 1 << 18;

/// Where pieces are written. Nothing refers to them when the merge is done.
#[derive(Debug)]
pub(super) struct Scratch<'a> {
    pub(super) store: Arc<dyn WriteStore>,
    pub(super) contents: &'a ContentsFolder,
    pub(super) writer: WriterId,
    /// The number of the next pack.
    pub(super) pack_seq: u64,
    pub(super) options: &'a NodeOptions,
    /// How many records are sorted at once.
    pub(super) piece_records: usize,
}

impl<'a> Scratch<'a> {
    pub(super) fn new(
        store: Arc<dyn WriteStore>,
        contents: &'a ContentsFolder,
        (writer, pack_seq): (WriterId, u64),
        options: &'a NodeOptions,
    ) -> Self {
        // Small leaves are for tests, which want many pieces too.
        let piece_records = PIECE_RECORDS.min(options.leaf_records_max.saturating_mul(1 << 8));
        Self { store, contents, writer, pack_seq, options, piece_records }
    }
}

/// The attributes that AVET is to be complete for: those that are unique or indexed now, and
/// those that once were, so that what was looked up at an earlier time still is.
pub(super) fn attributes(facts: &Facts) -> BTreeSet<AttributeId> {
    let now = facts.schema.attributes().filter(|a| a.in_avet()).map(|a| a.id);
    let before = facts.checkpoint.iter().flat_map(|checkpoint| &checkpoint.avet_attributes);
    now.chain(before.copied()).collect()
}

/// The attributes of the above that the trees do not have yet.
fn lacking(facts: &Facts) -> Vec<AttributeId> {
    attributes(facts).into_iter().filter(|a| !facts.avet_has(*a)).collect()
}

/// How many records are to be written, roughly; `None` if there are none.
pub(super) fn novelty(facts: &Facts, layer: Layer) -> Option<u64> {
    let kept = kept(facts);
    let memory = facts.index(Order::Avet, layer).runs().iter().map(|run| match run {
        Run::Memory(memory) => memory.records().iter().filter(|r| kept(r)).count() as u64,
        Run::Tree(_) => 0,
    });
    let records = memory.sum();
    (records > 0 || !lacking(facts).is_empty()).then_some(records)
}

/// What is kept of the records in memory: attributes that the trees are lacking come from AEVT.
fn kept(facts: &Facts) -> impl Fn(&Record) -> bool {
    let attributes = attributes(facts);
    move |record| attributes.contains(&record.a) && facts.avet_has(record.a)
}

/// What a flush writes, newest first.
pub(super) async fn runs(
    facts: &Facts,
    layer: Layer,
    scratch: &mut Scratch<'_>,
) -> Result<Vec<Run>, DbError> {
    let mut runs = Vec::new();
    for a in lacking(facts) {
        runs.extend(facts_of(facts, layer, a, scratch).await?);
    }
    let kept = kept(facts);
    for run in facts.index(Order::Avet, layer).runs() {
        if let Run::Memory(memory) = run {
            let records = memory.records().iter().filter(|record| kept(record)).cloned();
            runs.push(Run::memory(Order::Avet, layer, records.collect()));
        }
    }
    Ok(runs)
}

/// All facts of an attribute, from AEVT, as runs in the order of AVET.
async fn facts_of(
    facts: &Facts,
    layer: Layer,
    a: AttributeId,
    scratch: &mut Scratch<'_>,
) -> Result<Vec<Run>, DbError> {
    let range = KeyRange::all(Order::Aevt).with_a(a);
    let mut cursor = facts.index(Order::Aevt, layer).cursor(facts.nodes(), &range);
    let (mut runs, mut piece) = (Vec::new(), Vec::new());
    while let Some(batch) = cursor.next_batch().await? {
        piece.extend(batch.into_iter().map(as_fact));
        if piece.len() >= scratch.piece_records {
            runs.extend(write(facts, layer, std::mem::take(&mut piece), scratch).await?);
        }
    }
    runs.push(Run::memory(Order::Avet, layer, piece));
    Ok(runs)
}

fn as_fact(record: Record) -> Record {
    match record.state {
        State::Replaced => Record { state: State::Inserted, ..record },
        _ => record,
    }
}

/// Writes a piece as a tree.
async fn write(
    facts: &Facts,
    layer: Layer,
    piece: Vec<Record>,
    scratch: &mut Scratch<'_>,
) -> Result<Option<Run>, DbError> {
    let index = Index::new(Order::Avet, layer).with_run(Run::memory(Order::Avet, layer, piece));
    let (store, packs) = (Arc::clone(&scratch.store), scratch.contents.packs());
    let mut writer = PackWriter::new(store, packs, scratch.writer, scratch.pack_seq);
    let which = 0..index.runs().len();
    let nodes = facts.nodes();
    let merged = duramen_index::merge(&index, which, nodes, &mut writer, scratch.options).await?;
    scratch.pack_seq += writer.finish().await?.len() as u64;
    Ok(merged.tree.map(Run::tree))
}
