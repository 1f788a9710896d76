//! A store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

/// Objects in memory, lost with the process. Runs everywhere, browsers included.
///
/// Every operation yields to the executor once before it happens, so that tasks that race on a
/// bucket also race here.
#[derive(Debug, Default)]
pub struct MemoryStore {
    name: String,
    objects: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that calls itself `memory://<name>`.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), objects: Mutex::default() }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        // A map is whole after every operation on it, so a panic elsewhere leaves nothing torn.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the names of a folder's objects begin with.
pub(crate) fn folder_prefix(folder: &Key) -> String {
    if folder.path().is_empty() { String::new() } else { format!("{folder}/") }
}

/// The stretch of an object that a range asks for: short or empty beyond its end.
pub(crate) fn stretch(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let clamp = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |o| o.min(bytes.len()));
    let start = clamp(range.start);
    bytes.slice(start..clamp(range.end).max(start))
}

/// Lets other tasks run once, on any executor.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl ReadStore for MemoryStore {
    fn place(&self) -> String {
        format!("memory://{}", self.name)
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        Ok(self.objects().get(key.path()).cloned())
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        yield_now().await;
        let object = self.objects().get(key.path()).cloned();
        Ok(object.map(|bytes| stretch(&bytes, &range)))
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        yield_now().await;
        let prefix = folder_prefix(folder);
        let objects = self.objects();
        let inside = objects.range(prefix.clone()..).map(|(path, _)| path);
        let inside = inside.take_while(|path| path.starts_with(&prefix));
        Ok(inside.take(limit).map(Key::new).collect())
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        yield_now().await;
        let prefix = folder_prefix(folder);
        let objects = self.objects();
        let names = objects.keys().filter_map(|path| {
            let (name, _) = path.strip_prefix(&prefix)?.split_once('/')?;
            Some(name.to_owned())
        });
        let names: BTreeSet<String> = names.collect();
        Ok(names.into_iter().collect())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl WriteStore for MemoryStore {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        yield_now().await;
        let mut objects = self.objects();
        if objects.contains_key(key.path()) {
            return Ok(Creation::Exists);
        }
        objects.insert(key.path().to_owned(), bytes);
        Ok(Creation::Created)
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        yield_now().await;
        self.objects().insert(key.path().to_owned(), bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> Key {
        Key::new(path)
    }

    #[tokio::test]
    async fn one_of_two_creations_wins() {
        let store = MemoryStore::new();
        let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
        let object = key("x");
        let both = futures_util::join!(store.create(&object, a), store.create(&object, b));
        assert!(matches!(
            (both.0.unwrap(), both.1.unwrap()),
            (Creation::Created, Creation::Exists)
        ));
        assert_eq!(store.get(&object).await.unwrap().unwrap(), "a");
    }

    #[tokio::test]
    async fn stretches_beyond_the_end_come_back_short() {
        let store = MemoryStore::new();
        store.put(&key("x"), "abc".into()).await.unwrap();
        for (range, expected) in [(1..2, "b"), (1..9, "bc"), (3..5, ""), (7..9, "")] {
            let found = store.get_range(&key("x"), range).await.unwrap();
            assert_eq!(found.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_folder_lists_what_is_inside_and_not_its_siblings() {
        let store = MemoryStore::new();
        for path in ["a/b/2", "a/b/1", "a/bc/3", "a/b"] {
            store.put(&key(path), Bytes::new()).await.unwrap();
        }
        let list = store.list(&key("a/b"), 9).await.unwrap();
        assert_eq!(list, [key("a/b/1"), key("a/b/2")]);
        assert_eq!(store.list_folders(&key("a")).await.unwrap(), ["b", "bc"]);
        assert_eq!(store.list_folders(&key("")).await.unwrap(), ["a"]);
    }
}
