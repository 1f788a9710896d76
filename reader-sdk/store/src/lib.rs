//! Bytes in a bucket: key layout, reads, create-only writes, envelopes, verification.
//!
//! This crate knows names and bytes. It refuses to know what they mean: no datom, no tree, no
//! schema is named here.
//!
//! Reading order: [`key`] (what things are called), [`read`] and [`write`](mod@write) (what a
//! store must do), [`error`] (how it can fail), [`layout`] (which names there are), [`envelope`] (what
//! every object looks like), [`memory`] (the simplest store).

pub mod envelope;
pub mod error;
pub mod key;
pub mod layout;
pub mod memory;
pub mod read;
pub mod write;

pub use error::StoreError;
pub use key::Key;
pub use memory::MemoryStore;
pub use read::ReadStore;
pub use write::{Creation, WriteStore};
