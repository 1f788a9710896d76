//! Any text is resolved or refused as a transaction; what is resolved can be logged and applied.
#![no_main]

use std::sync::LazyLock;

use duramen_db::resolve::TxData;
use duramen_db::{Db, TxRecord};
use duramen_model::Instant;
use duramen_model::edn::read;
use libfuzzer_sys::fuzz_target;

#[path = "../small/mod.rs"]
mod small;

static DB: LazyLock<Db> = LazyLock::new(small::database);

fuzz_target!(|text: &str| {
    let Ok(form) = read(text) else { return };
    let Ok(data) = TxData::from_form(&form) else { return };
    let now = Instant::from_millis(1_700_000_000_000);
    let Ok((db, resolved)) = futures_executor::block_on(DB.with(&data, now)) else { return };
    assert_eq!(Some(db.basis_t()), DB.basis_t().next());
    let logged = TxRecord::decode("log", resolved.record.encode());
    assert_eq!(logged.as_ref().ok(), Some(&resolved.record));
});
