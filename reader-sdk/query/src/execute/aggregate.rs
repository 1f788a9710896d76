//! Aggregates: from the cells of a group to one cell.
//!
//! `count`, `count-distinct`, `distinct`, `sum`, `avg`, `median`, `variance`, `stddev`, `min` and
//! `max`, the last two also with a number first, for so many. `rand` and `sample` are left out:
//! an answer depends on nothing but the query and its inputs.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_model::Value;

use crate::ast;
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::functions::{Number, add, order};

/// A function over the cells of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    CountDistinct,
    Distinct,
    Sum,
    Average,
    Median,
    Variance,
    Deviation,
    Least(Option<usize>),
    Greatest(Option<usize>),
}

impl Aggregate {
    pub(crate) fn of(aggregate: &ast::Aggregate) -> Result<Self, QueryError> {
        let number = match aggregate.arguments.as_slice() {
            [] => None,
            [number] => Some(count(number, aggregate)?),
            _ => return Err(wrong_arity(aggregate)),
        };
        let found = match aggregate.function.text() {
            "count" => Self::Count,
            "count-distinct" => Self::CountDistinct,
            "distinct" => Self::Distinct,
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "median" => Self::Median,
            "variance" => Self::Variance,
            "stddev" => Self::Deviation,
            "min" => return Ok(Self::Least(number)),
            "max" => return Ok(Self::Greatest(number)),
            name => {
                let message = match name {
                    "rand" | "sample" => format!("no aggregate {name}: answers are not random"),
                    name => format!("no aggregate {name}"),
                };
                return Err(QueryError::new(
                    QueryErrorKind::UnknownFunction,
                    aggregate.span,
                    message,
                ));
            }
        };
        if number.is_some() { Err(wrong_arity(aggregate)) } else { Ok(found) }
    }

    /// What the aggregate makes of cells; there is at least one.
    pub(crate) fn of_cells(self, mut cells: Vec<Cell>) -> Result<Cell, String> {
        match self {
            Self::Count => Ok(long(cells.len())),
            Self::CountDistinct => Ok(long(cells.into_iter().collect::<BTreeSet<_>>().len())),
            Self::Distinct => Ok(Cell::Set(Arc::new(cells.into_iter().collect()))),
            Self::Sum => sum(&cells).map(Number::into_cell),
            Self::Average => Ok(double(mean(&numbers(&cells)?))),
            Self::Median => median(cells),
            Self::Variance => Ok(double(variance(&numbers(&cells)?))),
            Self::Deviation => Ok(double(variance(&numbers(&cells)?).sqrt())),
            Self::Least(None) => extreme(cells, Ordering::Less),
            Self::Greatest(None) => extreme(cells, Ordering::Greater),
            Self::Least(Some(number)) => {
                sort(&mut cells)?;
                cells.truncate(number);
                Ok(Cell::vector(cells))
            }
            Self::Greatest(Some(number)) => {
                sort(&mut cells)?;
                cells.reverse();
                cells.truncate(number);
                Ok(Cell::vector(cells))
            }
        }
    }
}

fn count(form: &duramen_model::Form, aggregate: &ast::Aggregate) -> Result<usize, QueryError> {
    let number = form.edn.as_long().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or_else(|| {
        let message = format!("{} takes how many as a positive integer", aggregate.function);
        QueryError::malformed(form.span, message)
    })
}

fn wrong_arity(aggregate: &ast::Aggregate) -> QueryError {
    let message = format!("{} takes no such arguments", aggregate.function);
    QueryError::new(QueryErrorKind::FunctionArity, aggregate.span, message)
}

fn long(number: usize) -> Cell {
    Cell::long(i64::try_from(number).unwrap_or(i64::MAX))
}

const fn double(number: f64) -> Cell {
    Cell::Value(Value::Double(number))
}

fn sum(cells: &[Cell]) -> Result<Number, String> {
    cells.iter().try_fold(Number::Long(0), |sum, cell| add(sum, Number::expect(cell)?))
}

fn numbers(cells: &[Cell]) -> Result<Vec<f64>, String> {
    cells.iter().map(|cell| Number::expect(cell).map(|number| number.to_f64())).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Of the population: divided by the number of members.
fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64
}

fn median(mut cells: Vec<Cell>) -> Result<Cell, String> {
    numbers(&cells)?;
    sort(&mut cells)?;
    let middle = cells.len() / 2;
    if cells.len() % 2 == 1 {
        return Ok(cells.swap_remove(middle));
    }
    Ok(double(mean(&numbers(&cells[middle - 1..=middle])?)))
}

fn extreme(cells: Vec<Cell>, wanted: Ordering) -> Result<Cell, String> {
    let mut cells = cells.into_iter();
    let mut best = cells.next().ok_or("nothing to choose from")?;
    for cell in cells {
        if total_order(&cell, &best)? == wanted {
            best = cell;
        }
    }
    Ok(best)
}

/// The order of cells with NaN after all other numbers.
fn total_order(a: &Cell, b: &Cell) -> Result<Ordering, String> {
    let not_a_number = |cell| Number::of(cell).is_some_and(|number| number.sign().is_none());
    Ok(order(a, b)?.unwrap_or_else(|| not_a_number(a).cmp(&not_a_number(b))))
}

fn sort(cells: &mut [Cell]) -> Result<(), String> {
    if let Some(first) = cells.first() {
        // Comparable with the first means comparable with each other.
        cells.iter().try_for_each(|cell| total_order(first, cell).map(drop))?;
    }
    cells.sort_by(|a, b| total_order(a, b).unwrap_or(Ordering::Equal));
    Ok(())
}
