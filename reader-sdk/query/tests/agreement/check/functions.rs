//! What calls give: comparison by value over numbers of all types, and the functions that are
//! generated.

use std::cmp::Ordering;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{Keyword, Value, ValueType};

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

/// `=`: numbers are equal by value, also within tuples.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    if let (Value::Tuple(a), Value::Tuple(b)) = (a, b) {
        let same = |(a, b): (&Option<Value>, &Option<Value>)| match (a, b) {
            (Some(a), Some(b)) => equal(a, b),
            (a, b) => a == b,
        };
        return a.len() == b.len() && a.iter().zip(b.iter()).all(same);
    }
    numbers(a, b).map_or_else(|| a == b, |order| order == Some(Ordering::Equal))
}

/// Which of two values comes first; `None` for NaN.
pub(crate) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Fails> {
    if let Some(order) = numbers(a, b) {
        return Ok(order);
    }
    match (a, b) {
        (Value::Bytes(_), _) => Err(Fails::Error),
        (Value::Tuple(a), Value::Tuple(b)) => order_tuples(a, b),
        _ if a.value_type() == b.value_type() => Ok(Some(a.cmp(b))),
        _ => Err(Fails::Error),
    }
}

/// Shorter ones come first; nil cannot be compared.
fn order_tuples(a: &[Option<Value>], b: &[Option<Value>]) -> Result<Option<Ordering>, Fails> {
    if a.len() != b.len() {
        return Ok(Some(a.len().cmp(&b.len())));
    }
    for pair in a.iter().zip(b) {
        let (Some(a), Some(b)) = pair else { return Err(Fails::Error) };
        let ordering = order(a, b)?;
        if ordering != Some(Ordering::Equal) {
            return Ok(ordering);
        }
    }
    Ok(Some(Ordering::Equal))
}

/// The order of `:order-by`: numbers first, by value with NaN last, then everything by its type.
pub(crate) fn total_order(a: &Value, b: &Value) -> Ordering {
    if let (Value::Tuple(a), Value::Tuple(b)) = (a, b) {
        let member = |(a, b): (&Option<Value>, &Option<Value>)| match (a, b) {
            (Some(a), Some(b)) => total_order(a, b),
            (a, b) => a.cmp(b),
        };
        let unequal = a.iter().zip(b.iter()).map(member).find(|order| order.is_ne());
        return a.len().cmp(&b.len()).then(unequal.unwrap_or(Ordering::Equal));
    }
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
        ("uuid?", [value]) => matches!(value, Value::Uuid(_)),
        ("vector?", [value]) => matches!(value, Value::Tuple(_)),
        ("decimal?", [value]) => matches!(value, Value::BigDec(_)),
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

/// The value that a function gives; vectors are tuples.
pub(crate) fn apply(name: &str, values: &[Value]) -> Result<Value, Fails> {
    Ok(match (name, values) {
        ("identity" | "ground", [value]) => value.clone(),
        ("untuple", [value @ Value::Tuple(_)]) => value.clone(),
        ("first", [Value::Tuple(members)]) => members[0].clone().ok_or(Fails::Error)?,
        ("str", [Value::Keyword(keyword)]) => Value::string(format!(":{}", keyword.text())),
        ("str", [Value::Long(number)]) => Value::string(number.to_string()),
        ("min" | "max", [a, b]) => match order(a, b)? {
            None => return Err(Fails::Unknown),
            Some(ordering) if ordering.is_eq() => a.clone(),
            Some(ordering) if ordering.is_lt() == (name == "min") => a.clone(),
            Some(_) => b.clone(),
        },
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
        ("count", [Value::Tuple(members)]) => Value::Long(members.len() as i64),
        ("count", [Value::Bytes(bytes)]) => Value::Long(bytes.len() as i64),
        ("vector" | "tuple", values) => Value::Tuple(values.iter().cloned().map(Some).collect()),
        ("inc" | "+" | "*" | "count" | "clojure.string/upper-case" | "untuple", _) => {
            return Err(Fails::Error);
        }
        _ => return Err(Fails::Unknown),
    })
}

/// The sum, in the wider type of the two; that of a double is the widest.
pub(crate) fn add(a: &Value, b: &Value) -> Result<Value, Fails> {
    if let (Value::Long(a), Value::Long(b)) = (a, b) {
        return a.checked_add(*b).map(Value::Long).ok_or(Fails::Error);
    }
    let (Some(first), Some(second)) = (number(a), number(b)) else { return Err(Fails::Error) };
    let is = |of: ValueType| a.value_type() == of || b.value_type() == of;
    match (first, second) {
        (Number::Finite(first), Number::Finite(second))
            if !is(ValueType::Double) && !is(ValueType::Float) =>
        {
            let sum = first + second;
            Ok(match is(ValueType::BigDec) {
                true => Value::BigDec(Arc::new(sum)),
                false => Value::BigInt(Arc::new(sum.into_bigint_and_exponent().0)),
            })
        }
        _ => Ok(Value::Double(double(a)? + double(b)?)),
    }
}

/// The double that is nearest to a number.
pub(crate) fn double(value: &Value) -> Result<f64, Fails> {
    match value {
        Value::Long(number) => Ok(*number as f64),
        Value::Double(number) => Ok(*number),
        Value::Float(number) => Ok(f64::from(*number)),
        Value::BigInt(number) => number.to_string().parse().map_err(|_| Fails::Error),
        Value::BigDec(number) => number.to_string().parse().map_err(|_| Fails::Error),
        _ => Err(Fails::Error),
    }
}

/// The value of a type that a value equals: numbers take the type where that loses nothing, and
/// that of floats wherever they are near enough.
pub(crate) fn as_type(value: &Value, of: ValueType) -> Option<Value> {
    if value.value_type() == of {
        return Some(value.clone());
    }
    let exact = number(value)?;
    let made = match (of, exact) {
        (ValueType::Double, _) => Value::Double(double(value).ok()?),
        (ValueType::Float, _) => return Some(Value::Float(double(value).ok()? as f32)),
        (ValueType::BigDec, Number::Finite(exact)) => Value::BigDec(Arc::new(exact)),
        (ValueType::Long | ValueType::BigInt, Number::Finite(exact)) if exact.is_integer() => {
            let integer = exact.with_scale(0).into_bigint_and_exponent().0;
            match of {
                ValueType::BigInt => Value::BigInt(Arc::new(integer)),
                _ => Value::Long(i64::try_from(integer).ok()?),
            }
        }
        _ => return None,
    };
    let same = equal(&made, value) || (is_nan(&made) && is_nan(value));
    same.then_some(made)
}

const fn longs(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Long(_), Value::Long(_)))
}
