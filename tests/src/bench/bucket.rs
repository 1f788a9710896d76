//! What is in a bucket, and how much of it a reader of the newest root can reach.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use duramen_db::{Checkpoint, Snapshot};
use duramen_index::{Index, Layer, NodeCache, Nodes, Run, Tree, for_each_node};
use duramen_model::Order;
use duramen_store::layout::{DatabaseFolder, DatabaseName};
use duramen_store::{Key, ReadStore};

use super::data_set::Place;
use super::overlay::kind_of;

/// Bytes of decoded branches that a survey keeps.
const SURVEY_CACHE_BYTES: u64 = 32 << 20;

/// The objects of a bucket.
#[derive(Debug, Clone, Default)]
pub struct Objects(BTreeMap<Key, u64>);

impl Objects {
    /// Walks through a database in the folders of stores that lie above one another.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn of(folders: &[&Path], name: &DatabaseName) -> Result<Self> {
        let mut objects = Self::default();
        for folder in folders {
            let folder = folder.join(name.as_str());
            let collected = objects.collect(&folder, &Key::new(name.as_str()));
            collected.with_context(|| folder.display().to_string())?;
        }
        Ok(objects)
    }

    fn collect(&mut self, folder: &Path, key: &Key) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let key = key.join(entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.collect(&entry.path(), &key)?;
            } else {
                self.0.insert(key, entry.metadata()?.len());
            }
        }
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.values().sum()
    }

    /// The bytes of one.
    #[must_use]
    pub fn bytes_of(&self, key: &Key) -> u64 {
        self.0.get(key).copied().unwrap_or(0)
    }

    /// How many there are of a kind.
    #[must_use]
    pub fn count_of_kind(&self, kind: &str) -> u64 {
        self.0.keys().filter(|key| kind_of(key) == kind).count() as u64
    }

    /// The bytes of a kind.
    #[must_use]
    pub fn bytes_of_kind(&self, kind: &str) -> u64 {
        self.0.iter().filter(|(key, _)| kind_of(key) == kind).map(|(_, bytes)| bytes).sum()
    }
}

/// The trees of the newest root.
#[derive(Debug)]
pub struct Trees {
    /// The newest root.
    pub snapshot: Snapshot,
    /// What the trees are read through.
    pub nodes: Nodes,
    /// The checkpoint and its bytes; `None` when all is in memory.
    checkpoint: Option<(Checkpoint, Key, u64)>,
}

impl Trees {
    /// Opens the newest root through some store, with a cache of so many bytes.
    ///
    /// # Errors
    /// When something cannot be read.
    pub async fn of(place: &Place, store: Arc<dyn ReadStore>, cache_bytes: u64) -> Result<Self> {
        let snapshot = Snapshot::open(place.location(Arc::clone(&store), cache_bytes)).await?;
        let contents = DatabaseFolder::new(&place.name()).contents(snapshot.id());
        let checkpoint = match snapshot.root().checkpoint {
            None => None,
            Some(reference) => {
                let key = contents.checkpoint(reference.name);
                let object = store.get(&key).await?.context("the checkpoint is gone")?;
                let bytes = object.len() as u64;
                let checkpoint = Checkpoint::open(snapshot.id(), &reference, &key, object)?;
                Some((checkpoint, key, bytes))
            }
        };
        let nodes = Nodes::new(store, contents.packs(), NodeCache::new(cache_bytes));
        Ok(Self { snapshot, nodes, checkpoint })
    }

    /// The trees, newest first within an index.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Tree> {
        self.checkpoint.iter().flat_map(|(checkpoint, ..)| checkpoint.runs.iter()).map(|r| &r.tree)
    }

    /// One of the indexes.
    #[must_use]
    pub fn index(&self, order: Order, layer: Layer) -> Index {
        let own = self.iter().rev().filter(|tree| (tree.order, tree.layer) == (order, layer));
        let runs = own.map(|tree| Run::tree(tree.clone()));
        runs.fold(Index::new(order, layer), |index, run| index.with_run(run))
    }
}

/// What one index has, over all its runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexSize {
    /// Runs.
    pub runs: u64,
    /// Levels of the highest.
    pub levels: u64,
    /// Records.
    pub records: u64,
    /// Bytes of the nodes, branches included.
    pub bytes: u64,
}

/// What the newest root reaches.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The indexes.
    pub indexes: BTreeMap<(Layer, Order), IndexSize>,
    /// The packs, with the bytes of the nodes that are in use.
    pub packs: BTreeMap<Key, u64>,
    /// The checkpoint, and its bytes.
    pub checkpoint: Option<(Key, u64)>,
    /// The newest root and its bytes.
    pub root: Option<(Key, u64)>,
}

impl Survey {
    /// Walks through all branches that the newest root reaches.
    ///
    /// # Errors
    /// When something cannot be read.
    pub async fn of(place: &Place, store: Arc<dyn ReadStore>) -> Result<Self> {
        let trees = Trees::of(place, store, SURVEY_CACHE_BYTES).await?;
        let snapshot = &trees.snapshot;
        let contents = DatabaseFolder::new(&place.name()).contents(snapshot.id());
        let root = snapshot.root();
        let mut survey = Self {
            root: Some((
                contents.root(&root.place.branch, root.place.n),
                snapshot.opened_root().object.len() as u64,
            )),
            checkpoint: trees.checkpoint.as_ref().map(|(_, key, bytes)| (key.clone(), *bytes)),
            ..Self::default()
        };
        for tree in trees.iter() {
            let index = survey.indexes.entry((tree.layer, tree.order)).or_default();
            index.runs += 1;
            index.levels = index.levels.max(u64::from(tree.height) + 1);
            index.records += tree.records;
            let packs = &mut survey.packs;
            for_each_node(tree, &trees.nodes, |_, pointer| {
                let bytes = u64::from(pointer.length);
                index.bytes += bytes;
                *packs.entry(contents.packs().join(&pointer.pack)).or_default() += bytes;
            })
            .await?;
        }
        Ok(survey)
    }

    /// Bytes of all nodes in use.
    #[must_use]
    pub fn node_bytes(&self) -> u64 {
        self.indexes.values().map(|index| index.bytes).sum()
    }

    /// Records of one index.
    #[must_use]
    pub fn records(&self, layer: Layer, order: Order) -> u64 {
        self.indexes.get(&(layer, order)).map_or(0, |index| index.records)
    }
}
