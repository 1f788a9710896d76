//! Values made to suit their attributes.
//!
//! EDN has fewer types than attributes have. A number is taken for a wider type when nothing of
//! it is lost; one that would be cut short, or text that would have to be parsed, is refused.

use std::sync::Arc;

use duramen_model::{Value, ValueType};

/// The largest integer up to which every integer is a double.
const DOUBLE_EXACT_MAX: i64 = 1 << 53;
/// The largest integer up to which every integer is a float.
const FLOAT_EXACT_MAX: i64 = 1 << 24;

/// The value as one of a type, if it is one. References and tuples are not made here.
pub(crate) fn coerce(value: &Value, to: ValueType) -> Option<Value> {
    match (value, to) {
        (Value::Double(number), ValueType::Double) => Some(Value::Double(canonical(*number))),
        (Value::Double(number), ValueType::Float) => narrow(*number),
        (Value::Float(number), ValueType::Float) => narrow(f64::from(*number)),
        (Value::Float(number), ValueType::Double) => {
            Some(Value::Double(canonical(f64::from(*number))))
        }
        (Value::Long(number), ValueType::Double) => {
            within(*number, DOUBLE_EXACT_MAX).then_some(Value::Double(*number as f64))
        }
        (Value::Long(number), ValueType::Float) => {
            within(*number, FLOAT_EXACT_MAX).then_some(Value::Float(*number as f32))
        }
        (Value::Long(number), ValueType::BigInt) => Some(Value::BigInt(Arc::new((*number).into()))),
        (Value::Long(number), ValueType::BigDec) => Some(Value::BigDec(Arc::new((*number).into()))),
        (Value::BigInt(number), ValueType::BigDec) => {
            Some(Value::BigDec(Arc::new((**number).clone().into())))
        }
        (Value::Ref(_) | Value::Tuple(_), _) => None,
        (value, to) => (value.value_type() == to).then(|| value.clone()),
    }
}

/// The number that stands for all NaNs, or the number itself. Otherwise one NaN could be asserted
/// beside another, and nothing would show that they differ.
fn canonical(number: f64) -> f64 {
    if number.is_nan() { f64::NAN } else { number }
}

/// The nearest float, unless the number is finite and too large for one.
fn narrow(number: f64) -> Option<Value> {
    let float = canonical(number) as f32;
    (float.is_finite() || !number.is_finite()).then_some(Value::Float(float))
}

fn within(number: i64, limit: i64) -> bool {
    (-limit..=limit).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_widen_when_nothing_is_lost() {
        assert_eq!(coerce(&Value::Long(3), ValueType::Double), Some(Value::Double(3.0)));
        assert_eq!(coerce(&Value::Long((1 << 53) + 1), ValueType::Double), None);
        assert_eq!(coerce(&Value::Long((1 << 24) + 1), ValueType::Float), None);
        assert_eq!(
            coerce(&Value::Long(7), ValueType::BigInt),
            Some(Value::BigInt(Arc::new(7.into())))
        );
    }

    #[test]
    fn a_double_for_a_float_is_narrowed() {
        assert_eq!(coerce(&Value::Double(0.1), ValueType::Float), Some(Value::Float(0.1)));
        assert_eq!(coerce(&Value::Double(1e300), ValueType::Float), None);
        let infinite = coerce(&Value::Double(f64::INFINITY), ValueType::Float);
        assert_eq!(infinite, Some(Value::Float(f32::INFINITY)));
    }

    #[test]
    fn nothing_is_parsed_or_cut_short() {
        assert_eq!(coerce(&Value::Double(30.0), ValueType::Long), None);
        assert_eq!(coerce(&Value::from("30"), ValueType::Long), None);
        assert_eq!(coerce(&Value::from("a"), ValueType::Keyword), None);
    }

    #[test]
    fn there_is_one_nan() {
        let odd = f64::from_bits(f64::NAN.to_bits() | 1);
        assert_eq!(coerce(&Value::Double(odd), ValueType::Double), Some(Value::Double(f64::NAN)));
        assert_eq!(
            coerce(&Value::Double(-f64::NAN), ValueType::Float),
            Some(Value::Float(f32::NAN))
        );
    }
}
