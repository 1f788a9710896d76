//! A store that counts what is asked of it.

use std::ops::{Range, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

/// What was asked of a store: requests by kind, and bytes of objects moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects read whole, absent ones included.
    pub gets: u64,
    /// Stretches read.
    pub ranges: u64,
    /// Listings.
    pub lists: u64,
    /// Attempts to create.
    pub creates: u64,
    /// Objects put.
    pub puts: u64,
    /// Bytes that came back from reads.
    pub bytes_read: u64,
    /// Bytes handed over to be created or put.
    pub bytes_written: u64,
}

impl Counts {
    /// All requests that read an object.
    #[must_use]
    pub const fn reads(&self) -> u64 {
        self.gets + self.ranges
    }

    /// All requests that write an object.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.creates + self.puts
    }
}

/// What was asked between two readings of the same counters. Never below zero.
impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            gets: self.gets.saturating_sub(earlier.gets),
            ranges: self.ranges.saturating_sub(earlier.ranges),
            lists: self.lists.saturating_sub(earlier.lists),
            creates: self.creates.saturating_sub(earlier.creates),
            puts: self.puts.saturating_sub(earlier.puts),
            bytes_read: self.bytes_read.saturating_sub(earlier.bytes_read),
            bytes_written: self.bytes_written.saturating_sub(earlier.bytes_written),
        }
    }
}

/// Counters that any number of [`Observed`] stores share.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    gets: AtomicU64,
    ranges: AtomicU64,
    lists: AtomicU64,
    creates: AtomicU64,
    puts: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

impl Counters {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was asked so far.
    #[must_use]
    pub fn read(&self) -> Counts {
        let of = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counts {
            gets: of(&self.0.gets),
            ranges: of(&self.0.ranges),
            lists: of(&self.0.lists),
            creates: of(&self.0.creates),
            puts: of(&self.0.puts),
            bytes_read: of(&self.0.bytes_read),
            bytes_written: of(&self.0.bytes_written),
        }
    }
}

fn add(cell: &AtomicU64, amount: usize) {
    cell.fetch_add(amount as u64, Ordering::Relaxed);
}

/// Forwards everything to another store and counts it.
#[derive(Debug)]
pub struct Observed<S: ?Sized> {
    counters: Counters,
    inner: Arc<S>,
}

impl<S: ?Sized> Observed<S> {
    /// Observes a store with counters of its own.
    #[must_use]
    pub fn new(inner: Arc<S>) -> Self {
        Self::with(inner, Counters::new())
    }

    /// Observes a store with counters that others share.
    #[must_use]
    pub fn with(inner: Arc<S>, counters: Counters) -> Self {
        Self { counters, inner }
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What was asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    fn count_read(&self, answer: &Result<Option<Bytes>, StoreError>) {
        if let Ok(Some(bytes)) = answer {
            add(&self.counters.0.bytes_read, bytes.len());
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: ReadStore + ?Sized> ReadStore for Observed<S> {
    fn place(&self) -> String {
        self.inner.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        add(&self.counters.0.gets, 1);
        let answer = self.inner.get(key).await;
        self.count_read(&answer);
        answer
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        add(&self.counters.0.ranges, 1);
        let answer = self.inner.get_range(key, range).await;
        self.count_read(&answer);
        answer
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        add(&self.counters.0.lists, 1);
        self.inner.list(folder, limit).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        add(&self.counters.0.lists, 1);
        self.inner.list_folders(folder).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: WriteStore + ?Sized> WriteStore for Observed<S> {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        add(&self.counters.0.creates, 1);
        add(&self.counters.0.bytes_written, bytes.len());
        self.inner.create(key, bytes).await
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        add(&self.counters.0.puts, 1);
        add(&self.counters.0.bytes_written, bytes.len());
        self.inner.put(key, bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[tokio::test]
    async fn requests_and_bytes_are_counted() {
        let store = Observed::new(Arc::new(MemoryStore::new()));
        let key = Key::new("a/b");
        let _ = store.create(&key, "12345".into()).await.unwrap();
        let before = store.counts();
        store.get(&key).await.unwrap();
        store.get(&Key::new("absent")).await.unwrap();
        store.get_range(&key, 3..9).await.unwrap();
        store.put(&key, "1".into()).await.unwrap();
        store.list(&Key::new("a"), 9).await.unwrap();
        store.list_folders(&Key::new("")).await.unwrap();
        let expected = Counts {
            gets: 2,
            ranges: 1,
            lists: 2,
            creates: 0,
            puts: 1,
            bytes_read: 7,
            bytes_written: 1,
        };
        assert_eq!(store.counts() - before, expected);
        assert_eq!(before.creates, 1);
    }
}
