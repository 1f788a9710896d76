//! A folder of a store, as a store.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

/// Sees only what is in one folder of another store, and calls it by its name within that folder.
#[derive(Debug)]
pub struct Within<S: ?Sized> {
    folder: Key,
    inner: Arc<S>,
}

impl<S: ?Sized> Within<S> {
    /// Narrows a store down to a folder.
    #[must_use]
    pub fn new(inner: Arc<S>, folder: Key) -> Self {
        Self { folder, inner }
    }

    fn outer(&self, key: &Key) -> Key {
        if key.path().is_empty() { self.folder.clone() } else { self.folder.join(key) }
    }

    /// The name within the folder. Listings of the folder hold nothing else.
    fn within(&self, outer: &Key) -> Option<Key> {
        let rest = outer.path().strip_prefix(self.folder.path())?;
        Some(Key::new(rest))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: ReadStore + ?Sized> ReadStore for Within<S> {
    fn place(&self) -> String {
        format!("{}/{}", self.inner.place().trim_end_matches('/'), self.folder)
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.inner.get(&self.outer(key)).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_range(&self.outer(key), range).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        let listed = self.inner.list(&self.outer(folder), limit).await?;
        Ok(listed.iter().filter_map(|key| self.within(key)).collect())
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.inner.list_folders(&self.outer(folder)).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: WriteStore + ?Sized> WriteStore for Within<S> {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        self.inner.create(&self.outer(key), bytes).await
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.inner.put(&self.outer(key), bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn a_folder_is_a_store() {
        let all = Arc::new(MemoryStore::named("m"));
        let store = Within::new(Arc::clone(&all), Key::new("x/y"));
        let key = Key::new("a/b");
        store.put(&key, "1".into()).await.unwrap();
        all.put(&Key::new("x/yz/c"), "2".into()).await.unwrap();
        assert_eq!(store.place(), "memory://m/x/y");
        assert_eq!(all.get(&Key::new("x/y/a/b")).await.unwrap().unwrap(), "1");
        assert_eq!(store.get(&key).await.unwrap().unwrap(), "1");
        assert_eq!(store.list(&Key::new(""), 9).await.unwrap(), [key]);
        assert_eq!(store.list_folders(&Key::new("")).await.unwrap(), ["a"]);
    }
}
