//! A writer that does what a transactor does, one step at a time, with nodes so small that a few
//! transactions make deep trees.

use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_db::merge::PACKS_PER_MERGE;
use duramen_db::{
    CheckpointOptions, Claim, Db, Floor, Location, LogSum, LoggedTx, MergeInput, MergePlan,
    MergePolicy, Merged, NextIds, OpenedRoot, Root, RootPlace, Snapshot, TxRecord, Writer, merge,
    segment, write_checkpoint,
};
use duramen_index::{NodeCache, NodeOptions};
use duramen_model::T;
use duramen_store::layout::{
    BranchName, DatabaseFolder, DatabaseId, DatabaseName, ObjectName, WriterId,
};
use duramen_store::{Creation, MemoryStore, WriteStore};

use super::random::Random;

/// What happens after some transactions were published.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    Nothing,
    /// The tail goes to a segment; so many transactions stay in the tail as well.
    Spill(usize),
    /// What is spilled becomes a run.
    Merge,
    /// Runs that are alike become one.
    Compact,
}

/// Some steps: how many transactions are published, and what happens then.
pub(crate) fn any_steps(random: &mut Random) -> Vec<(usize, Then)> {
    let count = random.below(12);
    let step = |_| {
        let then = match random.weighted(&[1, 4, 4, 2]) {
            0 => Then::Nothing,
            1 => Then::Spill(random.below(3)),
            2 => Then::Merge,
            _ => Then::Compact,
        };
        (random.below(3), then)
    };
    (0..count).map(step).collect()
}

struct Bucket {
    store: Arc<MemoryStore>,
    name: DatabaseName,
    root: OpenedRoot,
    seq: u64,
}

const ID: DatabaseId = DatabaseId([1; 16]);
const WRITER: WriterId = WriterId([0xaa; 16]);
/// So little that nodes come and go.
const CACHE_BYTES: u64 = 16 << 10;

fn options() -> NodeOptions {
    NodeOptions {
        leaf_records_max: 4,
        branch_children_max: 3,
        top_bytes_max: 200,
        ..NodeOptions::default()
    }
}

fn policy() -> MergePolicy {
    MergePolicy { runs_min: 3, small_records: 4, ..MergePolicy::default() }
}

/// The database that a reader opens once the records were published in these steps.
pub(crate) async fn stored(records: &[TxRecord], steps: &[(usize, Then)]) -> Db {
    let mut bucket = Bucket::create().await;
    let mut rest = records;
    let last = (records.len(), Then::Nothing);
    for &(count, then) in steps.iter().chain([&last]) {
        let (now, later) = rest.split_at(count.min(rest.len()));
        rest = later;
        bucket.transact(now).await;
        match then {
            Then::Nothing => {}
            Then::Spill(overlap) => bucket.spill(overlap).await,
            Then::Merge => bucket.merge().await,
            Then::Compact => bucket.compact().await,
        }
    }
    bucket.open().await.db().clone()
}

impl Bucket {
    async fn create() -> Self {
        let name = DatabaseName::new("cat").expect("a name");
        let mut bucket =
            Self { store: Arc::new(MemoryStore::new()), name, root: open(genesis()), seq: 0 };
        bucket.put_root().await;
        let claim = Claim::Created(ID).seal(&bucket.name, 0);
        bucket.put(&DatabaseFolder::new(&bucket.name).claim(0), claim).await;
        bucket.publish(|_| {}).await;
        bucket
    }

    async fn transact(&mut self, records: &[TxRecord]) {
        self.publish(|root| {
            for tx in records.iter().cloned().map(LoggedTx::encode) {
                root.t = tx.t();
                root.instant = tx.record().instant;
                root.next_ids = root.next_ids.after(tx.record());
                root.sum = root.sum.plus(&tx);
                root.tail.push(tx);
            }
        })
        .await;
    }

    async fn spill(&mut self, overlap: usize) {
        let name = self.next_name();
        let Some(sealed) = segment::seal(ID, name, &self.root.root.tail) else { return };
        let key = DatabaseFolder::new(&self.name).contents(ID).segment(name);
        self.put(&key, sealed.object).await;
        self.publish(|root| {
            root.segments.push(sealed.reference);
            root.tail = root.tail.split_off(root.tail.len().saturating_sub(overlap));
        })
        .await;
    }

    /// Flushes what is spilled, while the tail stays.
    async fn merge(&mut self) {
        let Some(last) = self.root.root.segments.iter().map(|s| s.t_last).max() else { return };
        let snapshot = self.open().await;
        let db = snapshot.db().rewind(last).expect("not merged yet");
        let plan = MergePlan::flush(&db, &policy(), &BTreeSet::new()).expect("something to flush");
        let sum = self.sum_up_to(&snapshot, last).await;
        let merged = self.run(&db, &plan, sum).await;
        self.name_checkpoint(&snapshot, &[merged]).await;
    }

    async fn compact(&mut self) {
        let snapshot = self.open().await;
        let Some(checkpoint) = snapshot.db().checkpoint().cloned() else { return };
        let mut merged = Vec::new();
        for plan in MergePlan::compactions(&checkpoint, &policy(), &BTreeSet::new()) {
            let sum = self.root.root.sum;
            merged.push(self.run(snapshot.db(), &plan, sum).await);
        }
        self.name_checkpoint(&snapshot, &merged).await;
    }

    async fn sum_up_to(&self, snapshot: &Snapshot, last: T) -> LogSum {
        let end = last.next().expect("few transactions");
        let records = snapshot.db().tx_range(T::GENESIS, end).await.expect("the log");
        let txs = records.iter().map(|record| LoggedTx::encode((**record).clone()));
        txs.fold(LogSum::default(), |sum, tx| sum.plus(&tx))
    }

    async fn run(&mut self, db: &Db, plan: &MergePlan, sum: LogSum) -> Arc<Merged> {
        let seq = self.next_name().seq;
        let options = options();
        let input = MergeInput {
            db,
            plan,
            segments: &self.root.root.segments,
            sum,
            writer: WRITER,
            list_seq: seq,
            first_pack_seq: seq * PACKS_PER_MERGE,
            options: &options,
        };
        Arc::new(merge(self.store.clone(), input).await.expect("a merge"))
    }

    async fn name_checkpoint(&mut self, snapshot: &Snapshot, merged: &[Arc<Merged>]) {
        let name = self.next_name();
        let options = CheckpointOptions { inlined_bytes_max: 2_000, log_entries_max: 2 };
        let made = write_checkpoint(self.store.clone(), snapshot.db(), merged, name, options).await;
        let Some(made) = made.expect("written") else { return };
        let last = made.checkpoint.t;
        self.publish(|root| {
            root.checkpoint = Some(made.reference);
            root.segments.retain(|segment| segment.t_last > last);
        })
        .await;
    }

    const fn next_name(&mut self) -> ObjectName {
        self.seq += 1;
        ObjectName { writer: WRITER, seq: self.seq }
    }

    async fn publish(&mut self, change: impl FnOnce(&mut Root)) {
        let mut root = self.root.root.clone();
        root.place = root.place.next();
        root.previous = Some(self.root.hash);
        change(&mut root);
        self.root = open(root);
        self.put_root().await;
    }

    async fn open(&self) -> Snapshot {
        let cache = NodeCache::new(CACHE_BYTES);
        let location = Location::new(self.store.clone(), self.name.clone(), cache);
        Snapshot::open(location).await.expect("a database")
    }

    async fn put_root(&self) {
        let contents = DatabaseFolder::new(&self.name).contents(ID);
        let key = contents.root(&BranchName::main(), self.root.root.place.n);
        self.put(&key, self.root.object.clone()).await;
    }

    async fn put(&self, key: &duramen_store::Key, object: bytes::Bytes) {
        let creation = self.store.create(key, object).await.expect("in memory");
        assert!(matches!(creation, Creation::Created), "{key}");
    }
}

fn genesis() -> Root {
    let genesis = LoggedTx::encode(TxRecord::genesis());
    Root {
        place: RootPlace { id: ID, branch: BranchName::main(), n: 0 },
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
    let object = root.seal().expect("a sound root");
    let key = DatabaseFolder::new(&DatabaseName::new("cat").expect("a name"))
        .contents(ID)
        .root(&BranchName::main(), root.place.n);
    Root::open(&root.place, &key, object).expect("what was sealed")
}
