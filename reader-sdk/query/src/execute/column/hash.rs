//! Hashing and equality of rows, column by column. A cell hashes alike in every kind of column.

use std::hash::{BuildHasher, Hash};

use duramen_model::{Value, ValueType};
use foldhash::fast::FixedState;

use super::{Column, TextColumn};
use crate::cell::Cell;

impl Column {
    fn equal(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self, other) {
            (Self::Longs(a), Self::Longs(b)) => a[row] == b[other_row],
            (Self::Texts(a), Self::Texts(b)) => a.equal(row, b, other_row),
            (Self::Cells(a), Self::Cells(b)) => a[row] == b[other_row],
            (Self::Longs(longs), Self::Cells(cells)) => {
                cells[other_row].as_long() == Some(longs[row])
            }
            (Self::Cells(cells), Self::Longs(longs)) => {
                cells[row].as_long() == Some(longs[other_row])
            }
            (Self::Texts(texts), Self::Cells(cells)) => {
                Some(texts.text(row)) == text_of(&cells[other_row])
            }
            (Self::Cells(cells), Self::Texts(texts)) => {
                text_of(&cells[row]) == Some(texts.text(other_row))
            }
            (Self::Longs(_), Self::Texts(_)) | (Self::Texts(_), Self::Longs(_)) => false,
        }
    }

    fn hash_into(&self, hashes: &mut [u64]) {
        match self {
            Self::Longs(longs) => {
                for (hash, long) in hashes.iter_mut().zip(longs) {
                    *hash = mix(*hash, hash_long(*long));
                }
            }
            Self::Texts(texts) => hash_texts(texts, hashes),
            Self::Cells(cells) => {
                for (hash, cell) in hashes.iter_mut().zip(cells) {
                    *hash = mix(*hash, hash_cell(cell));
                }
            }
        }
    }
}

fn hash_texts(texts: &TextColumn, hashes: &mut [u64]) {
    texts.each_hash(|row, own| hashes[row] = mix(hashes[row], own));
}

/// The text of a cell, and what it is, if it is text.
fn text_of(cell: &Cell) -> Option<(ValueType, &str)> {
    let Cell::Value(value) = cell else { return None };
    let text = match value {
        Value::String(text) | Value::Uri(text) => text,
        Value::Keyword(keyword) => keyword.text(),
        Value::Symbol(symbol) => symbol.text(),
        _ => return None,
    };
    Some((value.value_type(), text))
}

const fn hash_long(number: i64) -> u64 {
    (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(super) fn hash_text(value_type: ValueType, text: &str) -> u64 {
    // A one in it, so that no text has the hash 0.
    FixedState::with_seed(u64::from(value_type.number())).hash_one(text) | 1
}

fn hash_cell(cell: &Cell) -> u64 {
    if let Some(number) = cell.as_long() {
        return hash_long(number);
    }
    if let Some((value_type, text)) = text_of(cell) {
        return hash_text(value_type, text);
    }
    let mut hasher = FixedState::with_seed(0).build_hasher();
    cell.hash(&mut hasher);
    std::hash::Hasher::finish(&hasher)
}

const fn mix(hash: u64, next: u64) -> u64 {
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

#[cfg(test)]
mod tests {
    use duramen_db::ValueColumn;
    use duramen_model::{Keyword, Value};

    use super::super::Members;
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
    fn text_hashes_alike_in_leaves_and_cells_and_by_what_it_is() {
        let column = |values: &[Value]| {
            let values: ValueColumn = values.iter().collect();
            let mut column = Column::default();
            column.append_values(&values, Members::All(values.len()));
            column
        };
        let strings = column(&["a", "b", "a", "a", "a", "b"].map(Value::string));
        let keywords = column(&[Value::Keyword(Keyword::new("a"))]);
        assert!(matches!((&strings, &keywords), (Column::Texts(_), Column::Texts(_))));
        let cells = Column::Cells(["a", "b", "a", "a", "a", "b"].map(Cell::string).to_vec());
        assert_eq!(hashes(&[&strings], 6), hashes(&[&cells], 6));
        assert!((0..6).all(|row| rows_equal(&[&strings], row, &[&cells], row)));
        assert!(rows_equal(&[&cells], 2, &[&strings], 0));
        assert!(!rows_equal(&[&keywords], 0, &[&strings], 0));
        assert_ne!(hashes(&[&keywords], 1)[0], hashes(&[&strings], 6)[0]);
    }
}
