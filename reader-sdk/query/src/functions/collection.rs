//! Collections: vectors, sets, maps, and text where Clojure counts it as one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use duramen_model::Value;

use super::{Builtin, MANY, Outcome, builtin};
use crate::cell::Cell;

/// Numbers that one `range` may hold.
const RANGE_MAX: i64 = 1_000_000;

pub(super) const TABLE: &[Builtin] = &[
    builtin("count", 1, 1, count),
    builtin("empty?", 1, 1, |cells| length(&cells[0]).map(|length| Cell::boolean(length == 0))),
    builtin("not-empty", 1, 1, |cells| {
        Ok(if length(&cells[0])? == 0 { Cell::Nil } else { cells[0].clone() })
    }),
    builtin("contains?", 2, 2, contains),
    builtin("get", 2, 3, get),
    builtin("first", 1, 1, |cells| Ok(members(&cells[0])?.first().cloned().unwrap_or(Cell::Nil))),
    builtin("last", 1, 1, |cells| Ok(members(&cells[0])?.last().cloned().unwrap_or(Cell::Nil))),
    builtin("nth", 2, 3, nth),
    builtin("vector", 0, MANY, vector),
    builtin("list", 0, MANY, vector),
    builtin("tuple", 1, MANY, vector),
    builtin("untuple", 1, 1, |cells| match &cells[0] {
        Cell::Vector(_) => Ok(cells[0].clone()),
        other => Err(format!("expected a tuple, found {}", other.kind())),
    }),
    builtin("set", 1, 1, |cells| {
        Ok(Cell::Set(Arc::new(members(&cells[0])?.into_iter().collect::<BTreeSet<_>>())))
    }),
    builtin("hash-map", 0, MANY, hash_map),
    builtin("range", 1, 3, range),
];

/// Members that a collection may have in all, those of its members counted too: a query could
/// double them in every round of a rule, and all of them would be hashed and shown.
const MEMBERS_MAX: usize = 1_000_000;

fn vector(cells: &[Cell]) -> Outcome {
    check_size(cells)?;
    Ok(Cell::vector(cells.iter().cloned()))
}

/// Collections within collections that a query may make: each is hashed, compared and dropped by
/// going down into it.
const LEVELS_MAX: usize = 128;

/// Refuses to put cells together that are too large, or nested too deeply.
fn check_size(cells: &[Cell]) -> Result<(), String> {
    let mut left = MEMBERS_MAX;
    cells.iter().try_for_each(|cell| fits(cell, &mut left, LEVELS_MAX))
}

/// Refuses what is nested too deeply.
pub(crate) fn check_levels(cell: &Cell) -> Result<(), String> {
    let mut left = usize::MAX;
    fits(cell, &mut left, LEVELS_MAX)
}

/// Counts the members of a cell down, as far as there is something left.
fn fits(cell: &Cell, left: &mut usize, levels: usize) -> Result<(), String> {
    let too_large = || format!("a collection of more than {MEMBERS_MAX} members");
    *left = left.checked_sub(1).ok_or_else(too_large)?;
    let within = || {
        let too_deep = || format!("collections nested more than {LEVELS_MAX} deep");
        levels.checked_sub(1).ok_or_else(too_deep)
    };
    match cell {
        Cell::Vector(cells) => {
            let levels = within()?;
            cells.iter().try_for_each(|cell| fits(cell, left, levels))
        }
        Cell::Set(cells) => {
            let levels = within()?;
            cells.iter().try_for_each(|cell| fits(cell, left, levels))
        }
        Cell::Map(entries) => {
            let levels = within()?;
            entries.iter().try_for_each(|(key, value)| {
                fits(key, left, levels)?;
                fits(value, left, levels)
            })
        }
        _ => Ok(()),
    }
}

fn length(cell: &Cell) -> Result<usize, String> {
    Ok(match cell {
        Cell::Nil => 0,
        Cell::Value(Value::String(text)) => text.chars().count(),
        Cell::Value(Value::Bytes(bytes)) => bytes.len(),
        Cell::Vector(cells) => cells.len(),
        Cell::Set(cells) => cells.len(),
        Cell::Map(entries) => entries.len(),
        other => return Err(format!("expected a collection or a text, found {}", other.kind())),
    })
}

fn count(cells: &[Cell]) -> Outcome {
    let length = length(&cells[0])?;
    Ok(Cell::long(i64::try_from(length).map_err(|error| error.to_string())?))
}

fn members(cell: &Cell) -> Result<Vec<Cell>, String> {
    match cell {
        Cell::Nil => Ok(Vec::new()),
        Cell::Value(Value::String(text)) => Ok(text.chars().map(Cell::Character).collect()),
        other => {
            other.members().ok_or_else(|| format!("expected a collection, found {}", other.kind()))
        }
    }
}

fn at(key: &Cell) -> Option<usize> {
    usize::try_from(key.as_long()?).ok()
}

fn contains(cells: &[Cell]) -> Outcome {
    let key = &cells[1];
    let holds = match &cells[0] {
        Cell::Nil => false,
        Cell::Set(cells) => cells.contains(key),
        Cell::Map(entries) => entries.contains_key(key),
        Cell::Vector(cells) => at(key).is_some_and(|at| at < cells.len()),
        other => return Err(format!("expected a set, a map or a vector, found {}", other.kind())),
    };
    Ok(Cell::boolean(holds))
}

fn get(cells: &[Cell]) -> Outcome {
    let key = &cells[1];
    let found = match &cells[0] {
        Cell::Set(cells) => cells.get(key),
        Cell::Map(entries) => entries.get(key),
        Cell::Vector(cells) => at(key).and_then(|at| cells.get(at)),
        _ => None,
    };
    Ok(found.or(cells.get(2)).cloned().unwrap_or(Cell::Nil))
}

fn nth(cells: &[Cell]) -> Outcome {
    let members = members(&cells[0])?;
    let found = at(&cells[1]).and_then(|at| members.get(at)).or(cells.get(2));
    found
        .cloned()
        .ok_or_else(|| format!("position {} of {} members", cells[1].to_edn(), members.len()))
}

#[expect(clippy::mutable_key_type, reason = "expressions compare by their text")]
fn hash_map(cells: &[Cell]) -> Outcome {
    if cells.len() % 2 == 1 {
        return Err("a key without a value".to_owned());
    }
    check_size(cells)?;
    let entries: BTreeMap<Cell, Cell> =
        cells.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Ok(Cell::Map(Arc::new(entries)))
}

fn range(cells: &[Cell]) -> Outcome {
    let number = |cell: &Cell| {
        cell.as_long().ok_or_else(|| format!("expected an integer, found {}", cell.kind()))
    };
    let (start, end, step) = match cells {
        [end] => (0, number(end)?, 1),
        [start, end] => (number(start)?, number(end)?, 1),
        cells => (number(&cells[0])?, number(&cells[1])?, number(&cells[2])?),
    };
    if step == 0 {
        return Err("a range with a step of zero".to_owned());
    }
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) =
        next.filter(|number| if step > 0 { *number < end } else { *number > end })
    {
        if numbers.len() as i64 >= RANGE_MAX {
            return Err(format!("a range of more than {RANGE_MAX} numbers"));
        }
        numbers.push(Cell::long(number));
        next = number.checked_add(step);
    }
    Ok(Cell::vector(numbers))
}
