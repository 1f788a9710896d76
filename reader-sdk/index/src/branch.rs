//! A branch: the node that points to nodes.
//!
//! After the header that all nodes have (see [`node`](crate::node)), columns, see table.rs:
//!
//! ```text
//! separators  keys as columns, see keys.rs; the n-th is at most the first key at or below the
//!             n-th child, and above every key at or below the one before
//! pack names  how many (varint), then strings, see blobs.rs; ascending
//! packs       integers: the place of each child's pack among the names
//! offsets     integers: what each is above the end of the child before; of the first above 0
//! lengths, records, nets, earliest t, latest t
//!             integers; the latest as what it is above the earliest
//! hashes      encoding 1: 32 bytes each
//! ```

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use duramen_model::{AttributeId, EntityId, T, Value};

use crate::blobs;
use crate::ints::{Encoded, unknown_encoding};
use crate::key::KeyRef;
use crate::keys::{self, Keys};
use crate::leaf::{EntityBounds, Leaf};
use crate::node::{Header, NODE_BYTES_MAX, Summary};
use crate::picks::Picks;
use crate::sought::Sought;
use crate::table::{
    ADDED, CLOSED, EARLIEST, ENTITIES, FIELDS, HASHES, LATEST, LENGTHS, NETS, OFFSETS, PACK_NAMES,
    PACKS, PLACES, RECORDS, Table, TableWriter, VALUES,
};
use crate::value_ref::ValueRef;
use crate::values::{Storing, Values};
use crate::wire::{DecodeError, Reader, put_varint};
use crate::{KeyRange, Layer, NodeHash, Pointer, Record};

/// How long the name of a pack can be.
const PACK_NAME_BYTES_MAX: usize = 128;
const HASHES_RAW: u8 = 1;

/// A key that is kept: where the place of a child begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Separator {
    pub(crate) e: EntityId,
    pub(crate) a: AttributeId,
    pub(crate) v: Value,
    pub(crate) added: T,
    pub(crate) closed: T,
}

impl Separator {
    pub(crate) fn key(&self) -> KeyRef<'_> {
        let Self { e, a, ref v, added, closed } = *self;
        KeyRef { e, a, v: ValueRef::from(v), added, closed }
    }
}

impl From<KeyRef<'_>> for Separator {
    fn from(key: KeyRef<'_>) -> Self {
        let KeyRef { e, a, v, added, closed } = key;
        Self { e, a, v: v.to_value(), added, closed }
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
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    separators: Keys,
    pointers: Vec<Pointer>,
    /// What is known of children that were read: leaves in EAVT.
    bounds: Box<[OnceLock<EntityBounds>]>,
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
        let begin_within = self.separators.stretch(range);
        begin_within.start.saturating_sub(1)..begin_within.end
    }

    /// The children that can hold what is sought.
    pub(crate) fn pick(&self, sought: &Sought) -> Picks {
        if let Some(children) = sought.pick_entity_children(&self.separators.e) {
            return children;
        }
        let children = self.stretch(&sought.around);
        let separators = self.separators.view();
        sought.pick_children(children, self.len(), |child| separators.place(child))
    }

    /// Whether a child, as far as it is known, has nothing of what is sought.
    pub(crate) fn lacks(&self, child: usize, sought: &Sought) -> bool {
        let bounds = self.bounds.get(child).and_then(OnceLock::get);
        bounds.is_some_and(|bounds| sought.misses(self.separators.e[child], bounds))
    }

    /// Keeps in mind what a child has.
    pub(crate) fn learn(&self, child: usize, leaf: &Leaf) {
        if let Some(slot) = self.bounds.get(child).filter(|slot| slot.get().is_none())
            && let Some(bounds) = leaf.entity_bounds()
        {
            slot.get_or_init(|| bounds);
        }
    }

    /// What the branch takes in memory, roughly, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = self.len() * size_of::<(EntityId, T, T, (u32, u32), [u32; 2])>();
        let values: usize = self.separators.values.iter().map(Values::bytes).sum();
        let packs: usize = self.pointers.iter().map(|pointer| pointer.pack.len()).sum();
        let bounds = size_of_val(&*self.bounds);
        columns + values + packs + bounds + self.len() * size_of::<Pointer>() + size_of::<Self>()
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::sum(self.pointers.iter().map(Summary::from))
    }

    pub(crate) fn new(separators: Keys, pointers: Vec<Pointer>) -> Self {
        let bounds = pointers.iter().map(|_| OnceLock::new()).collect();
        Self { separators, pointers, bounds }
    }

    pub(crate) fn decode(header: &Header, reader: Reader<'_>) -> Result<Self, DecodeError> {
        let table = Table::decode(reader, |id| {
            let is_key = matches!(id, ENTITIES | FIELDS | PLACES | ADDED | CLOSED | VALUES);
            is_key || (PACK_NAMES..=HASHES).contains(&id)
        })?;
        let separators = keys::decode(&table, header.layer, header.count)?;
        Ok(Self::new(separators, decode_pointers(&table, header.count)?))
    }
}

fn decode_pointers(table: &Table, count: usize) -> Result<Vec<Pointer>, DecodeError> {
    let packs = decode_packs(table, count)?;
    let column = |id| table.integers(id, count);
    let [places, offsets, lengths] = [column(PACKS)?, column(OFFSETS)?, column(LENGTHS)?];
    let [records, nets] = [column(RECORDS)?, column(NETS)?];
    let [earliest, latest] = [column(EARLIEST)?, column(LATEST)?];
    let hashes = decode_hashes(table, count)?;
    let mut pointers = Vec::with_capacity(count);
    let mut end = 0_u64;
    for index in 0..count {
        let place = usize::try_from(places[index]).unwrap_or(usize::MAX);
        let pack = packs.get(place).ok_or_else(|| {
            DecodeError::damaged(format!("one of {} packs", packs.len()), place.to_string())
        })?;
        let offset = end.wrapping_add(offsets[index]);
        let length = length(offset, lengths[index])?;
        end = offset + u64::from(length);
        pointers.push(Pointer {
            pack: pack.clone(),
            offset,
            length,
            hash: hashes[index],
            records: records[index],
            net: nets[index] as i64,
            t_min: keys::time(earliest[index])?,
            t_max: keys::time(earliest[index].saturating_add(latest[index]))?,
        });
    }
    Ok(pointers)
}

fn decode_packs(table: &Table, count: usize) -> Result<Vec<String>, DecodeError> {
    let column = table.get(PACK_NAMES)?;
    let payload = table.payload(column)?;
    let mut reader = Reader::new(&payload);
    let size = reader.varint_up_to(count, "packs in a branch")?;
    let max = column.decoded_bytes.min(count.saturating_mul(PACK_NAME_BYTES_MAX));
    let names = blobs::decode(column.encoding, reader.rest(), size, max)?;
    let name = |index| pack_name(&names.bytes[blobs::place(&names.ends, index)]);
    (0..names.ends.len()).map(name).collect()
}

fn decode_hashes(table: &Table, count: usize) -> Result<Vec<NodeHash>, DecodeError> {
    let column = table.get(HASHES)?;
    if column.encoding != HASHES_RAW {
        return Err(unknown_encoding("hashes", column.encoding));
    }
    let payload = table.payload(column)?;
    let (hashes, rest) = payload.as_chunks::<{ NodeHash::LENGTH }>();
    if hashes.len() != count || !rest.is_empty() {
        let found = format!("{} bytes", payload.len());
        return Err(DecodeError::damaged(format!("{count} hashes"), found));
    }
    Ok(hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect())
}

/// Takes the name of a pack, which becomes part of a path.
pub(crate) fn pack_name(bytes: &[u8]) -> Result<String, DecodeError> {
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

pub(crate) fn length(offset: u64, length: u64) -> Result<u32, DecodeError> {
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
pub(crate) fn encode(out: &mut Vec<u8>, layer: Layer, children: &[Child]) {
    let mut table = TableWriter::default();
    keys::encode(&mut table, layer, children, Storing::Here);
    let pointers = || children.iter().map(|child| &child.pointer);
    let packs: BTreeSet<&str> = pointers().map(|pointer| pointer.pack.as_str()).collect();
    let packs: Vec<&str> = packs.into_iter().collect();
    let (names, decoded_bytes) = encode_packs(&packs);
    table.add(PACK_NAMES, &names, decoded_bytes);
    let place = |pack: &str| packs.partition_point(|own| *own < pack) as u64;
    let mut add = |id, of: &dyn Fn(&Pointer) -> u64| {
        table.add_integers(id, &pointers().map(of).collect::<Vec<_>>());
    };
    add(PACKS, &|pointer| place(&pointer.pack));
    add(LENGTHS, &|pointer| u64::from(pointer.length));
    add(RECORDS, &|pointer| pointer.records);
    add(NETS, &|pointer| pointer.net as u64);
    add(EARLIEST, &|pointer| pointer.t_min.get());
    add(LATEST, &|pointer| pointer.t_max.get().wrapping_sub(pointer.t_min.get()));
    let ends = pointers().map(|pointer| pointer.offset + u64::from(pointer.length));
    let before = std::iter::once(0).chain(ends);
    let offsets = pointers().zip(before).map(|(pointer, end)| pointer.offset.wrapping_sub(end));
    table.add_integers(OFFSETS, &offsets.collect::<Vec<_>>());
    let bytes: Vec<u8> = pointers().flat_map(|pointer| *pointer.hash.as_bytes()).collect();
    let decoded_bytes = bytes.len();
    table.add(HASHES, &Encoded { encoding: HASHES_RAW, bytes }, decoded_bytes);
    table.finish(out);
}

fn encode_packs(packs: &[&str]) -> (Encoded, usize) {
    let names: Vec<&[u8]> = packs.iter().map(|pack| pack.as_bytes()).collect();
    let (column, decoded_bytes) = blobs::encode(&names);
    let mut bytes = Vec::new();
    put_varint(&mut bytes, packs.len() as u64);
    bytes.extend_from_slice(&column.bytes);
    (Encoded { encoding: column.encoding, bytes }, decoded_bytes)
}
