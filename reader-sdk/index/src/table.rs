//! The columns of a node: a table of what there is, then the columns, one behind the other.
//!
//! ```text
//! how many columns (varint), then for each:
//!   column id    1 byte, see the constants
//!   encoding     1 byte, what it means depends on the column
//!   flags        1 byte: 1 required, 2 compressed with LZ4, 4 compressed with DEFLATE
//!   length       varint: bytes of the payload as it is stored
//!   decoded      varint: bytes of the column in memory
//! the payloads, in the same sequence
//!
//! a compressed payload: its length before (varint), an LZ4 block or a DEFLATE stream
//! ```
//!
//! A reader refuses a column that it does not know if it is required, and passes over it otherwise.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use duramen_store::compression::{self, Compressed, Compression, NotCompressed};

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
const DEFLATE: u8 = 4;

/// From which length of a column of integers on another form is tried, in bytes.
const WHOLE_BYTES_MIN: usize = 64;

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
        self.put(id, Stored::of(column), decoded_bytes);
    }

    /// Adds a column of integers. Where a compressor finds patterns that no encoding does, whole
    /// bytes are compressed.
    pub(crate) fn add_integers(&mut self, id: u8, values: &[u64]) {
        let decoded_bytes = size_of_val(values);
        let column = ints::encode(values);
        let column = Stored::of(&column);
        let length = column.payload.len();
        if length >= WHOLE_BYTES_MIN {
            let whole = ints::encode_in_bytes(values);
            let whole = Stored::of(&whole);
            if whole.payload.len() <= length - length / 8 {
                return self.put(id, whole, decoded_bytes);
            }
        }
        self.put(id, column, decoded_bytes);
    }

    fn put(&mut self, id: u8, stored: Stored<'_>, decoded_bytes: usize) {
        self.count += 1;
        self.rows.extend_from_slice(&[id, stored.encoding, REQUIRED | stored.flag]);
        put_varint(&mut self.rows, stored.payload.len() as u64);
        put_varint(&mut self.rows, decoded_bytes as u64);
        self.payloads.extend_from_slice(&stored.payload);
    }

    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        put_varint(out, self.count);
        out.extend_from_slice(&self.rows);
        out.extend_from_slice(&self.payloads);
    }
}

/// A column as it goes into a node.
struct Stored<'a> {
    encoding: u8,
    /// How the payload is compressed.
    flag: u8,
    payload: Cow<'a, [u8]>,
}

impl<'a> Stored<'a> {
    fn of(column: &'a Encoded) -> Self {
        let Encoded { encoding, bytes } = column;
        let Some(compressed) = compression::compress(bytes) else {
            return Self { encoding: *encoding, flag: 0, payload: Cow::Borrowed(bytes) };
        };
        let Compressed { compression, bytes: block } = compressed;
        let mut payload = Vec::with_capacity(block.len() + 4);
        put_varint(&mut payload, bytes.len() as u64);
        payload.extend_from_slice(&block);
        Self { encoding: *encoding, flag: flag_of(compression), payload: Cow::Owned(payload) }
    }
}

const fn flag_of(compression: Compression) -> u8 {
    match compression {
        Compression::Lz4 => LZ4,
        Compression::Deflate => DEFLATE,
    }
}

/// What the flags of a column say beyond that it is required. `None` if that is not known.
const fn compression_of(flags: u8) -> Option<Option<Compression>> {
    match flags & !REQUIRED {
        0 => Some(None),
        LZ4 => Some(Some(Compression::Lz4)),
        DEFLATE => Some(Some(Compression::Deflate)),
        _ => None,
    }
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
    compression: Option<Compression>,
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
            if let Some(compression) = compression_of(flags).filter(|_| is_known(id)) {
                let columns = if id == VALUES { &mut values } else { &mut columns };
                columns.push(Column { id, encoding, compression, range, decoded_bytes: decoded });
            } else if flags & REQUIRED != 0 {
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
        let Some(compression) = column.compression else { return Ok(Cow::Borrowed(stored)) };
        let mut reader = Reader::new(stored);
        let length = reader.varint_up_to(DECODED_BYTES_MAX, "bytes in a compressed column")?;
        let payload = compression.decompress(reader.rest(), length);
        let wrong = |wrong: NotCompressed| DecodeError::damaged(wrong.expected, wrong.found);
        payload.map(Cow::Owned).map_err(wrong)
    }

    /// What the columns take in memory, stored and decoded, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = || self.columns.iter().chain(&self.values);
        let decoded: usize = columns().map(|column| column.decoded_bytes).sum();
        self.bytes.len() + decoded + columns().count() * size_of::<Column>()
    }
}
