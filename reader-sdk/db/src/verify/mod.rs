//! Verification: everything that the newest root reaches is read and compared, and what is wrong
//! is listed.
//!
//! Nothing is believed that can be checked: claims, the chain of roots, every segment and the
//! running sum over the log, every node of every tree, whole packs. In the end the facts in each
//! index are compared with those that the log leaves, by sums for each attribute: the log is
//! read once, each index once, and memory holds a sum for each attribute and a name for each
//! object, but no fact.
//!
//! Reading order: [`verify`], [`Report`]; then in the sequence of the work `chain`, `log`,
//! `trees`, `comparing`, `packs`, `objects`, and how facts are added up: `sums`.

mod chain;
mod comparing;
mod log;
mod objects;
mod packs;
mod pieces;
mod report;
mod sums;
mod trees;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use duramen_index::{NodeCache, Nodes};
use duramen_store::envelope::Kind;
use duramen_store::layout::DatabaseId;
use duramen_store::{Key, StoreError};

pub use report::{Count, FINDINGS_MAX, Finding, Report, Tally};

use crate::source::Source;
use crate::{Checkpoint, DbError, Location, Root};

/// What a verification is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the roots; counts roots.
    Roots,
    /// Reading the log; counts transactions.
    Log,
    /// Reading the trees; counts records.
    Trees,
    /// Reading whole packs; counts packs.
    Packs,
    /// Looking at what is left over; counts objects.
    Objects,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is busy with.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
    pub total: u64,
}

/// Is told how far a verification is.
pub type Watch<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Verifies a database by its newest root, and goes on whatever is wrong. Reads every byte that
/// is needed, and the trees once more where an index has several runs.
///
/// # Errors
/// When there is no such database, when the store does not answer, or cannot list. Damage is no
/// error here: it is in the report.
pub async fn verify(location: Location, watch: Watch<'_>) -> Result<Report, DbError> {
    // What is cached would not be read.
    let location = Location { caches: NodeCache::new(0).into(), ..location };
    let mut verifier = Verifier::new(location, watch);
    let id = verifier.check_claims().await?;
    verifier.source = Arc::new(Source::new(verifier.location.clone(), id));
    verifier.report.id = Some(id);
    verifier.check_head().await?;
    if let Some(newest) = verifier.check_roots().await? {
        verifier.check_contents(&newest.root).await?;
    }
    verifier.count_unreached().await?;
    Ok(verifier.report)
}

/// A verification under way.
struct Verifier<'a> {
    location: Location,
    source: Arc<Source>,
    /// What the trees are read through.
    nodes: Nodes,
    report: Report,
    /// The keys of the objects that have been read or looked for.
    met: BTreeSet<String>,
    /// The packs that the trees reach, and how long they are to be, where a list says so.
    packs: BTreeMap<String, Option<u64>>,
    newest_root: Option<u64>,
    progress: Progress,
    watch: Watch<'a>,
}

impl<'a> Verifier<'a> {
    fn new(location: Location, watch: Watch<'a>) -> Self {
        // Until the claims say which it is.
        let source = Arc::new(Source::new(location.clone(), DatabaseId([0; 16])));
        Self {
            location,
            nodes: source.nodes.clone(),
            source,
            report: Report::default(),
            met: BTreeSet::new(),
            packs: BTreeMap::new(),
            newest_root: None,
            progress: Progress { stage: Stage::Roots, done: 0, total: 0 },
            watch,
        }
    }

    /// Checks everything that a root names.
    async fn check_contents(&mut self, root: &Root) -> Result<(), DbError> {
        self.report.root = Some(root.place.n);
        self.report.t = Some(root.t);
        let checkpoint = self.read_checkpoint(root).await?;
        let log = self.check_log(root, checkpoint.as_ref()).await?;
        if let Some(checkpoint) = &checkpoint {
            self.check_trees(checkpoint, &log).await?;
            self.check_packs().await?;
        }
        Ok(())
    }

    async fn read_checkpoint(&mut self, root: &Root) -> Result<Option<Checkpoint>, DbError> {
        let Some(reference) = &root.checkpoint else { return Ok(None) };
        let key = self.source.contents.checkpoint(reference.name);
        self.reach_bytes(Kind::Checkpoint, &key, reference.bytes);
        match self.source.checkpoint(reference).await {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) => {
                self.report.note(error)?;
                self.report.not_compared.push("the trees, without a checkpoint".to_owned());
                Ok(None)
            }
        }
    }

    /// An object that is referred to.
    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let object = self.location.store.get(key).await?;
        object.ok_or_else(|| StoreError::Missing { object: key.to_string() })
    }

    /// Takes down an object that is needed.
    fn reach(&mut self, kind: Kind, key: &Key, bytes: usize) {
        self.reach_bytes(kind, key, bytes as u64);
    }

    fn reach_bytes(&mut self, kind: Kind, key: &Key, bytes: u64) {
        if self.met.insert(key.path().to_owned()) {
            self.report.tally(Some(kind)).live.add(bytes);
        }
    }

    /// Takes down an object that the newest root does not need.
    fn leave(&mut self, kind: Kind, key: &Key, bytes: usize) {
        if self.met.insert(key.path().to_owned()) {
            self.report.tally(Some(kind)).unreached.add(bytes as u64);
        }
    }

    /// So much more is done.
    fn progress(&mut self, stage: Stage, more: u64, total: u64) {
        let is_same = self.progress.stage == stage;
        let done = if is_same { self.progress.done + more } else { more };
        let total = total.max(if is_same { self.progress.total } else { 0 });
        self.progress = Progress { stage, done, total };
        (self.watch)(self.progress);
    }

    /// All is done up to somewhere.
    fn progress_to(&mut self, stage: Stage, done: u64, total: u64) {
        self.progress = Progress { stage, done, total };
        (self.watch)(self.progress);
    }
}

impl fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("progress", &self.progress).finish_non_exhaustive()
    }
}
