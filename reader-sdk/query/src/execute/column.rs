//! Columns: the cells of one variable, and hashing over several of them.
//!
//! Longs, which entities are too, stay unboxed until a cell of another kind arrives. Joins and
//! sets work on column-wise hashes, so that another layout can take the place of this one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use duramen_model::Value;

use crate::cell::Cell;

/// The cells of one variable.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Longs(Vec<i64>),
    Cells(Vec<Cell>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Longs(Vec::new())
    }
}

impl Column {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Longs(longs) => longs.len(),
            Self::Cells(cells) => cells.len(),
        }
    }

    pub(crate) fn get(&self, row: usize) -> Cell {
        match self {
            Self::Longs(longs) => Cell::long(longs[row]),
            Self::Cells(cells) => cells[row].clone(),
        }
    }

    pub(crate) fn push_long(&mut self, number: i64) {
        match self {
            Self::Longs(longs) => longs.push(number),
            Self::Cells(cells) => cells.push(Cell::long(number)),
        }
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        match (&mut *self, cell) {
            (Self::Longs(longs), Cell::Value(Value::Long(number))) => longs.push(number),
            (Self::Cells(cells), cell) => cells.push(cell),
            (Self::Longs(_), cell) => {
                let mut cells = std::mem::take(self).into_cells();
                cells.push(cell);
                *self = Self::Cells(cells);
            }
        }
    }

    fn into_cells(self) -> Vec<Cell> {
        match self {
            Self::Longs(longs) => longs.into_iter().map(Cell::long).collect(),
            Self::Cells(cells) => cells,
        }
    }

    /// The rows of these numbers, in their order.
    pub(crate) fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Longs(longs) => Self::Longs(rows.iter().map(|&row| longs[row]).collect()),
            Self::Cells(cells) => Self::Cells(rows.iter().map(|&row| cells[row].clone()).collect()),
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Longs(own), Self::Longs(longs)) => own.extend_from_slice(longs),
            (Self::Cells(own), Self::Cells(cells)) => own.extend_from_slice(cells),
            (_, other) => (0..other.len()).for_each(|row| self.push(other.get(row))),
        }
    }

    /// About how many bytes a cell takes: from a few of them, evenly spread.
    pub(crate) fn cell_bytes(&self) -> usize {
        const LOOKED_AT: usize = 16;
        match self {
            Self::Longs(_) => size_of::<i64>(),
            Self::Cells(cells) if cells.is_empty() => size_of::<Cell>(),
            Self::Cells(cells) => {
                let step = cells.len().div_ceil(LOOKED_AT);
                let looked_at = cells.len().div_ceil(step);
                cells.iter().step_by(step).map(Cell::bytes).sum::<usize>() / looked_at
            }
        }
    }

    /// The same cell in every row.
    pub(crate) fn repeated(cell: &Cell, rows: usize) -> Self {
        match cell {
            Cell::Value(Value::Long(number)) => Self::Longs(vec![*number; rows]),
            cell => Self::Cells(vec![cell.clone(); rows]),
        }
    }

    fn equal(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self, other) {
            (Self::Longs(a), Self::Longs(b)) => a[row] == b[other_row],
            (Self::Cells(a), Self::Cells(b)) => a[row] == b[other_row],
            (Self::Longs(longs), Self::Cells(cells)) => {
                cells[other_row].as_long() == Some(longs[row])
            }
            (Self::Cells(cells), Self::Longs(longs)) => {
                cells[row].as_long() == Some(longs[other_row])
            }
        }
    }

    fn hash_into(&self, hashes: &mut [u64]) {
        match self {
            Self::Longs(longs) => {
                for (hash, long) in hashes.iter_mut().zip(longs) {
                    *hash = mix(*hash, hash_long(*long));
                }
            }
            Self::Cells(cells) => {
                for (hash, cell) in hashes.iter_mut().zip(cells) {
                    *hash = mix(*hash, hash_cell(cell));
                }
            }
        }
    }
}

fn hash_long(number: i64) -> u64 {
    (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn hash_cell(cell: &Cell) -> u64 {
    match cell {
        Cell::Value(Value::Long(number)) => hash_long(*number),
        cell => {
            let mut hasher = DefaultHasher::new();
            cell.hash(&mut hasher);
            hasher.finish()
        }
    }
}

fn mix(hash: u64, next: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ next).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

/// The hash of every row over some columns.
pub(crate) fn hashes(columns: &[&Column], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0; rows];
    columns.iter().for_each(|column| column.hash_into(&mut hashes));
    hashes
}

/// Whether two rows agree in all of their columns.
pub(crate) fn rows_equal(a: &[&Column], row: usize, b: &[&Column], other_row: usize) -> bool {
    a.iter().zip(b).all(|(a, b)| a.equal(row, b, other_row))
}

/// Rows by hash: a chain of row numbers for each, which grows with the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowIndex {
    newest: HashMap<u64, usize, BuildHasherDefault<PassThrough>>,
    /// For each row one more than the row before it in its chain, 0 at the end.
    before: Vec<usize>,
}

impl RowIndex {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            newest: HashMap::with_capacity_and_hasher(rows, BuildHasherDefault::default()),
            before: Vec::with_capacity(rows),
        }
    }

    /// An index of all rows of some columns.
    pub(crate) fn of(columns: &[&Column], rows: usize) -> Self {
        let mut index = Self::with_capacity(rows);
        hashes(columns, rows).into_iter().for_each(|hash| index.push(hash));
        index
    }

    /// Takes in the next row.
    pub(crate) fn push(&mut self, hash: u64) {
        let row = self.before.len();
        match self.newest.entry(hash) {
            Entry::Occupied(mut newest) => {
                self.before.push(*newest.get() + 1);
                newest.insert(row);
            }
            Entry::Vacant(newest) => {
                self.before.push(0);
                newest.insert(row);
            }
        }
    }

    /// The rows that may have a hash, the newest first.
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> + '_ {
        let newest = self.newest.get(&hash).copied();
        std::iter::successors(newest, |&row| self.before[row].checked_sub(1))
    }
}

/// A hasher for keys that are hashes already.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = mix(self.0, u64::from(byte)));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_hash_alike_boxed_and_unboxed() {
        let longs = Column::Longs(vec![7, -1]);
        let cells = Column::Cells(vec![Cell::long(7), Cell::long(-1)]);
        assert_eq!(hashes(&[&longs], 2), hashes(&[&cells], 2));
        assert!(rows_equal(&[&longs], 1, &[&cells], 1));
        assert!(!rows_equal(&[&cells], 0, &[&longs], 1));
    }

    #[test]
    fn a_column_takes_cells_of_any_kind() {
        let mut column = Column::default();
        column.push(Cell::long(1));
        column.push(Cell::string("x"));
        column.push_long(2);
        assert_eq!(column.get(0), Cell::long(1));
        assert_eq!(column.get(1), Cell::string("x"));
        assert_eq!(column.get(2), Cell::long(2));
    }

    #[test]
    fn an_index_chains_the_rows_of_a_hash() {
        let column = Column::Longs(vec![5, 6, 5, 5]);
        let index = RowIndex::of(&[&column], 4);
        let hash = hashes(&[&column], 4)[0];
        assert_eq!(index.candidates(hash).collect::<Vec<_>>(), [3, 2, 0]);
    }
}
