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
    rows.sort_unstable_by(order);
    meter.check()
}

fn compare(column: &Column, a: usize, b: usize) -> Ordering {
    match column {
        Column::Longs(longs) => longs[a].cmp(&longs[b]),
        Column::Texts(texts) => texts.compare(a, b),
        Column::Cells(cells) => total_order(&cells[a], &cells[b]),
    }
}
