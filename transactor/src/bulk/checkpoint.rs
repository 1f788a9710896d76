//! The checkpoint of a load, and what it refers to beside the trees.

use std::collections::BTreeMap;
use std::sync::Arc;

use duramen_db::log::{self, LogIndexRef};
use duramen_db::{Checkpoint, CheckpointRun, RunPacksRef, SegmentRef, UnpublishedCheckpoint};
use duramen_index::{NodeHash, Nodes, highest_nodes};
use duramen_store::ReadStore;
use duramen_store::layout::{DatabaseFolder, ObjectName};

use super::error::BulkError;
use super::load::{BulkLoad, Job};
use super::pack_list;
use super::trees::{BuiltRun, RunKind};

/// The runs of a checkpoint, and the highest of their nodes.
#[derive(Debug)]
struct Runs {
    runs: Vec<CheckpointRun>,
    values: Vec<CheckpointRun>,
    inlined: Vec<bytes::Bytes>,
}

impl BulkLoad {
    /// Writes the checkpoint.
    pub(crate) async fn checkpoint(
        &mut self,
        built: Vec<BuiltRun>,
    ) -> Result<UnpublishedCheckpoint, BulkError> {
        let Runs { runs, values, inlined } = self.job.runs(built).await?;
        let mut segments = self.log.take_segments().await?;
        let log_indexes = self.job.log_indexes(&mut segments).await?;
        let in_avet = self.attributes.iter().filter(|attribute| attribute.in_avet());
        let checkpoint = Checkpoint {
            id: self.job.id,
            t: self.t,
            instant: self.instant(),
            sum: self.log.sum(),
            runs,
            schema: std::mem::take(&mut self.schema.defining),
            avet_attributes: in_avet.map(|attribute| attribute.id).collect(),
            log_indexes,
            log: segments,
            inlined,
            values,
        };
        let name = ObjectName { writer: self.job.writer, seq: 0 };
        let checkpoint = checkpoint.seal(name)?;
        let contents = DatabaseFolder::new(&self.job.name).contents(self.job.id);
        let store = self.job.context.store();
        store.put(&contents.checkpoint(name), checkpoint.object.clone()).await?;
        Ok(checkpoint)
    }
}

impl Job {
    /// The runs, with the list of their packs, which is written.
    async fn runs(&self, built: Vec<BuiltRun>) -> Result<Runs, BulkError> {
        let branches = built.iter().flat_map(|built| &built.run.branches).cloned();
        let known: BTreeMap<NodeHash, bytes::Bytes> = branches.collect();
        let (packs, trees) = pack_list::of(self.id, built)?;
        let contents = DatabaseFolder::new(&self.name).contents(self.id);
        let store: Arc<dyn ReadStore> = Arc::clone(self.context.store()) as _;
        let nodes = Nodes::new(store, contents.packs(), self.context.cache.clone());
        let bytes_max = self.context.settings.inlined_bytes_max;
        let all = trees.iter().map(|(_, tree)| tree);
        let inlined = highest_nodes(all, &known, &nodes, bytes_max).await;
        let name = ObjectName { writer: self.writer, seq: 0 };
        let (reference, object) = packs.seal(name)?;
        self.context.store().put(&contents.pack_list(name), object).await?;
        let mut runs = Runs { runs: Vec::new(), values: Vec::new(), inlined };
        for (place, (kind, tree)) in (0..).zip(trees) {
            let live_bytes = packs.live_bytes(place);
            let packs = Some(RunPacksRef { place, live_bytes, ..reference });
            let run = CheckpointRun { tree, packs };
            match kind {
                RunKind::Index => runs.runs.push(run),
                RunKind::Values => runs.values.push(run),
            }
        }
        Ok(runs)
    }

    /// Moves full lists of segments out into objects, which are written.
    async fn log_indexes(
        &self,
        segments: &mut Vec<SegmentRef>,
    ) -> Result<Vec<LogIndexRef>, BulkError> {
        let mut indexes = Vec::new();
        let mut seqs = 0..;
        let name = || ObjectName { writer: self.writer, seq: seqs.next().unwrap_or(u64::MAX) };
        let made = log::fold(self.id, &mut indexes, segments, log::ENTRIES_TARGET, name)?;
        let contents = DatabaseFolder::new(&self.name).contents(self.id);
        for index in made {
            let key = contents.log_index(index.reference.name);
            self.context.store().put(&key, index.object).await?;
        }
        Ok(indexes)
    }
}
