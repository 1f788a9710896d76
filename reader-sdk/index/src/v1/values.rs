//! A column of values of one type.
//!
//! ```text
//! encoding (1 byte), then
//!   1 plain        the values, as their type says
//!   2 dictionary   how many distinct values (varint), those plain and sorted, and for each value
//!                  its place among them (integers); text and bytes only
//!
//! plain, by type:
//!   boolean, long, instant, ref            integers: 0 or 1; two's complement; two's complement; id
//!   double, float, uuid                    8, 4, 16 bytes each: IEEE 754, little-endian; as RFC 9562
//!   string, uri, keyword, symbol, bytes    front-coded; a keyword without its colon
//!   bigint                                 front-coded: two's complement, big-endian, shortest
//!   bigdec                                 front-coded: zigzag of the scale (varint), then as bigint
//!   tuple                                  front-coded: members, see below
//!
//! front-coded, so that sorted text shares its beginnings:
//!   for each: how many bytes it shares with the one before (integers)
//!   for each: how many bytes follow those (integers)
//!   the bytes that follow, one after the other
//!
//! tuple members, until the end of the tuple:
//!   type number (1 byte; 0 is nil), then a column of one value
//! ```

use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Symbol, Value, ValueType};
use num_bigint::BigInt;
use uuid::Uuid;

use super::ints;
use crate::ints::unknown_encoding;
use crate::values::{
    DECIMAL_SCALE_MAX, MEMBER_BYTES, TUPLE_DEPTH_MAX, is_out_of_scale, value_type,
};
use crate::wire::{DecodeError, Reader, unzigzag};

const PLAIN: u8 = 1;
const DICTIONARY: u8 = 2;
/// The type number of a nil member.
const NIL: u8 = 0;

/// What decoding may still allocate for long values, in bytes, and how deep it may still go.
/// Front coding would otherwise let a few bytes stand for many.
#[derive(Debug)]
pub(crate) struct Allowance {
    pub(crate) bytes: usize,
    tuple_depth: usize,
}

impl Allowance {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes, tuple_depth: TUPLE_DEPTH_MAX }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            DecodeError::damaged("values within the size limit of a node", "longer values")
        })?;
        Ok(())
    }
}

/// Decodes a column of `count` values; whoever calls has bounded the count.
pub(crate) fn decode(
    reader: &mut Reader<'_>,
    value_type: ValueType,
    count: usize,
    allowance: &mut Allowance,
) -> Result<Vec<Value>, DecodeError> {
    match reader.byte()? {
        PLAIN => decode_plain(reader, value_type, count, allowance),
        DICTIONARY => {
            let size = reader.varint_up_to(count, "distinct values in a column")?;
            let distinct = decode_plain(reader, value_type, size, allowance)?;
            let places = ints::decode(reader, count)?;
            places.into_iter().map(|place| distinct_value(&distinct, place)).collect()
        }
        other => Err(unknown_encoding("values", other)),
    }
}

fn distinct_value(distinct: &[Value], place: u64) -> Result<Value, DecodeError> {
    let value = usize::try_from(place).ok().and_then(|place| distinct.get(place));
    value.cloned().ok_or_else(|| {
        DecodeError::damaged(
            format!("a place in a dictionary of {}", distinct.len()),
            place.to_string(),
        )
    })
}

fn decode_plain(
    reader: &mut Reader<'_>,
    value_type: ValueType,
    count: usize,
    allowance: &mut Allowance,
) -> Result<Vec<Value>, DecodeError> {
    match value_type {
        ValueType::Boolean | ValueType::Long | ValueType::Instant | ValueType::Ref => {
            let integers = ints::decode(reader, count)?;
            integers.into_iter().map(|integer| from_integer(value_type, integer)).collect()
        }
        ValueType::Double => fixed(reader, count, |b| Value::Double(f64::from_le_bytes(b))),
        ValueType::Float => fixed(reader, count, |b| Value::Float(f32::from_le_bytes(b))),
        ValueType::Uuid => fixed(reader, count, |b| Value::Uuid(Uuid::from_bytes(b))),
        _ => decode_front_coded(reader, value_type, count, allowance),
    }
}

fn from_integer(value_type: ValueType, integer: u64) -> Result<Value, DecodeError> {
    match (value_type, integer) {
        (ValueType::Boolean, 0 | 1) => Ok(Value::Boolean(integer == 1)),
        (ValueType::Boolean, _) => Err(DecodeError::damaged("0 or 1", integer.to_string())),
        (ValueType::Instant, _) => Ok(Value::Instant(Instant::from_millis(integer as i64))),
        (ValueType::Ref, _) => EntityId::new(integer)
            .map(Value::Ref)
            .ok_or_else(|| DecodeError::damaged("an entity id", integer.to_string())),
        _ => Ok(Value::Long(integer as i64)),
    }
}

fn fixed<const LENGTH: usize>(
    reader: &mut Reader<'_>,
    count: usize,
    value: impl Fn([u8; LENGTH]) -> Value,
) -> Result<Vec<Value>, DecodeError> {
    (0..count).map(|_| reader.array().map(&value)).collect()
}

fn decode_front_coded(
    reader: &mut Reader<'_>,
    value_type: ValueType,
    count: usize,
    allowance: &mut Allowance,
) -> Result<Vec<Value>, DecodeError> {
    let shared = ints::decode(reader, count)?;
    let own = ints::decode(reader, count)?;
    let mut values: Vec<Value> = Vec::with_capacity(count);
    let mut current = Vec::new();
    for (shared, own) in shared.into_iter().zip(own) {
        let kept = usize::try_from(shared).ok().filter(|shared| *shared <= current.len());
        let kept = kept.ok_or_else(|| {
            DecodeError::damaged(
                format!("at most {} shared bytes", current.len()),
                shared.to_string(),
            )
        })?;
        let own = usize::try_from(own).unwrap_or(usize::MAX);
        let same = own == 0 && kept == current.len();
        current.truncate(kept);
        current.extend_from_slice(reader.take(own)?);
        allowance.spend(current.len())?;
        // Equal neighbours share their text.
        match values.last().filter(|_| same) {
            Some(previous) => values.push(previous.clone()),
            None => values.push(from_long(value_type, &current, allowance)?),
        }
    }
    Ok(values)
}

fn from_long(
    value_type: ValueType,
    bytes: &[u8],
    allowance: &mut Allowance,
) -> Result<Value, DecodeError> {
    match value_type {
        ValueType::String => Ok(Value::String(Arc::from(text(bytes)?))),
        ValueType::Uri => Ok(Value::Uri(Arc::from(text(bytes)?))),
        ValueType::Keyword => Ok(Value::Keyword(Keyword::new(text(bytes)?))),
        ValueType::Symbol => Ok(Value::Symbol(Symbol::new(text(bytes)?))),
        ValueType::BigInt => Ok(Value::BigInt(Arc::new(BigInt::from_signed_bytes_be(bytes)))),
        ValueType::BigDec => bigdec(bytes),
        ValueType::Tuple => tuple(bytes, allowance),
        _ => Ok(Value::Bytes(Arc::from(bytes))),
    }
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|error| DecodeError::damaged("UTF-8", error.to_string()))
}

fn bigdec(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(bytes);
    let scale = unzigzag(reader.varint()?);
    if is_out_of_scale(scale) {
        return Err(DecodeError::damaged(
            format!("a decimal's scale of at most {DECIMAL_SCALE_MAX}"),
            scale.to_string(),
        ));
    }
    let number = BigInt::from_signed_bytes_be(reader.rest());
    Ok(Value::BigDec(Arc::new(BigDecimal::from_bigint(number, scale))))
}

fn tuple(bytes: &[u8], allowance: &mut Allowance) -> Result<Value, DecodeError> {
    allowance.tuple_depth = allowance.tuple_depth.checked_sub(1).ok_or_else(|| {
        DecodeError::damaged(format!("tuples nested {TUPLE_DEPTH_MAX} deep"), "deeper ones")
    })?;
    let mut members = Vec::new();
    let mut reader = Reader::new(bytes);
    while reader.len() > 0 {
        allowance.spend(MEMBER_BYTES)?;
        let number = reader.byte()?;
        let member = match number {
            NIL => None,
            _ => decode(&mut reader, value_type(number)?, 1, allowance)?.pop(),
        };
        members.push(member);
    }
    allowance.tuple_depth += 1;
    Ok(Value::Tuple(Arc::from(members)))
}
