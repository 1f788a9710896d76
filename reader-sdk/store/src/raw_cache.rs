//! A cache of raw bytes by their hash, nearer than the store.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::envelope::ContentHash;

/// Bytes that a cache may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Their BLAKE3.
    pub hash: ContentHash,
    /// How many they are.
    pub length: u32,
}

/// Keeps verified bytes by their BLAKE3: on a disk, in a browser's database.
///
/// What is kept is never wrong for being old, since a hash names its bytes for ever. A cache may
/// forget anything at any time, and never fails: what it cannot do it leaves undone. What it gives
/// may have been damaged, so whoever reads compares it with the hash before use, and has it
/// discarded when it differs.
///
/// Implementations are shared between tasks and databases, and never block the executor. In a
/// browser the futures stay on their thread; elsewhere they are `Send`.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait RawCache: fmt::Debug + Send + Sync {
    /// What is kept under some hashes: as many answers as were asked for, in the same order. Gives
    /// nothing whose length is another.
    async fn get_all(&self, wanted: &[Wanted]) -> Vec<Option<Bytes>>;

    /// Keeps bytes under their hashes, which were compared. Returns at once: what it takes to keep
    /// them is done in the background, or not at all when there is too much of it.
    fn put_all(&self, entries: Vec<(ContentHash, Bytes)>);

    /// Forgets bytes that turned out to be damaged. Returns at once.
    fn discard(&self, hash: ContentHash);

    /// Waits until what was put before is kept, as far as it will be: for programs that end.
    async fn flush(&self);
}
