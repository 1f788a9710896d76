//! What a reader needs of a store.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Key, StoreError};

/// Immutable bytes under names.
///
/// Implementations are shared between tasks and never block the executor. In a browser the
/// futures stay on their thread; elsewhere they are `Send`.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait ReadStore: fmt::Debug + Send + Sync {
    /// Where the store is, as a URL without secrets; for messages.
    fn place(&self) -> String;

    /// Reads an object whole. `None` when there is none of that name.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError>;

    /// Reads a stretch of an object, in bytes. `None` when there is none of that name. A stretch
    /// that reaches beyond the end comes back short.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError>;

    /// Lists the objects of a folder, sub-folders included, in the order of their names; at most
    /// `limit` of them. An object that was created before the call began is in the list.
    ///
    /// # Errors
    /// When the store cannot tell, or cannot list.
    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError>;

    /// Lists the names of the folders right inside a folder, in order. For finding out what is
    /// there without listing every object of it.
    ///
    /// # Errors
    /// When the store cannot tell, or cannot list.
    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError>;
}
