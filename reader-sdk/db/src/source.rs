//! Where a database is read from.

use std::sync::Arc;

use bytes::Bytes;
use duramen_index::{NodeCaches, Nodes};
use duramen_model::T;
use duramen_store::layout::{BranchName, ContentsFolder, DatabaseFolder, DatabaseId, DatabaseName};
use duramen_store::{Key, ReadStore, StoreError};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::{
    Catalog, Checkpoint, CheckpointRef, LogIndex, LogIndexRef, LoggedTx, OpenedRoot, PackList,
    Root, RootPlace, RunPacksRef, SegmentRef, segment,
};

/// How many segments are read at once.
const SEGMENTS_AT_ONCE: usize = 32;

/// Which database, and what it is read through. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn ReadStore>,
    /// The name of the database.
    pub name: DatabaseName,
    /// The branch.
    pub branch: BranchName,
    /// Where nodes are kept; share them between databases.
    pub caches: NodeCaches,
}

/// A database that was found, and how its objects are fetched.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) location: Location,
    pub(crate) id: DatabaseId,
    pub(crate) contents: ContentsFolder,
    pub(crate) nodes: Nodes,
}

impl Location {
    /// The main branch of a database.
    #[must_use]
    pub fn new(
        store: Arc<dyn ReadStore>,
        name: DatabaseName,
        caches: impl Into<NodeCaches>,
    ) -> Self {
        Self { store, name, branch: BranchName::main(), caches: caches.into() }
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::new(Arc::clone(&self.store))
    }

    pub(crate) fn head(&self) -> Key {
        DatabaseFolder::new(&self.name).head(&self.branch)
    }
}

impl Source {
    pub(crate) fn new(location: Location, id: DatabaseId) -> Self {
        let contents = DatabaseFolder::new(&location.name).contents(id);
        let (store, caches) = (Arc::clone(&location.store), location.caches.clone());
        let nodes = Nodes::new(store, contents.packs(), caches);
        Self { location, id, contents, nodes }
    }

    pub(crate) fn roots(&self) -> Key {
        self.contents.roots(&self.location.branch)
    }

    pub(crate) fn root_key(&self, n: u64) -> Key {
        self.contents.root(&self.location.branch, n)
    }

    /// The root of a number; `None` when there is none.
    pub(crate) async fn root(&self, n: u64) -> Result<Option<OpenedRoot>, StoreError> {
        let key = self.root_key(n);
        let Some(object) = self.location.store.get(&key).await? else { return Ok(None) };
        let place = RootPlace { id: self.id, branch: self.location.branch.clone(), n };
        Root::open(&place, &key, object).map(Some)
    }

    pub(crate) async fn checkpoint(
        &self,
        reference: &CheckpointRef,
    ) -> Result<Checkpoint, StoreError> {
        let key = self.contents.checkpoint(reference.name);
        Checkpoint::open(self.id, reference, &key, self.named(&key).await?)
    }

    /// Where everything else is.
    pub(crate) const fn contents(&self) -> &ContentsFolder {
        &self.contents
    }

    /// The packs of the runs that a merge made.
    pub(crate) async fn pack_list(&self, reference: &RunPacksRef) -> Result<PackList, StoreError> {
        let key = self.contents.pack_list(reference.name);
        PackList::open(self.id, reference, &key, self.named(&key).await?)
    }

    /// What a log index refers to.
    pub(crate) async fn log_index(&self, reference: &LogIndexRef) -> Result<LogIndex, StoreError> {
        let key = self.contents.log_index(reference.name);
        LogIndex::open(self.id, reference, &key, self.named(&key).await?)
    }

    /// The transactions of a segment.
    pub(crate) async fn segment(
        &self,
        reference: &SegmentRef,
    ) -> Result<Vec<LoggedTx>, StoreError> {
        let key = self.contents.segment(reference.name);
        segment::open(self.id, reference, &key, self.named(&key).await?)
    }

    /// The transactions from one to another of segments that overlap but leave no gap, each
    /// once.
    pub(crate) async fn log(
        &self,
        segments: &[SegmentRef],
        (first, last): (T, T),
    ) -> Result<Vec<LoggedTx>, StoreError> {
        let needed = segments.iter().filter(|s| s.t_last >= first && s.t_first <= last);
        // Collected: the compiler does not see that a stream over a closure is `Send`.
        let reads: Vec<_> = needed.map(|reference| self.segment(reference)).collect();
        let stretches: Vec<_> =
            stream::iter(reads).buffered(SEGMENTS_AT_ONCE).try_collect().await?;
        let mut txs: Vec<LoggedTx> = Vec::new();
        for tx in stretches.into_iter().flatten() {
            let is_next = txs.last().is_none_or(|newest| newest.t() < tx.t());
            if is_next && first <= tx.t() && tx.t() <= last {
                txs.push(tx);
            }
        }
        Ok(txs)
    }

    /// An object that another one names.
    async fn named(&self, key: &Key) -> Result<Bytes, StoreError> {
        let object = self.location.store.get(key).await?;
        object.ok_or_else(|| StoreError::Missing { object: key.to_string() })
    }
}
