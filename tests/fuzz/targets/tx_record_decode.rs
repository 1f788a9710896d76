//! Any bytes are decoded or refused as a record of the log.
#![no_main]

use bytes::Bytes;
use duramen_db::TxRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = TxRecord::decode("fuzz", Bytes::copy_from_slice(bytes)) else { return };
    let again = TxRecord::decode("again", record.encode());
    assert_eq!(again.as_ref().ok(), Some(&record));
});
