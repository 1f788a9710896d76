//! A store in a folder of the local file system.
//!
//! An object is written to a temporary file beside its place, synced, and only then given its name
//! (a hard link to create, a rename to put); then the folder is synced. So an object is there whole
//! or not at all, a name is given out once, and what was acknowledged survives the power cord.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

const TEMPORARY_SUFFIX: &str = ".tmp";

/// What it means that the folder of the store is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingFolder {
    /// The store is not there: `NoPlace`.
    NoPlace,
    /// The store is empty, and the folder is made by the first write.
    Empty,
}

/// Objects as files in a folder, durable when a write returns.
///
/// File operations run on threads of their own, so that no executor waits for a disk. The file
/// system must have hard links.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: Arc<Folder>,
}

impl FileStore {
    /// The store in a folder. Nothing is read or made yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, missing: MissingFolder) -> Self {
        let path = path.into();
        let folder = Folder {
            path: std::path::absolute(&path).unwrap_or(path),
            missing,
            synced: Mutex::default(),
        };
        Self { folder: Arc::new(folder) }
    }

    async fn run<T: Send + 'static>(
        &self,
        key: &Key,
        work: impl FnOnce(&Folder, &Key) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(&self.folder);
        let key = key.clone();
        blocking::unblock(move || work(&folder, &key)).await
    }
}

#[async_trait]
impl ReadStore for FileStore {
    fn place(&self) -> String {
        self.folder.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.run(key, |folder, key| folder.read(key, 0..u64::MAX)).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.run(key, move |folder, key| folder.read(key, range)).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.run(folder, move |root, folder| root.list(folder, limit)).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.run(folder, Folder::list_folders).await
    }
}

#[async_trait]
impl WriteStore for FileStore {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        self.run(key, move |folder, key| folder.create(key, &bytes)).await
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.run(key, move |folder, key| folder.put(key, &bytes)).await
    }
}

/// The blocking half.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    missing: MissingFolder,
    /// Folders whose own entry is known to be on disk.
    synced: Mutex<HashSet<PathBuf>>,
}

impl Folder {
    fn place(&self) -> String {
        format!("file://{}", self.path.display())
    }

    fn read(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        match read_file(&self.file(key)?, &range) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => self.check_present().map(|()| None),
            Err(error) => Err(self.failed(key, &error)),
        }
    }

    fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.check_present()?;
        let mut keys = Vec::new();
        self.collect(folder, limit, &mut keys)?;
        Ok(keys)
    }

    /// Walks in the order of whole paths, so that it can stop at the limit.
    fn collect(&self, folder: &Key, limit: usize, keys: &mut Vec<Key>) -> Result<(), StoreError> {
        for (name, is_folder) in self.entries(folder)? {
            if keys.len() >= limit {
                return Ok(());
            }
            let key = folder.join(name.trim_end_matches('/'));
            if is_folder {
                self.collect(&key, limit, keys)?;
            } else {
                keys.push(key);
            }
        }
        Ok(())
    }

    fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.check_present()?;
        let mut folders = Vec::new();
        for (name, is_folder) in self.entries(folder)? {
            if is_folder {
                folders.push(name.trim_end_matches('/').to_owned());
            }
        }
        folders.sort_unstable();
        Ok(folders)
    }

    /// What is right inside a folder, in the order of whole paths: a folder's name counts with its
    /// slash, so that `a-b` comes before `a/`. Temporary files are not there.
    fn entries(&self, folder: &Key) -> Result<Vec<(String, bool)>, StoreError> {
        let path = self.file(folder)?;
        let listed = || -> io::Result<Vec<(String, bool)>> {
            let mut entries = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                // Only valid names are ours.
                let Ok(mut name) = entry.file_name().into_string() else {
                    continue;
                };
                let is_folder = entry.path().is_dir();
                if is_folder {
                    name.push('/');
                } else if is_temporary(&name) {
                    continue;
                }
                entries.push((name, is_folder));
            }
            entries.sort_unstable();
            Ok(entries)
        };
        match listed() {
            Ok(entries) => Ok(entries),
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(self.failed(folder, &error)),
        }
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<Creation, StoreError> {
        let path = self.file(key)?;
        // Spares the loser of a race that is long over the writing.
        if path.exists() {
            return Ok(self.synced(key, &path, Creation::Exists));
        }
        let temporary = self.write_temporary(key, &path, bytes)?;
        let linked = fs::hard_link(&temporary, &path);
        remove_temporary(&temporary);
        match linked {
            Ok(()) => Ok(self.synced(key, &path, Creation::Created)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(self.synced(key, &path, Creation::Exists))
            }
            Err(error) => Err(self.failed(key, &error)),
        }
    }

    /// Puts the entry of an object on disk before anyone relies on it. That it exists already may
    /// be one's own success, whose answer was lost.
    fn synced(&self, key: &Key, path: &Path, outcome: Creation) -> Creation {
        match sync_folder_of(path) {
            Ok(()) => outcome,
            Err(error) => Creation::Unknown(self.failed(key, &error)),
        }
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.file(key)?;
        let temporary = self.write_temporary(key, &path, bytes)?;
        let renamed = fs::rename(&temporary, &path);
        if renamed.is_err() {
            remove_temporary(&temporary);
        }
        let placed = renamed.and_then(|()| sync_folder_of(&path));
        placed.map_err(|error| self.failed(key, &error))
    }

    /// Writes and syncs the bytes under a name that no listing shows.
    fn write_temporary(&self, key: &Key, path: &Path, b: &[u8]) -> Result<PathBuf, StoreError> {
        let written = || -> io::Result<PathBuf> {
            self.make_folder_of(path)?;
            let (temporary, mut file) = open_temporary(path)?;
            let synced = file.write_all(b).and_then(|()| file.sync_all());
            if synced.is_err() {
                remove_temporary(&temporary);
            }
            synced.map(|()| temporary)
        };
        written().map_err(|error| self.failed(key, &error))
    }

    /// Makes the folders above a path, and makes sure that their entries are on disk: another
    /// process may have made them and crashed before it synced.
    fn make_folder_of(&self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else {
            return Ok(());
        };
        if self.synced_folders().contains(folder) {
            return Ok(());
        }
        let existing = folder.ancestors().find(|above| above.is_dir());
        fs::create_dir_all(folder)?;
        // The store's own folder, if it was there, is the business of whoever made it.
        let inside = existing.is_some_and(|existing| existing.starts_with(&self.path));
        let trusted = if inside { Some(self.path.as_path()) } else { existing };
        for made in folder.ancestors().take_while(|above| Some(*above) != trusted) {
            sync_folder_of(made)?;
        }
        self.synced_folders().insert(folder.to_owned());
        Ok(())
    }

    fn synced_folders(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a name. Names may come from a bucket, so none may lead out of the folder.
    fn file(&self, key: &Key) -> Result<PathBuf, StoreError> {
        let mut path = self.path.clone();
        for segment in key.path().split('/').filter(|_| !key.path().is_empty()) {
            let leads_elsewhere = matches!(segment, "" | "." | "..")
                || segment.contains(['\\', '\0'])
                || Path::new(segment).components().count() != 1;
            if leads_elsewhere {
                return Err(StoreError::Unsupported {
                    place: self.place(),
                    reason: format!("{:?} is not the name of an object", key.path()),
                });
            }
            path.push(segment);
        }
        Ok(path)
    }

    fn check_present(&self) -> Result<(), StoreError> {
        if self.missing == MissingFolder::Empty || self.path.is_dir() {
            return Ok(());
        }
        Err(StoreError::NoPlace { place: self.place() })
    }

    fn failed(&self, key: &Key, error: &io::Error) -> StoreError {
        let object = format!("{}/{key}", self.place());
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::Denied {
                place: object,
                reason: format!("{error}; check who owns the folder"),
            },
            _ => StoreError::Unavailable { object, reason: error.to_string() },
        }
    }
}

fn read_file(path: &Path, range: &Range<u64>) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    // The length is clamped before anything is allocated for it.
    let start = range.start.min(metadata.len());
    let length = range.end.min(metadata.len()).saturating_sub(start);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Opens a file beside `path` that nobody else uses.
fn open_temporary(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let temporary = path.with_file_name(format!(".{name}.{process}-{count}{TEMPORARY_SUFFIX}"));
        match File::create_new(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left behind by a crash, or in use on another machine that shares the folder.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY_SUFFIX)
}

/// Cleans up. A file that stays behind takes space and does no harm.
fn remove_temporary(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a temporary file stays behind");
    }
}

/// Puts the entry of a file or folder on disk, where the system has that notion.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// There is nothing of that name: also when a folder above it is a file, or it is a folder itself.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> Key {
        Key::new(path)
    }

    #[tokio::test]
    async fn a_missing_folder_is_no_place_to_read_and_is_made_to_write() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("a/b");
        let reader = FileStore::new(&path, MissingFolder::NoPlace);
        for missing in [
            reader.get(&key("x")).await.map(|_| ()),
            reader.list(&key(""), 1).await.map(|_| ()),
            reader.list_folders(&key("")).await.map(|_| ()),
        ] {
            assert!(matches!(missing, Err(StoreError::NoPlace { .. })));
        }
        let writer = FileStore::new(&path, MissingFolder::Empty);
        assert_eq!(writer.get(&key("x")).await.unwrap(), None);
        let _ = writer.create(&key("c/x"), "1".into()).await.unwrap();
        assert_eq!(reader.get(&key("c/x")).await.unwrap().unwrap(), "1");
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path(), MissingFolder::Empty);
        for path in ["../x", "a/../../x", "a/./x", "a//x", "a\\x", "a/\0"] {
            let put = store.put(&key(path), Bytes::new()).await;
            assert!(matches!(put, Err(StoreError::Unsupported { .. })), "{path}");
            assert!(store.get(&key(path)).await.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn what_a_crash_left_behind_is_not_listed_and_nothing_is_left_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path(), MissingFolder::Empty);
        let _ = store.create(&key("a/x"), "1".into()).await.unwrap();
        let _ = store.create(&key("a/x"), "2".into()).await.unwrap();
        store.put(&key("a/x"), "3".into()).await.unwrap();
        let left = || fs::read_dir(folder.path().join("a")).unwrap().count();
        assert_eq!(left(), 1);
        fs::write(folder.path().join("a/.y.1-2.tmp"), "torn").unwrap();
        assert_eq!(store.list(&key(""), 9).await.unwrap(), [key("a/x")]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_an_error_that_names_the_object() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "a file").unwrap();
        let store = FileStore::new(folder.path(), MissingFolder::Empty);
        let error = store.create(&key("a/x"), "1".into()).await.unwrap_err();
        assert!(error.to_string().contains("/a/x"), "{error}");
        assert_eq!(store.get(&key("a/x")).await.unwrap(), None);
    }
}
