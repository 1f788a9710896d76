//! Finishing: trees, checkpoint, root, and last of all the claim.

use std::sync::Arc;
use std::sync::atomic::Ordering as Atomic;

use duramen_db::{
    Checkpoint, CheckpointRun, Floor, LogSum, RequestWindow, Root, RootPlace, Writer,
};
use duramen_index::MergedRun;
use duramen_model::{EntityId, Order, T};
use duramen_store::layout::{BranchName, DatabaseFolder, DatabaseId, ObjectName};

use super::error::BulkError;
use super::load::BulkLoad;
use super::merging::{MemoryStretch, Merging, Stretch};
use super::rows::{Rows, Sorted, Sorting};
use super::spill::SpillReader;
use super::trees::TreePlace;
use crate::catalog;

/// What a load has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// The database.
    pub id: DatabaseId,
    /// Its newest transaction.
    pub t: T,
    /// The facts in it, those that every database is born with and the instants included.
    pub facts: u64,
}

impl BulkLoad {
    /// Makes the database out of what was loaded, and gives it its name.
    ///
    /// # Errors
    /// [`BulkError::Conflict`] when facts contradict or repeat each other or a unique value has two
    /// owners, [`BulkError::Dangling`] when one points to nothing, `DatabaseExists` when another
    /// took the name meanwhile. There is no database then.
    pub async fn finish(mut self) -> Result<Loaded, BulkError> {
        self.check_references()?;
        let trees = self.trees().await?;
        let checkpoint = self.checkpoint(trees).await?;
        let root = catalog::sealed(self.root(&checkpoint))?;
        let context = &self.job.context;
        let number = catalog::free_number(context, &self.job.name).await?;
        catalog::establish(context, &self.job.name, number, &root).await?;
        Ok(Loaded { id: self.job.id, t: self.t, facts: self.facts })
    }

    fn check_references(&self) -> Result<(), BulkError> {
        if self.referred <= self.next_ids.user {
            return Ok(());
        }
        let last = EntityId::user(self.referred - 1).unwrap_or(EntityId::MAX);
        Err(BulkError::Dangling { e: last })
    }

    async fn trees(&mut self) -> Result<Vec<MergedRun>, BulkError> {
        drop(self.spills.finished().await?);
        let rows = std::mem::take(&mut self.rows);
        let attributes = Arc::clone(&self.attributes);
        let sorting = tokio::task::spawn_blocking(move || {
            let sorted = Sorted::of(&rows, &attributes);
            (Arc::new(rows), sorted)
        });
        let (rows, mut sorted) = sorting.await?;
        let mut merges = Vec::new();
        for order in Order::ALL {
            merges.push(self.merging(order, &rows, sorted.take(order))?);
        }
        drop(rows);
        let place = TreePlace {
            store: Arc::clone(self.job.context.store()),
            contents: DatabaseFolder::new(&self.job.name).contents(self.job.id),
            writer: self.job.writer,
            options: self.job.options.nodes.clone(),
            built: Arc::clone(&self.progress.built),
        };
        // Every fact is in two orders, and some are in more.
        self.progress.to_build.store(2 * self.facts, Atomic::Relaxed);
        let mut built = place.current(merges).await?;
        built.extend(place.history(&self.schema.closed, &self.attributes).await?);
        Ok(built)
    }

    /// All rows of an order: those in memory, and those of the spills.
    fn merging(
        &self,
        order: Order,
        rows: &Arc<Rows>,
        places: Vec<u32>,
    ) -> Result<Merging, BulkError> {
        let mut stretches = vec![Stretch::Memory(MemoryStretch::new(Arc::clone(rows), places))];
        for path in self.spills.files(order) {
            let reader = SpillReader::open(path, Arc::clone(&self.attributes))?;
            stretches.push(Stretch::Spill(reader));
        }
        let attributes = Arc::clone(&self.attributes);
        Ok(Merging::new(Sorting { order, attributes }, stretches))
    }

    /// Writes the checkpoint.
    async fn checkpoint(
        &mut self,
        built: Vec<MergedRun>,
    ) -> Result<duramen_db::UnpublishedCheckpoint, BulkError> {
        let trees = built.into_iter().filter_map(|run| run.tree);
        let runs = trees.map(|tree| CheckpointRun { tree, packs: None }).collect();
        let log = self.log.flush().await?.to_vec();
        let in_avet = self.attributes.iter().filter(|attribute| attribute.in_avet());
        let checkpoint = Checkpoint {
            id: self.job.id,
            t: self.t,
            instant: self.instant(),
            sum: self.log.sum(),
            runs,
            schema: std::mem::take(&mut self.schema.defining),
            avet_attributes: in_avet.map(|attribute| attribute.id).collect(),
            log_indexes: Vec::new(),
            log,
            inlined: Vec::new(),
        };
        let name = ObjectName { writer: self.job.writer, seq: 0 };
        let checkpoint = checkpoint.seal(name)?;
        let contents = DatabaseFolder::new(&self.job.name).contents(self.job.id);
        let store = self.job.context.store();
        store.put(&contents.checkpoint(name), checkpoint.object.clone()).await?;
        Ok(checkpoint)
    }

    /// The instant of the newest transaction.
    fn instant(&self) -> duramen_model::Instant {
        if self.t == T::GENESIS { self.db.basis_instant() } else { self.job.instant }
    }

    /// Root 0: all that there is, is in the checkpoint.
    fn root(&self, checkpoint: &duramen_db::UnpublishedCheckpoint) -> Root {
        let sum: LogSum = self.log.sum();
        Root {
            place: RootPlace { id: self.job.id, branch: BranchName::main(), n: 0 },
            epoch: 0,
            nonce: self.job.context.random().id(),
            previous: None,
            floor: Floor { n: 0, t: T::GENESIS },
            writer: Writer { id: self.job.writer, address: String::new(), released: true },
            t: self.t,
            instant: self.instant(),
            next_ids: self.next_ids,
            checkpoint: Some(checkpoint.reference),
            segments: Vec::new(),
            sum,
            tail: Vec::new(),
            // None of the transactions answers a request: there is nothing to remember of them.
            requests: Some(RequestWindow { since: self.t, horizon: None }),
            dropped: false,
        }
    }
}
