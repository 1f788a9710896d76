//! A pack list that any bytes were added to is opened or refused.
#![no_main]

use duramen_db::{PackList, RunPacksRef};
use duramen_proto::stored;
use duramen_store::Key;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseId, ObjectName, WriterId};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|added: &[u8]| {
    let id = DatabaseId([0; 16]);
    let name = ObjectName { writer: WriterId([0; 16]), seq: 0 };
    let pack = stored::PackUse { pack: name.to_string(), bytes: 500, live_bytes: 400 };
    let run = stored::RunPacks { packs: vec![pack] };
    let message = stored::PackList { database_id: vec![0; 16].into(), runs: vec![run] };
    let object = envelope::seal(Kind::PackList, &[&message.encode_to_vec(), added].concat());
    let hash = envelope::hash_of(&object).expect("it has a frame");
    let bytes = object.len() as u64;
    let reference = RunPacksRef { name, bytes, hash, place: 0, live_bytes: 0, idle_bytes: 0 };
    let key = Key::new("pack list");
    let Ok(list) = PackList::open(id, &reference, &key, object) else { return };
    let (reference, object) = list.seal(name).expect("it was accepted");
    assert_eq!(PackList::open(id, &reference, &key, object).ok(), Some(list));
});
