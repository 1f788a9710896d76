//! Comparison: numbers by value whatever their types, everything else within its type.

use std::cmp::Ordering;

use duramen_model::Value;

use super::number::Number;
use super::{Builtin, MANY, Outcome, builtin, kinds};
use crate::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    builtin("=", 1, MANY, |cells| Ok(Cell::boolean(all_equal(cells)))),
    builtin("not=", 1, MANY, |cells| Ok(Cell::boolean(!all_equal(cells)))),
    builtin("!=", 1, MANY, |cells| Ok(Cell::boolean(!all_equal(cells)))),
    builtin("==", 1, MANY, same_number),
    builtin("<", 1, MANY, |cells| ordered(cells, Ordering::is_lt)),
    builtin("<=", 1, MANY, |cells| ordered(cells, Ordering::is_le)),
    builtin(">", 1, MANY, |cells| ordered(cells, Ordering::is_gt)),
    builtin(">=", 1, MANY, |cells| ordered(cells, Ordering::is_ge)),
    builtin("compare", 2, 2, compare),
];

fn all_equal(cells: &[Cell]) -> bool {
    cells.windows(2).all(|pair| numeric_equal(&pair[0], &pair[1]))
}

/// `=`: numbers are equal by value, also within vectors; NaN equals nothing.
pub(crate) fn numeric_equal(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Vector(a), Cell::Vector(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| numeric_equal(a, b))
        }
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.compare(&b) == Some(Ordering::Equal),
            _ => a == b,
        },
    }
}

fn same_number(cells: &[Cell]) -> Outcome {
    let numbers = cells.iter().map(Number::expect).collect::<Result<Vec<_>, _>>()?;
    let same = |pair: &[Number]| pair[0].compare(&pair[1]) == Some(Ordering::Equal);
    Ok(Cell::boolean(numbers.windows(2).all(same)))
}

fn ordered(cells: &[Cell], holds: fn(Ordering) -> bool) -> Outcome {
    for pair in cells.windows(2) {
        if !order(&pair[0], &pair[1])?.is_some_and(holds) {
            return Ok(Cell::boolean(false));
        }
    }
    Ok(Cell::boolean(true))
}

/// Which of two cells comes first; `None` when a NaN is neither before nor after.
///
/// # Errors
/// When the two cannot be compared.
pub(crate) fn order(a: &Cell, b: &Cell) -> Result<Option<Ordering>, String> {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return Ok(a.compare(&b));
    }
    let ordering = match (a, b) {
        (Cell::Value(a), Cell::Value(b)) if is_ordered(a) && a.value_type() == b.value_type() => {
            a.cmp(b)
        }
        (Cell::Character(a), Cell::Character(b)) => a.cmp(b),
        (Cell::Vector(a), Cell::Vector(b)) => return order_vectors(a, b),
        _ => return Err(format!("cannot compare {} with {}", a.kind(), b.kind())),
    };
    Ok(Some(ordering))
}

const fn is_ordered(value: &Value) -> bool {
    !matches!(value, Value::Bytes(_))
}

/// A total order, for sorting whatever there is: nil, then numbers by value with NaN last, then
/// everything else, first by its type. Vectors compare as [`order`] has them, shorter ones first.
pub(crate) fn total_order(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Vector(a), Cell::Vector(b)) => {
            let mut parts = a.iter().zip(b.iter()).map(|(a, b)| total_order(a, b));
            let unequal = || parts.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
            a.len().cmp(&b.len()).then_with(unequal)
        }
        (Cell::Nil, _) | (_, Cell::Nil) => a.cmp(b),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => {
                let nan = |number: &Number| number.sign().is_none();
                a.compare(&b).unwrap_or_else(|| nan(&a).cmp(&nan(&b)))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        },
    }
}

/// Shorter vectors come first, as in Clojure.
fn order_vectors(a: &[Cell], b: &[Cell]) -> Result<Option<Ordering>, String> {
    if a.len() != b.len() {
        return Ok(Some(a.len().cmp(&b.len())));
    }
    for (a, b) in a.iter().zip(b) {
        match order(a, b)? {
            Some(Ordering::Equal) => {}
            other => return Ok(other),
        }
    }
    Ok(Some(Ordering::Equal))
}

/// `compare`: nil comes before everything else.
fn compare(cells: &[Cell]) -> Outcome {
    let ordering = match (&cells[0], &cells[1]) {
        (Cell::Nil, Cell::Nil) => Ordering::Equal,
        (Cell::Nil, _) => Ordering::Less,
        (_, Cell::Nil) => Ordering::Greater,
        (a, b) => order(a, b)?.unwrap_or(Ordering::Equal),
    };
    Ok(Cell::long(ordering as i64))
}

/// `min` and `max`: the cell that compares so with all others. NaN wins over numbers.
pub(crate) fn extreme(cells: &[Cell], wanted: Ordering) -> Outcome {
    let Some((first, rest)) = cells.split_first() else {
        return Err(format!("nothing to compare among {}", kinds(cells)));
    };
    let mut best = first;
    if rest.is_empty() {
        order(best, best)?;
    }
    for cell in rest {
        match order(cell, best)? {
            Some(ordering) if ordering == wanted => best = cell,
            None if Number::of(cell).is_some_and(|number| number.sign().is_none()) => best = cell,
            _ => {}
        }
    }
    Ok(best.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_compared_is_sorted_as_it_compares() {
        let vector =
            |numbers: &[i64]| Cell::Vector(numbers.iter().copied().map(Cell::long).collect());
        let vectors = [vector(&[]), vector(&[9]), vector(&[2, 3]), vector(&[1, 2, 3])];
        for (at, a) in vectors.iter().enumerate() {
            for (place, b) in vectors.iter().enumerate() {
                assert_eq!(total_order(a, b), at.cmp(&place));
                assert_eq!(order(a, b), Ok(Some(at.cmp(&place))));
            }
        }
    }
}
