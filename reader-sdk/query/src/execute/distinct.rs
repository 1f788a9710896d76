//! Distinct rows.

use std::borrow::Cow;

use super::column::{Column, hashes, rows_equal};
use super::pair_set::PairSet;
use super::row_index::RowIndex;

/// So many numbers are few.
const FEW_LONGS: usize = 64;
/// A span of numbers is dense if it holds at most so many for each row.
const SPARSITY_MAX: u64 = 16;

/// The numbers of the rows that no earlier row equals.
pub(crate) fn distinct_rows(columns: &[&Column], rows: usize) -> Vec<usize> {
    // One row is what most questions begin with.
    if rows <= 1 {
        return (0..rows).collect();
    }
    let told_apart: Vec<Cow<'_, Column>> = columns.iter().map(|own| own.told_apart()).collect();
    let columns: Vec<&Column> = told_apart.iter().map(|own| &**own).collect();
    match columns.as_slice() {
        [Column::Longs(longs)] => distinct_longs(longs, usize::MAX),
        [Column::Longs(a), Column::Longs(b)] => distinct_pairs(a, b),
        columns => distinct_hashed(columns, rows),
    }
}

/// As [`distinct_rows`]; `None` where there are more than so many.
pub(super) fn distinct_up_to(columns: &[&Column], rows: usize, max: usize) -> Option<Vec<usize>> {
    let first = match columns {
        [Column::Longs(longs)] => distinct_longs(longs, max.saturating_add(1)),
        columns => distinct_rows(columns, rows),
    };
    Some(first).filter(|first| first.len() <= max)
}

fn distinct_hashed(columns: &[&Column], rows: usize) -> Vec<usize> {
    let mut index = RowIndex::with_capacity(rows);
    let mut first = Vec::with_capacity(rows);
    for (row, hash) in hashes(columns, rows).into_iter().enumerate() {
        let seen = |at: usize| rows_equal(columns, row, columns, first[at]);
        if !index.candidates(hash).any(seen) {
            index.push(hash);
            first.push(row);
        }
    }
    first
}

/// Looks for no more once there are so many, where looking costs more than passing by.
fn distinct_longs(longs: &[i64], enough: usize) -> Vec<usize> {
    if longs.is_sorted() {
        let is_first = |row: &usize| *row == 0 || longs[*row - 1] != longs[*row];
        let mut first = Vec::with_capacity(longs.len());
        first.extend((0..longs.len()).filter(is_first));
        return first;
    }
    // Of a few, each is compared with all faster than a set is made.
    if longs.len() <= FEW_LONGS {
        let mut first = Vec::with_capacity(longs.len());
        first.extend((0..longs.len()).filter(|row| !longs[..*row].contains(&longs[*row])));
        return first;
    }
    let mut seen = PairSet::default();
    (0..longs.len()).filter(|row| seen.insert(0, longs[*row])).take(enough).collect()
}

fn distinct_pairs(a: &[i64], b: &[i64]) -> Vec<usize> {
    let grouped = match (a.is_sorted(), b.is_sorted()) {
        (true, _) => distinct_in_groups(a, b),
        (false, true) => distinct_in_groups(b, a),
        (false, false) => None,
    };
    grouped.unwrap_or_else(|| {
        let mut seen = PairSet::default();
        (0..a.len()).filter(|row| seen.insert(a[*row], b[*row])).collect()
    })
}

/// Of pairs of which one member is sorted and the other close together.
fn distinct_in_groups(sorted: &[i64], other: &[i64]) -> Option<Vec<usize>> {
    let dense = Dense::of(other)?;
    // For each number the group of equal ones, counted from 1, that has had it last.
    let mut last = vec![0_u32; dense.len()];
    let mut group = 1_u32;
    let mut first = Vec::with_capacity(other.len());
    for row in 0..other.len() {
        if row > 0 && sorted[row - 1] != sorted[row] {
            group += 1;
        }
        if std::mem::replace(&mut last[dense.place(other[row])], group) != group {
            first.push(row);
        }
    }
    Some(first)
}

/// Numbers that are close together, so that a table has a place for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dense {
    base: i64,
    len: usize,
}

impl Dense {
    /// Where the numbers are close together, and not more than what can be counted.
    pub(crate) fn of(longs: &[i64]) -> Option<Self> {
        let (base, last) = (*longs.iter().min()?, *longs.iter().max()?);
        let rows = u32::try_from(longs.len()).ok()?;
        let len = last.abs_diff(base).checked_add(1)?;
        (len <= (u64::from(rows) + 64) * SPARSITY_MAX)
            .then_some(Self { base, len: usize::try_from(len).ok()? })
    }

    /// How many places there are.
    pub(crate) const fn len(self) -> usize {
        self.len
    }

    /// The place of one of the numbers.
    pub(crate) const fn place(self, long: i64) -> usize {
        long.wrapping_sub(self.base) as usize
    }

    /// The place of any number, if it has one.
    pub(super) fn find(self, long: i64) -> Option<usize> {
        let place = usize::try_from(long.checked_sub(self.base)?).ok()?;
        (place < self.len).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_way_finds_the_same_rows(
            mut rows in prop::collection::vec((0_i64..20, -5_i64..5), 0..120),
            sorted in any::<bool>(),
            spread in prop::sample::select(vec![1_i64, 1 << 40]),
        ) {
            if sorted {
                rows.sort_unstable_by_key(|row| row.0);
            }
            let (a, b): (Vec<i64>, Vec<i64>) =
                rows.iter().map(|(a, b)| (a * spread, b * spread)).unzip();
            let (a, b) = (Column::Longs(a), Column::Longs(b));
            for columns in [vec![&a], vec![&b], vec![&a, &b], vec![&b, &a]] {
                let expected = distinct_hashed(&columns, rows.len());
                prop_assert_eq!(&distinct_rows(&columns, rows.len()), &expected);
                for max in [expected.len(), expected.len().saturating_sub(1)] {
                    let within = Some(&expected).filter(|expected| expected.len() <= max);
                    let found = distinct_up_to(&columns, rows.len(), max);
                    prop_assert_eq!(found.as_ref(), within);
                }
            }
        }
    }

    #[test]
    fn numbers_far_apart_are_not_dense() {
        assert!(Dense::of(&[i64::MIN, i64::MAX]).is_none());
        assert!(Dense::of(&[]).is_none());
        let dense = Dense::of(&[7, 5]).unwrap();
        assert_eq!(
            [4, 5, 7, 8, i64::MIN].map(|long| dense.find(long)),
            [None, Some(0), Some(2), None, None]
        );
    }
}
