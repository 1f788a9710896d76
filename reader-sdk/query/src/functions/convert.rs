//! From one type of number to another.

use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::Value;
use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use super::number::{Number, checked_decimal};
use super::{Builtin, Outcome, builtin};
use crate::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    builtin("long", 1, 1, long),
    builtin("int", 1, 1, long),
    builtin("double", 1, 1, |cells| {
        Ok(Cell::Value(Value::Double(Number::expect(&cells[0])?.to_f64())))
    }),
    builtin("float", 1, 1, |cells| {
        Ok(Cell::Value(Value::Float(Number::expect(&cells[0])?.to_f64() as f32)))
    }),
    builtin("bigint", 1, 1, bigint),
    builtin("bigdec", 1, 1, bigdec),
    builtin("parse-long", 1, 1, parse::<i64>),
    builtin("parse-double", 1, 1, parse::<f64>),
    builtin("inst-ms", 1, 1, |cells| match &cells[0] {
        Cell::Value(Value::Instant(instant)) => Ok(Cell::long(instant.millis())),
        other => Err(format!("expected an instant, found {}", other.kind())),
    }),
];

fn long(cells: &[Cell]) -> Outcome {
    let number = match Number::expect(&cells[0])? {
        Number::Long(number) => Some(number),
        Number::BigInt(number) => number.to_i64(),
        Number::BigDec(number) => checked_decimal(number)?.with_scale(0).to_i64(),
        Number::Double(number) => number.trunc().to_i64(),
    };
    number.map(Cell::long).ok_or_else(|| "out of the range of a long".to_owned())
}

fn bigint(cells: &[Cell]) -> Outcome {
    let number = match Number::expect(&cells[0])? {
        Number::Long(number) => Some(BigInt::from(number)),
        Number::BigInt(number) => Some(number),
        Number::BigDec(number) => {
            Some(checked_decimal(number)?.with_scale(0).as_bigint_and_exponent().0)
        }
        Number::Double(number) => BigInt::from_f64(number.trunc()),
    };
    number
        .map(|number| Cell::Value(Value::BigInt(Arc::new(number))))
        .ok_or_else(|| "not a finite number".to_owned())
}

fn bigdec(cells: &[Cell]) -> Outcome {
    let number = match Number::expect(&cells[0])? {
        Number::Long(number) => Some(BigDecimal::from(number)),
        Number::BigInt(number) => Some(BigDecimal::from(number)),
        Number::BigDec(number) => Some(number),
        Number::Double(number) => BigDecimal::from_f64(number),
    };
    number
        .map(|number| Cell::Value(Value::BigDec(Arc::new(number))))
        .ok_or_else(|| "not a finite number".to_owned())
}

/// Text that is no number gives nil.
fn parse<T: std::str::FromStr + Into<Value>>(cells: &[Cell]) -> Outcome {
    match &cells[0] {
        Cell::Value(Value::String(text)) => {
            Ok(text.parse::<T>().map_or(Cell::Nil, |number| Cell::Value(number.into())))
        }
        other => Err(format!("expected a string, found {}", other.kind())),
    }
}
