//! What calls give: comparison by value over numbers of all types, and the functions that are
//! generated.

use std::cmp::Ordering;

use bigdecimal::BigDecimal;
use duramen_model::{Keyword, Value};

/// Why a call gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    /// It is an error.
    Error,
    /// What it gives is not known here.
    Unknown,
}

enum Number {
    Nan,
    Infinite(bool),
    Finite(BigDecimal),
}

fn number(value: &Value) -> Option<Number> {
    let double = |double: f64| match double {
        _ if double.is_nan() => Number::Nan,
        _ if double.is_infinite() => Number::Infinite(double > 0.0),
        _ => Number::Finite(BigDecimal::try_from(double).expect("finite")),
    };
    Some(match value {
        Value::Long(long) => Number::Finite(BigDecimal::from(*long)),
        Value::BigInt(big) => Number::Finite(BigDecimal::from((**big).clone())),
        Value::BigDec(decimal) => Number::Finite((**decimal).clone()),
        Value::Double(number) => double(*number),
        Value::Float(number) => double(f64::from(*number)),
        _ => return None,
    })
}

/// Compares numbers; `None` when one is not a number, `Some(None)` when one is NaN.
fn numbers(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    let rank = |number: &Number| match number {
        Number::Infinite(false) => 0,
        Number::Infinite(true) => 2,
        Number::Nan | Number::Finite(_) => 1,
    };
    Some(match (number(a)?, number(b)?) {
        (Number::Nan, _) | (_, Number::Nan) => None,
        (Number::Finite(a), Number::Finite(b)) => Some(a.cmp(&b)),
        (a, b) => Some(rank(&a).cmp(&rank(&b))),
    })
}

pub(crate) fn is_nan(value: &Value) -> bool {
    matches!(number(value), Some(Number::Nan))
}

/// `=`
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    numbers(a, b).map_or_else(|| a == b, |order| order == Some(Ordering::Equal))
}

/// Which of two values comes first; `None` for NaN.
pub(crate) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Fails> {
    if let Some(order) = numbers(a, b) {
        return Ok(order);
    }
    if a.value_type() == b.value_type() { Ok(Some(a.cmp(b))) } else { Err(Fails::Error) }
}

/// The order of `:order-by`: numbers first, by value with NaN last, then everything by its type.
pub(crate) fn total_order(a: &Value, b: &Value) -> Ordering {
    match numbers(a, b) {
        Some(order) => order.unwrap_or_else(|| is_nan(a).cmp(&is_nan(b))),
        None => match (number(a).is_some(), number(b).is_some()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => a.cmp(b),
        },
    }
}

/// Whether a predicate holds.
pub(crate) fn holds(name: &str, values: &[Value]) -> Result<bool, Fails> {
    let ordered = |wanted: fn(Ordering) -> bool| {
        for pair in values.windows(2) {
            if !order(&pair[0], &pair[1])?.is_some_and(wanted) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(match (name, values) {
        ("=", values) => values.windows(2).all(|pair| equal(&pair[0], &pair[1])),
        ("not=" | "!=", values) => !values.windows(2).all(|pair| equal(&pair[0], &pair[1])),
        ("<", _) => return ordered(Ordering::is_lt),
        ("<=", _) => return ordered(Ordering::is_le),
        (">", _) => return ordered(Ordering::is_gt),
        (">=", _) => return ordered(Ordering::is_ge),
        ("even?", [Value::Long(long)]) => long % 2 == 0,
        ("even?", [value]) if number(value).is_some() => return Err(Fails::Unknown),
        ("pos?", [value]) => sign(value)?.is_some_and(Ordering::is_gt),
        ("zero?", [value]) => sign(value)?.is_some_and(Ordering::is_eq),
        ("true?", [value]) => *value == Value::Boolean(true),
        ("false?", [value]) => *value == Value::Boolean(false),
        ("identity", [value]) => *value != Value::Boolean(false),
        ("string?", [value]) => matches!(value, Value::String(_)),
        ("keyword?", [value]) => matches!(value, Value::Keyword(_)),
        ("number?", [value]) => number(value).is_some(),
        ("clojure.string/starts-with?", [Value::String(a), Value::String(b)]) => {
            a.starts_with(&**b)
        }
        ("clojure.string/includes?", [Value::String(a), Value::String(b)]) => a.contains(&**b),
        _ => return Err(Fails::Error),
    })
}

fn sign(value: &Value) -> Result<Option<Ordering>, Fails> {
    numbers(value, &Value::Long(0)).ok_or(Fails::Error)
}

/// The rows of values that a function gives, one for what it binds to a scalar or a tuple.
pub(crate) fn apply(name: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, Fails> {
    let value = match (name, values) {
        ("identity", [value]) => value.clone(),
        ("inc", [value]) => add(value, &Value::Long(1))?,
        ("+", [a, b]) => add(a, b)?,
        ("*", [a, b]) if number(a).and(number(b)).is_some() && !longs(a, b) => {
            return Err(Fails::Unknown);
        }
        ("*", [Value::Long(a), Value::Long(b)]) => {
            Value::Long(a.checked_mul(*b).ok_or(Fails::Error)?)
        }
        ("count", [Value::String(text)]) => Value::Long(text.chars().count() as i64),
        ("clojure.string/upper-case", [Value::String(text)]) => Value::string(text.to_uppercase()),
        ("name", [Value::Keyword(keyword)]) => {
            let text = keyword.text();
            Value::string(text.split_once('/').map_or(text, |(_, name)| name))
        }
        ("keyword", [Value::String(text)]) if text.starts_with('t') && !text.contains(' ') => {
            Value::Keyword(Keyword::new(&**text))
        }
        ("compare", [a, b]) => Value::Long(order(a, b)?.map_or(0, |ordering| ordering as i64)),
        ("=", [a, b]) => Value::Boolean(equal(a, b)),
        ("vector", values) => return Ok(vec![values.to_vec()]),
        ("inc" | "+" | "*" | "count" | "clojure.string/upper-case", _) => return Err(Fails::Error),
        _ => return Err(Fails::Unknown),
    };
    Ok(vec![vec![value]])
}

/// The sum, of the types of which it is plain what it is.
pub(crate) fn add(a: &Value, b: &Value) -> Result<Value, Fails> {
    let double = |value: &Value| match value {
        Value::Double(number) => Ok(*number),
        Value::Float(number) => Ok(f64::from(*number)),
        Value::Long(number) => Ok(*number as f64),
        Value::BigInt(_) | Value::BigDec(_) => Err(Fails::Unknown),
        _ => Err(Fails::Error),
    };
    match (a, b) {
        (Value::Long(a), Value::Long(b)) => a.checked_add(*b).map(Value::Long).ok_or(Fails::Error),
        _ => Ok(Value::Double(double(a)? + double(b)?)),
    }
}

const fn longs(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Long(_), Value::Long(_)))
}
