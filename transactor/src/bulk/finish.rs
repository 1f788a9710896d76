//! Finishing: trees, checkpoint, root, and last of all the claim.

use std::sync::Arc;
use std::sync::atomic::Ordering as Atomic;

use duramen_db::resolve::{TxData, resolve};
use duramen_db::{
    Db, Floor, Location, LoggedTx, RequestWindow, Root, RootPlace, Snapshot, UnpublishedCheckpoint,
    Writer,
};
use duramen_model::{EntityId, Instant, Order, T};
use duramen_store::ReadStore;
use duramen_store::layout::{BranchName, DatabaseFolder, DatabaseId};

use super::error::BulkError;
use super::load::{BulkLoad, Job};
use super::logging::LogWriter;
use super::merging::{MemoryStretch, Merging, Stretch};
use super::rows::{Rows, Sorted, Sorting};
use super::spill::SpillReader;
use super::trees::{BuiltRun, TreePlace};
use crate::catalog;
use crate::error::TransactError;

/// Datoms of transactions after the facts. They stay outside of the trees until a transactor
/// merges them, so they must fit into the memory of whoever reads the database.
const LATER_DATOMS_MAX: u64 = 1_000_000;

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
    /// As for [`Self::build`] and [`NewDatabase::publish`].
    pub async fn finish(self) -> Result<Loaded, BulkError> {
        self.build().await?.publish().await
    }

    /// Makes the database out of what was loaded. It has no name yet, and takes ordinary
    /// transactions.
    ///
    /// # Errors
    /// [`BulkError::Conflict`] when facts contradict or repeat each other or a unique value has two
    /// owners, [`BulkError::Dangling`] when one points to nothing. There is no database then.
    pub async fn build(mut self) -> Result<NewDatabase, BulkError> {
        self.check_references()?;
        let trees = self.trees().await?;
        let checkpoint = self.checkpoint(trees).await?;
        let root = self.root(&checkpoint);
        Ok(NewDatabase {
            facts: self.facts,
            later: 0,
            db: None,
            job: self.job,
            log: self.log,
            root,
        })
    }

    fn check_references(&self) -> Result<(), BulkError> {
        if self.referred <= self.next_ids.user {
            return Ok(());
        }
        let last = EntityId::user(self.referred - 1).unwrap_or(EntityId::MAX);
        Err(BulkError::Dangling { e: last })
    }

    async fn trees(&mut self) -> Result<Vec<BuiltRun>, BulkError> {
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

    /// The instant of the newest transaction.
    pub(crate) fn instant(&self) -> Instant {
        if self.t == T::GENESIS { self.db.basis_instant() } else { self.job.instant }
    }

    /// Root 0: all that there is, is in the checkpoint.
    fn root(&self, checkpoint: &UnpublishedCheckpoint) -> Root {
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
            sum: self.log.sum(),
            tail: Vec::new(),
            // None of the transactions answers a request: there is nothing to remember of them.
            requests: Some(RequestWindow { since: self.t, horizon: None }),
            dropped: false,
        }
    }
}

/// A database that is all there, but for its name. Dropped before
/// [`publish`](Self::publish), it leaves none.
#[derive(Debug)]
pub struct NewDatabase {
    job: Job,
    log: LogWriter,
    /// The root that it will have.
    root: Root,
    /// Its value, once a transaction needed it.
    db: Option<Db>,
    facts: u64,
    /// Datoms of the transactions after the facts.
    later: u64,
}

impl NewDatabase {
    /// Applies a transaction, as a transactor does.
    ///
    /// # Errors
    /// As [`resolve`] says; then it is as it was. When there are too many such transactions.
    pub async fn transact(&mut self, data: &TxData) -> Result<T, BulkError> {
        let db = self.db().await?;
        let resolved = Box::pin(resolve(&db, data, self.job.instant, db.next_ids())).await;
        let resolved = resolved.map_err(TransactError::from)?;
        let tx = LoggedTx::encode(resolved.record);
        self.later += tx.record().changes.len() as u64;
        if self.later > LATER_DATOMS_MAX {
            return Err(BulkError::TooMuchLater { datoms_max: LATER_DATOMS_MAX });
        }
        for datom in tx.record().datoms() {
            self.facts = self.facts.saturating_add_signed(if datom.added { 1 } else { -1 });
        }
        self.db = Some(db.apply_all(&[Arc::clone(tx.record())])?);
        self.root.t = tx.t();
        self.root.instant = tx.record().instant;
        self.root.next_ids = resolved.next;
        self.root.requests = Some(RequestWindow { since: tx.t(), horizon: None });
        self.log.push(tx).await?;
        Ok(self.root.t)
    }

    async fn db(&mut self) -> Result<Db, BulkError> {
        if let Some(db) = &self.db {
            return Ok(db.clone());
        }
        let context = &self.job.context;
        let store: Arc<dyn ReadStore> = Arc::clone(context.store()) as _;
        let location = Location::new(store, self.job.name.clone(), context.cache.clone());
        let snapshot = Snapshot::at(location, catalog::sealed(self.root.clone())?).await?;
        Ok(self.db.insert(snapshot.db().clone()).clone())
    }

    /// Gives it its name: from then on it exists.
    ///
    /// # Errors
    /// `DatabaseExists` when another took the name meanwhile; otherwise what the store says. After
    /// [`TransactError::Unknown`] it may exist.
    pub async fn publish(mut self) -> Result<Loaded, BulkError> {
        self.root.segments = self.log.take_segments().await?;
        self.root.sum = self.log.sum();
        let (id, t, facts) = (self.job.id, self.root.t, self.facts);
        let root = catalog::sealed(self.root)?;
        let Job { context, name, .. } = &self.job;
        let number = catalog::free_number(context, name).await?;
        catalog::establish(context, name, number, &root).await?;
        Ok(Loaded { id, t, facts })
    }
}
