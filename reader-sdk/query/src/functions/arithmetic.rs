//! Arithmetic: overflow and division by zero are errors.

use bigdecimal::BigDecimal;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::number::{Number, Pair, checked_decimal, checked_integer, decimal_quotient};
use super::{Builtin, MANY, Outcome, builtin, compare};
use crate::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    builtin("+", 0, MANY, |cells| fold(cells, Number::Long(0), add)),
    builtin("-", 1, MANY, subtract),
    builtin("*", 0, MANY, |cells| fold(cells, Number::Long(1), multiply)),
    builtin("/", 1, MANY, divide_all),
    builtin("quot", 2, 2, |cells| binary(cells, quotient)),
    builtin("rem", 2, 2, |cells| binary(cells, remainder)),
    builtin("mod", 2, 2, |cells| binary(cells, modulus)),
    builtin("inc", 1, 1, |cells| add(Number::expect(&cells[0])?, Number::Long(1)).map(cell)),
    builtin("dec", 1, 1, |cells| minus(Number::expect(&cells[0])?, Number::Long(1)).map(cell)),
    builtin("abs", 1, 1, absolute),
    builtin("min", 1, MANY, |cells| compare::extreme(cells, std::cmp::Ordering::Less)),
    builtin("max", 1, MANY, |cells| compare::extreme(cells, std::cmp::Ordering::Greater)),
];

type Result<T> = std::result::Result<T, String>;

fn cell(number: Number) -> Cell {
    number.into_cell()
}

fn fold(cells: &[Cell], start: Number, step: fn(Number, Number) -> Result<Number>) -> Outcome {
    let mut numbers = cells.iter().map(Number::expect);
    let first = match numbers.next() {
        Some(first) => first?,
        None => return Ok(cell(start)),
    };
    numbers.try_fold(first, |sum, number| step(sum, number?)).map(cell)
}

fn binary(cells: &[Cell], operation: fn(Number, Number) -> Result<Number>) -> Outcome {
    operation(Number::expect(&cells[0])?, Number::expect(&cells[1])?).map(cell)
}

fn subtract(cells: &[Cell]) -> Outcome {
    match cells {
        [only] => minus(Number::Long(0), Number::expect(only)?).map(cell),
        several => fold(several, Number::Long(0), minus),
    }
}

fn divide_all(cells: &[Cell]) -> Outcome {
    match cells {
        [only] => divide(Number::Long(1), Number::expect(only)?).map(cell),
        several => fold(several, Number::Long(1), divide),
    }
}

fn absolute(cells: &[Cell]) -> Outcome {
    Ok(cell(match Number::expect(&cells[0])? {
        Number::Long(number) => Number::Long(number.checked_abs().ok_or_else(overflow)?),
        Number::BigInt(number) => Number::BigInt(number.abs()),
        Number::BigDec(number) => Number::BigDec(number.abs()),
        Number::Double(number) => Number::Double(number.abs()),
    }))
}

fn overflow() -> String {
    "integer overflow".to_owned()
}

fn zero() -> String {
    "division by zero".to_owned()
}

fn big_integer(number: BigInt) -> Result<Number> {
    checked_integer(number).map(Number::BigInt)
}

fn big_decimal(number: BigDecimal) -> Result<Number> {
    checked_decimal(number).map(Number::BigDec)
}

pub(crate) fn add(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(a, b) => a.checked_add(b).map(Number::Long).ok_or_else(overflow),
        Pair::BigInt(a, b) => big_integer(a + b),
        Pair::BigDec(a, b) => big_decimal(a + b),
        Pair::Double(a, b) => Ok(Number::Double(a + b)),
    }
}

fn minus(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(a, b) => a.checked_sub(b).map(Number::Long).ok_or_else(overflow),
        Pair::BigInt(a, b) => big_integer(a - b),
        Pair::BigDec(a, b) => big_decimal(a - b),
        Pair::Double(a, b) => Ok(Number::Double(a - b)),
    }
}

fn multiply(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(a, b) => a.checked_mul(b).map(Number::Long).ok_or_else(overflow),
        Pair::BigInt(a, b) => big_integer(a * b),
        Pair::BigDec(a, b) => big_decimal(a * b),
        Pair::Double(a, b) => Ok(Number::Double(a * b)),
    }
}

/// `/`: of integers the quotient, as no ratio is ever returned.
fn divide(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(a, b) => long_quotient(a, b),
        Pair::BigInt(_, b) if b.is_zero() => Err(zero()),
        Pair::BigInt(a, b) => big_integer(a / b),
        Pair::BigDec(_, b) if b.is_zero() => Err(zero()),
        Pair::BigDec(a, b) => big_decimal(decimal_quotient(&a, &b)),
        Pair::Double(a, b) => Ok(Number::Double(a / b)),
    }
}

fn long_quotient(a: i64, b: i64) -> Result<Number> {
    if b == 0 {
        return Err(zero());
    }
    a.checked_div(b).map(Number::Long).ok_or_else(overflow)
}

fn quotient(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(a, b) => long_quotient(a, b),
        Pair::BigInt(_, b) if b.is_zero() => Err(zero()),
        Pair::BigInt(a, b) => big_integer(a / b),
        Pair::BigDec(_, b) if b.is_zero() => Err(zero()),
        Pair::BigDec(a, b) => big_decimal((a / b).with_scale(0)),
        Pair::Double(_, 0.0) => Err(zero()),
        Pair::Double(a, b) => Ok(Number::Double((a / b).trunc())),
    }
}

/// The remainder with the sign of the dividend.
fn remainder(a: Number, b: Number) -> Result<Number> {
    match a.pair(b)? {
        Pair::Long(_, 0) => Err(zero()),
        Pair::Long(a, b) => Ok(Number::Long(a.wrapping_rem(b))),
        Pair::BigInt(_, b) if b.is_zero() => Err(zero()),
        Pair::BigInt(a, b) => big_integer(a % b),
        Pair::BigDec(_, b) if b.is_zero() => Err(zero()),
        Pair::BigDec(a, b) => big_decimal(a % b),
        Pair::Double(_, 0.0) => Err(zero()),
        Pair::Double(a, b) => Ok(Number::Double(a % b)),
    }
}

/// The remainder with the sign of the divisor.
fn modulus(a: Number, b: Number) -> Result<Number> {
    let divisor = b.clone();
    let remainder = remainder(a, b)?;
    match (remainder.sign(), divisor.sign()) {
        (Some(r), Some(d)) if r != 0 && r != d => add(remainder, divisor),
        _ => Ok(remainder),
    }
}
