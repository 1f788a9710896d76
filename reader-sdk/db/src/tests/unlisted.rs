//! Reading over a store that cannot list, such as a web server: HEAD alone says what is newest.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use duramen_store::memory::MemoryStore;
use duramen_store::observed::Observed;
use duramen_store::{Key, ReadStore, StoreError};

use super::bucket::Bucket;
use super::fixtures::tx;
use crate::{DbError, Location, Snapshot};

#[derive(Debug)]
struct Unlisted(Arc<Observed<MemoryStore>>);

impl Unlisted {
    fn refuse<T>(&self) -> Result<T, StoreError> {
        let reason = "cannot list".to_owned();
        Err(StoreError::Unsupported { place: self.place(), reason })
    }
}

#[async_trait]
impl ReadStore for Unlisted {
    fn place(&self) -> String {
        "https://example.org".to_owned()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.0.get_range(key, range).await
    }

    async fn list(&self, _: &Key, _: usize) -> Result<Vec<Key>, StoreError> {
        self.refuse()
    }

    async fn list_folders(&self, _: &Key) -> Result<Vec<String>, StoreError> {
        self.refuse()
    }
}

fn location(bucket: &Bucket) -> Location {
    Location { store: Arc::new(Unlisted(bucket.store.clone())), ..bucket.location() }
}

#[tokio::test]
async fn head_alone_says_what_is_newest() {
    let mut bucket = Bucket::create().await;
    let error = Snapshot::open(location(&bucket)).await.unwrap_err();
    assert!(matches!(error, DbError::NoDatabase { .. }), "{error}");

    bucket.transact(&[(**tx(1).record()).clone()]).await;
    bucket.hint().await;
    let hinted = bucket.root.root.clone();
    bucket.transact(&[(**tx(2).record()).clone()]).await;
    let before = bucket.store.counts();
    let reader = Snapshot::open(location(&bucket)).await.unwrap();
    assert_eq!(reader.root(), &hinted);
    assert!(reader.refresh().await.unwrap().is_none());
    // No number that is absent is ever asked for: what is between might remember the answer.
    assert_eq!((bucket.store.counts() - before).gets, 2);

    bucket.hint().await;
    let reader = reader.refresh().await.unwrap().unwrap();
    assert_eq!(reader.root(), &bucket.root.root);
    assert_eq!(reader.db().basis_t().get(), 2);
}

#[tokio::test]
async fn an_older_hint_does_not_take_a_reader_back() {
    let mut bucket = Bucket::create().await;
    bucket.hint().await;
    let key = bucket.head_key();
    let old = bucket.store.get(&key).await.unwrap().unwrap();
    bucket.transact(&[(**tx(1).record()).clone()]).await;
    bucket.hint().await;
    let reader = Snapshot::open(location(&bucket)).await.unwrap();
    duramen_store::WriteStore::put(&*bucket.store, &key, old).await.unwrap();
    assert!(reader.refresh().await.unwrap().is_none());
    bucket.drop_database().await;
    bucket.hint().await;
    assert!(matches!(reader.refresh().await, Err(DbError::Dropped { .. })));
}
