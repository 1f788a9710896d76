//! Logic and tests of types and numbers.

use duramen_model::{Value, ValueType};

use super::number::Number;
use super::{Builtin, MANY, Outcome, builtin};
use crate::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    builtin("identity", 1, 1, |cells| Ok(cells[0].clone())),
    builtin("ground", 1, 1, |cells| Ok(cells[0].clone())),
    builtin("not", 1, 1, |cells| Ok(Cell::boolean(!cells[0].is_truthy()))),
    builtin("and", 1, MANY, |cells| Ok(chosen(cells, false))),
    builtin("or", 1, MANY, |cells| Ok(chosen(cells, true))),
    builtin("true?", 1, 1, |cells| Ok(Cell::boolean(cells[0] == Cell::boolean(true)))),
    builtin("false?", 1, 1, |cells| Ok(Cell::boolean(cells[0] == Cell::boolean(false)))),
    builtin("nil?", 1, 1, |cells| Ok(Cell::boolean(cells[0] == Cell::Nil))),
    builtin("some?", 1, 1, |cells| Ok(Cell::boolean(cells[0] != Cell::Nil))),
    builtin("even?", 1, 1, |cells| parity(cells, 0)),
    builtin("odd?", 1, 1, |cells| parity(cells, 1)),
    builtin("zero?", 1, 1, |cells| sign(cells, 0)),
    builtin("pos?", 1, 1, |cells| sign(cells, 1)),
    builtin("neg?", 1, 1, |cells| sign(cells, -1)),
    builtin("number?", 1, 1, |cells| Ok(Cell::boolean(Number::of(&cells[0]).is_some()))),
    builtin("integer?", 1, 1, |cells| is(cells, &[ValueType::Long, ValueType::BigInt])),
    builtin("int?", 1, 1, |cells| is(cells, &[ValueType::Long])),
    builtin("float?", 1, 1, |cells| is(cells, &[ValueType::Double, ValueType::Float])),
    builtin("double?", 1, 1, |cells| is(cells, &[ValueType::Double])),
    builtin("decimal?", 1, 1, |cells| is(cells, &[ValueType::BigDec])),
    builtin("string?", 1, 1, |cells| is(cells, &[ValueType::String])),
    builtin("keyword?", 1, 1, |cells| is(cells, &[ValueType::Keyword])),
    builtin("symbol?", 1, 1, |cells| is(cells, &[ValueType::Symbol])),
    builtin("boolean?", 1, 1, |cells| is(cells, &[ValueType::Boolean])),
    builtin("inst?", 1, 1, |cells| is(cells, &[ValueType::Instant])),
    builtin("uuid?", 1, 1, |cells| is(cells, &[ValueType::Uuid])),
    builtin("uri?", 1, 1, |cells| is(cells, &[ValueType::Uri])),
    builtin("bytes?", 1, 1, |cells| is(cells, &[ValueType::Bytes])),
    builtin("char?", 1, 1, |cells| Ok(Cell::boolean(matches!(cells[0], Cell::Character(_))))),
    builtin("vector?", 1, 1, |cells| Ok(Cell::boolean(matches!(cells[0], Cell::Vector(_))))),
    builtin("sequential?", 1, 1, |cells| Ok(Cell::boolean(matches!(cells[0], Cell::Vector(_))))),
    builtin("set?", 1, 1, |cells| Ok(Cell::boolean(matches!(cells[0], Cell::Set(_))))),
    builtin("map?", 1, 1, |cells| Ok(Cell::boolean(matches!(cells[0], Cell::Map(_))))),
    builtin("coll?", 1, 1, |cells| {
        Ok(Cell::boolean(matches!(cells[0], Cell::Vector(_) | Cell::Set(_) | Cell::Map(_))))
    }),
];

/// The first cell that is as truthy as wanted, or the last.
fn chosen(cells: &[Cell], truthy: bool) -> Cell {
    let found = cells.iter().find(|cell| cell.is_truthy() == truthy);
    found.or(cells.last()).cloned().unwrap_or(Cell::Nil)
}

fn is(cells: &[Cell], types: &[ValueType]) -> Outcome {
    let holds = match &cells[0] {
        Cell::Value(value) => types.contains(&value.value_type()),
        _ => false,
    };
    Ok(Cell::boolean(holds))
}

fn parity(cells: &[Cell], wanted: u8) -> Outcome {
    let odd = match &cells[0] {
        Cell::Value(Value::Long(number)) => number.rem_euclid(2) == 1,
        Cell::Value(Value::BigInt(number)) => number.bit(0),
        other => return Err(format!("expected an integer, found {}", other.kind())),
    };
    Ok(Cell::boolean(u8::from(odd) == wanted))
}

fn sign(cells: &[Cell], wanted: i8) -> Outcome {
    Ok(Cell::boolean(Number::expect(&cells[0])?.sign() == Some(wanted)))
}
