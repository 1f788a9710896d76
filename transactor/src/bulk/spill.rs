//! Spills: sorted rows in temporary files.
//!
//! ```text
//! file    blocks, one after the other
//! block   bytes of the rows (u32), how many rows (u32), the first 16 bytes of BLAKE3 of the rows
//!         that follow, the rows; numbers little-endian
//! row     entity (difference, zigzag), rank (varint), t (difference, zigzag), then
//!           where all is in the word: the word (8 bytes); otherwise bytes of the value (varint),
//!           the value
//! ```
//!
//! Differences are to the row before in the block. A spill is read by whoever wrote it, so there
//! is no version; the hash tells a damaged disk from a wrong answer. Trees in packs would do as
//! well, but sorting moves every fact once more, and this is what makes a move cheap: no values
//! are made, and rows of a block are compared where they lie.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::attributes::Attributes;
use super::error::BulkError;
use super::packed::{self, Kind};
use super::rows::RowRef;

const HASH_BYTES: usize = 16;
const HEADER_BYTES: usize = 8 + HASH_BYTES;

/// Writes sorted rows to a file.
pub(crate) struct SpillWriter<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    attributes: &'a Attributes,
    block_bytes: usize,
    block: Vec<u8>,
    rows: u32,
    before: (u64, u32),
}

impl<'a> SpillWriter<'a> {
    /// Begins a file, in the place of one that was not completed.
    pub(crate) fn create(
        path: &'a Path,
        attributes: &'a Attributes,
        block_bytes: usize,
    ) -> Result<Self, BulkError> {
        let file = File::create(path).map_err(|error| BulkError::work(path, error))?;
        let file = BufWriter::new(file);
        let block = Vec::with_capacity(block_bytes + block_bytes / 8);
        Ok(Self { path, file, attributes, block_bytes, block, rows: 0, before: (0, 0) })
    }

    /// Adds a row that is not below the one before.
    pub(crate) fn push(&mut self, row: &RowRef<'_>) -> Result<(), BulkError> {
        let (e, t) = self.before;
        put_varint(&mut self.block, zigzag(row.e.wrapping_sub(e).cast_signed()));
        put_varint(&mut self.block, row.rank.into());
        put_varint(&mut self.block, zigzag(i64::from(row.t) - i64::from(t)));
        match Kind::of(self.attributes.value_type(row.rank)) {
            Kind::Word => self.block.extend(row.word.to_le_bytes()),
            _ => {
                put_varint(&mut self.block, row.long.len() as u64);
                self.block.extend_from_slice(row.long);
            }
        }
        self.before = (row.e, row.t);
        self.rows += 1;
        if self.block.len() >= self.block_bytes { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), BulkError> {
        if self.rows == 0 {
            return Ok(());
        }
        let failed = |error: std::io::Error| BulkError::work(self.path, error);
        let length = u32::try_from(self.block.len())
            .map_err(|_| BulkError::work(self.path, "a block of more than 4 GiB"))?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend(length.to_le_bytes());
        header.extend(self.rows.to_le_bytes());
        header.extend(&blake3::hash(&self.block).as_bytes()[..HASH_BYTES]);
        self.file.write_all(&header).map_err(failed)?;
        self.file.write_all(&self.block).map_err(failed)?;
        self.block.clear();
        (self.rows, self.before) = (0, (0, 0));
        Ok(())
    }

    /// Completes the file; `durable` when it is to survive the machine.
    pub(crate) fn finish(mut self, durable: bool) -> Result<(), BulkError> {
        self.end_block()?;
        let failed = |error: std::io::Error| BulkError::work(self.path, error);
        self.file.flush().map_err(failed)?;
        if durable { self.file.get_ref().sync_all().map_err(failed) } else { Ok(()) }
    }
}

/// Reads sorted rows out of a file, block by block. The file is opened for each block anew, so that
/// any number of spills can be read at once.
#[derive(Debug)]
pub(crate) struct SpillReader {
    path: PathBuf,
    attributes: Arc<Attributes>,
    /// Where the next block begins in the file.
    offset: u64,
    block: Vec<u8>,
    next: usize,
    rows_left: u32,
    head: Option<Head>,
}

#[derive(Debug, Clone)]
struct Head {
    e: u64,
    rank: u32,
    t: u32,
    word: u64,
    long: Range<usize>,
}

impl SpillReader {
    /// Reads a file from its first row on.
    pub(crate) fn open(path: PathBuf, attributes: Arc<Attributes>) -> Result<Self, BulkError> {
        let (block, head) = (Vec::new(), None);
        let mut reader = Self { path, attributes, offset: 0, block, next: 0, rows_left: 0, head };
        reader.advance()?;
        Ok(reader)
    }

    pub(crate) fn head(&self) -> Option<RowRef<'_>> {
        let Head { e, rank, t, word, long } = self.head.as_ref()?;
        Some(RowRef { e: *e, rank: *rank, t: *t, word: *word, long: &self.block[long.clone()] })
    }

    /// Goes on to the next row.
    pub(crate) fn advance(&mut self) -> Result<(), BulkError> {
        if self.rows_left == 0 && !self.next_block()? {
            self.head = None;
            return Ok(());
        }
        let before = match &self.head {
            Some(head) if self.next > 0 => (head.e, head.t),
            _ => (0, 0),
        };
        let head = self.decode(before).ok_or_else(|| self.damaged())?;
        self.head = Some(head);
        self.rows_left -= 1;
        Ok(())
    }

    fn decode(&mut self, (e, t): (u64, u32)) -> Option<Head> {
        let e = e.wrapping_add(unzigzag(self.varint()?).cast_unsigned());
        let rank = u32::try_from(self.varint()?).ok()?;
        let t = u32::try_from(i64::from(t).checked_add(unzigzag(self.varint()?))?).ok()?;
        if rank as usize >= self.attributes.iter().len() {
            return None;
        }
        let value_type = self.attributes.value_type(rank);
        let (word, long) = match Kind::of(value_type) {
            Kind::Word => {
                let word = u64::from_le_bytes(*self.block.get(self.next..)?.first_chunk()?);
                self.next += size_of::<u64>();
                (word, 0..0)
            }
            _ => {
                let length = usize::try_from(self.varint()?).ok()?;
                let long = self.next..self.next.checked_add(length)?;
                self.next = long.end;
                (packed::word_of(value_type, self.block.get(long.clone())?), long)
            }
        };
        Some(Head { e, rank, t, word, long })
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.block.get(self.next)?;
            self.next += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Reads the next block; false when there is none.
    fn next_block(&mut self) -> Result<bool, BulkError> {
        let failed = |error: std::io::Error| BulkError::work(&self.path, error);
        let mut file = File::open(&self.path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if self.offset == bytes {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).map_err(failed)?;
        let number = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (length, rows) = (number(0), number(4));
        let end = self.offset + HEADER_BYTES as u64 + u64::from(length);
        if rows == 0 || end > bytes {
            return Err(self.damaged());
        }
        self.block.resize(length as usize, 0);
        file.read_exact(&mut self.block).map_err(failed)?;
        if blake3::hash(&self.block).as_bytes()[..HASH_BYTES] != header[8..] {
            return Err(self.damaged());
        }
        (self.offset, self.next, self.rows_left) = (end, 0, rows);
        Ok(true)
    }

    fn damaged(&self) -> BulkError {
        BulkError::work(&self.path, format!("damaged in the block before byte {}", self.offset))
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
