//! Bytes in a bucket: key layout, reads, create-only writes, envelopes, verification.
//!
//! This crate knows names and bytes. It refuses to know what they mean: no datom, no tree, no
//! schema is named here.
//!
//! Reading order: [`key`] (what things are called), [`read`] and [`write`](mod@write) (what a
//! store must do), [`error`] (how it can fail).

pub mod error;
pub mod key;
pub mod read;
pub mod write;

pub use error::StoreError;
pub use key::Key;
pub use read::ReadStore;
pub use write::{Creation, WriteStore};
