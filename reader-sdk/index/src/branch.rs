//! A branch: the node that points to nodes.
//!
//! After the header that all nodes have (see [`node`](crate::node)):
//!
//! ```text
//! separators   keys as columns, see keys.rs; the n-th is at most the first key at or below the
//!              n-th child, and above every key at or below the one before
//! packs        how many names (varint), each: length (varint), text
//! pack, offset, length, records, net, earliest t, latest t of each child
//!              seven columns of integers; the pack as a place among the names
//! hashes       32 bytes each
//! ```

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use duramen_model::{AttributeId, EntityId, T, Value};

use crate::key::KeyRef;
use crate::keys::{self, Keys};
use crate::node::{Header, NODE_BYTES_MAX, Summary, VALUES_BYTES_MAX};
use crate::values::Allowance;
use crate::wire::{DecodeError, Reader, put_bytes, put_varint};
use crate::{KeyRange, NodeHash, Pointer, Record, ints};

/// How long the name of a pack can be.
const PACK_NAME_BYTES_MAX: usize = 128;

/// A key that is kept: where the place of a child begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Separator {
    pub(crate) e: EntityId,
    pub(crate) a: AttributeId,
    pub(crate) v: Value,
    pub(crate) added: T,
}

impl Separator {
    pub(crate) fn key(&self) -> KeyRef<'_> {
        KeyRef { e: self.e, a: self.a, v: &self.v, added: self.added }
    }
}

impl From<KeyRef<'_>> for Separator {
    fn from(key: KeyRef<'_>) -> Self {
        Self { e: key.e, a: key.a, v: key.v.clone(), added: key.added }
    }
}

impl From<&Record> for Separator {
    fn from(record: &Record) -> Self {
        KeyRef::from(record).into()
    }
}

/// A node below a branch.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) separator: Separator,
    pub(crate) pointer: Pointer,
}

/// A decoded branch: separators as columns, and pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    separators: Keys,
    pointers: Vec<Pointer>,
}

impl Branch {
    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }

    pub(crate) fn separators(&self) -> &Keys {
        &self.separators
    }

    pub(crate) fn separator(&self, index: usize) -> KeyRef<'_> {
        self.separators.get(index)
    }

    pub(crate) fn pointers(&self) -> &[Pointer] {
        &self.pointers
    }

    /// The children that can have keys in a range.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Range<usize> {
        // A child may reach into the range unless the next one begins before it.
        let from_here = self.separators.first(|key| key.position(range) != Ordering::Less);
        let beyond = self.separators.first(|key| key.position(range) == Ordering::Greater);
        from_here.saturating_sub(1)..beyond
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::sum(self.pointers.iter().map(Summary::from))
    }

    pub(crate) fn decode(header: &Header, mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut allowance = Allowance::new(VALUES_BYTES_MAX);
        let separators = keys::decode(&mut reader, header.count, &mut allowance)?;
        let pointers = decode_pointers(&mut reader, header.count)?;
        reader.finish()?;
        Ok(Self { separators, pointers })
    }
}

fn decode_pointers(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Pointer>, DecodeError> {
    let packs = decode_packs(reader, count)?;
    let mut column = || ints::decode(reader, count);
    let [places, offsets, lengths] = [column()?, column()?, column()?];
    let [records, nets] = [column()?, column()?];
    let [earliest, latest] = [keys::decode_ts(reader, count)?, keys::decode_ts(reader, count)?];
    let mut pointers = Vec::with_capacity(count);
    for index in 0..count {
        let place = usize::try_from(places[index]).unwrap_or(usize::MAX);
        let pack = packs.get(place).ok_or_else(|| {
            DecodeError::damaged(format!("one of {} packs", packs.len()), place.to_string())
        })?;
        pointers.push(Pointer {
            pack: pack.clone(),
            offset: offsets[index],
            length: length(offsets[index], lengths[index])?,
            hash: NodeHash::from_bytes(reader.array()?),
            records: records[index],
            net: nets[index] as i64,
            t_min: earliest[index],
            t_max: latest[index],
        });
    }
    Ok(pointers)
}

fn decode_packs(reader: &mut Reader<'_>, count: usize) -> Result<Vec<String>, DecodeError> {
    let size = reader.varint_up_to(count, "packs in a branch")?;
    (0..size).map(|_| pack_name(reader.bytes()?)).collect()
}

/// Takes the name of a pack, which becomes part of a path.
fn pack_name(bytes: &[u8]) -> Result<String, DecodeError> {
    let fits = !bytes.is_empty()
        && bytes.len() <= PACK_NAME_BYTES_MAX
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let name = std::str::from_utf8(bytes).ok().filter(|_| fits);
    name.map(str::to_owned).ok_or_else(|| {
        DecodeError::damaged(
            format!("the name of a pack: 1 to {PACK_NAME_BYTES_MAX} letters, digits, - and _"),
            String::from_utf8_lossy(&bytes[..bytes.len().min(PACK_NAME_BYTES_MAX)]),
        )
    })
}

fn length(offset: u64, length: u64) -> Result<u32, DecodeError> {
    let end = offset.checked_add(length);
    match u32::try_from(length) {
        Ok(length) if length > 0 && length <= NODE_BYTES_MAX && end.is_some() => Ok(length),
        _ => Err(DecodeError::damaged(
            format!("a node of 1 to {NODE_BYTES_MAX} bytes"),
            format!("one of {length} bytes at {offset}"),
        )),
    }
}

/// Encodes the children of a branch, after its header.
pub(crate) fn encode(out: &mut Vec<u8>, children: &[Child]) {
    let separators: Vec<KeyRef<'_>> = children.iter().map(|child| child.separator.key()).collect();
    keys::encode(out, &separators);
    let pointers = || children.iter().map(|child| &child.pointer);
    let packs: BTreeSet<&str> = pointers().map(|pointer| pointer.pack.as_str()).collect();
    let packs: Vec<&str> = packs.into_iter().collect();
    put_varint(out, packs.len() as u64);
    packs.iter().for_each(|pack| put_bytes(out, pack.as_bytes()));
    let place = |pack: &str| packs.partition_point(|own| *own < pack) as u64;
    ints::encode(out, pointers().map(|pointer| place(&pointer.pack)));
    ints::encode(out, pointers().map(|pointer| pointer.offset));
    ints::encode(out, pointers().map(|pointer| u64::from(pointer.length)));
    ints::encode(out, pointers().map(|pointer| pointer.records));
    ints::encode(out, pointers().map(|pointer| pointer.net as u64));
    ints::encode(out, pointers().map(|pointer| pointer.t_min.get()));
    ints::encode(out, pointers().map(|pointer| pointer.t_max.get()));
    pointers().for_each(|pointer| out.extend_from_slice(pointer.hash.as_bytes()));
}
