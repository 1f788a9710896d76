//! Large values, which leaves do not hold themselves.
//!
//! A value of more than 4096 bytes stands in a pack by itself, once for all indexes and runs. A
//! leaf has its length, its BLAKE3, and what it begins with; a *values run* tells where it is.
//! That is a tree like any other, in AVET order of the current layer, whose records are inserted:
//!
//! ```text
//! e             how many bytes the large value has
//! a, added      0
//! v             bytes: the BLAKE3 of the large value (32), where in its pack it begins (8,
//!               little-endian), the name of the pack
//! ```

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use duramen_store::StoreError;
use futures_util::future::try_join_all;

use crate::branch::pack_name;
use crate::leaf::Leaf;
use crate::nodes::Nodes;
use crate::values::Remote;
use crate::{Index, IndexError, KeyRange, Layer, NodeHash, Pointer, Record, Run, State, Tree};

const HASH_BYTES: usize = NodeHash::LENGTH;
const OFFSET_BYTES: usize = 8;

#[cfg(not(target_arch = "wasm32"))]
type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;
#[cfg(target_arch = "wasm32")]
type BoxFuture<'a, T> = futures_util::future::LocalBoxFuture<'a, T>;

/// The runs that tell where large values are.
#[derive(Debug)]
pub(crate) struct ValueRuns {
    index: Index,
}

/// Where a large value is, as a record of a values run tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredValue {
    /// The BLAKE3 of its bytes.
    pub hash: NodeHash,
    /// The name of the pack object, within the folder of packs.
    pub pack: String,
    /// Where in the object it begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u32,
}

impl ValueRuns {
    /// Takes runs, newest first.
    pub(crate) fn new(runs: Vec<Tree>) -> Self {
        let empty = Index::new(Order::Avet, Layer::Current);
        let index = runs.into_iter().rev().fold(empty, |index, run| index.with_run(Run::tree(run)));
        Self { index }
    }

    /// Where some values are, as far as they are known.
    pub(crate) async fn find(
        &self,
        nodes: &Nodes,
        hashes: impl Iterator<Item = NodeHash>,
    ) -> Result<BTreeMap<NodeHash, StoredValue>, IndexError> {
        // Collected: the compiler does not see that a stream over a closure is `Send`.
        let ranges: Vec<(NodeHash, KeyRange)> =
            hashes.map(|hash| (hash, range_of(&hash))).collect();
        let lookups = ranges.iter().map(|(_, range)| self.index.scan(nodes, range));
        let found = try_join_all(lookups.collect::<Vec<_>>()).await?;
        let mut places = BTreeMap::new();
        for ((hash, _), records) in ranges.iter().zip(found) {
            if let Some(record) = records.first() {
                places.insert(*hash, StoredValue::of(record)?);
            }
        }
        Ok(places)
    }
}

impl StoredValue {
    /// Takes a record of a values run.
    ///
    /// # Errors
    /// `Corrupt` when it is no such record.
    pub fn of(record: &Record) -> Result<Self, IndexError> {
        Self::parse(record).ok_or_else(|| {
            let object = "a run of large values".to_owned();
            let expected = "a length, and BLAKE3, offset and pack".to_owned();
            let found = format!("{} and {:?}", record.e, record.v);
            StoreError::Corrupt { object, expected, found }.into()
        })
    }

    fn parse(record: &Record) -> Option<Self> {
        let Value::Bytes(bytes) = &record.v else { return None };
        let (hash, rest) = bytes.split_first_chunk::<HASH_BYTES>()?;
        let (offset, pack) = rest.split_first_chunk::<OFFSET_BYTES>()?;
        let length = u32::try_from(record.e.get()).ok()?;
        Some(Self {
            hash: NodeHash::from_bytes(*hash),
            pack: pack_name(pack).ok()?,
            offset: u64::from_le_bytes(*offset),
            length,
        })
    }

    /// The record.
    pub(crate) fn to_record(&self) -> Record {
        let mut bytes = self.hash.as_bytes().to_vec();
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(self.pack.as_bytes());
        Record {
            e: EntityId::constant(self.length.into()),
            a: AttributeId::from(EntityId::constant(0)),
            v: Value::Bytes(Arc::from(bytes)),
            added: T::GENESIS,
            state: State::Inserted,
        }
    }

    /// A pointer to the value, which has no records.
    fn to_pointer(&self) -> Pointer {
        Pointer {
            pack: self.pack.clone(),
            offset: self.offset,
            length: self.length,
            hash: self.hash,
            records: 0,
            net: 0,
            t_min: T::GENESIS,
            t_max: T::GENESIS,
        }
    }
}

/// All records that begin with a hash.
fn range_of(hash: &NodeHash) -> KeyRange {
    let mut after = *hash.as_bytes();
    let mut end = Bound::Unbounded;
    for byte in (0..HASH_BYTES).rev() {
        after[byte] = after[byte].wrapping_add(1);
        if after[byte] != 0 {
            end = Bound::Excluded(Value::Bytes(Arc::from(&after[..])));
            break;
        }
    }
    let begin = Bound::Included(Value::Bytes(Arc::from(&hash.as_bytes()[..])));
    let range = KeyRange::all(Order::Avet).with_a(AttributeId::from(EntityId::constant(0)));
    KeyRange { v: (begin, end), ..range }
}

/// Fetches the values that leaves do not hold themselves, all at once, and completes the leaves.
/// Boxed, as a run of values is read in the same way.
pub(crate) fn complete(
    nodes: Nodes,
    runs: Option<Arc<ValueRuns>>,
    leaves: Vec<Arc<Leaf>>,
) -> BoxFuture<'static, Result<(), IndexError>> {
    Box::pin(async move {
        let mut remotes: BTreeMap<NodeHash, Remote> = BTreeMap::new();
        for leaf in &leaves {
            remotes.extend(leaf.remotes()?.into_iter().map(|remote| (remote.hash, remote)));
        }
        let places = match &runs {
            Some(runs) => runs.find(&nodes, remotes.keys().copied()).await?,
            None => BTreeMap::new(),
        };
        let mut pointers = Vec::with_capacity(remotes.len());
        for (hash, remote) in &remotes {
            let place = places.get(hash).filter(|place| place.length == remote.length);
            let place = place.ok_or_else(|| StoreError::Missing {
                object: format!("a value of {} bytes, BLAKE3 {hash}", remote.length),
            })?;
            pointers.push(place.to_pointer());
        }
        let values: BTreeMap<NodeHash, Bytes> = nodes.fetch_bytes(pointers).await?;
        leaves.iter().try_for_each(|leaf| leaf.complete(&values))
    })
}
