//! A writer for tests: publishes every transaction in a root of its own.
#![allow(dead_code, reason = "every test uses a part of it")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use duramen::{Db, Instant, Stores, T, TxData, edn};
use duramen_db::{
    CheckpointOptions, Claim, Floor, Location, LogSum, LoggedTx, MergeInput, MergePlan,
    MergePolicy, NextIds, OpenedRoot, Root, RootPlace, Snapshot, TxRecord, Writer, head, merge,
    segment, write_checkpoint,
};
use duramen_index::{NodeCache, NodeOptions};
use duramen_store::layout::{
    BranchName, DatabaseFolder, DatabaseId, DatabaseName, ObjectName, WriterId,
};
use duramen_store::{Creation, Key, ReadStore, WriteStore};

/// The only writer of a database.
pub(crate) struct Publisher {
    store: Arc<dyn WriteStore>,
    name: DatabaseName,
    newest: OpenedRoot,
    db: Db,
}

/// Stores that a test has to itself.
pub(crate) fn stores() -> Stores {
    Stores::default()
}

impl Publisher {
    /// Creates a database.
    pub(crate) async fn create(stores: &Stores, place: &str, name: &str) -> Self {
        let store = stores.open(place).expect("a place");
        let name = DatabaseName::new(name).expect("a name");
        let id = some_id(place, &name);
        let genesis = LoggedTx::encode(TxRecord::genesis());
        let root = Root {
            place: RootPlace { id, branch: BranchName::main(), n: 0 },
            epoch: 0,
            nonce: [0; 16],
            previous: None,
            floor: Floor { n: 0, t: T::GENESIS },
            writer: Writer { id: WriterId([1; 16]), address: String::new(), released: false },
            t: T::GENESIS,
            instant: Instant::from_millis(0),
            next_ids: NextIds::FIRST,
            checkpoint: None,
            segments: Vec::new(),
            sum: LogSum::default().plus(&genesis),
            tail: vec![genesis],
            dropped: false,
            requests: None,
        };
        create(&*store, &DatabaseFolder::new(&name).claim(0), Claim::Created(id).seal(&name, 0))
            .await;
        let newest = publish(&*store, &name, &root).await;
        Self { store, name, newest, db: Db::genesis() }
    }

    /// Publishes a transaction.
    pub(crate) async fn transact(&mut self, text: &str) {
        let root = self.next(text).await;
        self.newest = publish(&*self.store, &self.name, &root).await;
    }

    /// Publishes a transaction with one byte changed; returns the name of the object.
    pub(crate) async fn publish_damaged(&mut self, text: &str) -> Key {
        let root = self.next(text).await;
        let mut bytes = root.seal().expect("a sound root").to_vec();
        *bytes.last_mut().expect("bytes") ^= 1;
        let key = key(&self.name, &root.place);
        create(&*self.store, &key, bytes.into()).await;
        key
    }

    /// Drops the database.
    pub(crate) async fn drop_database(&mut self) {
        let root = Root {
            place: self.newest.root.place.next(),
            previous: Some(self.newest.hash),
            dropped: true,
            ..self.newest.root.clone()
        };
        self.newest = publish(&*self.store, &self.name, &root).await;
        let claim = Claim::Dropped(root.place.id).seal(&self.name, 1);
        create(&*self.store, &DatabaseFolder::new(&self.name).claim(1), claim).await;
    }

    /// Merges everything into trees of small nodes, and publishes that.
    pub(crate) async fn merge(&mut self, options: &NodeOptions) {
        let root = &self.newest.root;
        let name = ObjectName { writer: root.writer.id, seq: 0 };
        let segment = segment::seal(root.place.id, name, &root.tail).expect("transactions");
        let contents = DatabaseFolder::new(&self.name).contents(root.place.id);
        self.store.put(&contents.segment(name), segment.object).await.expect("written");
        let read = Arc::clone(&self.store) as Arc<dyn ReadStore>;
        let location = Location::new(read, self.name.clone(), NodeCache::new(1 << 20));
        let snapshot = Snapshot::open(location).await.expect("a snapshot");
        let plan = MergePlan::flush(snapshot.db(), &MergePolicy::default(), &BTreeSet::new());
        let input = MergeInput {
            db: snapshot.db(),
            plan: &plan.expect("a plan"),
            segments: &[segment.reference],
            sum: root.sum,
            writer: root.writer.id,
            list_seq: 0,
            first_pack_seq: 0,
            options,
        };
        let store = &self.store;
        let merged = [Arc::new(merge(Arc::clone(store), input).await.expect("a merge"))];
        let inlined_bytes_max = options.top_bytes_max as u64;
        let kept = CheckpointOptions { inlined_bytes_max, ..CheckpointOptions::default() };
        let made = write_checkpoint(Arc::clone(store), snapshot.db(), &merged, name, kept).await;
        let made = made.expect("written").expect("a checkpoint");
        let root = Root {
            place: root.place.next(),
            previous: Some(self.newest.hash),
            checkpoint: Some(made.reference),
            segments: Vec::new(),
            tail: Vec::new(),
            ..root.clone()
        };
        self.newest = publish(&*self.store, &self.name, &root).await;
    }

    /// Changes one byte of every pack, beyond its envelope.
    pub(crate) async fn damage_packs(&self) {
        let contents = DatabaseFolder::new(&self.name).contents(self.newest.root.place.id);
        for key in self.store.list(&contents.packs(), usize::MAX).await.expect("a listing") {
            let mut bytes =
                self.store.get(&key).await.expect("an answer").expect("a pack").to_vec();
            bytes.iter_mut().skip(200).step_by(10).for_each(|byte| *byte ^= 0x20);
            self.store.put(&key, bytes.into()).await.expect("written");
        }
    }

    async fn next(&mut self, text: &str) -> Root {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        let (db, resolved) =
            self.db.with(&data, Instant::from_millis(0)).await.expect("a transaction");
        self.db = db;
        let tx = LoggedTx::encode(resolved.record);
        let before = &self.newest.root;
        let mut tail = before.tail.clone();
        tail.push(tx.clone());
        Root {
            place: before.place.next(),
            previous: Some(self.newest.hash),
            t: tx.t(),
            instant: tx.record().instant,
            next_ids: resolved.next,
            sum: before.sum.plus(&tx),
            tail,
            ..before.clone()
        }
    }
}

fn some_id(place: &str, name: &DatabaseName) -> DatabaseId {
    // Any bytes that differ between the databases of a test.
    let mut id = [0_u8; 16];
    for (at, byte) in format!("{place}/{name}").bytes().enumerate() {
        id[at % 16] = byte.wrapping_add(id[at % 16].rotate_left(3));
    }
    DatabaseId(id)
}

fn key(name: &DatabaseName, place: &RootPlace) -> Key {
    DatabaseFolder::new(name).contents(place.id).root(&place.branch, place.n)
}

async fn publish(store: &dyn WriteStore, name: &DatabaseName, root: &Root) -> OpenedRoot {
    let (key, bytes) = (key(name, &root.place), root.seal().expect("a sound root"));
    create(store, &key, bytes.clone()).await;
    let root = Root::open(&root.place, &key, bytes).expect("what was sealed");
    let hint = DatabaseFolder::new(name).head(&root.root.place.branch);
    store.put(&hint, head::seal(&root)).await.expect("written");
    root
}

async fn create(store: &dyn WriteStore, key: &Key, bytes: Bytes) {
    let creation = store.create(key, bytes).await.expect("an answer");
    assert!(matches!(creation, Creation::Created), "{key}: {creation:?}");
}
