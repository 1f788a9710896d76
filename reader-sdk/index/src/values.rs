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

use std::collections::BTreeMap;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Symbol, Value, ValueType};
use num_bigint::BigInt;
use uuid::Uuid;

use crate::ints;
use crate::wire::{DecodeError, Reader, put_varint, unzigzag, zigzag};

const PLAIN: u8 = 1;
const DICTIONARY: u8 = 2;
/// The type number of a nil member.
const NIL: u8 = 0;
/// How deep tuples may be nested when decoded.
const TUPLE_DEPTH_MAX: usize = 32;
/// How far a decimal's scale may be from 0 when decoded: comparing two decimals takes memory in
/// proportion to the difference.
const DECIMAL_SCALE_MAX: i64 = 1 << 20;

/// What a member of a tuple takes in memory beside its bytes.
const MEMBER_BYTES: usize = 24;

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

/// The bytes that a value takes without front coding, roughly.
pub(crate) fn plain_bytes(value: &Value) -> usize {
    match value {
        Value::Boolean(_) => 1,
        Value::Float(_) => 4,
        Value::Long(_) | Value::Double(_) | Value::Instant(_) | Value::Ref(_) => 8,
        Value::Uuid(_) => 16,
        Value::String(text) | Value::Uri(text) => text.len(),
        Value::Keyword(keyword) => keyword.text().len(),
        Value::Symbol(symbol) => symbol.text().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::BigInt(number) => bigint_bytes(number),
        Value::BigDec(number) => bigint_bytes(number.as_bigint_and_scale().0.as_ref()) + 10,
        // Twice, because decoding holds the members' bytes beside the members.
        Value::Tuple(members) => members.iter().fold(0, |sum, member| {
            let member = member.as_ref().map_or(0, plain_bytes).saturating_mul(2);
            sum.saturating_add(member).saturating_add(MEMBER_BYTES + 16)
        }),
    }
}

fn bigint_bytes(number: &BigInt) -> usize {
    usize::try_from(number.bits() / 8 + 1).unwrap_or(usize::MAX)
}

/// Makes sure that a value can be stored in a node and read again. Whoever accepts values should
/// ask before it is too late to refuse.
///
/// # Errors
/// What is wrong with the value.
pub fn check_storable(value: &Value) -> Result<(), String> {
    check_member(value, TUPLE_DEPTH_MAX)
}

fn check_member(value: &Value, depth: usize) -> Result<(), String> {
    match value {
        Value::BigDec(number) if out_of_scale(number.fractional_digit_count()) => Err(format!(
            "a decimal with a scale of {}, at most {DECIMAL_SCALE_MAX} is possible",
            number.fractional_digit_count()
        )),
        Value::Tuple(_) if depth == 0 => {
            Err(format!("a tuple nested deeper than {TUPLE_DEPTH_MAX} levels"))
        }
        Value::Tuple(members) => {
            members.iter().flatten().try_for_each(|member| check_member(member, depth - 1))
        }
        _ => Ok(()),
    }
}

const fn out_of_scale(scale: i64) -> bool {
    scale.unsigned_abs() > DECIMAL_SCALE_MAX.unsigned_abs()
}

/// Encodes values that are all of one type.
pub(crate) fn encode(out: &mut Vec<u8>, value_type: ValueType, values: &[&Value]) {
    match dictionary(value_type, values) {
        Some((distinct, places)) => {
            out.push(DICTIONARY);
            put_varint(out, distinct.len() as u64);
            encode_plain(out, value_type, &distinct);
            ints::encode(out, places.into_iter());
        }
        None => {
            out.push(PLAIN);
            encode_plain(out, value_type, values);
        }
    }
}

/// The distinct values, sorted, and the place of each value among them; if that pays.
fn dictionary<'a>(
    value_type: ValueType,
    values: &[&'a Value],
) -> Option<(Vec<&'a Value>, Vec<u64>)> {
    // For other types equal values may differ in bytes, or a dictionary gains nothing.
    let text = matches!(
        value_type,
        ValueType::String
            | ValueType::Uri
            | ValueType::Keyword
            | ValueType::Symbol
            | ValueType::Bytes
    );
    if !text || values.len() < 2 {
        return None;
    }
    let mut places: BTreeMap<&Value, u64> = values.iter().map(|value| (*value, 0)).collect();
    if places.len() > values.len() / 2 {
        return None;
    }
    for (place, slot) in places.values_mut().enumerate() {
        *slot = place as u64;
    }
    let column = values.iter().filter_map(|value| places.get(*value).copied()).collect();
    Some((places.into_keys().collect(), column))
}

fn encode_plain(out: &mut Vec<u8>, value_type: ValueType, values: &[&Value]) {
    match value_type {
        ValueType::Boolean | ValueType::Long | ValueType::Instant | ValueType::Ref => {
            ints::encode(out, values.iter().map(|value| integer(value)));
        }
        ValueType::Double | ValueType::Float | ValueType::Uuid => {
            values.iter().for_each(|value| put_fixed(out, value));
        }
        _ => {
            let long: Vec<Vec<u8>> = values.iter().map(|value| long_bytes(value)).collect();
            encode_front_coded(out, &long);
        }
    }
}

fn integer(value: &Value) -> u64 {
    match value {
        Value::Boolean(v) => u64::from(*v),
        Value::Long(v) => *v as u64,
        Value::Instant(v) => v.millis() as u64,
        Value::Ref(v) => v.get(),
        _ => 0,
    }
}

fn put_fixed(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Double(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Float(v) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        Value::Uuid(v) => out.extend_from_slice(v.as_bytes()),
        _ => {}
    }
}

fn long_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(v) | Value::Uri(v) => v.as_bytes().to_vec(),
        Value::Keyword(v) => v.text().as_bytes().to_vec(),
        Value::Symbol(v) => v.text().as_bytes().to_vec(),
        Value::Bytes(v) => v.to_vec(),
        Value::BigInt(v) => v.to_signed_bytes_be(),
        Value::BigDec(v) => {
            let (number, scale) = v.as_bigint_and_scale();
            let mut bytes = Vec::new();
            put_varint(&mut bytes, zigzag(scale));
            bytes.extend(number.to_signed_bytes_be());
            bytes
        }
        Value::Tuple(members) => {
            let mut bytes = Vec::new();
            for member in members.iter() {
                bytes.push(member.as_ref().map_or(NIL, |value| value.value_type().number()));
                if let Some(value) = member {
                    encode(&mut bytes, value.value_type(), &[value]);
                }
            }
            bytes
        }
        _ => Vec::new(),
    }
}

fn encode_front_coded(out: &mut Vec<u8>, values: &[Vec<u8>]) {
    let mut previous: &[u8] = &[];
    let mut shared = Vec::with_capacity(values.len());
    for value in values {
        shared.push(value.iter().zip(previous).take_while(|(x, y)| x == y).count());
        previous = value;
    }
    ints::encode(out, shared.iter().map(|length| *length as u64));
    ints::encode(out, values.iter().zip(&shared).map(|(value, own)| (value.len() - own) as u64));
    values.iter().zip(&shared).for_each(|(value, own)| out.extend_from_slice(&value[*own..]));
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
        other => Err(ints::unknown_encoding("values", other)),
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
    if out_of_scale(scale) {
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
    while !reader.is_empty() {
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

/// The type with a stored number.
pub(crate) fn value_type(number: u8) -> Result<ValueType, DecodeError> {
    ValueType::from_number(number)
        .ok_or_else(|| DecodeError::TooNew { what: format!("value type {number}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few bytes could otherwise stand for gigabytes: texts that share all but the end.
    #[test]
    fn shared_beginnings_cannot_be_used_to_fill_the_memory() {
        let long = "x".repeat(1 << 16);
        let values: Vec<Value> = (0..20).map(|n| Value::string(format!("{long}{n}"))).collect();
        let values: Vec<&Value> = values.iter().collect();
        let mut bytes = Vec::new();
        encode(&mut bytes, ValueType::String, &values);
        assert!(bytes.len() < 2 << 16);
        let mut allowance = Allowance::new(1 << 20);
        let decoded =
            decode(&mut Reader::new(&bytes), ValueType::String, values.len(), &mut allowance);
        assert!(matches!(decoded, Err(DecodeError::Damaged { .. })));
    }

    #[test]
    fn repeated_text_is_kept_once() {
        let values: Vec<Value> =
            ["b", "a", "b", "a", "b", "b"].into_iter().map(Value::from).collect();
        let values: Vec<&Value> = values.iter().collect();
        let mut bytes = Vec::new();
        encode(&mut bytes, ValueType::String, &values);
        let mut allowance = Allowance::new(100);
        let decoded = decode(&mut Reader::new(&bytes), ValueType::String, 6, &mut allowance);
        let decoded = decoded.unwrap();
        let (Value::String(first), Value::String(third)) = (&decoded[0], &decoded[2]) else {
            panic!("not text")
        };
        assert!(Arc::ptr_eq(first, third));
    }

    #[test]
    fn decimals_that_cannot_be_compared_are_refused() {
        let far = BigDecimal::from_bigint(BigInt::from(1), DECIMAL_SCALE_MAX + 1);
        let value = Value::BigDec(Arc::new(far));
        assert!(check_storable(&value).is_err());
        let mut bytes = Vec::new();
        encode(&mut bytes, ValueType::BigDec, &[&value]);
        let decoded =
            decode(&mut Reader::new(&bytes), ValueType::BigDec, 1, &mut Allowance::new(100));
        assert!(matches!(decoded, Err(DecodeError::Damaged { .. })));
    }
}
