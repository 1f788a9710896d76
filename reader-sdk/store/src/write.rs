//! What a writer needs of a store beyond reading.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Key, ReadStore, StoreError};

/// What became of an attempt to create an object. Losing a race is an outcome, not an error.
#[derive(Debug)]
#[must_use]
pub enum Creation {
    /// The object was not there, and now it is, durably, with the bytes given.
    Created,
    /// There is an object of that name. It may be one's own, if an earlier answer was lost.
    Exists,
    /// No answer: the object may have been created, may be created later, or never.
    Unknown(StoreError),
}

/// Bytes under names, and names that are given out once.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait WriteStore: ReadStore {
    /// Creates an object, atomically, unless there is one of that name. Sent once: never retried
    /// underneath, because a retry would turn one's own success into `Exists`.
    ///
    /// # Errors
    /// When the object was certainly not created. Doubt is [`Creation::Unknown`].
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError>;

    /// Writes an object whose name is used for these bytes only, or a hint. Repeating it is
    /// harmless, so it is retried underneath. Durable when it returns.
    ///
    /// # Errors
    /// When the store refuses, or does not answer for long.
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError>;
}
