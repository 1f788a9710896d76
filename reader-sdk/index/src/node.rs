//! A node: a piece of a tree, as it is stored and as it is decoded.
//!
//! ```text
//! offset  bytes
//!      0      1  format version: 2
//!      1      1  level: 0 for a leaf, otherwise a branch whose children are one level lower
//!      2      1  order: 1 EAVT, 2 AEVT, 3 AVET, 4 VAET
//!      3      1  layer: 1 current, 2 history
//!      4      …  how many records or children (varint), at least one
//!      …      …  a leaf (see leaf.rs) or a branch (see branch.rs)
//! ```
//!
//! Integers of several bytes are little-endian where nothing else is said. Keys ascend strictly,
//! which a reader does not check each time. Any other bytes are an error: decoding never panics,
//! and allocates no more than the limits below allow. Nodes of version 1 are still read, see v1.

use std::sync::Arc;

use duramen_model::{Order, T};
use duramen_store::StoreError;

use crate::branch::{self, Branch, Child};
use crate::key::KeyRef;
use crate::leaf::{self, Leaf};
use crate::values::Storing;
use crate::wire::{DecodeError, Reader, put_varint};
use crate::{IndexError, Layer, Pointer, Record, State, v1};

/// The format that is written.
const VERSION: u8 = 2;
/// How many records or children a node can have.
pub(crate) const NODE_ENTRIES_MAX: usize = 1 << 16;
/// How long a node can be, in bytes.
pub(crate) const NODE_BYTES_MAX: u32 = 64 << 20;
/// How many bytes the columns of a node can have when decoded.
pub(crate) const DECODED_BYTES_MAX: usize = 96 << 20;
/// How many levels can be above the leaves: enough for any tree, as a branch has two children.
const LEVEL_MAX: u8 = 64;

/// What a node begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u8,
    pub(crate) level: u8,
    pub(crate) order: Order,
    pub(crate) layer: Layer,
    pub(crate) count: usize,
}

/// Why records do not make a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeError {
    /// None, or too many.
    Count,
    /// Their keys do not ascend.
    Sequence,
    /// Their states do not belong to the layer.
    States,
    /// Their bytes are too many.
    Bytes,
}

/// A decoded node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) header: Header,
    pub(crate) body: Body,
    pub(crate) summary: Summary,
    memory_bytes: u64,
}

/// What a node has after its header.
#[derive(Debug)]
pub(crate) enum Body {
    Leaf(Arc<Leaf>),
    Branch(Arc<Branch>),
}

/// What there is at and below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) net: i64,
    pub(crate) t_min: T,
    pub(crate) t_max: T,
}

impl Summary {
    pub(crate) fn of(records: impl Iterator<Item = (T, State)>) -> Self {
        let mut summary = Self { records: 0, net: 0, t_min: T::MAX, t_max: T::GENESIS };
        for (added, state) in records {
            let latest = if let State::Closed(closed) = state { closed.max(added) } else { added };
            summary.records += 1;
            summary.net += state.weight();
            summary.t_min = summary.t_min.min(added);
            summary.t_max = summary.t_max.max(latest);
        }
        summary
    }

    /// The sum; `None` when the numbers overflow.
    pub(crate) fn sum(mut summaries: impl Iterator<Item = Self>) -> Option<Self> {
        let first = summaries.next()?;
        summaries.try_fold(first, |sum, next| {
            Some(Self {
                records: sum.records.checked_add(next.records)?,
                net: sum.net.checked_add(next.net)?,
                t_min: sum.t_min.min(next.t_min),
                t_max: sum.t_max.max(next.t_max),
            })
        })
    }
}

impl From<&Pointer> for Summary {
    fn from(pointer: &Pointer) -> Self {
        let Pointer { records, net, t_min, t_max, .. } = *pointer;
        Self { records, net, t_min, t_max }
    }
}

impl Node {
    /// Decodes stored bytes, which messages call by a name. The columns of a leaf are decoded
    /// when they are needed.
    pub(crate) fn decode(bytes: &[u8], name: impl Fn() -> String) -> Result<Self, StoreError> {
        Self::decode_parts(bytes, &name).map_err(|error| error.of_object(name()))
    }

    fn decode_parts(bytes: &[u8], name: impl Fn() -> String) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let header = Header::decode(&mut reader)?;
        if header.version == v1::VERSION {
            return v1::decode(header, reader);
        }
        if header.level > 0 {
            return Self::branch(header, Branch::decode(&header, reader)?);
        }
        let (leaf, summary) = Leaf::decode(&header, reader, name())?;
        Ok(Self::leaf(header, leaf, summary))
    }

    pub(crate) fn leaf(header: Header, leaf: Leaf, summary: Summary) -> Self {
        let memory_bytes = (leaf.memory_bytes() + size_of::<Self>()) as u64;
        Self { header, body: Body::Leaf(Arc::new(leaf)), summary, memory_bytes }
    }

    pub(crate) fn branch(header: Header, branch: Branch) -> Result<Self, DecodeError> {
        let summary = branch.summary().ok_or_else(|| {
            DecodeError::damaged("numbers of records that can be added up", "larger ones")
        })?;
        let memory_bytes = (branch.memory_bytes() + size_of::<Self>()) as u64;
        Ok(Self { header, body: Body::Branch(Arc::new(branch)), summary, memory_bytes })
    }

    /// What the node takes in memory when all of it is decoded, roughly, in bytes.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Makes sure of what is not checked each time a node is read: that every column can be
    /// decoded, that keys ascend strictly, and that the summary of a leaf is right.
    pub(crate) fn check(&self, name: impl Fn() -> String) -> Result<(), IndexError> {
        if self.header.version == v1::VERSION {
            // All of it was checked when it was decoded.
            return Ok(());
        }
        match &self.body {
            Body::Leaf(leaf) => leaf.check(&self.summary),
            Body::Branch(branch) => {
                let separators = branch.separators();
                let sequence = separators.check_sequence(self.header.order, self.header.layer);
                sequence.map_err(|error| error.of_object(name()).into())
            }
        }
    }
}

impl Header {
    /// Of records that were never stored.
    pub(crate) const fn in_memory(order: Order, layer: Layer, count: usize) -> Self {
        Self { version: VERSION, level: 0, order, layer, count }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = reader.byte()?;
        if !matches!(version, v1::VERSION | VERSION) {
            return Err(DecodeError::TooNew { what: format!("version {version} of a node") });
        }
        let level = reader.byte()?;
        if level > LEVEL_MAX {
            return Err(DecodeError::damaged(
                format!("a level up to {LEVEL_MAX}"),
                level.to_string(),
            ));
        }
        let order = order_of(reader.byte()?)?;
        let layer = layer_of(reader.byte()?)?;
        let count = reader.varint_up_to(NODE_ENTRIES_MAX, "entries in a node")?;
        if count == 0 {
            return Err(DecodeError::damaged("a node with entries", "an empty one"));
        }
        Ok(Self { version, level, order, layer, count })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.version, self.level, number_of_order(self.order)];
        bytes.push(number_of_layer(self.layer));
        put_varint(&mut bytes, self.count as u64);
        bytes
    }

    fn check_entries<'a>(
        &self,
        keys: impl Iterator<Item = KeyRef<'a>> + Clone,
    ) -> Result<(), NodeError> {
        if self.count == 0 || self.count > NODE_ENTRIES_MAX {
            return Err(NodeError::Count);
        }
        let mut pairs = keys.clone().zip(keys.skip(1));
        let ascend = pairs.all(|(x, y)| x.compare(&y, self.order, self.layer).is_lt());
        if ascend { Ok(()) } else { Err(NodeError::Sequence) }
    }
}

/// Encodes a leaf.
///
/// # Errors
/// When the records do not make one.
pub(crate) fn encode_leaf(
    order: Order,
    layer: Layer,
    records: &[Record],
    storing: Storing,
) -> Result<Vec<u8>, NodeError> {
    let header = Header { version: VERSION, level: 0, order, layer, count: records.len() };
    header.check_entries(records.iter().map(KeyRef::from))?;
    let mut bytes = header.encode();
    leaf::encode(&mut bytes, layer, records, storing)?;
    check_bytes(bytes)
}

/// Encodes a branch.
///
/// # Errors
/// When the children do not make one.
pub(crate) fn encode_branch(
    order: Order,
    layer: Layer,
    level: u8,
    children: &[Child],
) -> Result<Vec<u8>, NodeError> {
    let header = Header { version: VERSION, level, order, layer, count: children.len() };
    header.check_entries(children.iter().map(|child| child.separator.key()))?;
    let mut bytes = header.encode();
    branch::encode(&mut bytes, layer, children);
    check_bytes(bytes)
}

fn check_bytes(bytes: Vec<u8>) -> Result<Vec<u8>, NodeError> {
    match u32::try_from(bytes.len()) {
        Ok(length) if length <= NODE_BYTES_MAX => Ok(bytes),
        _ => Err(NodeError::Bytes),
    }
}

const fn number_of_order(order: Order) -> u8 {
    match order {
        Order::Eavt => 1,
        Order::Aevt => 2,
        Order::Avet => 3,
        Order::Vaet => 4,
    }
}

fn order_of(number: u8) -> Result<Order, DecodeError> {
    Order::ALL
        .into_iter()
        .find(|order| number_of_order(*order) == number)
        .ok_or_else(|| DecodeError::damaged("an order from 1 to 4", number.to_string()))
}

const fn number_of_layer(layer: Layer) -> u8 {
    match layer {
        Layer::Current => 1,
        Layer::History => 2,
    }
}

fn layer_of(number: u8) -> Result<Layer, DecodeError> {
    match number {
        1 => Ok(Layer::Current),
        2 => Ok(Layer::History),
        other => Err(DecodeError::damaged("a layer from 1 to 2", other.to_string())),
    }
}
