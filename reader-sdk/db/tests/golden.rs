//! A database written today opens for ever: these objects were written once and are only read.
//!
//! Where a file is missing it is written, and the test fails so that it is looked at and
//! committed. A file that exists is never written again.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use duramen_db::{
    Change, Checkpoint, CheckpointRef, CheckpointRun, Claim, Floor, LogIndex, LogIndexRef, LogSum,
    LoggedTx, NextIds, OpenedRoot, PackList, PackUse, RequestWindow, Root, RootPlace, RunPacksRef,
    SegmentRef, TxRecord, Writer, head, segment,
};
use duramen_index::{Layer, NodeHash, Pointer, Tree};
use duramen_model::{
    AttributeId, Datom, EntityId, Instant, Keyword, Order, Symbol, T, Value, builtin,
};
use duramen_store::Key;
use duramen_store::envelope::{self, ContentHash};
use duramen_store::layout::{BranchName, DatabaseId, DatabaseName, ObjectName, WriterId};
use uuid::Uuid;

const ID: DatabaseId = DatabaseId([0xd0; 16]);
const WRITER: WriterId = WriterId([0xee; 16]);

fn t(number: u64) -> T {
    T::new(number).unwrap()
}

fn name(seq: u64) -> ObjectName {
    ObjectName { writer: WRITER, seq }
}

/// The bytes that were committed; `fresh` are what today's software writes.
fn golden(file: &str, fresh: &Bytes) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    match fs::read(&path) {
        Ok(bytes) => bytes.into(),
        Err(_) => {
            fs::write(&path, fresh).unwrap();
            panic!("{} was missing and has been written: look at it and commit it", path.display());
        }
    }
}

/// One value of every type.
fn values() -> Vec<Value> {
    vec![
        Value::Boolean(true),
        Value::Long(-5),
        Value::Double(2.5),
        Value::Float(-0.0),
        Value::BigInt(Arc::new("123456789012345678901234567890".parse().unwrap())),
        Value::BigDec(Arc::new("-12.500".parse().unwrap())),
        Value::string("größer"),
        Value::Keyword(Keyword::new("person/name")),
        Value::Symbol(Symbol::new("?e")),
        Value::Instant(Instant::from_millis(-1)),
        Value::Uuid(Uuid::from_u128(7)),
        Value::Uri(Arc::from("https://example.org/")),
        Value::Bytes(Arc::from([0, 255])),
        Value::Ref(EntityId::MAX),
        Value::Tuple(Arc::from([Some(Value::Long(1)), None, Some(Value::Tuple(Arc::from([])))])),
    ]
}

fn hash() -> ContentHash {
    ContentHash([3; 32])
}

fn segment_ref(seq: u64, t_first: u64, t_last: u64) -> SegmentRef {
    SegmentRef { name: name(seq), t_first: t(t_first), t_last: t(t_last), bytes: 500, hash: hash() }
}

/// A transaction that says nothing but when it was.
fn empty_record() -> TxRecord {
    let (t, instant) = (t(2), Instant::from_millis(1_700_000_000_124));
    let changes = vec![Change::assert(t.entity(), builtin::TX_INSTANT, instant, t)];
    let (digest, tempids) = ([0; 32], BTreeMap::new());
    TxRecord { t, instant, request_id: None, digest, tempids, changes }
}

fn record() -> TxRecord {
    let (t, e) = (t(1), EntityId::user(3).unwrap());
    let instant = Instant::from_millis(1_700_000_000_123);
    let a = |n: u64| AttributeId::from(EntityId::new(1024 + n).unwrap());
    let facts = values().into_iter().zip(0..).map(|(v, n)| Change::assert(e, a(n), v, t));
    let closing = Change::retract(builtin::DOC.entity(), builtin::DOC, "old", t, T::GENESIS);
    let own = Change::assert(t.entity(), builtin::TX_INSTANT, instant, t);
    TxRecord {
        t,
        instant,
        request_id: Some(Uuid::from_u128(0x018b_cfe5_6800_7000_8000_0000_0000_0001)),
        digest: [9; 32],
        tempids: BTreeMap::from([("a".to_owned(), e), ("b".to_owned(), e)]),
        changes: facts.chain([closing, own]).collect(),
    }
}

fn log() -> [LoggedTx; 2] {
    [record(), empty_record()].map(LoggedTx::encode)
}

#[test]
fn transactions() {
    let [tx, empty] = log();
    assert_eq!(TxRecord::decode("tx", golden("tx-v1", tx.bytes())).unwrap(), record());
    let empty = golden("tx-empty-v1", empty.bytes());
    assert_eq!(TxRecord::decode("empty", empty).unwrap(), empty_record());
}

#[test]
fn segments() {
    let sealed = segment::seal(ID, name(1), &log()).unwrap();
    let object = golden("segment-v1", &sealed.object);
    let hash = envelope::hash_of(&object).unwrap();
    let bytes = object.len() as u64;
    let reference = SegmentRef { hash, bytes, ..sealed.reference };
    let opened = segment::open(ID, &reference, &Key::new("segment"), object).unwrap();
    assert!(opened.iter().map(LoggedTx::record).eq(log().iter().map(LoggedTx::record)));
}

#[test]
fn compressed_segments() {
    let number = |number: u64| {
        let (t, instant) = (t(number), Instant::from_millis(1_700_000_000_000));
        let changes = vec![Change::assert(t.entity(), builtin::TX_INSTANT, instant, t)];
        LoggedTx::encode(TxRecord { t, instant, changes, ..empty_record() })
    };
    let txs: Vec<LoggedTx> = (2..22).map(number).collect();
    let sealed = segment::seal(ID, name(1), &txs).unwrap();
    for (file, bytes_max) in [("segment-lz4-v1", 500), ("segment-deflate-v1", 400)] {
        let object = golden(file, &sealed.object);
        let (bytes, hash) = (object.len() as u64, envelope::hash_of(&object).unwrap());
        assert!(bytes < bytes_max, "{file}: {bytes}");
        let reference = SegmentRef { hash, bytes, ..sealed.reference };
        assert_eq!(segment::open(ID, &reference, &Key::new(file), object).unwrap(), txs);
    }
}

fn log_index_ref(seq: u64, t_first: u64, t_last: u64) -> LogIndexRef {
    let (t_first, t_last) = (t(t_first), t(t_last));
    LogIndexRef { name: name(seq), level: 0, t_first, t_last, bytes: 900, hash: hash() }
}

#[test]
fn log_indexes() {
    let segments = LogIndex::Segments(vec![segment_ref(1, 0, 3), segment_ref(2, 3, 9)]);
    let indexes = LogIndex::Indexes(vec![log_index_ref(3, 0, 9), log_index_ref(4, 10, 12)]);
    for (file, index) in [("log-index-v1", segments), ("log-index-deep-v1", indexes)] {
        let sealed = index.seal(ID, name(5)).unwrap();
        let object = golden(file, &sealed.object);
        let (bytes, hash) = (object.len() as u64, envelope::hash_of(&object).unwrap());
        let reference = LogIndexRef { bytes, hash, ..sealed.reference };
        let opened = LogIndex::open(ID, &reference, &Key::new(file), object).unwrap();
        assert_eq!(opened, index);
    }
}

fn checkpoint() -> Checkpoint {
    let top = Pointer {
        pack: name(4).to_string(),
        offset: 80,
        length: 4096,
        hash: NodeHash::from_bytes([5; 32]),
        records: 70,
        net: 60,
        t_min: t(0),
        t_max: t(1),
    };
    let tree = |order, layer, top_bytes| {
        let top = top.clone();
        let tree = Tree {
            order,
            layer,
            top,
            top_bytes,
            height: 1,
            records: 70,
            net: 60,
            t_min: t(0),
            t_max: t(1),
        };
        CheckpointRun { tree, packs: None }
    };
    Checkpoint {
        id: ID,
        t: t(1),
        instant: record().instant,
        sum: LogSum([9; 32]),
        runs: vec![
            tree(Order::Eavt, Layer::Current, Some(Bytes::from_static(b"a node"))),
            tree(Order::Vaet, Layer::History, None),
        ],
        schema: vec![
            Datom {
                e: builtin::DOC.entity(),
                a: builtin::DOC,
                v: "doc".into(),
                t: t(0),
                added: true,
            },
            Datom {
                e: builtin::DOC.entity(),
                a: builtin::DOC,
                v: "doc".into(),
                t: t(1),
                added: false,
            },
        ],
        avet_attributes: [builtin::IDENT, builtin::TX_INSTANT].into(),
        log_indexes: Vec::new(),
        log: vec![segment_ref(1, 0, 0), segment_ref(2, 1, 3)],
        inlined: Vec::new(),
        values: Vec::new(),
    }
}

#[test]
fn checkpoints() {
    let sealed = checkpoint().seal(name(2)).unwrap();
    let object = golden("checkpoint-v1", &sealed.object);
    let hash = envelope::hash_of(&object).unwrap();
    let bytes = object.len() as u64;
    let reference = CheckpointRef { hash, bytes, ..sealed.reference };
    let opened = Checkpoint::open(ID, &reference, &Key::new("checkpoint"), object).unwrap();
    assert_eq!(opened, checkpoint());
}

#[test]
fn checkpoints_with_log_indexes() {
    let log = vec![segment_ref(2, 1, 3)];
    let log_indexes = vec![log_index_ref(3, 0, 0)];
    let checkpoint = Checkpoint { log_indexes, log, ..checkpoint() };
    let sealed = checkpoint.clone().seal(name(2)).unwrap();
    let object = golden("checkpoint-log-indexes-v1", &sealed.object);
    let (bytes, hash) = (object.len() as u64, envelope::hash_of(&object).unwrap());
    let reference = CheckpointRef { hash, bytes, ..sealed.reference };
    let opened = Checkpoint::open(ID, &reference, &Key::new("checkpoint"), object).unwrap();
    assert_eq!(opened, checkpoint);
}

fn pack_list() -> PackList {
    let pack = |seq, live_bytes| PackUse { name: name(seq), bytes: 5_000, live_bytes };
    PackList { id: ID, runs: vec![vec![pack(3, 4_920), pack(4, 1)], vec![pack(4, 4_000)]] }
}

#[test]
fn pack_lists() {
    let (reference, object) = pack_list().seal(name(6)).unwrap();
    let object = golden("pack-list-v1", &object);
    let (bytes, hash) = (object.len() as u64, envelope::hash_of(&object).unwrap());
    let reference = RunPacksRef { bytes, hash, ..reference };
    let opened = PackList::open(ID, &reference, &Key::new("pack list"), object).unwrap();
    assert_eq!(opened, pack_list());
}

fn root() -> Root {
    Root {
        place: RootPlace { id: ID, branch: BranchName::main(), n: 12 },
        epoch: 2,
        nonce: [7; 16],
        previous: Some(ContentHash([4; 32])),
        floor: Floor { n: 8, t: t(0) },
        writer: Writer { id: WRITER, address: "http://writer:7000".to_owned(), released: true },
        t: t(2),
        instant: empty_record().instant,
        next_ids: NextIds { attribute: 1039, user: 4 },
        checkpoint: Some(CheckpointRef { name: name(2), t: t(0), bytes: 1234, hash: hash() }),
        segments: vec![segment_ref(2, 0, 1)],
        sum: LogSum([9; 32]),
        tail: log()[1..].to_vec(),
        dropped: false,
        requests: Some(RequestWindow { since: t(1), horizon: Some(Instant::from_millis(5)) }),
    }
}

fn opened() -> OpenedRoot {
    let object = golden("root-v1", &root().seal().unwrap());
    Root::open(&root().place, "root", object).unwrap()
}

#[test]
fn roots() {
    assert_eq!(opened().root, root());
}

#[test]
fn compressed_roots() {
    let root =
        Root { writer: Writer { address: "http://w".repeat(80), ..root().writer }, ..root() };
    let object = golden("root-lz4-v1", &root.seal().unwrap());
    assert!(object.len() < 800, "{}", object.len());
    assert_eq!(Root::open(&root.place, "root", object).unwrap().root, root);
}

#[test]
fn hints() {
    let object = golden("head-v1", &head::seal(&opened()));
    assert_eq!(head::open(&BranchName::main(), &Key::new("head"), object).unwrap(), opened());
}

#[test]
fn claims() {
    let cat = DatabaseName::new("cat").unwrap();
    for (file, claim) in [("created-v1", Claim::Created(ID)), ("dropped-v1", Claim::Dropped(ID))] {
        let object = golden(file, &claim.seal(&cat, 3));
        assert_eq!(Claim::open(&cat, 3, object).unwrap(), claim);
    }
}
