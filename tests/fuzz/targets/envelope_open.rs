//! Any bytes are opened or refused as an object, also with a header that fits them.
#![no_main]

use bytes::Bytes;
use duramen_store::envelope::{self, Header, Kind};
use libfuzzer_sys::fuzz_target;

const KINDS: [Kind; 8] = [
    Kind::Claim,
    Kind::Root,
    Kind::Checkpoint,
    Kind::Pack,
    Kind::Segment,
    Kind::Head,
    Kind::PackList,
    Kind::LogIndex,
];

fuzz_target!(|input: (u8, [u8; 4], u64, u64, &[u8])| {
    let (choice, [version, format, compression, encryption], features, plain, payload) = input;
    let kind = KINDS[usize::from(choice) % KINDS.len()];
    let _ = envelope::open(kind, "raw", Bytes::copy_from_slice(payload));
    let header = Header {
        envelope_version: version,
        version: u16::from(format),
        compression,
        encryption,
        read_features: features >> 32,
        write_features: features & 0xff,
        plain_bytes: if compression == 0 { payload.len() as u64 } else { plain },
        ..Header::new(kind, payload.len())
    };
    let sealed = header.seal(b"context", payload);
    if let Ok(opened) = envelope::open_bound(kind, b"context", "sealed", sealed.clone()) {
        match compression {
            0 => assert_eq!(opened.bytes, payload),
            _ => assert_eq!(opened.bytes.len() as u64, plain),
        }
        assert!(envelope::open_bound(kind, b"another", "sealed", sealed).is_err());
    }
});
