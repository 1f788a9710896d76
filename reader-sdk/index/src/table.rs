//! The columns of a node: a table of what there is, then the columns, one behind the other.
//!
//! ```text
//! how many columns (varint), then for each:
//!   column id    1 byte, see the constants
//!   encoding     1 byte, what it means depends on the column
//!   flags        1 byte: 1 required, 2 compressed with LZ4
//!   length       varint: bytes of the payload as it is stored
//!   decoded      varint: bytes of the column in memory
//! the payloads, in the same sequence
//!
//! a compressed payload: its length before (varint), an LZ4 block
//! ```
//!
//! A reader refuses a column that it does not know if it is required, and passes over it otherwise.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::ints::{self, Encoded};
use crate::node::DECODED_BYTES_MAX;
use crate::wire::{DecodeError, Reader, put_varint};

pub(crate) const ENTITIES: u8 = 1;
pub(crate) const FIELDS: u8 = 2;
pub(crate) const PLACES: u8 = 3;
pub(crate) const ADDED: u8 = 4;
pub(crate) const CLOSED: u8 = 5;
pub(crate) const STATES: u8 = 6;
/// As many as there are fields, in their sequence.
pub(crate) const VALUES: u8 = 16;
pub(crate) const PACK_NAMES: u8 = 32;
pub(crate) const PACKS: u8 = 33;
pub(crate) const OFFSETS: u8 = 34;
pub(crate) const LENGTHS: u8 = 35;
pub(crate) const RECORDS: u8 = 36;
pub(crate) const NETS: u8 = 37;
pub(crate) const EARLIEST: u8 = 38;
pub(crate) const LATEST: u8 = 39;
pub(crate) const HASHES: u8 = 40;

const REQUIRED: u8 = 1;
const LZ4: u8 = 2;

/// From which length on compressing is tried, in bytes.
const COMPRESS_BYTES_MIN: usize = 64;
/// Bytes that one byte of an LZ4 block can stand for at most.
const LZ4_RATIO_MAX: usize = 255;
/// What a row of the table takes at least, in bytes.
const ROW_BYTES_MIN: usize = 5;

/// The columns of a node to be.
#[derive(Debug, Default)]
pub(crate) struct TableWriter {
    rows: Vec<u8>,
    count: u64,
    payloads: Vec<u8>,
}

impl TableWriter {
    /// Adds a column that takes so many bytes when decoded. It is compressed if that saves an
    /// eighth.
    pub(crate) fn add(&mut self, id: u8, column: &Encoded, decoded_bytes: usize) {
        match compressed(&column.bytes) {
            Some(bytes) => self.put(id, column.encoding, REQUIRED | LZ4, &bytes, decoded_bytes),
            None => self.put(id, column.encoding, REQUIRED, &column.bytes, decoded_bytes),
        }
    }

    /// Adds a column of integers. Where a compressor finds patterns that no encoding does, whole
    /// bytes are compressed.
    pub(crate) fn add_integers(&mut self, id: u8, values: &[u64]) {
        let decoded_bytes = size_of_val(values);
        let column = ints::encode(values);
        if column.bytes.len() >= COMPRESS_BYTES_MIN {
            let whole = ints::encode_in_bytes(values);
            let best = compressed(&column.bytes).map_or(column.bytes.len(), |bytes| bytes.len());
            if let Some(bytes) = compressed(&whole.bytes).filter(|bytes| pays(bytes.len(), best)) {
                return self.put(id, whole.encoding, REQUIRED | LZ4, &bytes, decoded_bytes);
            }
        }
        self.add(id, &column, decoded_bytes);
    }

    fn put(&mut self, id: u8, encoding: u8, flags: u8, payload: &[u8], decoded_bytes: usize) {
        self.count += 1;
        self.rows.extend_from_slice(&[id, encoding, flags]);
        put_varint(&mut self.rows, payload.len() as u64);
        put_varint(&mut self.rows, decoded_bytes as u64);
        self.payloads.extend_from_slice(payload);
    }

    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        put_varint(out, self.count);
        out.extend_from_slice(&self.rows);
        out.extend_from_slice(&self.payloads);
    }
}

/// A payload compressed, if that pays.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < COMPRESS_BYTES_MIN {
        return None;
    }
    let mut compressed = Vec::new();
    put_varint(&mut compressed, bytes.len() as u64);
    compressed.extend(lz4_flex::block::compress(bytes));
    pays(compressed.len(), bytes.len()).then_some(compressed)
}

/// Whether decompressing is worth it.
const fn pays(length: usize, before: usize) -> bool {
    length <= before - before / 8
}

/// The columns of a stored node.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    /// The columns of values, in the sequence of the fields.
    values: Vec<Column>,
    bytes: Bytes,
}

/// Where a column is, and how it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) id: u8,
    pub(crate) encoding: u8,
    is_compressed: bool,
    range: Range<usize>,
    pub(crate) decoded_bytes: usize,
}

impl Table {
    /// Reads the table of a node, whose bytes end with the payloads.
    pub(crate) fn decode(
        mut reader: Reader<'_>,
        is_known: impl Fn(u8) -> bool,
    ) -> Result<Self, DecodeError> {
        let count = reader.varint_up_to(reader.len() / ROW_BYTES_MIN, "columns in a node")?;
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        let (mut end, mut decoded_bytes) = (0_usize, 0_usize);
        for _ in 0..count {
            let [id, encoding, flags] = reader.array()?;
            let length = reader.varint_up_to(reader.len(), "bytes to the end of the node")?;
            let decoded = reader.varint_up_to(DECODED_BYTES_MAX, "bytes of a decoded column")?;
            let range = end..end.saturating_add(length);
            (end, decoded_bytes) = (range.end, decoded_bytes.saturating_add(decoded));
            let is_required = flags & REQUIRED != 0;
            if is_known(id) && flags & !(REQUIRED | LZ4) == 0 {
                let is_compressed = flags & LZ4 != 0;
                let columns = if id == VALUES { &mut values } else { &mut columns };
                columns.push(Column { id, encoding, is_compressed, range, decoded_bytes: decoded });
            } else if is_required {
                return Err(DecodeError::TooNew {
                    what: format!("column {id} with flags {flags}"),
                });
            }
        }
        if end != reader.len() || decoded_bytes > DECODED_BYTES_MAX {
            return Err(DecodeError::damaged(
                format!("{end} bytes of columns, at most {DECODED_BYTES_MAX} decoded"),
                format!("{} bytes, {decoded_bytes} decoded", reader.len()),
            ));
        }
        // A copy, because the node may be part of something much larger.
        let bytes = Bytes::copy_from_slice(reader.left());
        Ok(Self { columns, values, bytes })
    }

    /// The column with an id that there is at most once.
    pub(crate) fn find(&self, id: u8) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The columns of values.
    pub(crate) fn values(&self) -> &[Column] {
        &self.values
    }

    /// The column with an id that there must be.
    pub(crate) fn get(&self, id: u8) -> Result<&Column, DecodeError> {
        self.find(id).ok_or_else(|| DecodeError::damaged(format!("a column {id}"), "none"))
    }

    /// Decodes a column of `count` integers.
    pub(crate) fn integers(&self, id: u8, count: usize) -> Result<Vec<u64>, DecodeError> {
        let column = self.get(id)?;
        ints::decode(column.encoding, &self.payload(column)?, count)
    }

    /// A column's payload, not compressed any more.
    pub(crate) fn payload(&self, column: &Column) -> Result<Cow<'_, [u8]>, DecodeError> {
        let stored = &self.bytes[column.range.clone()];
        if !column.is_compressed {
            return Ok(Cow::Borrowed(stored));
        }
        let mut reader = Reader::new(stored);
        let max = stored.len().saturating_mul(LZ4_RATIO_MAX).min(DECODED_BYTES_MAX);
        let length = reader.varint_up_to(max, "bytes in a compressed column")?;
        let payload = lz4_flex::block::decompress(reader.rest(), length)
            .map_err(|error| DecodeError::damaged("an LZ4 block", error.to_string()))?;
        if payload.len() != length {
            let found = format!("{} bytes", payload.len());
            return Err(DecodeError::damaged(format!("{length} bytes in an LZ4 block"), found));
        }
        Ok(Cow::Owned(payload))
    }

    /// What the columns take in memory, stored and decoded, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = || self.columns.iter().chain(&self.values);
        let decoded: usize = columns().map(|column| column.decoded_bytes).sum();
        self.bytes.len() + decoded + columns().count() * size_of::<Column>()
    }
}
