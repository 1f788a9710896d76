//! Bytes in a bucket: key layout, reads, create-only writes, envelopes, verification.
//!
//! This crate knows names and bytes. It refuses to know what they mean: no datom, no tree, no
//! schema is named here.
//!
//! Reading order: [`key`] (what things are called), [`read`] and [`write`](mod@write) (what a
//! store must do), [`error`] (how it can fail), [`layout`] (which names there are), [`envelope`] (what
//! every object looks like), [`compression`], [`verified`] (reads that are checked), [`memory`] and `file` (simple
//! stores), `cloud` (buckets), [`within`], [`observed`], [`faulty`] and `delayed` (stores around
//! stores), [`place`] and [`stores`] (opening by URL), [`probe`] (is a store fit to be written to),
//! [`raw_cache`] and `folder_cache` (what was read, kept nearer by).

#[cfg(not(target_arch = "wasm32"))]
mod cloud;
pub mod compression;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(not(target_arch = "wasm32"))]
pub mod delayed;
pub mod envelope;
pub mod error;
pub mod faulty;
#[cfg(not(target_arch = "wasm32"))]
pub mod file;
#[cfg(not(target_arch = "wasm32"))]
pub mod folder_cache;
pub mod key;
pub mod layout;
pub mod memory;
pub mod observed;
pub mod place;
pub mod probe;
pub mod raw_cache;
pub mod read;
pub mod stores;
pub mod verified;
pub mod within;
pub mod write;

#[cfg(not(target_arch = "wasm32"))]
pub use cloud::recognized_option;
#[cfg(not(target_arch = "wasm32"))]
pub use delayed::{Delayed, Latency};
pub use error::StoreError;
pub use faulty::Faulty;
#[cfg(not(target_arch = "wasm32"))]
pub use file::FileStore;
#[cfg(not(target_arch = "wasm32"))]
pub use folder_cache::FolderCache;
pub use key::Key;
pub use memory::MemoryStore;
pub use observed::Observed;
pub use place::{DatabaseUrl, Place};
pub use raw_cache::RawCache;
pub use read::ReadStore;
pub use stores::{Stores, StoresBuilder};
pub use within::Within;
pub use write::{Creation, WriteStore};
