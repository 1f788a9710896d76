//! Aggregates: from the cells of a group to one cell.
//!
//! `count`, `count-distinct`, `distinct`, `sum`, `avg`, `median`, `variance`, `stddev`, `min` and
//! `max`, the last two also with a number first, for so many; `rand`, also with a number first, and
//! `sample`, which draw from the seed that the caller gives; and what the host program registers.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use duramen_model::{Edn, Form, Value};

use super::fold::Fold;
use super::random::Random;
use crate::ast;
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::functions::{Number, order};
use crate::registry::{HostFunction, Registry};

/// Cells that one `rand` draws.
const DRAWN_MAX: usize = 1_000_000;

/// A function over the cells of each group.
#[derive(Debug, Clone)]
pub(super) enum Aggregate {
    /// One that goes through the rows of all groups at once.
    Fold(Fold),
    /// One that is given the cells of a group together.
    Whole(Whole),
}

/// A function over the cells of a group, all of them at once.
#[derive(Debug, Clone)]
pub(super) enum Whole {
    Distinct,
    Median,
    /// The first so many in order.
    Least(usize),
    /// The last so many, backwards.
    Greatest(usize),
    /// One cell drawn; with a number so many, the same one perhaps again.
    Drawn(Option<usize>),
    /// Up to so many different cells drawn.
    Sample(usize),
    /// What the host program registered, with the constants before the cells.
    Host(Arc<HostFunction>, Vec<Edn>),
}

impl Aggregate {
    pub(super) fn of(aggregate: &ast::Aggregate, registry: &Registry) -> Result<Self, QueryError> {
        let name = aggregate.function.text();
        if let Some(found) = plain(name) {
            let plain = aggregate.arguments.is_empty();
            return if plain { Ok(found) } else { Err(wrong_arity(aggregate)) };
        }
        if !matches!(name, "min" | "max" | "rand" | "sample") {
            return host(aggregate, registry).map(Self::Whole);
        }
        let number = match aggregate.arguments.as_slice() {
            [] => None,
            [number] => Some(count(number, aggregate)?),
            _ => return Err(wrong_arity(aggregate)),
        };
        Ok(match (name, number) {
            ("min", None) => Self::Fold(Fold::Least),
            ("max", None) => Self::Fold(Fold::Greatest),
            ("min", Some(number)) => Self::Whole(Whole::Least(number)),
            ("max", Some(number)) => Self::Whole(Whole::Greatest(number)),
            ("rand", number) => Self::Whole(Whole::Drawn(number)),
            (_, Some(number)) => Self::Whole(Whole::Sample(number)),
            (_, None) => return Err(wrong_arity(aggregate)),
        })
    }
}

impl Whole {
    /// What the aggregate makes of cells; there is at least one.
    pub(super) fn of_cells(
        &self,
        mut cells: Vec<Cell>,
        random: Option<Random>,
    ) -> Result<Cell, String> {
        match self {
            Self::Distinct => Ok(Cell::Set(Arc::new(cells.into_iter().collect()))),
            Self::Median => median(cells),
            Self::Least(number) => {
                sort(&mut cells)?;
                cells.truncate(*number);
                Ok(Cell::vector(cells))
            }
            Self::Greatest(number) => {
                sort(&mut cells)?;
                cells.reverse();
                cells.truncate(*number);
                Ok(Cell::vector(cells))
            }
            Self::Drawn(number) => drawn(cells, *number, seeded(random)?),
            Self::Sample(number) => sample(cells, *number, seeded(random)?),
            Self::Host(function, constants) => {
                let members = cells.iter().map(|cell| Form::from(cell.to_edn())).collect();
                let mut arguments = constants.clone();
                arguments.push(Edn::Vector(members));
                function.call(&arguments).map(|edn| Cell::from_edn(&edn))
            }
        }
    }
}

/// The aggregates that take cells alone.
fn plain(name: &str) -> Option<Aggregate> {
    Some(match name {
        "count" => Aggregate::Fold(Fold::Count),
        "count-distinct" => Aggregate::Fold(Fold::CountDistinct),
        "sum" => Aggregate::Fold(Fold::Sum),
        "avg" => Aggregate::Fold(Fold::Average),
        "variance" => Aggregate::Fold(Fold::Variance),
        "stddev" => Aggregate::Fold(Fold::Deviation),
        "distinct" => Aggregate::Whole(Whole::Distinct),
        "median" => Aggregate::Whole(Whole::Median),
        _ => return None,
    })
}

fn host(aggregate: &ast::Aggregate, registry: &Registry) -> Result<Whole, QueryError> {
    let Some(function) = registry.aggregate(&aggregate.function) else {
        let message = format!("no aggregate {}", aggregate.function);
        return Err(QueryError::new(QueryErrorKind::UnknownFunction, aggregate.span, message));
    };
    if function.arguments() != aggregate.arguments.len() + 1 {
        return Err(wrong_arity(aggregate));
    }
    let constants = aggregate.arguments.iter().map(|form| form.edn.clone()).collect();
    Ok(Whole::Host(function, constants))
}

fn seeded(random: Option<Random>) -> Result<Random, String> {
    random.ok_or_else(|| "draws from a seed: give one in the options".to_owned())
}

/// As many as asked for, each of all.
fn drawn(mut cells: Vec<Cell>, number: Option<usize>, mut random: Random) -> Result<Cell, String> {
    // Rows come in whatever order the plan found them in.
    cells.sort_unstable();
    let mut draw = || cells[random.below(cells.len())].clone();
    match number {
        None => Ok(draw()),
        Some(number) if number > DRAWN_MAX => Err(format!("draws at most {DRAWN_MAX}")),
        Some(number) => Ok(Cell::vector((0..number).map(|_| draw()))),
    }
}

/// Different ones, fewer than asked for where there are no more.
fn sample(cells: Vec<Cell>, number: usize, mut random: Random) -> Result<Cell, String> {
    let mut cells: Vec<Cell> = cells.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let number = number.min(cells.len());
    for at in 0..number {
        let drawn = at + random.below(cells.len() - at);
        cells.swap(at, drawn);
    }
    cells.truncate(number);
    Ok(Cell::vector(cells))
}

fn count(form: &Form, aggregate: &ast::Aggregate) -> Result<usize, QueryError> {
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

const fn double(number: f64) -> Cell {
    Cell::Value(Value::Double(number))
}

fn numbers(cells: &[Cell]) -> Result<Vec<f64>, String> {
    cells.iter().map(|cell| Number::expect(cell).map(|number| number.to_f64())).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
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

/// The order of cells with NaN after all other numbers.
pub(super) fn total_order(a: &Cell, b: &Cell) -> Result<Ordering, String> {
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
