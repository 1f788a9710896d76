//! Test support: a writer that does what a transactor does, one step at a time.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use duramen_index::{NodeCache, NodeOptions};
use duramen_store::envelope;
use duramen_store::layout::{
    BranchName, ContentsFolder, DatabaseFolder, DatabaseId, DatabaseName, ObjectName, WriterId,
};
use duramen_store::observed::Observed;
use duramen_store::{Creation, Key, MemoryStore, WriteStore};

use crate::merge::PACKS_PER_MERGE;
use crate::{
    CheckpointOptions, Claim, Db, Floor, Location, LogSum, LoggedTx, MergeInput, MergePlan,
    MergePolicy, Merged, NextIds, OpenedRoot, Root, RootPlace, SegmentRef, Snapshot, TxRecord,
    Writer, head, merge, segment, write_checkpoint,
};

/// A database in memory, and the newest root of it.
pub(crate) struct Bucket {
    pub(crate) store: Arc<Observed<MemoryStore>>,
    pub(crate) name: DatabaseName,
    pub(crate) id: DatabaseId,
    pub(crate) root: OpenedRoot,
    /// Numbers of roots that are gone, as after a collection.
    pub(crate) collected: Range<u64>,
    pub(crate) policy: MergePolicy,
    claims: u64,
    seq: u64,
}

/// Some nodes come along with the checkpoint, others do not.
const INLINED_BYTES: u64 = 2_000;
/// Small, so that the log is listed in objects of its own soon.
const LOG_ENTRIES: usize = 2;

const WRITER: WriterId = WriterId([0xaa; 16]);

/// Leaves of four records, so that a few transactions make deep trees.
pub(crate) fn small_nodes() -> NodeOptions {
    NodeOptions {
        leaf_records_max: 4,
        branch_children_max: 3,
        top_bytes_max: 200,
        pack_bytes_target: 1_000,
        ..NodeOptions::default()
    }
}

/// Flushes take in what is tiny, so that runs of several sizes come about.
pub(crate) fn small_policy() -> MergePolicy {
    MergePolicy { runs_min: 3, small_records: 4, idle_bytes_min: 1, ..MergePolicy::default() }
}

/// What the runs of a database are worth.
fn compactions(db: &Db, policy: &MergePolicy) -> Vec<MergePlan> {
    let checkpoint = db.facts().checkpoint.as_ref();
    checkpoint.map_or_else(Vec::new, |checkpoint| {
        MergePlan::compactions(checkpoint, policy, &BTreeSet::new())
    })
}

impl Bucket {
    pub(crate) async fn create() -> Self {
        let id = DatabaseId([1; 16]);
        let mut bucket = Self {
            store: Arc::new(Observed::new(Arc::new(MemoryStore::new()))),
            name: DatabaseName::new("cat").unwrap(),
            id,
            root: open(genesis(id)),
            collected: 0..0,
            policy: small_policy(),
            claims: 0,
            seq: 0,
        };
        bucket.put_root().await;
        bucket.claim(Claim::Created(id)).await;
        bucket
    }

    /// The same without any object.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            store: Arc::new(Observed::new(Arc::new(MemoryStore::new()))),
            name: self.name.clone(),
            root: self.root.clone(),
            collected: self.collected.clone(),
            policy: self.policy.clone(),
            ..*self
        }
    }

    /// Creates the database anew under the same name.
    pub(crate) async fn create_again(&mut self) {
        self.id = DatabaseId([self.id.0[0] + 1; 16]);
        self.root = open(genesis(self.id));
        self.put_root().await;
        self.claim(Claim::Created(self.id)).await;
    }

    pub(crate) async fn claim(&mut self, claim: Claim) {
        let key = DatabaseFolder::new(&self.name).claim(self.claims);
        self.put_new(&key, claim.seal(&self.name, self.claims)).await;
        self.claims += 1;
    }

    pub(crate) fn contents(&self) -> ContentsFolder {
        DatabaseFolder::new(&self.name).contents(self.id)
    }

    pub(crate) fn location(&self) -> Location {
        Location::new(self.store.clone(), self.name.clone(), NodeCache::new(1 << 20))
    }

    pub(crate) fn key(&self) -> Key {
        self.contents().root(&BranchName::main(), self.root.root.place.n)
    }

    pub(crate) fn head_key(&self) -> Key {
        DatabaseFolder::new(&self.name).head(&BranchName::main())
    }

    /// Publishes transactions in the tail.
    pub(crate) async fn transact(&mut self, records: &[TxRecord]) {
        let txs: Vec<LoggedTx> = records.iter().cloned().map(LoggedTx::encode).collect();
        self.publish(|root| {
            for tx in txs {
                root.t = tx.t();
                root.instant = tx.record().instant;
                root.next_ids = root.next_ids.after(tx.record());
                root.sum = root.sum.plus(&tx);
                root.tail.push(tx);
            }
        })
        .await;
    }

    /// Moves the tail into a segment. Transactions that `overlap` stay in the tail as well.
    pub(crate) async fn spill(&mut self, overlap: usize) {
        self.seq += 1;
        let name = ObjectName { writer: WRITER, seq: self.seq };
        let tail = &self.root.root.tail;
        let Some(sealed) = segment::seal(self.id, name, tail) else { return };
        self.put_new(&self.contents().segment(name), sealed.object).await;
        self.publish(|root| {
            root.segments.push(sealed.reference);
            root.tail = root.tail.split_off(root.tail.len().saturating_sub(overlap));
        })
        .await;
    }

    /// Flushes what is spilled, while the tail stays.
    pub(crate) async fn merge(&mut self, options: &NodeOptions) {
        let Some(last) = self.root.root.segments.iter().map(|s| s.t_last).max() else { return };
        let snapshot = self.open().await;
        let db = snapshot.db().rewind(last).unwrap();
        let plan = MergePlan::flush(&db, &self.policy, &BTreeSet::new()).unwrap();
        let merged = self.run(&db, &plan, options).await;
        self.name_checkpoint(&snapshot, &[merged]).await;
    }

    /// Folds runs that are alike.
    pub(crate) async fn compact(&mut self, options: &NodeOptions) {
        let snapshot = self.open().await;
        let mut merged = Vec::new();
        for plan in compactions(snapshot.db(), &self.policy) {
            merged.push(self.run(snapshot.db(), &plan, options).await);
        }
        self.name_checkpoint(&snapshot, &merged).await;
    }

    /// Whether no run is worth a compaction.
    pub(crate) async fn is_at_rest(&self) -> bool {
        compactions(self.open().await.db(), &self.policy).is_empty()
    }

    /// Begins to fold runs that are alike, flushes what is spilled meanwhile, and ends both in the
    /// other sequence.
    pub(crate) async fn merge_meanwhile(&mut self, options: &NodeOptions) {
        let snapshot = self.open().await;
        let mut merged = Vec::new();
        for plan in compactions(snapshot.db(), &self.policy) {
            merged.push(self.run(snapshot.db(), &plan, options).await);
        }
        self.merge(options).await;
        let snapshot = self.open().await;
        self.name_checkpoint(&snapshot, &merged).await;
    }

    async fn run(&mut self, db: &Db, plan: &MergePlan, options: &NodeOptions) -> Arc<Merged> {
        let basis = db.basis_t();
        let unmerged = self.root.root.tail.iter().filter(|tx| tx.t() > basis);
        let sum = unmerged.fold(self.root.root.sum, minus);
        self.seq += 1;
        let input = MergeInput {
            db,
            plan,
            segments: &self.root.root.segments,
            sum,
            writer: WRITER,
            list_seq: self.seq,
            first_pack_seq: self.seq * PACKS_PER_MERGE,
            options,
        };
        Arc::new(merge(self.store.clone(), input).await.unwrap())
    }

    /// Publishes a checkpoint of what merges have made, if anything of it is valid.
    async fn name_checkpoint(&mut self, snapshot: &Snapshot, merged: &[Arc<Merged>]) {
        self.seq += 1;
        let name = ObjectName { writer: WRITER, seq: self.seq };
        let options =
            CheckpointOptions { inlined_bytes_max: INLINED_BYTES, log_entries_max: LOG_ENTRIES };
        let store = self.store.clone();
        let made = write_checkpoint(store, snapshot.db(), merged, name, options).await.unwrap();
        let Some(made) = made else { return };
        let last = made.checkpoint.t;
        let rebased = snapshot.db().with_checkpoint(Arc::new(made.checkpoint)).unwrap();
        assert_eq!(rebased.checkpoint_t(), Some(last));
        self.publish(|root| {
            root.checkpoint = Some(made.reference);
            root.segments.retain(|segment: &SegmentRef| segment.t_last > last);
        })
        .await;
    }

    pub(crate) async fn drop_database(&mut self) {
        self.publish(|root| root.dropped = true).await;
        self.claim(Claim::Dropped(self.id)).await;
    }

    /// Writes HEAD.
    pub(crate) async fn hint(&self) {
        self.store.put(&self.head_key(), head::seal(&self.root)).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, change: impl FnOnce(&mut Root)) {
        let mut root = self.root.root.clone();
        root.place = root.place.next();
        root.previous = Some(self.root.hash);
        change(&mut root);
        self.root = open(root);
        self.put_root().await;
    }

    pub(crate) async fn open(&self) -> Snapshot {
        Snapshot::open(self.location()).await.unwrap()
    }

    async fn put_root(&self) {
        if self.collected.contains(&self.root.root.place.n) {
            return;
        }
        self.put_new(&self.key(), self.root.object.clone()).await;
    }

    async fn put_new(&self, key: &Key, object: Bytes) {
        let creation = self.store.create(key, object).await.unwrap();
        assert!(matches!(creation, Creation::Created), "{key}");
    }
}

fn genesis(id: DatabaseId) -> Root {
    let genesis = LoggedTx::encode(TxRecord::genesis());
    Root {
        place: RootPlace { id, branch: BranchName::main(), n: 0 },
        epoch: 0,
        nonce: [0; 16],
        previous: None,
        floor: Floor { n: 0, t: genesis.t() },
        writer: Writer { id: WRITER, address: String::new(), released: false },
        t: genesis.t(),
        instant: genesis.record().instant,
        next_ids: NextIds::FIRST,
        checkpoint: None,
        segments: Vec::new(),
        sum: LogSum::default().plus(&genesis),
        tail: vec![genesis],
        dropped: false,
        requests: None,
    }
}

fn open(root: Root) -> OpenedRoot {
    let object = root.seal().unwrap();
    let hash = envelope::hash_of(&object).unwrap();
    OpenedRoot { root, hash, object }
}

/// Takes a transaction out of a sum.
fn minus(sum: LogSum, tx: &LoggedTx) -> LogSum {
    let one = LogSum::default().plus(tx).0;
    let mut borrow = 0;
    let mut digits = sum.0;
    for (digit, one) in digits.iter_mut().zip(one) {
        let (low, under) = digit.overflowing_sub(one);
        let (low, under_too) = low.overflowing_sub(borrow);
        *digit = low;
        borrow = u8::from(under || under_too);
    }
    LogSum(digits)
}
