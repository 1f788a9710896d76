//! Where nodes come from: the cache, a load that somebody else has begun, or the store.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use duramen_model::Order;
use duramen_store::{Key, ReadStore, StoreError};
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared, try_join_all};

use crate::cache::NodeCache;
use crate::node::{Node, Summary};
use crate::{IndexError, Layer, NodeHash, Pointer};

/// Nodes that are at most so far apart in one pack, in bytes, are read with one request: a request
/// costs more than these bytes.
const GAP_BYTES_MAX: u64 = 64 << 10;
/// How much one request reads at most, in bytes, if it reads more than one node.
const REQUEST_BYTES_MAX: u64 = 4 << 20;

#[cfg(not(target_arch = "wasm32"))]
type BoxFuture<T> = futures_util::future::BoxFuture<'static, T>;
#[cfg(target_arch = "wasm32")]
type BoxFuture<T> = futures_util::future::LocalBoxFuture<'static, T>;

/// What a request brings. Whoever waits for one of its nodes drives it, so that a load that its
/// first asker no longer polls stands in nobody's way.
type Request = BoxFuture<Result<Arc<[Loaded]>, StoreError>>;
type Loaded = (NodeHash, Arc<Node>);

/// Loads nodes, verified, through a cache. Cheap to clone; loads in flight are shared between
/// clones.
#[derive(Clone)]
pub struct Nodes {
    source: Option<Arc<Source>>,
}

struct Source {
    store: Arc<dyn ReadStore>,
    packs: Key,
    cache: NodeCache,
    in_flight: Mutex<BTreeMap<NodeHash, WeakShared<Request>>>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    joined: AtomicU64,
    loads: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// What loading has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// Nodes that were in the cache.
    pub hits: u64,
    /// Nodes that another load was already bringing.
    pub joined: u64,
    /// Nodes that were asked of the store.
    pub loads: u64,
    /// Requests to the store.
    pub requests: u64,
    /// Bytes that were asked of the store.
    pub bytes: u64,
}

/// What a pointer's node must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) order: Order,
    pub(crate) layer: Layer,
    pub(crate) level: u8,
}

impl Nodes {
    /// Loads from the packs in a folder of a store. Make one for a database, and clone it.
    #[must_use]
    pub fn new(store: Arc<dyn ReadStore>, packs: Key, cache: NodeCache) -> Self {
        let source = Source {
            store,
            packs,
            cache,
            in_flight: Mutex::default(),
            counters: Counters::default(),
        };
        Self { source: Some(Arc::new(source)) }
    }

    /// A source without nodes, for a database that is in memory only.
    #[must_use]
    pub const fn empty() -> Self {
        Self { source: None }
    }

    /// What loading has cost so far.
    #[must_use]
    pub fn stats(&self) -> NodeStats {
        let Some(source) = &self.source else { return NodeStats::default() };
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NodeStats {
            hits: get(&source.counters.hits),
            joined: get(&source.counters.joined),
            loads: get(&source.counters.loads),
            requests: get(&source.counters.requests),
            bytes: get(&source.counters.bytes),
        }
    }

    /// Loads a node.
    pub(crate) async fn load(
        &self,
        pointer: &Pointer,
        shape: Shape,
    ) -> Result<Arc<Node>, IndexError> {
        let mut nodes = self.load_all(std::slice::from_ref(pointer), shape).await?;
        Ok(nodes.pop().expect("as many nodes as pointers"))
    }

    /// Loads nodes, in parallel; neighbours in a pack with one request.
    pub(crate) async fn load_all(
        &self,
        pointers: &[Pointer],
        shape: Shape,
    ) -> Result<Vec<Arc<Node>>, IndexError> {
        let Some(source) = &self.source else { return load_nothing(pointers) };
        let cached: Vec<_> = pointers.iter().map(|p| source.cache.get(&p.hash)).collect();
        let missing: Vec<&Pointer> = pointers
            .iter()
            .zip(&cached)
            .filter(|(_, node)| node.is_none())
            .map(|(p, _)| p)
            .collect();
        count(&source.counters.hits, pointers.len() - missing.len());
        let mut loaded = BTreeMap::new();
        if !missing.is_empty() {
            let (found, requests) = source.request(&missing);
            loaded.extend(found);
            for nodes in try_join_all(requests).await? {
                loaded.extend(nodes.iter().cloned());
            }
        }
        let mut nodes = Vec::with_capacity(pointers.len());
        for (pointer, node) in pointers.iter().zip(cached) {
            let node = node.or_else(|| loaded.get(&pointer.hash).map(Arc::clone));
            let node = node.expect("the requests bring every node that is missing");
            source.check(pointer, &node, shape)?;
            nodes.push(node);
        }
        Ok(nodes)
    }
}

fn load_nothing(pointers: &[Pointer]) -> Result<Vec<Arc<Node>>, IndexError> {
    match pointers.first() {
        None => Ok(Vec::new()),
        Some(pointer) => Err(StoreError::Missing { object: pointer.pack.clone() }.into()),
    }
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

impl Source {
    fn in_flight(&self) -> MutexGuard<'_, BTreeMap<NodeHash, WeakShared<Request>>> {
        // A map is whole after every operation on it, so a panic elsewhere leaves nothing torn.
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nodes that came into the cache just now, and requests that bring the others: those that
    /// others wait for already, and new ones.
    fn request(self: &Arc<Self>, missing: &[&Pointer]) -> (Vec<Loaded>, Vec<Shared<Request>>) {
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
        count(&self.counters.loads, begun.len());
        for stretch in coalesce(begun.into_values()) {
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
            let nodes = landing.source.fetch(&stretch).await?;
            for (hash, node) in nodes.iter() {
                landing.source.cache.insert(*hash, Arc::clone(node));
            }
            Ok(nodes)
        });
        request.shared()
    }

    /// Reads a stretch of a pack, and the nodes in it.
    async fn fetch(&self, stretch: &[Pointer]) -> Result<Arc<[Loaded]>, StoreError> {
        let (Some(first), Some(end)) = (stretch.first(), stretch.iter().map(end).max()) else {
            return Ok(Arc::from([]));
        };
        let range = first.offset..end;
        count(&self.counters.requests, 1);
        self.counters.bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
        let key = self.packs.join(&first.pack);
        let bytes = self.store.get_range(&key, range).await?;
        let bytes = bytes.ok_or_else(|| StoreError::Missing { object: key.to_string() })?;
        let decode = |pointer: &Pointer| {
            let node = self.decode(pointer, &bytes, pointer.offset - first.offset)?;
            Ok((pointer.hash, Arc::new(node)))
        };
        stretch.iter().map(decode).collect()
    }

    /// Verifies and decodes a node, some way into the bytes that were read.
    fn decode(&self, pointer: &Pointer, bytes: &Bytes, at: u64) -> Result<Node, StoreError> {
        let range = byte_range(at, pointer.length).filter(|range| range.end <= bytes.len());
        let Some(range) = range else {
            return Err(StoreError::Corrupt {
                object: self.name(pointer),
                expected: format!("{} bytes", pointer.length),
                found: format!("{} bytes", (bytes.len() as u64).saturating_sub(at)),
            });
        };
        decode_verified(&bytes[range], &pointer.hash, || self.name(pointer))
    }

    fn check(&self, pointer: &Pointer, node: &Node, shape: Shape) -> Result<(), StoreError> {
        check(pointer, node, shape, || self.name(pointer))
    }

    /// What to call a node in messages.
    fn name(&self, pointer: &Pointer) -> String {
        format!("{} (node at {})", self.packs.join(&pointer.pack), pointer.offset)
    }
}

/// Verifies and decodes a node's bytes.
pub(crate) fn decode_verified(
    bytes: &[u8],
    hash: &NodeHash,
    name: impl Fn() -> String,
) -> Result<Node, StoreError> {
    let found = NodeHash::of(bytes);
    if found != *hash {
        return Err(StoreError::Corrupt {
            object: name(),
            expected: format!("BLAKE3 {hash}"),
            found: found.to_string(),
        });
    }
    Node::decode(bytes).map_err(|error| error.of_object(name()))
}

/// Makes sure that a node is what its pointer says.
pub(crate) fn check(
    pointer: &Pointer,
    node: &Node,
    shape: Shape,
    name: impl Fn() -> String,
) -> Result<(), StoreError> {
    let header = &node.header;
    let found = Shape { order: header.order, layer: header.layer, level: header.level };
    let summary = Summary::from(pointer);
    if found == shape && node.summary == summary {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        object: name(),
        expected: format!("a node with {shape:?} and {summary:?}"),
        found: format!("one with {found:?} and {:?}", node.summary),
    })
}

fn end(pointer: &Pointer) -> u64 {
    pointer.offset.saturating_add(u64::from(pointer.length))
}

fn byte_range(start: u64, length: u32) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// Groups nodes, sorted by place, into stretches that are worth one request each.
fn coalesce<'a>(pointers: impl Iterator<Item = &'a Pointer>) -> Vec<Vec<Pointer>> {
    let mut stretches: Vec<Vec<Pointer>> = Vec::new();
    for pointer in pointers {
        let joins = |stretch: &&mut Vec<Pointer>| {
            let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return false };
            first.pack == pointer.pack
                && pointer.offset.saturating_sub(end(last)) <= GAP_BYTES_MAX
                && end(pointer).saturating_sub(first.offset) <= REQUEST_BYTES_MAX
        };
        match stretches.last_mut().filter(joins) {
            Some(stretch) => stretch.push(pointer.clone()),
            None => stretches.push(vec![pointer.clone()]),
        }
    }
    stretches
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

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes = f.debug_struct("Nodes");
        if let Some(source) = &self.source {
            nodes.field("packs", &source.packs).field("cache", &source.cache);
        }
        nodes.field("stats", &self.stats()).finish_non_exhaustive()
    }
}
