//! A store that is far away, and knows how often somebody had to wait for it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use duramen_store::{Key, Latency, ReadStore, StoreError};
use tokio::sync::Semaphore;

/// Stretches of objects that are asked for at once, as the stores of buckets have it.
const STRETCHES_AT_ONCE_MAX: usize = 32;

/// What reading from a store took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trips {
    /// Requests that had to wait for one another.
    pub rounds: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes that came back.
    pub bytes: u64,
}

/// Waits before it forwards a request to another store, and counts.
#[derive(Debug)]
pub struct Far {
    inner: Arc<dyn ReadStore>,
    delay: Duration,
    stretches: Semaphore,
    trips: Arc<Mutex<Trips>>,
}

impl Far {
    /// Moves a store away.
    #[must_use]
    pub fn new(inner: Arc<dyn ReadStore>, delay: Duration) -> Self {
        Self {
            inner,
            delay,
            stretches: Semaphore::new(STRETCHES_AT_ONCE_MAX),
            trips: Arc::default(),
        }
    }

    /// Moves a store as far away as a bucket is.
    #[must_use]
    pub fn bucket(inner: Arc<dyn ReadStore>) -> Self {
        Self::new(inner, Latency::BUCKET.read)
    }

    /// Moves another store as far away, and counts what is asked of both together.
    #[must_use]
    pub fn beside(&self, inner: Arc<dyn ReadStore>) -> Self {
        Self { trips: Arc::clone(&self.trips), ..Self::new(inner, self.delay) }
    }

    /// What was asked so far.
    #[must_use]
    pub fn trips(&self) -> Trips {
        *self.lock()
    }

    /// Starts to count anew.
    pub fn reset(&self) {
        *self.lock() = Trips::default();
    }

    fn lock(&self) -> MutexGuard<'_, Trips> {
        self.trips.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that begins after another ended may have needed its answer: it is a round later.
    async fn travel<T>(
        &self,
        request: impl Future<Output = Result<T, StoreError>>,
        bytes: impl Fn(&T) -> u64,
    ) -> Result<T, StoreError> {
        let round = self.trips().rounds + 1;
        tokio::time::sleep(self.delay).await;
        let answer = request.await?;
        let mut trips = self.lock();
        trips.rounds = trips.rounds.max(round);
        trips.requests += 1;
        trips.bytes += bytes(&answer);
        Ok(answer)
    }
}

#[allow(clippy::ref_option, reason = "that is what a store answers")]
fn length(object: &Option<Bytes>) -> u64 {
    object.as_ref().map_or(0, |bytes| bytes.len() as u64)
}

#[async_trait]
impl ReadStore for Far {
    fn place(&self) -> String {
        self.inner.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.travel(self.inner.get(key), length).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        // Never closed; were it, nobody would have to wait.
        let _place = self.stretches.acquire().await.ok();
        self.travel(self.inner.get_range(key, range), length).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.travel(self.inner.list(folder, limit), |_| 0).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.travel(self.inner.list_folders(folder), |_| 0).await
    }
}

#[cfg(test)]
mod tests {
    use duramen_store::{MemoryStore, WriteStore};

    use super::*;

    #[tokio::test]
    async fn requests_at_the_same_time_are_one_round() {
        let inner = MemoryStore::new();
        inner.put(&Key::new("a"), "12345".into()).await.unwrap();
        let far = Far::new(Arc::new(inner), Duration::from_millis(5));
        let (a, b) = (Key::new("a"), Key::new("b"));
        let both = futures_util::join!(far.get(&a), far.get(&b));
        assert!(both.0.unwrap().is_some() && both.1.unwrap().is_none());
        far.get(&a).await.unwrap();
        assert_eq!(far.trips(), Trips { rounds: 2, requests: 3, bytes: 10 });
    }

    #[tokio::test]
    async fn two_stores_are_asked_in_one_round() {
        let far = Far::bucket(Arc::new(MemoryStore::new()));
        let other = far.beside(Arc::new(MemoryStore::new()));
        let key = Key::new("a");
        let both = futures_util::join!(far.get(&key), other.get(&key));
        assert!(both.0.unwrap().is_none() && both.1.unwrap().is_none());
        assert_eq!(far.trips(), Trips { rounds: 1, requests: 2, bytes: 0 });
    }
}
