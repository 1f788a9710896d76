//! Test support: one object of every kind, and ways to spoil it.

use bytes::Bytes;
use duramen_index::{Layer, NodeHash, Pointer, Tree};
use duramen_model::{Instant, Order, T, builtin};
use duramen_store::envelope::ContentHash;
use duramen_store::layout::{BranchName, DatabaseId, ObjectName, WriterId};
use proptest::prelude::*;

use crate::{
    Change, Checkpoint, CheckpointRef, CheckpointRun, Floor, LogSum, LoggedTx, NextIds, PackList,
    PackUse, RequestWindow, Root, RootPlace, RunPacksRef, SegmentRef, TxRecord, Writer,
};

pub(crate) const ID: DatabaseId = DatabaseId([0xd0; 16]);

fn t(number: u64) -> T {
    T::new(number).unwrap()
}

pub(crate) fn name(seq: u64) -> ObjectName {
    ObjectName { writer: WriterId([0xee; 16]), seq }
}

/// A transaction that says nothing but when it was.
pub(crate) fn tx(number: u64) -> LoggedTx {
    let t = t(number);
    let instant = Instant::from_millis(1_000 * number as i64);
    let changes = vec![Change::assert(t.entity(), builtin::TX_INSTANT, instant, t)];
    LoggedTx::encode(TxRecord { t, instant, changes, ..TxRecord::genesis() })
}

/// Root 0, as a database is created.
pub(crate) fn genesis_root() -> Root {
    let genesis = LoggedTx::encode(TxRecord::genesis());
    Root {
        place: RootPlace { id: ID, branch: BranchName::main(), n: 0 },
        epoch: 0,
        nonce: [7; 16],
        previous: None,
        floor: Floor { n: 0, t: T::GENESIS },
        writer: Writer { id: name(0).writer, address: String::new(), released: true },
        t: T::GENESIS,
        instant: Instant::from_millis(0),
        next_ids: NextIds::FIRST,
        checkpoint: None,
        segments: Vec::new(),
        sum: LogSum::default().plus(&genesis),
        tail: vec![genesis],
        dropped: false,
        requests: None,
    }
}

/// A root that has everything: merged up to 2, segments up to 4, tail up to 6.
pub(crate) fn root() -> Root {
    let hash = ContentHash([3; 32]);
    Root {
        place: RootPlace { n: 12, ..genesis_root().place },
        epoch: 2,
        previous: Some(ContentHash([4; 32])),
        floor: Floor { n: 8, t: t(1) },
        writer: Writer { address: "http://writer:7000".to_owned(), ..genesis_root().writer },
        t: t(6),
        instant: Instant::from_millis(6_000),
        next_ids: NextIds { attribute: 1030, user: 99 },
        checkpoint: Some(CheckpointRef { name: name(9), t: t(2), bytes: 1234, hash }),
        segments: vec![
            SegmentRef { name: name(2), t_first: t(1), t_last: t(3), bytes: 500, hash },
            SegmentRef { name: name(3), t_first: t(4), t_last: t(4), bytes: 400, hash },
        ],
        tail: vec![tx(5), tx(6)],
        requests: Some(RequestWindow { since: t(1), horizon: Some(Instant::from_millis(5)) }),
        ..genesis_root()
    }
}

/// A checkpoint that has everything, up to 2.
pub(crate) fn checkpoint() -> Checkpoint {
    let hash = ContentHash([3; 32]);
    Checkpoint {
        id: ID,
        t: t(2),
        instant: Instant::from_millis(2_000),
        sum: LogSum([9; 32]),
        runs: vec![
            run(Order::Eavt, Layer::Current),
            run(Order::Eavt, Layer::Current),
            run(Order::Avet, Layer::History),
        ],
        schema: builtin::datoms(),
        avet_attributes: [builtin::IDENT, builtin::TX_INSTANT].into(),
        log_indexes: Vec::new(),
        log: vec![
            SegmentRef { name: name(1), t_first: t(0), t_last: t(1), bytes: 300, hash },
            SegmentRef { name: name(2), t_first: t(1), t_last: t(3), bytes: 500, hash },
        ],
        inlined: vec![Bytes::from_static(b"a node"), Bytes::from_static(b"another")],
        values: vec![run(Order::Avet, Layer::Current)],
    }
}

fn run(order: Order, layer: Layer) -> CheckpointRun {
    let top = Pointer {
        pack: name(4).to_string(),
        offset: 80,
        length: 4096,
        hash: NodeHash::from_bytes([5; 32]),
        records: 70,
        net: 60,
        t_min: t(0),
        t_max: t(2),
    };
    let top_bytes = (layer == Layer::Current).then(|| Bytes::from_static(b"a node"));
    let records = top.records;
    let (t_min, t_max) = (top.t_min, top.t_max);
    let tree = Tree { order, layer, top, top_bytes, height: 1, records, net: 60, t_min, t_max };
    let packs = RunPacksRef {
        name: name(5),
        bytes: 700,
        hash: ContentHash([6; 32]),
        place: 1,
        live_bytes: 4_000,
        idle_bytes: 100,
    };
    CheckpointRun { tree, packs: Some(packs).filter(|_| layer == Layer::History) }
}

/// The packs of two runs.
pub(crate) fn pack_list() -> PackList {
    let pack = |seq, live_bytes| PackUse { name: name(seq), bytes: 5_000, live_bytes };
    PackList { id: ID, runs: vec![vec![pack(3, 4_920), pack(4, 1)], vec![pack(4, 4_000)]] }
}

/// Bytes to overwrite, and where.
pub(crate) fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

pub(crate) fn mutate(mut bytes: Vec<u8>, flips: Vec<(prop::sample::Index, u8)>) -> Bytes {
    for (place, byte) in flips {
        let place = place.index(bytes.len());
        bytes[place] = byte;
    }
    bytes.into()
}
