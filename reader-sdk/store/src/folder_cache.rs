//! A cache of raw bytes in a folder of the local file system.
//!
//! ```text
//! <folder>/duramen-1/<first digit of the hash>/new/<hash>   what was put or read lately
//!                                             /old/<hash>   what was before that
//!                                             /dead-…       on its way out
//! ```
//!
//! Each of the sixteen shards has two generations. What is put goes into the new one, and what is
//! read in the old one moves over. When the new one holds its share of the budget, the old one is
//! deleted and the new one takes its place: so what is left out for long goes, without a record of
//! who read what when. Nothing is scanned when a cache is opened. How full a generation is is
//! looked up once in a while, and when that is follows from the hashes alone: so any number of
//! processes, however short, keep one budget together without talking to each other.
//!
//! A file is written under another name and then renamed, so it is there whole, or not at all. It
//! is not synced: whoever reads compares the hash, and a power cut costs no more than a fetch.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::envelope::ContentHash;
use crate::raw_cache::{RawCache, Wanted};

/// The folder inside the one that was given. Another layout would have another name.
const LAYOUT: &str = "duramen-1";
/// Shards, each with two generations.
const GENERATIONS: u64 = 16 * 2;
/// A generation is looked at about so many times while it fills up.
const LOOKS: u64 = 16;
/// How many bytes wait to be written at most; what comes beyond is not kept.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// What a file takes is a multiple of this, in bytes.
const FILE_BLOCK_BYTES: u64 = 4096;

/// Raw bytes as files in a folder, within a budget. Cheap to clone. Processes may share the folder.
#[derive(Debug, Clone)]
pub struct FolderCache {
    folder: Arc<Folder>,
}

impl FolderCache {
    /// The cache in a folder, which may take about so many bytes there. Nothing is read or made
    /// yet. What is larger than a thirty-second part of the budget is not kept, so a budget of
    /// less than 64 MiB is hardly of use.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, bytes_max: u64) -> Self {
        let folder = Folder {
            path: path.into().join(LAYOUT),
            generation_bytes_max: bytes_max / GENERATIONS,
            waiting: Mutex::default(),
            writer: Mutex::default(),
            warned: AtomicBool::new(false),
        };
        Self { folder: Arc::new(folder) }
    }
}

#[async_trait]
impl RawCache for FolderCache {
    async fn get_all(&self, wanted: &[Wanted]) -> Vec<Option<Bytes>> {
        let (folder, wanted) = (Arc::clone(&self.folder), wanted.to_vec());
        blocking::unblock(move || {
            let found: Vec<_> = wanted.iter().map(|wanted| folder.read(wanted)).collect();
            let promoted: Vec<Job> = wanted
                .iter()
                .zip(&found)
                .filter(|(_, found)| matches!(found, Found::Old(_)))
                .map(|(wanted, _)| Job::Promote(wanted.hash, wanted.length))
                .collect();
            folder.enqueue(promoted);
            found.into_iter().map(Found::bytes).collect()
        })
        .await
    }

    fn put_all(&self, entries: Vec<(ContentHash, Bytes)>) {
        self.folder.enqueue(entries.into_iter().map(|(hash, bytes)| Job::Keep(hash, bytes)));
    }

    fn discard(&self, hash: ContentHash) {
        self.folder.enqueue([Job::Discard(hash)]);
    }

    async fn flush(&self) {
        let folder = Arc::clone(&self.folder);
        blocking::unblock(move || folder.work()).await;
    }
}

/// The blocking half.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    generation_bytes_max: u64,
    waiting: Mutex<Waiting>,
    /// Held by whoever does what waits.
    writer: Mutex<()>,
    /// Whether it was said already that nothing can be written.
    warned: AtomicBool,
}

/// What is still to be done.
#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// Whether somebody is at it, or will be.
    is_attended: bool,
}

#[derive(Debug)]
enum Job {
    Keep(ContentHash, Bytes),
    Promote(ContentHash, u32),
    Discard(ContentHash),
}

impl Job {
    /// What it takes in memory, roughly.
    fn bytes(&self) -> usize {
        let held = if let Self::Keep(_, bytes) = self { bytes.len() } else { 0 };
        held + size_of::<Self>()
    }
}

enum Found {
    New(Bytes),
    Old(Bytes),
    Nothing,
}

impl Found {
    fn bytes(self) -> Option<Bytes> {
        match self {
            Self::New(bytes) | Self::Old(bytes) => Some(bytes),
            Self::Nothing => None,
        }
    }
}

impl Folder {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // The list is whole after every operation on it, so a panic elsewhere leaves nothing torn.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes jobs on, as far as there is room for them.
    fn enqueue(self: &Arc<Self>, jobs: impl IntoIterator<Item = Job>) {
        let mut waiting = self.waiting();
        for job in jobs {
            if waiting.bytes + job.bytes() <= WAITING_BYTES_MAX {
                waiting.bytes += job.bytes();
                waiting.jobs.push_back(job);
            }
        }
        if !waiting.jobs.is_empty() && !waiting.is_attended {
            waiting.is_attended = true;
            let folder = Arc::clone(self);
            blocking::unblock(move || folder.work()).detach();
        }
    }

    /// Does what waits, and returns when all of it is done.
    fn work(&self) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(job) = self.next_job() {
            let done = match &job {
                Job::Keep(hash, bytes) => self.keep(hash, bytes),
                Job::Promote(hash, length) => self.promote(hash, *length),
                Job::Discard(hash) => self.discard(hash),
            };
            if let Err(error) = done {
                self.tell(&error);
            }
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        let job = waiting.jobs.pop_front();
        waiting.is_attended = job.is_some();
        waiting.bytes -= job.as_ref().map_or(0, Job::bytes);
        job
    }

    /// Nobody's answer depends on the cache, so its troubles are told once.
    fn tell(&self, error: &io::Error) {
        if self.warned.swap(true, Ordering::Relaxed) {
            tracing::debug!(folder = %self.path.display(), %error, "disk cache");
        } else {
            tracing::warn!(folder = %self.path.display(), %error, "the disk cache cannot be written");
        }
    }

    fn read(&self, wanted: &Wanted) -> Found {
        let shard = Shard::of(self, &wanted.hash);
        if let Some(bytes) = read_file(&shard.file("new", &wanted.hash), wanted.length) {
            return Found::New(bytes);
        }
        let old = read_file(&shard.file("old", &wanted.hash), wanted.length);
        old.map_or(Found::Nothing, Found::Old)
    }

    fn keep(&self, hash: &ContentHash, bytes: &Bytes) -> io::Result<()> {
        let shard = Shard::of(self, hash);
        let path = shard.file("new", hash);
        let length = bytes.len() as u64;
        if length > self.generation_bytes_max || has_length(&path, length) {
            return Ok(());
        }
        shard.make_new()?;
        let temporary = path.with_file_name(format!(".{hash}.{}", unique()));
        let written = File::create_new(&temporary)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // Best effort: the generation is deleted as a whole some day.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.look(&shard, hash, length)
    }

    fn promote(&self, hash: &ContentHash, length: u32) -> io::Result<()> {
        let shard = Shard::of(self, hash);
        shard.make_new()?;
        match fs::rename(shard.file("old", hash), shard.file("new", hash)) {
            // Somebody else promoted it, or deleted the generation.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            renamed => renamed.and_then(|()| self.look(&shard, hash, u64::from(length))),
        }
    }

    fn discard(&self, hash: &ContentHash) -> io::Result<()> {
        let shard = Shard::of(self, hash);
        for generation in ["new", "old"] {
            match fs::remove_file(shard.file(generation, hash)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Begins a new generation if this one is full, and if it is time to look.
    fn look(&self, shard: &Shard, hash: &ContentHash, length: u64) -> io::Result<()> {
        if is_due(hash, length, self.generation_bytes_max / LOOKS) {
            // A little less than the share, for what comes before the next look.
            let full = self.generation_bytes_max - self.generation_bytes_max / LOOKS;
            if bytes_in(&shard.path.join("new"))? > full {
                return shard.turn();
            }
        }
        Ok(())
    }
}

/// Whether to look after so many bytes were written: by chance, but the same chance everywhere,
/// once in `step` bytes on average.
fn is_due(hash: &ContentHash, length: u64, step: u64) -> bool {
    let draw = hash.0[8..16].iter().fold(0, |draw: u64, byte| draw << 8 | u64::from(*byte));
    let scaled = (u128::from(draw) * u128::from(step)) >> 64;
    scaled < u128::from(length)
}

/// A part of the cache that fills up and turns by itself.
struct Shard {
    path: PathBuf,
}

impl Shard {
    fn of(folder: &Folder, hash: &ContentHash) -> Self {
        Self { path: folder.path.join(format!("{:x}", hash.0[0] >> 4)) }
    }

    fn file(&self, generation: &str, hash: &ContentHash) -> PathBuf {
        self.path.join(generation).join(hash.to_string())
    }

    fn make_new(&self) -> io::Result<()> {
        fs::create_dir_all(self.path.join("new"))
    }

    /// Deletes the old generation and makes the new one old. Others may do the same at the same
    /// time: whatever comes of it, each generation is renamed whole.
    fn turn(&self) -> io::Result<()> {
        let dead = self.path.join(format!("dead-{}", unique()));
        ignore_absent(fs::rename(self.path.join("old"), dead))?;
        ignore_absent(fs::rename(self.path.join("new"), self.path.join("old")))?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // Those that a crash left behind are deleted too.
            if entry.file_name().to_string_lossy().starts_with("dead-") {
                ignore_absent(fs::remove_dir_all(entry.path()))?;
            }
        }
        Ok(())
    }
}

fn ignore_absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What nobody else calls anything by.
fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn has_length(path: &Path, length: u64) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == length)
}

/// A file, if it is of the right length.
fn read_file(path: &Path, length: u32) -> Option<Bytes> {
    let mut file = File::open(path).ok()?;
    if file.metadata().ok()?.len() != u64::from(length) {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes.into())
}

/// What the files right inside a folder take.
fn bytes_in(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        // One that is gone by now takes nothing.
        let length = entry?.metadata().map_or(0, |metadata| metadata.len());
        bytes += length.next_multiple_of(FILE_BLOCK_BYTES);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64, length: usize) -> (ContentHash, Bytes) {
        let bytes: Vec<u8> = n.to_le_bytes().iter().copied().cycle().take(length).collect();
        (ContentHash::of(&bytes), bytes.into())
    }

    fn wanted((hash, bytes): &(ContentHash, Bytes)) -> Wanted {
        Wanted { hash: *hash, length: u32::try_from(bytes.len()).unwrap() }
    }

    async fn get(cache: &FolderCache, entry: &(ContentHash, Bytes)) -> Option<Bytes> {
        cache.get_all(&[wanted(entry)]).await.pop().unwrap()
    }

    fn bytes_below(path: &Path) -> u64 {
        let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).unwrap().len() };
        entries.map(|entry| bytes_below(&entry.unwrap().path())).sum()
    }

    #[tokio::test]
    async fn what_is_put_is_found_by_every_process() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FolderCache::new(folder.path(), 1 << 30);
        let entries: Vec<_> = (0..100).map(|n| entry(n, 1000)).collect();
        assert_eq!(get(&cache, &entries[0]).await, None);
        cache.put_all(entries.clone());
        cache.flush().await;
        let other = FolderCache::new(folder.path(), 1 << 30);
        let all: Vec<Wanted> = entries.iter().map(wanted).collect();
        let found = other.get_all(&all).await;
        assert!(
            found.iter().zip(&entries).all(|(found, (_, bytes))| found.as_ref() == Some(bytes))
        );
    }

    #[tokio::test]
    async fn the_budget_is_kept_and_what_is_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let budget = 4 << 20;
        let favourite = entry(u64::MAX, 4096);
        let cache = FolderCache::new(folder.path(), budget);
        cache.put_all(vec![favourite.clone()]);
        cache.flush().await;
        for n in 0..8000 {
            // Each as if in a process of its own, with nothing remembered.
            let cache = FolderCache::new(folder.path(), budget);
            cache.put_all(vec![entry(n, 4096)]);
            if n % 100 == 0 {
                assert!(get(&cache, &favourite).await.is_some(), "after {n}");
                cache.flush().await;
                let bytes = bytes_below(folder.path());
                assert!(bytes <= budget + budget / 8, "{bytes} bytes after {n}");
            }
            cache.flush().await;
        }
        let cache = FolderCache::new(folder.path(), budget);
        assert_eq!(get(&cache, &entry(0, 4096)).await, None);
        assert!(get(&cache, &entry(7999, 4096)).await.is_some());
        assert!(bytes_below(folder.path()) > budget / 3);
    }

    #[tokio::test]
    async fn damage_is_given_and_can_be_discarded_and_other_lengths_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FolderCache::new(folder.path(), 1 << 30);
        let kept = entry(1, 1000);
        cache.put_all(vec![kept.clone()]);
        cache.flush().await;
        let path = Shard::of(&cache.folder, &kept.0).file("new", &kept.0);
        fs::write(&path, vec![7; 1000]).unwrap();
        assert_eq!(get(&cache, &kept).await.unwrap(), vec![7; 1000]);
        cache.discard(kept.0);
        cache.flush().await;
        assert_eq!(get(&cache, &kept).await, None);
        cache.put_all(vec![kept.clone()]);
        cache.flush().await;
        assert_eq!(get(&cache, &kept).await.unwrap(), kept.1);
        fs::write(&path, &kept.1[..999]).unwrap();
        assert_eq!(get(&cache, &kept).await, None);
        // A torn file is written again, not taken for what it should be.
        cache.put_all(vec![kept.clone()]);
        cache.flush().await;
        assert_eq!(get(&cache, &kept).await.unwrap(), kept.1);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_an_empty_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::write(&path, "a file").unwrap();
        let cache = FolderCache::new(&path, 1 << 30);
        cache.put_all(vec![entry(1, 1000)]);
        cache.discard(entry(2, 1000).0);
        cache.flush().await;
        assert_eq!(get(&cache, &entry(1, 1000)).await, None);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    }

    #[tokio::test]
    async fn what_crashes_leave_behind_is_deleted_and_what_is_too_large_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FolderCache::new(folder.path(), 1 << 20);
        let large = entry(1, (1 << 15) + 1);
        cache.put_all(vec![large.clone()]);
        cache.flush().await;
        assert_eq!(get(&cache, &large).await, None);
        for shard in 0..16 {
            let left = folder.path().join(format!("{LAYOUT}/{shard:x}/dead-1"));
            fs::create_dir_all(&left).unwrap();
            fs::write(left.join("x"), "x").unwrap();
            let torn = folder.path().join(format!("{LAYOUT}/{shard:x}/new"));
            fs::create_dir_all(&torn).unwrap();
            fs::write(torn.join(".x.1-1"), "x").unwrap();
        }
        for n in 0..2000 {
            cache.put_all(vec![entry(n, 4096)]);
        }
        cache.flush().await;
        assert!(!folder.path().join(LAYOUT).join("0/dead-1").exists());
        assert!(bytes_below(folder.path()) <= (1 << 20) + (1 << 18));
    }

    /// Several processes at one folder: nothing fails, and nothing wrong comes back.
    #[test]
    fn many_writers_keep_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = folder.path();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(async {
                        let cache = FolderCache::new(path, 2 << 20);
                        for n in 0..1000 {
                            let own = entry((n * 7 + writer) % 1500, 2048);
                            if let Some(bytes) = get(&cache, &own).await {
                                assert_eq!(bytes, own.1);
                            }
                            cache.put_all(vec![own]);
                        }
                        cache.flush().await;
                    });
                });
            }
        });
        assert!(bytes_below(folder.path()) <= 3 << 20);
    }
}
