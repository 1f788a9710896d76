//! `:order-by`.

use std::cmp::Ordering;

use crate::budget::Meter;
use crate::error::QueryError;
use crate::execute::Column;
use crate::functions::total_order;

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) column: usize,
    pub(super) descending: bool,
}

/// Sorts rows by keys, as far as the first so many of them; equal ones stay as they were.
pub(super) fn sort(
    rows: &mut Vec<usize>,
    keys: &[Key],
    columns: &[Column],
    first: usize,
    meter: &Meter,
) -> Result<(), QueryError> {
    if keys.is_empty() {
        return Ok(());
    }
    meter.check()?;
    let order = |a: &usize, b: &usize| {
        let by_key = |key: &Key| {
            let order = compare(&columns[key.column], *a, *b);
            if key.descending { order.reverse() } else { order }
        };
        let unequal = keys.iter().map(by_key).find(|order| order.is_ne());
        unequal.unwrap_or_else(|| a.cmp(b))
    };
    if first < rows.len() {
        rows.select_nth_unstable_by(first, order);
        rows.truncate(first);
    }
    sort_all(rows, &order, meter)
}

/// So many rows are sorted before somebody looks at the clock.
const STRETCH_ROWS: usize = if cfg!(test) { 4 } else { 1 << 18 };

/// Sorts many rows stretch by stretch, so that nobody who calls the query off waits for all of them.
fn sort_all(
    rows: &mut Vec<usize>,
    order: &impl Fn(&usize, &usize) -> Ordering,
    meter: &Meter,
) -> Result<(), QueryError> {
    let mut length = STRETCH_ROWS;
    for stretch in rows.chunks_mut(length) {
        meter.check()?;
        stretch.sort_unstable_by(order);
    }
    while length < rows.len() {
        let mut merged = Vec::with_capacity(rows.len());
        for pair in rows.chunks(length * 2) {
            let (a, b) = pair.split_at(length.min(pair.len()));
            merge((a, b), order, &mut merged, meter)?;
        }
        *rows = merged;
        length *= 2;
    }
    meter.check()
}

/// Adds what two sorted stretches hold.
fn merge(
    (mut a, mut b): (&[usize], &[usize]),
    order: &impl Fn(&usize, &usize) -> Ordering,
    merged: &mut Vec<usize>,
    meter: &Meter,
) -> Result<(), QueryError> {
    while let (Some(first), Some(other)) = (a.first(), b.first()) {
        meter.tick(merged.len())?;
        let from = if order(first, other).is_le() { &mut a } else { &mut b };
        let Some((next, rest)) = from.split_first() else { break };
        merged.push(*next);
        *from = rest;
    }
    merged.extend_from_slice(a);
    merged.extend_from_slice(b);
    Ok(())
}

fn compare(column: &Column, a: usize, b: usize) -> Ordering {
    match column {
        Column::Longs(longs) => longs[a].cmp(&longs[b]),
        Column::Texts(texts) => texts.compare(a, b),
        Column::Cells(cells) => total_order(&cells[a], &cells[b]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::budget::CancelToken;

    proptest! {
        #[test]
        fn stretches_come_together_in_order(numbers in prop::collection::vec(-9_i64..9, 0..70)) {
            let mut rows: Vec<usize> = (0..numbers.len()).collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| numbers[*row]);
            let (columns, keys) = ([Column::Longs(numbers)], [Key { column: 0, descending: false }]);
            sort(&mut rows, &keys, &columns, usize::MAX, &Meter::default()).expect("no limit");
            prop_assert_eq!(rows, expected);
        }
    }

    #[test]
    fn a_sort_is_called_off() {
        let cancel = CancelToken::new();
        cancel.cancel();
        let meter = Meter::start(Default::default(), None, None, Some(&cancel)).expect("no time");
        let (columns, keys) = ([Column::Longs(vec![2, 1])], [Key { column: 0, descending: false }]);
        assert!(sort(&mut vec![0, 1], &keys, &columns, usize::MAX, &meter).is_err());
    }
}
