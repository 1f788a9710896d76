//! Where nodes come from: what came along with the tree, the cache, or wherever they are fetched.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use duramen_model::Order;
use duramen_store::{Key, RawCache, ReadStore, StoreError};
use futures_util::future::try_join_all;

use crate::cache::NodeCache;
use crate::fetch::{Counters, Source, count};
use crate::fetching::Fetching;
use crate::inlined::Inlined;
use crate::large::{self, StoredValue, ValueRuns};
use crate::load::{Begun, Load};
use crate::node::{Body, Node, Summary};
use crate::{IndexError, Layer, NodeHash, Pointer, Tree};

/// Loads nodes, verified, through caches. Cheap to clone; loads in flight are shared between
/// clones.
#[derive(Clone)]
pub struct Nodes {
    source: Option<Arc<Source>>,
    inlined: Option<Arc<Inlined>>,
    values: Option<Arc<ValueRuns>>,
}

/// What nodes are fetched through.
#[derive(Debug, Clone)]
pub struct NodeCaches {
    /// Keeps decoded nodes.
    pub decoded: NodeCache,
    /// Keeps nodes as they are stored, nearer than the store.
    pub raw: Option<Arc<dyn RawCache>>,
    /// How much is asked of the store at once; without it, what suits the store's URL.
    pub fetching: Option<Fetching>,
}

/// What loading has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// Nodes that were in memory.
    pub hits: u64,
    /// Nodes that another load was already bringing.
    pub joined: u64,
    /// Nodes that were on the disk, undamaged.
    pub disk_hits: u64,
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

impl From<NodeCache> for NodeCaches {
    /// Only decoded nodes are kept.
    fn from(decoded: NodeCache) -> Self {
        Self { decoded, raw: None, fetching: None }
    }
}

impl Nodes {
    /// Loads from the packs in a folder of a store. Make one for a database, and clone it.
    #[must_use]
    pub fn new(store: Arc<dyn ReadStore>, packs: Key, caches: impl Into<NodeCaches>) -> Self {
        let NodeCaches { decoded, raw, fetching } = caches.into();
        let source = Source {
            fetching: fetching.unwrap_or_else(|| Fetching::for_place(&store.place())),
            store,
            packs,
            cache: decoded,
            disk: raw,
            in_flight: Mutex::default(),
            counters: Counters::default(),
        };
        Self { source: Some(Arc::new(source)), inlined: None, values: None }
    }

    /// A source without nodes, for a database that is in memory only.
    #[must_use]
    pub const fn empty() -> Self {
        Self { source: None, inlined: None, values: None }
    }

    /// The same source with some nodes at hand, as they are stored, in place of those it had so.
    /// They stay in memory as long as this is there, whatever the cache's budget.
    #[must_use]
    pub fn with_inlined(&self, nodes: impl IntoIterator<Item = Bytes>) -> Self {
        Self { inlined: Some(Arc::new(Inlined::new(nodes))), ..self.clone() }
    }

    /// The same source with runs of large values, newest first, in place of those it had.
    #[must_use]
    pub fn with_values(&self, runs: Vec<Tree>) -> Self {
        let values = (!runs.is_empty()).then(|| Arc::new(ValueRuns::new(runs)));
        Self { values, ..self.clone() }
    }

    /// What the nodes that are at hand take in memory, in bytes, beside those in the cache.
    #[must_use]
    pub fn inlined_bytes(&self) -> u64 {
        self.inlined.as_ref().map_or(0, |inlined| inlined.bytes())
    }

    /// What loading has cost so far.
    #[must_use]
    pub fn stats(&self) -> NodeStats {
        let Some(source) = &self.source else { return NodeStats::default() };
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NodeStats {
            hits: get(&source.counters.hits),
            joined: get(&source.counters.joined),
            disk_hits: get(&source.counters.disk_hits),
            loads: get(&source.counters.loads),
            requests: get(&source.counters.requests),
            bytes: get(&source.counters.bytes),
        }
    }

    /// How much a scan fetches ahead at most, in bytes.
    pub(crate) fn ahead_bytes_max(&self) -> u64 {
        self.source.as_ref().map_or(0, |source| source.fetching.ahead_bytes_max)
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

    /// Fetches a node as it is stored, verified; past the caches.
    pub(crate) async fn load_bytes(&self, pointer: &Pointer) -> Result<Bytes, IndexError> {
        let object = || StoreError::Missing { object: pointer.pack.clone() };
        let source = self.source.as_ref().ok_or_else(object)?;
        let key = source.packs.join(&pointer.pack);
        let end = pointer.offset.saturating_add(u64::from(pointer.length));
        let bytes = source.store.get_range(&key, pointer.offset..end).await?.ok_or_else(object)?;
        verify(&bytes, &pointer.hash, || source.name(pointer))?;
        Ok(bytes)
    }

    /// Loads nodes, in parallel; neighbours in a pack with one request.
    pub(crate) async fn load_all(
        &self,
        pointers: &[Pointer],
        shape: Shape,
    ) -> Result<Vec<Arc<Node>>, IndexError> {
        Load::new(pointers.to_vec(), shape).wait(self).await
    }

    /// Looks at what is at hand, and makes requests for the rest; nobody polls them yet.
    pub(crate) fn begin(&self, pointers: &[Pointer]) -> Result<Begun, StoreError> {
        let mut at_hand = Vec::with_capacity(pointers.len());
        for pointer in pointers {
            at_hand.push(self.at_hand(&pointer.hash)?);
        }
        let missing: Vec<&Pointer> = pointers
            .iter()
            .zip(&at_hand)
            .filter(|(_, node)| node.is_none())
            .map(|(pointer, _)| pointer)
            .collect();
        let Some(source) = &self.source else { return Ok(Begun { at_hand, requests: Vec::new() }) };
        count(&source.counters.hits, pointers.len() - missing.len());
        let (found, requests) = source.request(&missing);
        for (hash, node) in found {
            let places = pointers.iter().zip(&mut at_hand);
            places.filter(|(pointer, _)| pointer.hash == hash).for_each(|(_, place)| {
                *place = Some(Arc::clone(&node));
            });
        }
        Ok(Begun { at_hand, requests })
    }

    /// A node, if it is in memory.
    pub(crate) fn get_at_hand(
        &self,
        pointer: &Pointer,
        shape: Shape,
    ) -> Result<Option<Arc<Node>>, StoreError> {
        let Some(node) = self.at_hand(&pointer.hash)? else { return Ok(None) };
        check(pointer, &node, shape, || self.name(pointer))?;
        Ok(Some(node))
    }

    /// Whether a node stays in memory as long as this is there.
    pub(crate) fn is_inlined(&self, hash: &NodeHash) -> bool {
        self.inlined.as_ref().is_some_and(|inlined| inlined.has(hash))
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_deref()
    }

    fn at_hand(&self, hash: &NodeHash) -> Result<Option<Arc<Node>>, StoreError> {
        if let Some(inlined) = &self.inlined
            && let Some(node) = inlined.get(hash)?
        {
            return Ok(Some(node));
        }
        Ok(self.source.as_ref().and_then(|source| source.cache.get(hash)))
    }

    /// Fetches what leaves do not hold themselves.
    pub(crate) async fn complete(&self, nodes: &[Arc<Node>]) -> Result<(), IndexError> {
        let mut leaves = Vec::new();
        for node in nodes {
            if let Body::Leaf(leaf) = &node.body
                && leaf.is_incomplete()
            {
                leaves.push(Arc::clone(leaf));
            }
        }
        if leaves.is_empty() {
            return Ok(());
        }
        large::complete(self.without_values(), self.values.clone(), leaves).await
    }

    /// Where some large values are, as far as they are known.
    pub(crate) async fn find_values(
        &self,
        hashes: Vec<NodeHash>,
    ) -> Result<BTreeMap<NodeHash, StoredValue>, IndexError> {
        match &self.values {
            Some(runs) => runs.find(&self.without_values(), hashes.into_iter()).await,
            None => Ok(BTreeMap::new()),
        }
    }

    /// Fetches bytes that are no nodes, and verifies them.
    pub(crate) async fn fetch_bytes(
        &self,
        mut pointers: Vec<Pointer>,
    ) -> Result<BTreeMap<NodeHash, Bytes>, IndexError> {
        let Some(source) = &self.source else { return Ok(BTreeMap::new()) };
        pointers.sort_unstable_by(|x, y| (&x.pack, x.offset).cmp(&(&y.pack, y.offset)));
        let stretches = source.fetching.coalesce(pointers.iter());
        let fetches: Vec<_> = stretches.iter().map(|stretch| source.bring_bytes(stretch)).collect();
        Ok(try_join_all(fetches).await?.into_iter().flatten().collect())
    }

    fn without_values(&self) -> Self {
        Self { values: None, ..self.clone() }
    }

    /// What to call a node in messages.
    pub(crate) fn name(&self, pointer: &Pointer) -> String {
        match &self.source {
            Some(source) => source.name(pointer),
            None => format!("{} (node at {})", pointer.pack, pointer.offset),
        }
    }
}

/// Compares a node's bytes with its hash.
pub(crate) fn verify(
    bytes: &[u8],
    hash: &NodeHash,
    name: impl Fn() -> String,
) -> Result<(), StoreError> {
    let found = NodeHash::of(bytes);
    if found == *hash {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        object: name(),
        expected: format!("BLAKE3 {hash}"),
        found: found.to_string(),
    })
}

/// Decodes a node's bytes, which were verified.
pub(crate) fn decode(bytes: &[u8], name: impl Fn() -> String) -> Result<Node, StoreError> {
    Node::decode(bytes, name)
}

/// Verifies and decodes a node's bytes.
pub(crate) fn decode_verified(
    bytes: &[u8],
    hash: &NodeHash,
    name: impl Fn() -> String,
) -> Result<Node, StoreError> {
    verify(bytes, hash, &name)?;
    decode(bytes, name)
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

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes = f.debug_struct("Nodes");
        if let Some(source) = &self.source {
            nodes.field("packs", &source.packs).field("cache", &source.cache);
            nodes.field("disk", &source.disk).field("fetching", &source.fetching);
        }
        nodes.field("inlined", &self.inlined).field("stats", &self.stats()).finish()
    }
}
