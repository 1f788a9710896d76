//! A root that any bytes were added to is opened or refused.
#![no_main]

use bytes::Bytes;
use duramen_db::{Floor, LogSum, LoggedTx, NextIds, Root, RootPlace, TxRecord, Writer};
use duramen_model::{Instant, T};
use duramen_proto::stored;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{BranchName, DatabaseId, WriterId};
use libfuzzer_sys::fuzz_target;
use prost::Message;

/// The root that a database is created with.
fn genesis() -> Root {
    let genesis = LoggedTx::encode(TxRecord::genesis());
    Root {
        place: RootPlace { id: DatabaseId([0; 16]), branch: BranchName::main(), n: 0 },
        epoch: 0,
        nonce: [0; 16],
        previous: None,
        floor: Floor { n: 0, t: T::GENESIS },
        writer: Writer { id: WriterId([0; 16]), address: String::new(), released: false },
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

fuzz_target!(|input: (bool, &[u8])| {
    let (with_tail, added) = input;
    let root = genesis();
    let object = root.seal().expect("the root is right");
    let context = [&[0; 16][..], b"main/", &0_u64.to_be_bytes()].concat();
    let payload = envelope::open_bound(Kind::Root, &context, "root", object).expect("just sealed");
    let mut message = stored::Root::decode(payload.bytes).expect("just encoded");
    if !with_tail {
        message.tail.clear();
    }
    // Protobuf merges what is appended: single fields are replaced, lists go on.
    let bytes = [&message.encode_to_vec(), added].concat();
    let object = envelope::seal_bound(Kind::Root, &context, &bytes);
    if let Ok(opened) = Root::open(&root.place, "root", object) {
        let again = opened.root.seal().and_then(|object| Root::open(&root.place, "again", object));
        assert_eq!(again.as_ref().map(|again| &again.root).ok(), Some(&opened.root));
    }
    let _ = Root::open(&root.place, "raw", Bytes::copy_from_slice(added));
});
