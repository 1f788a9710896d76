//! Aggregates that need no group at once: each goes through a column from front to back, and
//! holds one thing for every group.

use std::cmp::Ordering;

use super::aggregate::total_order;
use super::group::Grouping;
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::execute::{Column, distinct_rows};
use crate::functions::{Number, add};

/// Why a cell cannot be aggregated.
type Failure<'f> = &'f dyn Fn(String) -> QueryError;

/// An aggregate that goes row by row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fold {
    Count,
    CountDistinct,
    Sum,
    Average,
    Variance,
    Deviation,
    Least,
    Greatest,
}

impl Fold {
    /// A cell for each group.
    pub(super) fn of_groups(
        self,
        cells: &Column,
        groups: &Grouping,
        meter: &Meter,
        failed: Failure<'_>,
    ) -> Result<Column, QueryError> {
        Ok(match self {
            Self::Count => column(groups.sizes().into_iter().map(long)),
            Self::CountDistinct => count_distinct(cells, groups),
            Self::Sum => sums(cells, groups, meter, failed)?,
            Self::Average => column(means(cells, groups, meter, failed)?.into_iter().map(double)),
            Self::Variance => {
                column(variances(cells, groups, meter, failed)?.into_iter().map(double))
            }
            Self::Deviation => {
                let variances = variances(cells, groups, meter, failed)?;
                column(variances.into_iter().map(f64::sqrt).map(double))
            }
            Self::Least => extremes(cells, groups, Ordering::Less, meter, failed)?,
            Self::Greatest => extremes(cells, groups, Ordering::Greater, meter, failed)?,
        })
    }
}

fn column(cells: impl Iterator<Item = Cell>) -> Column {
    let mut column = Column::default();
    cells.for_each(|cell| column.push(cell));
    column
}

fn long(number: usize) -> Cell {
    Cell::long(i64::try_from(number).unwrap_or(i64::MAX))
}

const fn double(number: f64) -> Cell {
    Cell::Value(duramen_model::Value::Double(number))
}

/// Goes through the rows, each with its group.
fn each(
    groups: &Grouping,
    meter: &Meter,
    mut row: impl FnMut(usize, usize) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    for (number, &group) in groups.of.iter().enumerate() {
        meter.tick(number)?;
        row(number, group)?;
    }
    Ok(())
}

fn sums(
    cells: &Column,
    groups: &Grouping,
    meter: &Meter,
    failed: Failure<'_>,
) -> Result<Column, QueryError> {
    if let Some(sums) = cells.longs().and_then(|longs| sums_of_longs(longs, groups)) {
        return Ok(Column::Longs(sums));
    }
    let mut sums = vec![Number::Long(0); groups.len()];
    each(groups, meter, |row, group| {
        let number = Number::expect(&cells.get(row)).map_err(failed)?;
        let sum = std::mem::replace(&mut sums[group], Number::Long(0));
        sums[group] = add(sum, number).map_err(failed)?;
        Ok(())
    })?;
    Ok(column(sums.into_iter().map(Number::into_cell)))
}

/// `None` where a sum does not fit, on the way or at the end.
fn sums_of_longs(longs: &[i64], groups: &Grouping) -> Option<Vec<i64>> {
    let mut sums = vec![0_i64; groups.len()];
    for (long, &group) in longs.iter().zip(&groups.of) {
        sums[group] = sums[group].checked_add(*long)?;
    }
    Some(sums)
}

/// Goes through the numbers of a column, each with its group.
fn each_number(
    cells: &Column,
    groups: &Grouping,
    meter: &Meter,
    failed: Failure<'_>,
    mut number: impl FnMut(f64, usize),
) -> Result<(), QueryError> {
    let longs = cells.longs();
    each(groups, meter, |row, group| {
        let found = match longs {
            Some(longs) => longs[row] as f64,
            None => Number::expect(&cells.get(row)).map_err(failed)?.to_f64(),
        };
        number(found, group);
        Ok(())
    })
}

fn means(
    cells: &Column,
    groups: &Grouping,
    meter: &Meter,
    failed: Failure<'_>,
) -> Result<Vec<f64>, QueryError> {
    // Minus zero is what sums of nothing but minus zeros begin with.
    let mut sums = vec![-0.0; groups.len()];
    each_number(cells, groups, meter, failed, |number, group| sums[group] += number)?;
    let sizes = groups.sizes();
    Ok(sums.into_iter().zip(sizes).map(|(sum, size)| sum / size as f64).collect())
}

/// Of the population: divided by the number of members.
fn variances(
    cells: &Column,
    groups: &Grouping,
    meter: &Meter,
    failed: Failure<'_>,
) -> Result<Vec<f64>, QueryError> {
    let means = means(cells, groups, meter, failed)?;
    let mut squares = vec![0.0; groups.len()];
    each_number(cells, groups, meter, failed, |number, group| {
        squares[group] += (number - means[group]).powi(2);
    })?;
    Ok(squares.into_iter().zip(groups.sizes()).map(|(sum, size)| sum / size as f64).collect())
}

fn extremes(
    cells: &Column,
    groups: &Grouping,
    wanted: Ordering,
    meter: &Meter,
    failed: Failure<'_>,
) -> Result<Column, QueryError> {
    let longs = cells.longs();
    let mut best = groups.first.clone();
    each(groups, meter, |row, group| {
        let own = best[group];
        if own == row {
            return Ok(());
        }
        let order = match longs {
            Some(longs) => longs[row].cmp(&longs[own]),
            None => total_order(&cells.get(row), &cells.get(own)).map_err(failed)?,
        };
        if order == wanted {
            best[group] = row;
        }
        Ok(())
    })?;
    Ok(cells.gather(&best))
}

fn count_distinct(cells: &Column, groups: &Grouping) -> Column {
    let of = column(groups.of.iter().map(|&group| long(group)));
    let mut counts = vec![0; groups.len()];
    for row in distinct_rows(&[&of, cells], groups.of.len()) {
        counts[groups.of[row]] += 1;
    }
    column(counts.into_iter().map(long))
}
