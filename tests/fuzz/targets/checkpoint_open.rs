//! A checkpoint that any bytes were added to is opened or refused.
#![no_main]

use duramen_db::{Checkpoint, CheckpointRef};
use duramen_model::T;
use duramen_proto::stored;
use duramen_store::Key;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseId, ObjectName, WriterId};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|added: &[u8]| {
    let id = DatabaseId([0; 16]);
    let name = ObjectName { writer: WriterId([0; 16]), seq: 0 };
    let segment = stored::SegmentRef {
        name: name.to_string(),
        t_first: 0,
        t_last: 0,
        bytes: 1,
        hash: vec![0; 32].into(),
    };
    let message = stored::Checkpoint {
        database_id: vec![0; 16].into(),
        sum: vec![0; 32].into(),
        log: vec![segment],
        ..stored::Checkpoint::default()
    };
    let object = envelope::seal(Kind::Checkpoint, &[&message.encode_to_vec(), added].concat());
    let hash = envelope::hash_of(&object).expect("it has a frame");
    let reference = CheckpointRef { name, t: T::GENESIS, bytes: object.len() as u64, hash };
    let key = Key::new("checkpoint");
    let Ok(checkpoint) = Checkpoint::open(id, &reference, &key, object) else { return };
    let sealed = checkpoint.clone().seal(name).expect("it was accepted");
    let again = Checkpoint::open(id, &sealed.reference, &key, sealed.object);
    assert_eq!(again.ok(), Some(checkpoint));
});
