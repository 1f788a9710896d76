//! The snapshot: a root that a reader holds on to, and the database it makes.
//!
//! ```text
//! round 1   list the newest claim     get HEAD
//! round 2   get the claim             get roots n+1, n+2 …    get checkpoint and segments
//! ```
//!
//! The claim says which database the name means; HEAD is believed only if it is about that one.
//! Where HEAD is of no use, the folder of roots is listed. A store that cannot list is read
//! through HEAD alone. No snapshot ever goes back to a lower root.

use std::collections::BTreeMap;
use std::sync::Arc;

use duramen_index::NodeStats;
use duramen_model::T;
use duramen_store::StoreError;
use duramen_store::layout::DatabaseId;
use futures_util::future;

use crate::catalog::newest_number;
use crate::facts::Facts;
use crate::malformed::{self, Malformed};
use crate::source::{Location, Source};
use crate::{Claim, Db, DbError, LogSum, LoggedTx, OpenedRoot, Root, SegmentRef, TxRecord, head};

/// How many roots are asked for at once, at most, when following a busy writer.
const ROOTS_AT_ONCE: u64 = 16;
/// A reader that is this many roots behind lists the newest.
const ROOTS_BEHIND_MAX: u64 = 64;
/// How often an open starts over because what it found was collected meanwhile.
const OPEN_TRIES: usize = 3;

/// A root that a reader holds on to, and the database it makes. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct Snapshot {
    source: Arc<Source>,
    freshness: Freshness,
    root: Arc<OpenedRoot>,
    db: Db,
}

/// How newer roots are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// By asking for the next number.
    Probes,
    /// By reading HEAD, where a store cannot list and may remember that a number was absent.
    Hints,
}

/// What it is.
impl Snapshot {
    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root.root
    }

    /// The root as it was read.
    #[must_use]
    pub fn opened_root(&self) -> &OpenedRoot {
        &self.root
    }

    /// The database's id.
    #[must_use]
    pub fn id(&self) -> DatabaseId {
        self.source.id
    }

    /// What loading nodes has cost, from the opening of the first snapshot that led to this one.
    #[must_use]
    pub fn node_stats(&self) -> NodeStats {
        self.source.nodes.stats()
    }
}

/// Opening.
impl Snapshot {
    /// Opens the newest snapshot of a database.
    ///
    /// # Errors
    /// `NoDatabase`, `Dropped`; otherwise when the store fails or what is in it is damaged.
    pub async fn open(location: Location) -> Result<Self, DbError> {
        let catalog = location.catalog();
        let (number, hint) =
            future::join(catalog.newest_number(&location.name), read_hint(&location)).await;
        let hint = hint?;
        let number = match number {
            Ok(number) => number.ok_or_else(|| catalog.no_database(&location.name))?,
            Err(StoreError::Unsupported { .. }) => return Self::open_by_hint(location, hint).await,
            Err(error) => return Err(error.into()),
        };
        let hinted = async {
            match hint {
                Some(root) => Self::follow(location.clone(), root).await.map(Some),
                None => Ok(None),
            }
        };
        let claim = catalog.claim(&location.name, number);
        let (claim, hinted) = future::join(claim, hinted).await;
        match (claim?.claim, hinted) {
            (Claim::Dropped(_), _) => Err(catalog.dropped(&location.name)),
            (Claim::Created(id), Ok(Some(snapshot))) if snapshot.id() == id => Ok(snapshot),
            // The hint was missing, old or about another database: the listing knows.
            (Claim::Created(id), _) => Self::open_listed(Source::new(location, id)).await,
        }
    }

    /// Opens the snapshot of a root that was read: what a writer does with the one it continues.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub async fn at(location: Location, root: OpenedRoot) -> Result<Self, DbError> {
        let source = Arc::new(Source::new(location, root.root.place.id));
        Self::load(source, Freshness::Probes, root).await
    }

    /// Opens what a hint says, of a store that cannot list.
    async fn open_by_hint(location: Location, hint: Option<OpenedRoot>) -> Result<Self, DbError> {
        let root = hint.ok_or_else(|| location.catalog().no_database(&location.name))?;
        let source = Arc::new(Source::new(location, root.root.place.id));
        Self::load(source, Freshness::Hints, root).await
    }

    /// Loads what a hint says, and looks for newer roots meanwhile.
    async fn follow(location: Location, hint: OpenedRoot) -> Result<Self, DbError> {
        let source = Arc::new(Source::new(location, hint.root.place.id));
        let newer = newer_roots(&source, &hint);
        let loaded = Self::load(Arc::clone(&source), Freshness::Probes, hint.clone());
        let (newer, loaded) = future::join(newer, loaded).await;
        let newer = newer?;
        match (loaded, newer.last()) {
            (Ok(loaded), _) => loaded.advance(newer).await,
            // What the hint names may have been collected: the newer root counts.
            (Err(_), Some(newest)) => Self::load(source, Freshness::Probes, newest.clone()).await,
            (Err(error), None) => Err(error),
        }
    }

    /// Opens the newest root that is listed.
    async fn open_listed(source: Source) -> Result<Self, DbError> {
        let source = Arc::new(source);
        let mut tried = None;
        for _ in 0..OPEN_TRIES {
            let newest = listed_root(&source).await?;
            let n = newest.root.place.n;
            match Self::load(Arc::clone(&source), Freshness::Probes, newest).await {
                Err(DbError::Store(StoreError::Missing { .. })) if tried != Some(n) => {
                    // It may have been collected since: then there is a newer root.
                    tried = Some(n);
                }
                loaded => return loaded,
            }
        }
        let object = source.roots().to_string();
        Err(StoreError::Unavailable { object, reason: "it changes too fast".to_owned() }.into())
    }

    /// Loads everything that a root names.
    async fn load(
        source: Arc<Source>,
        freshness: Freshness,
        root: OpenedRoot,
    ) -> Result<Self, DbError> {
        source.check_not_dropped(&root.root)?;
        let have = in_tails([&root]);
        let checkpoint = async {
            match &root.root.checkpoint {
                Some(reference) => source.checkpoint(reference).await.map(Some),
                None => Ok(None),
            }
        };
        let merged = root.root.checkpoint.map(|checkpoint| checkpoint.t);
        let txs = source.missing_txs(&root.root, merged, have);
        let (checkpoint, txs) = future::try_join(checkpoint, txs).await?;
        let (mut facts, sum) = match checkpoint {
            Some(checkpoint) => {
                let sum = checkpoint.sum;
                (Facts::of_checkpoint(Arc::new(checkpoint), Arc::clone(&source)), sum)
            }
            None => (Facts::empty(Some(Arc::clone(&source))), LogSum::default()),
        };
        source.check_sum(&root.root, sum, &txs)?;
        facts.absorb(&records(&txs));
        facts.next_ids = facts.next_ids.max(root.root.next_ids);
        Ok(Self { source, freshness, root: Arc::new(root), db: Db::of(facts) })
    }
}

/// Newer ones.
impl Snapshot {
    /// The newest snapshot, or `None` when this one is the newest: then it has cost one GET.
    ///
    /// A snapshot that is older than half of what is retained is better refreshed with
    /// [`Self::refresh_by_listing`]: the roots after it may have been collected.
    ///
    /// # Errors
    /// `Dropped`; otherwise when the store fails or what is in it is damaged.
    pub async fn refresh(&self) -> Result<Option<Self>, DbError> {
        let newer = match self.freshness {
            Freshness::Probes => newer_roots(&self.source, &self.root).await?,
            Freshness::Hints => {
                let hint = read_hint(&self.source.location).await?;
                hint.into_iter().filter(|hint| self.is_before(hint)).collect()
            }
        };
        if newer.is_empty() { Ok(None) } else { self.clone().advance(newer).await.map(Some) }
    }

    /// The newest snapshot by the listing, or `None` when this one is the newest.
    ///
    /// # Errors
    /// As for [`Self::refresh`].
    pub async fn refresh_by_listing(&self) -> Result<Option<Self>, DbError> {
        if self.freshness == Freshness::Hints {
            return self.refresh().await;
        }
        let newest = listed_root(&self.source).await?;
        if self.is_before(&newest) {
            self.clone().advance(vec![newest]).await.map(Some)
        } else {
            Ok(None)
        }
    }

    fn is_before(&self, other: &OpenedRoot) -> bool {
        other.root.place.id == self.id() && other.root.place.n > self.root().place.n
    }

    /// Moves on to the last of some newer roots, oldest first.
    async fn advance(self, newer: Vec<OpenedRoot>) -> Result<Self, DbError> {
        let have = in_tails(&newer);
        let Some(newest) = newer.into_iter().next_back() else { return Ok(self) };
        let root = &newest.root;
        let merged = |root: &Root| root.checkpoint.map(|checkpoint| checkpoint.t);
        if merged(root) < merged(self.root()) {
            // Trees were replaced by older ones: memory does not reach back that far.
            return Self::load(self.source, self.freshness, newest).await;
        }
        self.source.check_not_dropped(root)?;
        let basis = self.db.basis_t();
        let checkpoint = async {
            match &root.checkpoint {
                Some(reference) if root.checkpoint != self.root().checkpoint => {
                    self.source.checkpoint(reference).await.map(Some)
                }
                _ => Ok(None),
            }
        };
        let txs = self.source.missing_txs(root, Some(basis), have);
        let (checkpoint, txs) = future::try_join(checkpoint, txs).await?;
        self.source.check_sum(root, self.root().sum, &txs)?;
        let mut facts = self.db.facts().clone();
        facts.absorb(&records(&txs));
        facts.next_ids = facts.next_ids.max(root.next_ids);
        if let Some(checkpoint) = checkpoint {
            facts = facts.rebase(Arc::new(checkpoint), &self.source);
        }
        Ok(Self { root: Arc::new(newest), db: Db::of(facts), ..self })
    }

    /// Turns the error that something is missing into `SnapshotExpired`, if the newest root says
    /// that what this snapshot is made of is no longer retained.
    pub async fn explain(&self, error: DbError) -> DbError {
        let DbError::Store(StoreError::Missing { object }) = &error else { return error };
        let newest = match self.freshness {
            Freshness::Probes => listed_root(&self.source).await.ok(),
            Freshness::Hints => read_hint(&self.source.location).await.ok().flatten(),
        };
        match newest.map(|newest| newest.root.floor.n) {
            Some(floor) if floor > self.root().place.n => {
                DbError::SnapshotExpired { object: object.clone(), n: self.root().place.n, floor }
            }
            _ => error,
        }
    }
}

/// Parts of a load.
impl Source {
    fn check_not_dropped(&self, root: &Root) -> Result<(), DbError> {
        match root.dropped {
            true => Err(self.location.catalog().dropped(&self.location.name)),
            false => Ok(()),
        }
    }

    /// The transactions of a root after one that is known, from tails at hand and from segments.
    async fn missing_txs(
        &self,
        root: &Root,
        known: Option<T>,
        mut have: BTreeMap<T, LoggedTx>,
    ) -> Result<Vec<LoggedTx>, StoreError> {
        let first = match known {
            Some(known) if known >= root.t => return Ok(Vec::new()),
            Some(known) => known.next().unwrap_or(T::MAX),
            None => T::GENESIS,
        };
        have = have.split_off(&first);
        let lacks = |segment: &&SegmentRef| {
            let start = segment.t_first.max(first);
            let needed = (segment.t_last.get() + 1).saturating_sub(start.get());
            needed > 0 && (have.range(start..=segment.t_last).count() as u64) < needed
        };
        let segments: Vec<SegmentRef> = root.segments.iter().filter(lacks).copied().collect();
        let spilled = self.log(&segments, (first, root.t)).await?;
        have.extend(spilled.into_iter().map(|tx| (tx.t(), tx)));
        let txs: Vec<LoggedTx> = have.into_values().filter(|tx| tx.t() <= root.t).collect();
        let expected = first.get()..=root.t.get();
        if txs.iter().map(|tx| tx.t().get()).eq(expected.clone()) {
            return Ok(txs);
        }
        let expected = format!("transactions {} to {}", expected.start(), expected.end());
        Err(Malformed::new(expected, "a gap").within(self.root_key(root.place.n)))
    }

    /// Makes sure that the transactions add up to what the root says.
    fn check_sum(&self, root: &Root, known: LogSum, txs: &[LoggedTx]) -> Result<(), StoreError> {
        if known.plus_all(txs) == root.sum {
            return Ok(());
        }
        let expected = "transactions that add up to the sum in the root";
        Err(Malformed::new(expected, "others").within(self.root_key(root.place.n)))
    }
}

fn records(txs: &[LoggedTx]) -> Vec<Arc<TxRecord>> {
    txs.iter().map(|tx| Arc::clone(tx.record())).collect()
}

fn in_tails<'a>(roots: impl IntoIterator<Item = &'a OpenedRoot>) -> BTreeMap<T, LoggedTx> {
    let tails = roots.into_iter().flat_map(|root| &root.root.tail);
    tails.map(|tx| (tx.t(), tx.clone())).collect()
}

/// The root in HEAD, if there is one that can be read. HEAD proves nothing, so damage to it is
/// no damage to the database.
async fn read_hint(location: &Location) -> Result<Option<OpenedRoot>, StoreError> {
    let key = location.head();
    let Some(object) = location.store.get(&key).await? else { return Ok(None) };
    match head::open(&location.branch, &key, object) {
        Ok(root) => Ok(Some(root)),
        Err(error) => {
            tracing::warn!(%error, "HEAD cannot be read");
            Ok(None)
        }
    }
}

/// The newest root that is listed.
async fn listed_root(source: &Source) -> Result<OpenedRoot, StoreError> {
    let roots = source.roots();
    let missing = |object: String| move || StoreError::Missing { object };
    let newest = newest_number(&*source.location.store, &roots).await?;
    let n = newest.ok_or_else(missing(roots.to_string()))?;
    source.root(n).await?.ok_or_else(missing(source.root_key(n).to_string()))
}

/// The roots after one, oldest first: none when it is the newest, which costs one GET. What is
/// between is skipped when it is a lot, or was collected.
async fn newer_roots(source: &Source, from: &OpenedRoot) -> Result<Vec<OpenedRoot>, StoreError> {
    let mut newer: Vec<OpenedRoot> = Vec::new();
    let mut at_once = 1;
    loop {
        let first = newer.last().unwrap_or(from).root.place.n.saturating_add(1);
        let probes = (first..first.saturating_add(at_once)).map(|n| source.root(n));
        let found = future::try_join_all(probes).await?;
        let in_a_row = found.iter().take_while(|root| root.is_some()).count();
        let (is_caught_up, has_gap) =
            (in_a_row < found.len(), found[in_a_row..].iter().any(Option::is_some));
        for root in found.into_iter().take(in_a_row).flatten() {
            check_chain(source, newer.last().unwrap_or(from), &root)?;
            newer.push(root);
        }
        if has_gap || newer.len() as u64 >= ROOTS_BEHIND_MAX {
            let newest = listed_root(source).await?;
            newer.retain(|root| root.root.place.n < newest.root.place.n);
            newer.push(newest);
            return Ok(newer);
        }
        if is_caught_up || newer.last().is_some_and(|root| root.root.dropped) {
            return Ok(newer);
        }
        at_once = (at_once * 2).min(ROOTS_AT_ONCE);
    }
}

/// Makes sure that a root follows another: the chain cannot be forked or patched.
fn check_chain(source: &Source, before: &OpenedRoot, root: &OpenedRoot) -> Result<(), StoreError> {
    let object = source.root_key(root.root.place.n);
    let corrupt = |malformed: Malformed| malformed.within(&object);
    let previous = root.root.previous.unwrap_or(root.hash);
    malformed::same_hash(previous, before.hash).map_err(corrupt)?;
    if root.root.t < before.root.t || root.root.epoch < before.root.epoch {
        return Err(corrupt(Malformed::new("a root that goes on", "one that goes back")));
    }
    Ok(())
}
