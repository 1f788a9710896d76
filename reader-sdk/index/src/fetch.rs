//! How nodes are fetched: from a load that somebody else has begun, the disk, or the store.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use duramen_store::envelope::ContentHash;
use duramen_store::raw_cache::{RawCache, Wanted};
use duramen_store::{Key, ReadStore, StoreError};
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};

use crate::cache::NodeCache;
use crate::fetching::{Fetching, end};
use crate::node::Node;
use crate::nodes::{decode, verify};
use crate::{NodeHash, Pointer};

#[cfg(not(target_arch = "wasm32"))]
type BoxFuture<T> = futures_util::future::BoxFuture<'static, T>;
#[cfg(target_arch = "wasm32")]
type BoxFuture<T> = futures_util::future::LocalBoxFuture<'static, T>;

/// What a request brings. Whoever waits for one of its nodes drives it, so that a load that its
/// first asker no longer polls stands in nobody's way.
pub(crate) type Request = BoxFuture<Result<Arc<[Loaded]>, StoreError>>;
pub(crate) type Loaded = (NodeHash, Arc<Node>);

/// Where nodes come from that are not at hand.
pub(crate) struct Source {
    pub(crate) store: Arc<dyn ReadStore>,
    pub(crate) packs: Key,
    pub(crate) cache: NodeCache,
    pub(crate) disk: Option<Arc<dyn RawCache>>,
    pub(crate) fetching: Fetching,
    pub(crate) in_flight: Mutex<BTreeMap<NodeHash, WeakShared<Request>>>,
    pub(crate) counters: Counters,
}

/// What loading has cost so far; see [`NodeStats`](crate::NodeStats).
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) hits: AtomicU64,
    pub(crate) joined: AtomicU64,
    pub(crate) disk_hits: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

impl Source {
    fn in_flight(&self) -> MutexGuard<'_, BTreeMap<NodeHash, WeakShared<Request>>> {
        // A map is whole after every operation on it, so a panic elsewhere leaves nothing torn.
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nodes that came into the cache just now, and requests that bring the others: those that
    /// others wait for already, and new ones.
    pub(crate) fn request(
        self: &Arc<Self>,
        missing: &[&Pointer],
    ) -> (Vec<Loaded>, Vec<Shared<Request>>) {
        let mut found = Vec::new();
        let mut requests: Vec<Shared<Request>> = Vec::new();
        let mut begun = BTreeMap::new();
        let mut in_flight = self.in_flight();
        for pointer in missing {
            if let Some(request) = in_flight.get(&pointer.hash).and_then(WeakShared::upgrade) {
                requests.push(request);
                count(&self.counters.joined, 1);
            } else if let Some(node) = self.cache.get(&pointer.hash) {
                // It came between the first look into the cache and the lock.
                found.push((pointer.hash, node));
            } else {
                begun.insert((pointer.pack.as_str(), pointer.offset, pointer.hash), *pointer);
            }
        }
        for stretch in self.fetching.coalesce(begun.into_values()) {
            let hashes: Vec<NodeHash> = stretch.iter().map(|pointer| pointer.hash).collect();
            let request = self.begin(stretch);
            if let Some(weak) = request.downgrade() {
                in_flight.extend(hashes.into_iter().map(|hash| (hash, weak.clone())));
            }
            requests.push(request);
        }
        (found, requests)
    }

    fn begin(self: &Arc<Self>, stretch: Vec<Pointer>) -> Shared<Request> {
        let landing = Landing {
            source: Arc::clone(self),
            hashes: stretch.iter().map(|pointer| pointer.hash).collect(),
        };
        let request: Request = Box::pin(async move {
            let nodes = landing.source.bring(&stretch).await?;
            for (hash, node) in nodes.iter() {
                landing.source.cache.insert(*hash, Arc::clone(node));
            }
            Ok(nodes)
        });
        request.shared()
    }

    /// Brings the nodes of a stretch.
    async fn bring(&self, stretch: &[Pointer]) -> Result<Arc<[Loaded]>, StoreError> {
        let brought = self.bring_bytes(stretch).await?;
        let mut nodes = Vec::with_capacity(stretch.len());
        for pointer in stretch {
            if let Some(bytes) = brought.get(&pointer.hash) {
                let node = decode(bytes, || self.name(pointer))?;
                nodes.push((pointer.hash, Arc::new(node)));
            }
        }
        Ok(nodes.into())
    }

    /// Brings the bytes that are pointed to in a stretch, verified: what the disk has not, the
    /// store has.
    pub(crate) async fn bring_bytes(
        &self,
        stretch: &[Pointer],
    ) -> Result<BTreeMap<NodeHash, Bytes>, StoreError> {
        let mut found = self.read_disk(stretch).await;
        let missing: Vec<&Pointer> =
            stretch.iter().filter(|pointer| !found.contains_key(&pointer.hash)).collect();
        count(&self.counters.disk_hits, found.len());
        if let (Some(first), Some(end)) = (missing.first(), missing.iter().map(|p| end(p)).max()) {
            count(&self.counters.loads, missing.len());
            let bytes = self.fetch(&first.pack, first.offset..end).await?;
            found.extend(self.take_apart(&missing, &bytes)?);
        }
        Ok(found)
    }

    /// What is on the disk, and undamaged.
    async fn read_disk(&self, stretch: &[Pointer]) -> BTreeMap<NodeHash, Bytes> {
        let mut found = BTreeMap::new();
        let Some(disk) = &self.disk else { return found };
        let wanted: Vec<Wanted> = stretch.iter().map(wanted).collect();
        for (pointer, bytes) in stretch.iter().zip(disk.get_all(&wanted).await) {
            let Some(bytes) = bytes else { continue };
            if NodeHash::of(&bytes) == pointer.hash {
                found.insert(pointer.hash, bytes);
            } else {
                disk.discard(content_hash(&pointer.hash));
            }
        }
        found
    }

    /// Reads a stretch of a pack.
    async fn fetch(&self, pack: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        count(&self.counters.requests, 1);
        self.counters.bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
        let key = self.packs.join(pack);
        let bytes = self.store.get_range(&key, range).await?;
        bytes.ok_or_else(|| StoreError::Missing { object: key.to_string() })
    }

    /// Verifies what is pointed to in bytes that begin where the first of it does, and puts it on
    /// the disk.
    fn take_apart(
        &self,
        pointers: &[&Pointer],
        bytes: &Bytes,
    ) -> Result<Vec<(NodeHash, Bytes)>, StoreError> {
        let begin = pointers.first().map_or(0, |first| first.offset);
        let mut found = Vec::with_capacity(pointers.len());
        for pointer in pointers {
            let own = self.slice(pointer, bytes, pointer.offset - begin)?;
            verify(&own, &pointer.hash, || self.name(pointer))?;
            found.push((pointer.hash, own));
        }
        if let Some(disk) = &self.disk {
            let kept = found.iter().map(|(hash, bytes)| (content_hash(hash), bytes.clone()));
            disk.put_all(kept.collect());
        }
        Ok(found)
    }

    /// The bytes of a node, some way into the bytes that were read.
    fn slice(&self, pointer: &Pointer, bytes: &Bytes, at: u64) -> Result<Bytes, StoreError> {
        let range = byte_range(at, pointer.length).filter(|range| range.end <= bytes.len());
        let range = range.ok_or_else(|| StoreError::Corrupt {
            object: self.name(pointer),
            expected: format!("{} bytes", pointer.length),
            found: format!("{} bytes", (bytes.len() as u64).saturating_sub(at)),
        })?;
        Ok(bytes.slice(range))
    }

    /// What to call a node in messages.
    pub(crate) fn name(&self, pointer: &Pointer) -> String {
        format!("{} (node at {})", self.packs.join(&pointer.pack), pointer.offset)
    }
}

fn wanted(pointer: &Pointer) -> Wanted {
    Wanted { hash: content_hash(&pointer.hash), length: pointer.length }
}

const fn content_hash(hash: &NodeHash) -> ContentHash {
    ContentHash(*hash.as_bytes())
}

fn byte_range(start: u64, length: u32) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// Takes a request off the list of those in flight when it ends, or when nobody waits for it any
/// more.
struct Landing {
    source: Arc<Source>,
    hashes: Vec<NodeHash>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut in_flight = self.source.in_flight();
        self.hashes.iter().for_each(|hash| {
            in_flight.remove(hash);
        });
    }
}
