//! A store that is as far away as one likes.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

/// How long each request takes, beyond what the store itself needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    /// Every get, range and listing.
    pub read: Duration,
    /// Every create and put.
    pub write: Duration,
}

impl Latency {
    /// The medians of a bucket in the same region, as benchmarks use them: 30 ms to read, 60 ms to
    /// write.
    pub const BUCKET: Self =
        Self { read: Duration::from_millis(30), write: Duration::from_millis(60) };
}

/// Waits before it forwards a request to another store. For tests and benchmarks; needs tokio's
/// clock.
#[derive(Debug)]
pub struct Delayed<S: ?Sized> {
    latency: Latency,
    inner: Arc<S>,
}

impl<S: ?Sized> Delayed<S> {
    /// Moves a store away.
    #[must_use]
    pub fn new(inner: Arc<S>, latency: Latency) -> Self {
        Self { latency, inner }
    }

    async fn read_delay(&self) {
        tokio::time::sleep(self.latency.read).await;
    }

    async fn write_delay(&self) {
        tokio::time::sleep(self.latency.write).await;
    }
}

#[async_trait]
impl<S: ReadStore + ?Sized> ReadStore for Delayed<S> {
    fn place(&self) -> String {
        self.inner.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.read_delay().await;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.read_delay().await;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.read_delay().await;
        self.inner.list(folder, limit).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.read_delay().await;
        self.inner.list_folders(folder).await
    }
}

#[async_trait]
impl<S: WriteStore + ?Sized> WriteStore for Delayed<S> {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        self.write_delay().await;
        self.inner.create(key, bytes).await
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.write_delay().await;
        self.inner.put(key, bytes).await
    }
}
