//! Which rows of a scan fit which rows of a relation.
//!
//! Numbers meet by a merge where both sides are sorted, by a search where few meet many, and
//! otherwise by a directory; everything else meets by its hash.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Scan;
use super::directory::{Directory, Found};
use crate::budget::Meter;
use crate::error::QueryError;
use crate::execute::column::{Column, hashes, rows_equal};
use crate::execute::pair_set::PairSet;
use crate::execute::relation::{Pairing, Pairs, join, paired, probe, product};
use crate::execute::row_index::RowIndex;

/// The places of a pattern whose variables are bound already, each with the cells to match there.
pub(crate) struct Keys {
    pub(crate) columns: Vec<(usize, Column)>,
    /// How many rows there are.
    pub(crate) rows: usize,
    /// The place that leaves at most one row of the scan for each row, if one does.
    pub(crate) single: Option<usize>,
}

/// What finds rows of a scan that is kept: made when it is needed for the first time.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    /// By the places that they are over.
    hashed: HashMap<Vec<usize>, Arc<RowIndex>>,
    /// By the place; `None` where its numbers are too far apart.
    directories: HashMap<usize, Option<Arc<Directory>>>,
    /// The places by which rows have been sought before.
    sought: HashSet<usize>,
    /// Pairs of numbers, by their places.
    pairs: HashMap<(usize, usize), Arc<PairSet>>,
}

/// From so many rows of a scan on for each row that asks, searching costs less than passing by.
const SEARCHED_FROM: usize = 16;

impl Scan {
    /// The numbers at a place, if there is nothing else.
    pub(crate) fn longs(&self, place: usize) -> Option<&[i64]> {
        self.columns.get(place)?.as_ref()?.longs()
    }

    /// Where the rows of each number at a place are, if the numbers are close together.
    pub(crate) fn directory(&self, place: usize, indexes: &mut Indexes) -> Option<Arc<Directory>> {
        let longs = self.longs(place)?;
        let made = || Directory::of(longs).map(Arc::new);
        indexes.directories.entry(place).or_insert_with(made).clone()
    }

    /// The pairs of numbers at two places, if there is nothing else.
    pub(crate) fn pair_set(
        &self,
        places: (usize, usize),
        indexes: &mut Indexes,
    ) -> Option<Arc<PairSet>> {
        let (first, second) = (self.longs(places.0)?, self.longs(places.1)?);
        let made = || {
            let mut pairs = PairSet::default();
            first.iter().zip(second).for_each(|(first, second)| _ = pairs.insert(*first, *second));
            Arc::new(pairs)
        };
        Some(Arc::clone(indexes.pairs.entry(places).or_insert_with(made)))
    }

    /// The pairs of rows, of the keys and of the scan, that agree.
    pub(crate) fn pairs(
        &self,
        keys: &Keys,
        indexes: Option<&mut Indexes>,
        meter: &Meter,
    ) -> Result<Pairs, QueryError> {
        if keys.columns.is_empty() {
            return product(keys.rows, self.rows, meter);
        }
        let mut indexes = indexes;
        if let Some((place, left, right)) = self.numbers(keys)
            && let Some(pairs) = number_pairs(place, left, right, indexes.as_deref_mut(), meter)?
        {
            return Ok(self.agreeing(keys, place, pairs));
        }
        let places: Vec<usize> = keys.columns.iter().map(|(place, _)| *place).collect();
        let left: Vec<&Column> = keys.columns.iter().map(|(_, column)| column).collect();
        let right = self.columns(&places);
        let Some(indexes) = indexes else {
            return join(&left, keys.rows, &right, self.rows, meter);
        };
        let index = indexes.hashed.entry(places);
        let index =
            index.or_insert_with(|| Arc::new(RowIndex::of_hashes(&hashes(&right, self.rows))));
        probe(index, &right, &left, keys.rows, meter)
    }

    /// The numbers on both sides by which rows are to be found.
    fn numbers<'s>(&'s self, keys: &'s Keys) -> Option<(usize, &'s [i64], &'s [i64])> {
        let place = match keys.columns.as_slice() {
            [(place, _)] => *place,
            _ => keys.single?,
        };
        let (_, left) = keys.columns.iter().find(|(own, _)| *own == place)?;
        Some((place, left.longs()?, self.columns[place].as_ref()?.longs()?))
    }

    /// Those of the pairs that agree in the other places, too.
    fn agreeing(&self, keys: &Keys, met: usize, (left, right): Pairs) -> Pairs {
        let others: Vec<&(usize, Column)> =
            keys.columns.iter().filter(|(place, _)| *place != met).collect();
        if others.is_empty() {
            return (left, right);
        }
        let places: Vec<usize> = others.iter().map(|(place, _)| *place).collect();
        let own: Vec<&Column> = others.iter().map(|(_, column)| column).collect();
        let found = self.columns(&places);
        let pairs = left.into_iter().zip(right);
        pairs.filter(|(row, at)| rows_equal(&own, *row, &found, *at)).unzip()
    }
}

/// The pairs of rows with the same number; `None` where hashing finds them best.
fn number_pairs(
    place: usize,
    left: &[i64],
    right: &[i64],
    indexes: Option<&mut Indexes>,
    meter: &Meter,
) -> Result<Option<Pairs>, QueryError> {
    let known = indexes.as_ref().and_then(|indexes| indexes.directories.get(&place));
    if let Some(Some(directory)) = known {
        return looked_up(directory, left, meter).map(Some);
    }
    let few = left.len().saturating_mul(SEARCHED_FROM) < right.len();
    if right.is_sorted() {
        if left.is_sorted() {
            return merged(left, right, meter).map(Some);
        }
        if few {
            return searched(left, right, meter).map(Some);
        }
    }
    // A directory of the scan is worth making if it is asked again.
    let mut indexes = indexes;
    let is_first = indexes.as_mut().is_none_or(|indexes| indexes.sought.insert(place));
    let directory = match indexes {
        Some(indexes) if !is_first => {
            let made = || Directory::of(right).map(Arc::new);
            indexes.directories.entry(place).or_insert_with(made).clone()
        }
        _ if left.len() < right.len() => {
            let Some(directory) = Directory::of(left) else { return Ok(None) };
            let (right, left) = looked_up(&directory, right, meter)?;
            return Ok(Some((left, right)));
        }
        _ => Directory::of(right).map(Arc::new),
    };
    directory.map(|directory| looked_up(&directory, left, meter)).transpose()
}

fn looked_up(directory: &Directory, left: &[i64], meter: &Meter) -> Result<Pairs, QueryError> {
    paired(left.len(), meter, |row, pairing| match directory.find(left[row]) {
        Found::Stretch(stretch) => pairing.push_all(row, stretch),
        Found::Rows(rows) => rows.iter().try_for_each(|at| pairing.push(row, *at as usize)),
    })
}

/// Of how many rows of a scan it is expected that each is met.
const MET_MAX: usize = 1024;

/// Both sides are sorted.
fn merged(left: &[i64], right: &[i64], meter: &Meter) -> Result<Pairs, QueryError> {
    let mut pairing = Pairing::with_capacity(left.len().max(right.len().min(MET_MAX)), meter);
    let mut stretch = 0..0;
    let mut before = None;
    for (row, long) in left.iter().enumerate() {
        if before != Some(*long) {
            let begin = stretch.end + gallop(&right[stretch.end..], |other| other < *long);
            stretch = begin..begin + gallop(&right[begin..], |other| other == *long);
            before = Some(*long);
        }
        pairing.push_all(row, stretch.clone())?;
    }
    Ok(pairing.finish())
}

/// The right side is sorted.
fn searched(left: &[i64], right: &[i64], meter: &Meter) -> Result<Pairs, QueryError> {
    let mut pairing = Pairing::with_capacity(left.len(), meter);
    for (row, long) in left.iter().enumerate() {
        let begin = right.partition_point(|other| other < long);
        let end = begin + gallop(&right[begin..], |other| other == *long);
        pairing.push_all(row, begin..end)?;
    }
    Ok(pairing.finish())
}

/// How many at the beginning fulfil what holds for a prefix. Looks near the beginning first.
fn gallop(longs: &[i64], holds: impl Fn(i64) -> bool) -> usize {
    let mut high = 1;
    while high <= longs.len() && holds(longs[high - 1]) {
        high *= 2;
    }
    let (low, high) = (high / 2, (high - 1).min(longs.len()));
    low + longs[low..high].partition_point(|long| holds(*long))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(numbers: &[i64]) -> Scan {
        Scan { columns: vec![Some(Column::Longs(numbers.to_vec()))], rows: numbers.len() }
    }

    proptest! {
        #[test]
        fn numbers_meet_however_they_lie(
            mut left in prop::collection::vec(-20_i64..20, 0..30),
            mut right in prop::collection::vec(-20_i64..20, 0..200),
            (sort_left, sort_right, keep) in any::<(bool, bool, bool)>(),
            spread in prop::sample::select(vec![1_i64, 1 << 40]),
        ) {
            left.iter_mut().chain(&mut right).for_each(|number| *number *= spread);
            if sort_left { left.sort_unstable() }
            if sort_right { right.sort_unstable() }
            let keys = Keys { columns: vec![(0, Column::Longs(left.clone()))], rows: left.len(), single: None };
            let mut expected: Vec<(usize, usize)> = Vec::new();
            for (row, own) in left.iter().enumerate() {
                expected.extend(right.iter().enumerate().filter(|(_, other)| *other == own).map(|(at, _)| (row, at)));
            }
            let mut kept = Indexes::default();
            for _ in 0..2 {
                let indexes = keep.then_some(&mut kept);
                let (rows, found) = scan(&right).pairs(&keys, indexes, &Meter::default()).unwrap();
                let mut pairs: Vec<_> = rows.into_iter().zip(found).collect();
                pairs.sort_unstable();
                prop_assert_eq!(&pairs, &expected);
            }
        }
    }
}
