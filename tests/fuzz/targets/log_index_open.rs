//! A log index that any bytes were added to is opened or refused.
#![no_main]

use duramen_db::{LogIndex, LogIndexRef};
use duramen_model::T;
use duramen_proto::stored;
use duramen_store::Key;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseId, ObjectName, WriterId};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|input: (bool, u8, u8, &[u8])| {
    let (deep, level, last, added) = input;
    let id = DatabaseId([0; 16]);
    let name = ObjectName { writer: WriterId([0; 16]), seq: 0 };
    let (t_last, hash) = (u64::from(last), vec![0; 32]);
    let segment = stored::SegmentRef {
        name: name.to_string(),
        t_first: 0,
        t_last,
        bytes: 1,
        hash: hash.clone().into(),
    };
    let index = stored::LogIndexRef {
        name: name.to_string(),
        level: u32::from(level.saturating_sub(1)),
        t_first: 0,
        t_last,
        bytes: 1,
        hash: hash.into(),
    };
    let message = stored::LogIndex {
        database_id: vec![0; 16].into(),
        t_first: 0,
        t_last,
        segments: if deep { Vec::new() } else { vec![segment] },
        indexes: if deep { vec![index] } else { Vec::new() },
    };
    let payload = [&message.encode_to_vec(), added].concat();
    let object = envelope::seal_compressed(Kind::LogIndex, &payload);
    let reference = LogIndexRef {
        name,
        level: if deep { level } else { 0 },
        t_first: T::GENESIS,
        t_last: T::new(t_last).unwrap_or(T::MAX),
        bytes: object.len() as u64,
        hash: envelope::hash_of(&object).expect("it has a frame"),
    };
    let key = Key::new("log index");
    let Ok(opened) = LogIndex::open(id, &reference, &key, object) else { return };
    let sealed = opened.seal(id, name).expect("it was accepted");
    let again = LogIndex::open(id, &sealed.reference, &key, sealed.object);
    assert_eq!(again.ok(), Some(opened));
});
