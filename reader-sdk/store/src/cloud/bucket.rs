//! A bucket or container as a store.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, PutPayload,
};

use super::answer::{Asked, Service, is_beyond_end};
use super::executor::{Executor, Places};
use crate::memory::folder_prefix;
use crate::{Creation, Key, ReadStore, StoreError, WriteStore, layout};

/// The most names that every service lists at once.
const PAGE_KEYS_MAX: usize = 1_000;

/// What a bucket's client can do.
pub(super) trait Client: ObjectStore + PaginatedListStore {}

impl<C: ObjectStore + PaginatedListStore> Client for C {}

/// The two clients of a bucket.
#[derive(Clone)]
pub(super) struct Clients {
    /// Repeats what is not answered.
    pub(super) patient: Arc<dyn Client>,
    /// Sends once: a repeated create would be answered by one's own success.
    pub(super) once: Arc<dyn ObjectStore>,
}

/// A bucket of a cloud. Whole names are what the service sees; folders of it are
/// [`Within`](crate::Within).
pub(super) struct Bucket {
    pub(super) service: Service,
    pub(super) place: String,
    /// The service lists names in the order of their bytes.
    pub(super) lists_in_order: bool,
    pub(super) clients: Clients,
    pub(super) executor: Arc<Executor>,
    pub(super) stretches: Places,
}

impl fmt::Debug for Bucket {
    /// Without the clients, which hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Bucket {
    fn asked(&self, key: &Key) -> Asked<'_> {
        Asked { service: self.service, place: &self.place, object: format!("{}/{key}", self.place) }
    }

    async fn run<T, F>(
        &self,
        asked: &Asked<'_>,
        question: impl FnOnce(Clients) -> F,
    ) -> Result<Result<T, Error>, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let answer = self.executor.run(question(self.clients.clone())).await;
        answer.map_err(|reason| asked.unavailable(&reason))
    }
}

#[async_trait]
impl ReadStore for Bucket {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        let asked = self.asked(key);
        let path = path(&asked, key)?;
        let question =
            |clients: Clients| async move { clients.patient.get(&path).await?.bytes().await };
        asked.read(self.run(&asked, question).await?)
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let asked = self.asked(key);
        let path = path(&asked, key)?;
        let question = |clients: Clients| async move {
            let client: &dyn ObjectStore = &*clients.patient;
            stretch(client, &path, range).await
        };
        let places = self.stretches.clone();
        let question = |clients| places.ask(question(clients));
        asked.read(self.run(&asked, question).await?)
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        let asked = self.asked(folder);
        let listing =
            Listing { prefix: folder_prefix(folder), limit, in_order: self.lists_in_order };
        let keys = self.run(&asked, |clients| listing.keys(clients)).await?;
        keys.map_err(|error| asked.failed(&error))
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        let asked = self.asked(folder);
        let prefix = folder_prefix(folder);
        let names = self.run(&asked, |clients| folder_names(clients, prefix)).await?;
        names.map_err(|error| asked.failed(&error))
    }
}

#[async_trait]
impl WriteStore for Bucket {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        let asked = self.asked(key);
        let path = path(&asked, key)?;
        let options = put_options(key, PutMode::Create);
        let question = |clients: Clients| async move {
            let payload = PutPayload::from_bytes(bytes);
            clients.once.put_opts(&path, payload, options).await
        };
        let outcome = asked.created(self.run(&asked, question).await?);
        if let Ok(Creation::Unknown(cause)) = &outcome {
            tracing::warn!(%cause, "not known whether an object was created");
        }
        outcome
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let asked = self.asked(key);
        let path = path(&asked, key)?;
        let options = put_options(key, PutMode::Overwrite);
        let question = |clients: Clients| async move {
            let payload = PutPayload::from_bytes(bytes);
            clients.patient.put_opts(&path, payload, options).await
        };
        let answer = self.run(&asked, question).await?;
        answer.map(drop).map_err(|error| asked.failed(&error))
    }
}

/// The path of a name. Names may come from a bucket, and not every one is a path.
pub(super) fn path(asked: &Asked<'_>, key: &Key) -> Result<Path, StoreError> {
    Path::parse(key.path()).map_err(|error| asked.failed(&error.into()))
}

/// Lets caches between the bucket and a reader keep what never changes.
fn put_options(key: &Key, mode: PutMode) -> PutOptions {
    let caching =
        if layout::is_hint(key) { "no-cache" } else { "public, max-age=31536000, immutable" };
    PutOptions {
        mode,
        attributes: Attributes::from_iter([(Attribute::CacheControl, caching)]),
        ..PutOptions::default()
    }
}

/// Reads a stretch, short or empty beyond the end of the object.
pub(super) async fn stretch(
    client: &dyn ObjectStore,
    path: &Path,
    range: Range<u64>,
) -> Result<Bytes, Error> {
    if range.start >= range.end {
        // No service answers a request for nothing.
        return client.head(path).await.map(|_| Bytes::new());
    }
    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
    match client.get_opts(path, options).await {
        Ok(found) => found.bytes().await,
        Err(error) if is_beyond_end(&error) => Ok(Bytes::new()),
        Err(error) => Err(error),
    }
}

/// A listing to be made.
struct Listing {
    prefix: String,
    limit: usize,
    in_order: bool,
}

impl Listing {
    /// Fetches no more pages than the limit needs, if the service lists in order.
    async fn keys(self, clients: Clients) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        let mut page_token = None;
        let mut wanted = if self.in_order { self.limit } else { usize::MAX };
        while wanted > 0 {
            let options = PaginatedListOptions {
                max_keys: Some(wanted.min(PAGE_KEYS_MAX)),
                page_token,
                ..PaginatedListOptions::default()
            };
            let page = clients.patient.list_paginated(prefix(&self.prefix), options).await?;
            let objects = page.result.objects.into_iter();
            let found = objects.map(|object| Key::new(object.location.as_ref()));
            // Consoles make an object for a folder; its name ends in the slash.
            let before = keys.len();
            keys.extend(found.filter(|key| key.path().starts_with(&self.prefix)));
            wanted -= keys.len() - before;
            page_token = page.page_token;
            if page_token.is_none() {
                break;
            }
        }
        keys.sort_unstable();
        keys.truncate(self.limit);
        Ok(keys)
    }
}

async fn folder_names(clients: Clients, folder_prefix: String) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut page_token = None;
    loop {
        let options = PaginatedListOptions {
            delimiter: Some(Cow::Borrowed("/")),
            page_token,
            ..PaginatedListOptions::default()
        };
        let page = clients.patient.list_paginated(prefix(&folder_prefix), options).await?;
        let folders = page.result.common_prefixes.into_iter();
        names.extend(folders.map(|folder| Key::new(folder.as_ref()).name().to_owned()));
        page_token = page.page_token;
        if page_token.is_none() {
            break;
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn prefix(prefix: &str) -> Option<&str> {
    Some(prefix).filter(|prefix| !prefix.is_empty())
}
