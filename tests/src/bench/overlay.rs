//! A store on top of another, so that a measurement that writes leaves its data set as it was; and
//! what was written to it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use duramen_store::{Creation, Key, ReadStore, StoreError, WriteStore};

/// Reads through to a store below, and keeps what is written in one above.
#[derive(Debug)]
pub struct Overlay {
    below: Arc<dyn ReadStore>,
    above: Arc<dyn WriteStore>,
    written: Mutex<BTreeMap<String, Written>>,
}

/// What was written of one kind of object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Overlay {
    /// Lays an empty store above another.
    #[must_use]
    pub fn new(below: Arc<dyn ReadStore>, above: Arc<dyn WriteStore>) -> Self {
        Self { below, above, written: Mutex::default() }
    }

    /// What was written so far, by the kind of object.
    #[must_use]
    pub fn written(&self) -> BTreeMap<String, Written> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, key: &Key, bytes: u64) {
        let mut written = self.lock();
        let kind = written.entry(kind_of(key).to_owned()).or_default();
        kind.objects += 1;
        kind.bytes += bytes;
    }
}

/// The kind of an object by its name: that of the folder that it is in.
#[must_use]
pub fn kind_of(key: &Key) -> &str {
    let mut segments = key.path().rsplit('/');
    let folder = segments.nth(1).unwrap_or_default();
    if folder == "HEAD" { "hint" } else { folder }
}

#[async_trait]
impl ReadStore for Overlay {
    fn place(&self) -> String {
        self.below.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        match self.above.get(key).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.below.get(key).await,
        }
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        match self.above.get_range(key, range.clone()).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.below.get_range(key, range).await,
        }
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        let mut keys = self.above.list(folder, limit).await?;
        keys.extend(self.below.list(folder, limit).await?);
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(limit);
        Ok(keys)
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        let mut folders = self.above.list_folders(folder).await?;
        folders.extend(self.below.list_folders(folder).await?);
        folders.sort_unstable();
        folders.dedup();
        Ok(folders)
    }
}

#[async_trait]
impl WriteStore for Overlay {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        if self.below.get(key).await?.is_some() {
            return Ok(Creation::Exists);
        }
        self.count(key, bytes.len() as u64);
        self.above.create(key, bytes).await
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.count(key, bytes.len() as u64);
        self.above.put(key, bytes).await
    }
}

#[cfg(test)]
mod tests {
    use duramen_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn what_is_below_is_read_and_left_alone() {
        let below = Arc::new(MemoryStore::new());
        below.put(&Key::new("d/pack/1"), "below".into()).await.unwrap();
        let above = Arc::new(MemoryStore::new());
        let overlay = Overlay::new(Arc::clone(&below) as Arc<dyn ReadStore>, above);
        let created = overlay.create(&Key::new("d/pack/1"), "x".into()).await.unwrap();
        assert!(matches!(created, Creation::Exists));
        overlay.put(&Key::new("d/pack/2"), "12".into()).await.unwrap();
        overlay.put(&Key::new("d/HEAD/main"), "1".into()).await.unwrap();
        let listed = overlay.list(&Key::new("d/pack"), 9).await.unwrap();
        assert_eq!(listed, [Key::new("d/pack/1"), Key::new("d/pack/2")]);
        let first = overlay.get(&Key::new("d/pack/1")).await.unwrap().unwrap();
        let second = overlay.get(&Key::new("d/pack/2")).await.unwrap().unwrap();
        assert_eq!((&first[..], &second[..]), (&b"below"[..], &b"12"[..]));
        assert_eq!(below.list(&Key::new(""), 9).await.unwrap().len(), 1);
        let written = overlay.written();
        assert_eq!(written["pack"], Written { objects: 1, bytes: 2 });
        assert_eq!(written["hint"].objects, 1);
    }
}
