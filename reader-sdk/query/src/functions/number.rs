//! Numbers of mixed types.

use std::cmp::Ordering;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{Value, ValueType};
use num_bigint::{BigInt, ToBigInt};
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

use crate::cell::Cell;

/// Decimal places, before or after the point, that arithmetic on decimals accepts: two numbers
/// far apart would be written out in full between them.
const DECIMAL_PLACES_MAX: i64 = 10_000;
/// Bits of a big integer that arithmetic accepts.
const INTEGER_BITS_MAX: u64 = 1 << 16;
/// Digits of the quotient of two decimals.
const QUOTIENT_DIGITS: u64 = 34;

/// A number, in the widest form of its type.
#[derive(Debug, Clone)]
pub(crate) enum Number {
    Long(i64),
    BigInt(BigInt),
    BigDec(BigDecimal),
    Double(f64),
}

/// Two numbers brought to one type: the wider of the two.
pub(crate) enum Pair {
    Long(i64, i64),
    BigInt(BigInt, BigInt),
    BigDec(BigDecimal, BigDecimal),
    Double(f64, f64),
}

impl Number {
    pub(crate) fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Value(value) => Self::of_value(value),
            _ => None,
        }
    }

    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Long(number) => Self::Long(*number),
            Value::BigInt(number) => Self::BigInt((**number).clone()),
            Value::BigDec(number) => Self::BigDec((**number).clone()),
            Value::Double(number) => Self::Double(*number),
            Value::Float(number) => Self::Double(f64::from(*number)),
            _ => return None,
        })
    }

    /// The number, or an error that names the function.
    pub(crate) fn expect(cell: &Cell) -> Result<Self, String> {
        Self::of(cell).ok_or_else(|| format!("expected a number, found {}", cell.kind()))
    }

    pub(crate) fn into_cell(self) -> Cell {
        Cell::Value(self.into_value())
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Long(number) => Value::Long(number),
            Self::BigInt(number) => Value::BigInt(Arc::new(number)),
            Self::BigDec(number) => Value::BigDec(Arc::new(number)),
            Self::Double(number) => Value::Double(number),
        }
    }

    pub(crate) fn to_f64(&self) -> f64 {
        match self {
            Self::Long(number) => *number as f64,
            Self::BigInt(number) => number.to_f64().unwrap_or(f64::NAN),
            Self::BigDec(number) => number.to_f64().unwrap_or(f64::NAN),
            Self::Double(number) => *number,
        }
    }

    /// -1, 0 or 1; `None` for NaN.
    pub(crate) fn sign(&self) -> Option<i8> {
        let ordering = match self {
            Self::Long(number) => number.cmp(&0),
            Self::BigInt(number) => number.cmp(&BigInt::zero()),
            Self::BigDec(number) if number.is_negative() => Ordering::Less,
            Self::BigDec(number) if number.is_zero() => Ordering::Equal,
            Self::BigDec(_) => Ordering::Greater,
            Self::Double(number) => number.partial_cmp(&0.0)?,
        };
        Some(ordering as i8)
    }

    /// Compares by value, exactly; `None` when either is NaN.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Double(a), exact) => compare_double(*a, exact),
            (exact, Self::Double(b)) => compare_double(*b, exact).map(Ordering::reverse),
            (Self::Long(a), Self::Long(b)) => Some(a.cmp(b)),
            (Self::BigDec(_), _) | (_, Self::BigDec(_)) => {
                let (a, b) = (self.decimal()?, other.decimal()?);
                Some(a.cmp(&b))
            }
            _ => Some(self.integer()?.cmp(&other.integer()?)),
        }
    }

    fn integer(&self) -> Option<BigInt> {
        match self {
            Self::Long(number) => Some(BigInt::from(*number)),
            Self::BigInt(number) => Some(number.clone()),
            Self::BigDec(_) | Self::Double(_) => None,
        }
    }

    fn decimal(&self) -> Option<BigDecimal> {
        match self {
            Self::BigDec(number) => Some(number.clone()),
            Self::Double(number) => BigDecimal::from_f64(*number),
            _ => self.integer().map(BigDecimal::from),
        }
    }

    /// The value of a type that the number equals, if there is one; a `float` is narrowed.
    pub(crate) fn as_type(&self, value_type: ValueType) -> Option<Value> {
        let value = match value_type {
            ValueType::Long => Value::Long(match self {
                Self::Long(number) => *number,
                Self::BigInt(number) => number.to_i64()?,
                Self::BigDec(number) => checked_decimal(number.clone()).ok()?.to_i64()?,
                Self::Double(number) => number.to_i64()?,
            }),
            ValueType::Double => Value::Double(self.to_f64()),
            ValueType::Float => return Some(Value::Float(self.to_f64() as f32)),
            ValueType::BigInt => Value::BigInt(Arc::new(match self {
                Self::Double(number) => BigInt::from_f64(*number)?,
                Self::BigDec(number) => checked_decimal(number.clone()).ok()?.to_bigint()?,
                exact => exact.integer()?,
            })),
            ValueType::BigDec => Value::BigDec(Arc::new(self.decimal()?)),
            _ => return None,
        };
        let equal = Self::of_value(&value)?.compare(self) == Some(Ordering::Equal);
        equal.then_some(value)
    }

    /// Brings two numbers to the wider type of the two; floating point is the widest.
    pub(crate) fn pair(self, other: Self) -> Result<Pair, String> {
        Ok(match (self, other) {
            (Self::Long(a), Self::Long(b)) => Pair::Long(a, b),
            (Self::Double(a), b) => Pair::Double(a, b.to_f64()),
            (a, Self::Double(b)) => Pair::Double(a.to_f64(), b),
            (a @ Self::BigDec(_), b) | (a, b @ Self::BigDec(_)) => {
                let decimal = |number: Self| number.decimal().ok_or("not a decimal");
                Pair::BigDec(checked_decimal(decimal(a)?)?, checked_decimal(decimal(b)?)?)
            }
            (a, b) => {
                let integer = |number: Self| number.integer().ok_or("not an integer");
                Pair::BigInt(integer(a)?, integer(b)?)
            }
        })
    }
}

/// Compares a double with an exact number, without rounding either.
fn compare_double(double: f64, exact: &Number) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double == f64::INFINITY {
        return Some(Ordering::Greater);
    }
    if double == f64::NEG_INFINITY {
        return Some(Ordering::Less);
    }
    if let Number::Long(long) = exact {
        // Longs of this size are exact as doubles.
        if long.unsigned_abs() <= 1 << 53 {
            return double.partial_cmp(&(*long as f64));
        }
    }
    let double = BigDecimal::try_from(double).ok()?;
    Some(double.cmp(&exact.decimal()?))
}

/// Refuses decimals that are written out in full when they are compared and would not fit.
pub(crate) fn checked_decimal(number: BigDecimal) -> Result<BigDecimal, String> {
    let (_, scale) = number.as_bigint_and_exponent();
    if scale.abs() > DECIMAL_PLACES_MAX {
        return Err(format!("a decimal with more than {DECIMAL_PLACES_MAX} places"));
    }
    Ok(number)
}

pub(super) fn checked_integer(number: BigInt) -> Result<BigInt, String> {
    if number.bits() > INTEGER_BITS_MAX {
        return Err(format!("an integer of more than {INTEGER_BITS_MAX} bits"));
    }
    Ok(number)
}

/// The quotient of two decimals, to 34 digits.
pub(super) fn decimal_quotient(a: &BigDecimal, b: &BigDecimal) -> BigDecimal {
    (a / b).with_prec(QUOTIENT_DIGITS).normalized()
}
