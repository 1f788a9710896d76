//! A segment that any bytes were added to is opened or refused.
#![no_main]

use duramen_db::{LoggedTx, SegmentRef, TxRecord, segment};
use duramen_model::T;
use duramen_proto::stored;
use duramen_store::Key;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseId, ObjectName, WriterId};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|input: (u8, &[u8])| {
    let (last, added) = input;
    let id = DatabaseId([0; 16]);
    let message = stored::Segment {
        database_id: vec![0; 16].into(),
        t_first: 0,
        t_last: u64::from(last),
        records: vec![LoggedTx::encode(TxRecord::genesis()).bytes().clone()],
    };
    let object = envelope::seal(Kind::Segment, &[&message.encode_to_vec(), added].concat());
    let reference = SegmentRef {
        name: ObjectName { writer: WriterId([0; 16]), seq: 0 },
        t_first: T::GENESIS,
        t_last: T::new(u64::from(last)).unwrap_or(T::MAX),
        bytes: object.len() as u64,
        hash: envelope::hash_of(&object).expect("it has a frame"),
    };
    if let Ok(txs) = segment::open(id, &reference, &Key::new("segment"), object) {
        assert_eq!(txs.len(), usize::from(last) + 1);
    }
});
