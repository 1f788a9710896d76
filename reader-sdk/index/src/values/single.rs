//! One value by itself: those of types without a column of their own, and members of tuples.
//!
//! ```text
//! boolean                          1 byte, 0 or 1
//! long, instant                    zigzag (varint)
//! ref                              id (varint)
//! double, float, uuid              8, 4, 16 bytes: IEEE 754, little-endian; as RFC 9562
//! string, uri, keyword, symbol,
//! bytes                            length (varint), bytes
//! bigint                           length (varint), two's complement, big-endian, shortest
//! bigdec                           zigzag of the scale (varint), then as bigint
//! tuple                            how many members (varint); each: type number (1 byte, 0 for
//!                                  nil), then the value
//! ```

use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Symbol, Value, ValueType};
use num_bigint::BigInt;
use uuid::Uuid;

use super::storable::{DECIMAL_SCALE_MAX, MEMBER_BYTES, TUPLE_DEPTH_MAX, is_out_of_scale};
use crate::wire::{DecodeError, Reader, put_bytes, put_varint, unzigzag, zigzag};

/// The type number of a nil member.
const NIL: u8 = 0;

/// What decoding may still allocate for values, in bytes. A few bytes could otherwise stand for
/// many.
#[derive(Debug)]
pub(super) struct Allowance(pub(super) usize);

impl Allowance {
    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            DecodeError::damaged("values within the size that is told", "larger ones")
        })?;
        Ok(())
    }
}

/// What taking a value allocates beside its place in a column, in bytes.
pub(super) fn allocated_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Uri(text) => text.len(),
        Value::Keyword(keyword) => keyword.text().len(),
        Value::Symbol(symbol) => symbol.text().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::BigInt(number) => number.to_signed_bytes_be().len(),
        Value::BigDec(number) => number.as_bigint_and_scale().0.to_signed_bytes_be().len(),
        Value::Tuple(members) => {
            let own = |member: &Option<Value>| member.as_ref().map_or(0, allocated_bytes);
            members.iter().map(|member| own(member) + MEMBER_BYTES).sum()
        }
        _ => 0,
    }
}

pub(super) fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Boolean(v) => out.push(u8::from(*v)),
        Value::Long(v) => put_varint(out, zigzag(*v)),
        Value::Instant(v) => put_varint(out, zigzag(v.millis())),
        Value::Ref(v) => put_varint(out, v.get()),
        Value::Double(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Float(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Uuid(v) => out.extend_from_slice(v.as_bytes()),
        Value::String(v) | Value::Uri(v) => put_bytes(out, v.as_bytes()),
        Value::Keyword(v) => put_bytes(out, v.text().as_bytes()),
        Value::Symbol(v) => put_bytes(out, v.text().as_bytes()),
        Value::Bytes(v) => put_bytes(out, v),
        Value::BigInt(v) => put_bytes(out, &v.to_signed_bytes_be()),
        Value::BigDec(v) => {
            let (number, scale) = v.as_bigint_and_scale();
            put_varint(out, zigzag(scale));
            put_bytes(out, &number.to_signed_bytes_be());
        }
        Value::Tuple(members) => {
            put_varint(out, members.len() as u64);
            for member in members.iter() {
                out.push(member.as_ref().map_or(NIL, |value| value.value_type().number()));
                if let Some(value) = member {
                    put(out, value);
                }
            }
        }
    }
}

pub(super) fn take(
    reader: &mut Reader<'_>,
    value_type: ValueType,
    allowance: &mut Allowance,
) -> Result<Value, DecodeError> {
    take_within(reader, value_type, allowance, TUPLE_DEPTH_MAX)
}

fn take_within(
    reader: &mut Reader<'_>,
    value_type: ValueType,
    allowance: &mut Allowance,
    depth: usize,
) -> Result<Value, DecodeError> {
    Ok(match value_type {
        ValueType::Boolean => Value::Boolean(boolean(reader.byte()?.into())?),
        ValueType::Long => Value::Long(unzigzag(reader.varint()?)),
        ValueType::Instant => Value::Instant(Instant::from_millis(unzigzag(reader.varint()?))),
        ValueType::Ref => Value::Ref(entity(reader.varint()?)?),
        ValueType::Double => Value::Double(f64::from_le_bytes(reader.array()?)),
        ValueType::Float => Value::Float(f32::from_le_bytes(reader.array()?)),
        ValueType::Uuid => Value::Uuid(Uuid::from_bytes(reader.array()?)),
        ValueType::String => Value::String(Arc::from(text(reader, allowance)?)),
        ValueType::Uri => Value::Uri(Arc::from(text(reader, allowance)?)),
        ValueType::Keyword => Value::Keyword(Keyword::new(text(reader, allowance)?)),
        ValueType::Symbol => Value::Symbol(Symbol::new(text(reader, allowance)?)),
        ValueType::Bytes => Value::Bytes(Arc::from(bytes(reader, allowance)?)),
        ValueType::BigInt => Value::BigInt(Arc::new(bigint(reader, allowance)?)),
        ValueType::BigDec => Value::BigDec(Arc::new(bigdec(reader, allowance)?)),
        ValueType::Tuple => tuple(reader, allowance, depth)?,
    })
}

pub(super) fn boolean(integer: u64) -> Result<bool, DecodeError> {
    match integer {
        0 | 1 => Ok(integer == 1),
        _ => Err(DecodeError::damaged("0 or 1", integer.to_string())),
    }
}

pub(crate) fn entity(id: u64) -> Result<EntityId, DecodeError> {
    EntityId::new(id).ok_or_else(|| DecodeError::damaged("an entity id", id.to_string()))
}

fn bytes<'a>(reader: &mut Reader<'a>, allowance: &mut Allowance) -> Result<&'a [u8], DecodeError> {
    let bytes = reader.bytes()?;
    allowance.spend(bytes.len())?;
    Ok(bytes)
}

fn text<'a>(reader: &mut Reader<'a>, allowance: &mut Allowance) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(bytes(reader, allowance)?)
        .map_err(|error| DecodeError::damaged("UTF-8", error.to_string()))
}

fn bigint(reader: &mut Reader<'_>, allowance: &mut Allowance) -> Result<BigInt, DecodeError> {
    Ok(BigInt::from_signed_bytes_be(bytes(reader, allowance)?))
}

fn bigdec(reader: &mut Reader<'_>, allowance: &mut Allowance) -> Result<BigDecimal, DecodeError> {
    let scale = unzigzag(reader.varint()?);
    if is_out_of_scale(scale) {
        return Err(DecodeError::damaged(
            format!("a decimal's scale of at most {DECIMAL_SCALE_MAX}"),
            scale.to_string(),
        ));
    }
    Ok(BigDecimal::from_bigint(bigint(reader, allowance)?, scale))
}

fn tuple(
    reader: &mut Reader<'_>,
    allowance: &mut Allowance,
    depth: usize,
) -> Result<Value, DecodeError> {
    let depth = depth.checked_sub(1).ok_or_else(|| {
        DecodeError::damaged(format!("tuples nested {TUPLE_DEPTH_MAX} deep"), "deeper ones")
    })?;
    let size = reader.varint_up_to(reader.len(), "members of a tuple")?;
    let mut members = Vec::new();
    for _ in 0..size {
        allowance.spend(MEMBER_BYTES)?;
        members.push(match reader.byte()? {
            NIL => None,
            number => Some(take_within(reader, value_type(number)?, allowance, depth)?),
        });
    }
    Ok(Value::Tuple(Arc::from(members)))
}

/// The type with a stored number.
pub(crate) fn value_type(number: u8) -> Result<ValueType, DecodeError> {
    ValueType::from_number(number)
        .ok_or_else(|| DecodeError::TooNew { what: format!("value type {number}") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::codec::value;

    proptest! {
        #[test]
        fn values_round_trip(value in value()) {
            let mut bytes = Vec::new();
            put(&mut bytes, &value);
            let mut reader = Reader::new(&bytes);
            let mut allowance = Allowance(allocated_bytes(&value));
            let decoded = take(&mut reader, value.value_type(), &mut allowance);
            // The text, because equal decimals can differ in their digits.
            prop_assert_eq!(format!("{decoded:?}"), format!("Ok({value:?})"));
            prop_assert_eq!(reader.finish(), Ok(()));
            prop_assert_eq!(allowance.0, 0);
        }
    }

    #[test]
    fn decimals_that_cannot_be_compared_are_refused() {
        let far = BigDecimal::from_bigint(BigInt::from(1), DECIMAL_SCALE_MAX + 1);
        let value = Value::BigDec(Arc::new(far));
        assert!(super::super::check_storable(&value).is_err());
        let mut bytes = Vec::new();
        put(&mut bytes, &value);
        let decoded = take(&mut Reader::new(&bytes), ValueType::BigDec, &mut Allowance(100));
        assert!(matches!(decoded, Err(DecodeError::Damaged { .. })));
    }

    #[test]
    fn tuples_that_are_nested_too_deep_are_damage() {
        let mut value = Value::Long(1);
        for _ in 0..40 {
            value = Value::Tuple(Arc::from([Some(value)]));
        }
        let mut bytes = Vec::new();
        put(&mut bytes, &value);
        let decoded = take(&mut Reader::new(&bytes), ValueType::Tuple, &mut Allowance(10_000));
        assert!(matches!(decoded, Err(DecodeError::Damaged { .. })));
    }
}
