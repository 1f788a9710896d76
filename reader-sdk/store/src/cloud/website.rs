//! A web server as a store to read from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{Error, ObjectStore, ObjectStoreExt};

use super::answer::{Asked, Service};
use super::bucket::{path, stretch};
use super::executor::{Executor, Places};
use crate::{Creation, Key, ReadStore, StoreError, WriteStore, layout, memory};

/// Objects behind a web server, such as the public face of a bucket. It cannot list and cannot be
/// written to.
///
/// Some buckets answer 403 for what is not there to whoever may not list. That counts as absent
/// once a hint (`HEAD`) was read, which shows that reading is allowed at all.
pub(super) struct Website {
    place: String,
    client: Arc<dyn ObjectStore>,
    executor: Arc<Executor>,
    stretches: Places,
    hint_was_read: AtomicBool,
}

impl fmt::Debug for Website {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Website").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Website {
    pub(super) fn new(
        place: String,
        client: Arc<dyn ObjectStore>,
        executor: Arc<Executor>,
        stretches: Places,
    ) -> Self {
        Self { place, client, executor, stretches, hint_was_read: AtomicBool::new(false) }
    }

    fn asked(&self, key: &Key) -> Asked<'_> {
        Asked {
            service: Service::Website,
            place: &self.place,
            object: format!("{}/{key}", self.place),
        }
    }

    fn unsupported(&self, what: &str) -> StoreError {
        StoreError::Unsupported {
            place: self.place.clone(),
            reason: format!("a web server {what}"),
        }
    }

    fn read<T>(
        &self,
        asked: &Asked<'_>,
        answer: Result<T, Error>,
    ) -> Result<Option<T>, StoreError> {
        match answer {
            Err(Error::PermissionDenied { .. }) if self.hint_was_read.load(Ordering::Relaxed) => {
                Ok(None)
            }
            answer => asked.read(answer),
        }
    }
}

#[async_trait]
impl ReadStore for Website {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        let asked = self.asked(key);
        let (path, client) = (path(&asked, key)?, Arc::clone(&self.client));
        let question = async move { client.get(&path).await?.bytes().await };
        let answer = self.executor.run(question).await;
        let answer = answer.map_err(|reason| asked.unavailable(&reason))?;
        if answer.is_ok() && layout::is_hint(key) {
            self.hint_was_read.store(true, Ordering::Relaxed);
        }
        self.read(&asked, answer)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let asked = self.asked(key);
        let (path, client) = (path(&asked, key)?, Arc::clone(&self.client));
        let question = async move {
            match stretch(&*client, &path, range.clone()).await {
                // The server knows no ranges.
                Err(Error::NotSupported { .. }) => {
                    let whole = client.get(&path).await?.bytes().await?;
                    Ok(memory::stretch(&whole, &range))
                }
                answer => answer,
            }
        };
        let answer = self.executor.run(self.stretches.clone().ask(question)).await;
        self.read(&asked, answer.map_err(|reason| asked.unavailable(&reason))?)
    }

    async fn list(&self, _: &Key, _: usize) -> Result<Vec<Key>, StoreError> {
        Err(self.unsupported("cannot list"))
    }

    async fn list_folders(&self, _: &Key) -> Result<Vec<String>, StoreError> {
        Err(self.unsupported("cannot list"))
    }
}

#[async_trait]
impl WriteStore for Website {
    async fn create(&self, _: &Key, _: Bytes) -> Result<Creation, StoreError> {
        Err(self.unsupported("is read only: write to the bucket behind it"))
    }

    async fn put(&self, _: &Key, _: Bytes) -> Result<(), StoreError> {
        Err(self.unsupported("is read only: write to the bucket behind it"))
    }
}
