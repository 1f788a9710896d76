//! A column of values of one type, as it is stored.
//!
//! ```text
//! boolean, long, instant, ref            integers, see ints: 0 or 1; two's complement; two's
//!                                        complement of the milliseconds; id
//! double, float                          integers: the bits of IEEE 754; a double also
//!                                        16 decimal: how many digits after the point (1 byte),
//!                                        nested column of integers: what each is without point
//! uuid                                   1: two nested columns of integers: the higher 64 bits,
//!                                        the lower
//! string, uri, keyword, symbol, bytes    strings, see blobs; a keyword without its colon; string,
//!                                        uri and bytes in leaves also of encoding 4, see remote;
//!                                        all but bytes also of encoding 5, see hex
//! bigint, bigdec, tuple                  strings: each value by itself, see single
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use duramen_model::{Instant, Value, ValueType};
use uuid::Uuid;

use super::hex::{self, HEXADECIMAL};
use super::remote::{self, ELSEWHERE, Stubs};
use super::single::{self, Allowance};
use super::{Texts, Values};
use crate::NodeHash;
use crate::blobs::{self, Blobs};
use crate::ints::{self, Encoded, unknown_encoding};
use crate::wire::{DecodeError, Reader};

const UUID_HALVES: u8 = 1;
const DECIMAL: u8 = 16;
/// What decimal doubles are divided by, by how many digits they have after the point.
const POWERS_OF_TEN: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Integers up to this one are exact as doubles.
const EXACT_MAX: f64 = (1_u64 << 53) as f64;

/// Where large values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storing {
    /// With the others.
    Here,
    /// By themselves, see [`remote`].
    Elsewhere,
}

/// Encodes values that are all of one type; the bytes that they take when decoded.
pub(crate) fn encode(
    value_type: ValueType,
    values: &[&Value],
    storing: Storing,
) -> (Encoded, usize) {
    match value_type {
        ValueType::Uuid => (encode_uuids(values), values.len() * size_of::<Uuid>()),
        ValueType::String
        | ValueType::Uri
        | ValueType::Keyword
        | ValueType::Symbol
        | ValueType::Bytes => {
            let strings: Vec<&[u8]> = values.iter().map(|value| bytes_of(value)).collect();
            let may = storing == Storing::Elsewhere && can_be_elsewhere(value_type);
            let elsewhere = may.then(|| remote::encode(&strings)).flatten();
            elsewhere.unwrap_or_else(|| encode_strings(value_type, &strings))
        }
        ValueType::BigInt | ValueType::BigDec | ValueType::Tuple => encode_others(values),
        _ => {
            let integers: Vec<u64> = values.iter().map(|value| integer_of(value)).collect();
            let (mut column, decoded_bytes) = (ints::encode(&integers), size_of_val(&*integers));
            if value_type == ValueType::Double
                && let Some(decimals) = encode_decimals(&integers)
                && decimals.bytes.len() < column.bytes.len()
            {
                column = decimals;
            }
            (column, decoded_bytes)
        }
    }
}

fn encode_strings(value_type: ValueType, strings: &[&[u8]]) -> (Encoded, usize) {
    let plain = blobs::encode(strings);
    let hexadecimal = match value_type {
        ValueType::Bytes => None,
        _ => hex::encode(strings),
    };
    hexadecimal.filter(|(hex, _)| hex.bytes.len() < plain.0.bytes.len()).unwrap_or(plain)
}

/// Doubles that are decimal numbers with few digits after the point, as most are that people
/// write, by their bits.
fn encode_decimals(doubles: &[u64]) -> Option<Encoded> {
    (0..).zip(POWERS_OF_TEN).find_map(|(digits, power): (u8, f64)| {
        let integers = doubles.iter().map(|bits| decimal(f64::from_bits(*bits), power));
        let integers: Vec<u64> = integers.collect::<Option<_>>()?;
        let mut bytes = vec![digits];
        ints::put_nested(&mut bytes, &integers);
        Some(Encoded { encoding: DECIMAL, bytes })
    })
}

/// A number without its point, if the number comes back exactly.
fn decimal(number: f64, power: f64) -> Option<u64> {
    let whole = (number * power).round();
    let integer = (whole.abs() <= EXACT_MAX).then_some(whole as i64)?;
    ((integer as f64 / power).to_bits() == number.to_bits()).then_some(integer as u64)
}

fn decode_decimals(bytes: &[u8], count: usize) -> Result<Vec<f64>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let digits = reader.byte()?;
    let power = *POWERS_OF_TEN.get(usize::from(digits)).ok_or_else(|| {
        DecodeError::damaged("at most 6 digits after the point", digits.to_string())
    })?;
    let integers = ints::take_nested(&mut reader, count)?;
    reader.finish()?;
    Ok(integers.into_iter().map(|integer| integer as i64 as f64 / power).collect())
}

fn encode_uuids(values: &[&Value]) -> Encoded {
    let half = |high: bool| -> Vec<u64> {
        let half = |value: &&Value| match value {
            Value::Uuid(v) if high => v.as_u64_pair().0,
            Value::Uuid(v) => v.as_u64_pair().1,
            _ => 0,
        };
        values.iter().map(half).collect()
    };
    let mut bytes = Vec::new();
    ints::put_nested(&mut bytes, &half(true));
    ints::put_nested(&mut bytes, &half(false));
    Encoded { encoding: UUID_HALVES, bytes }
}

fn encode_others(values: &[&Value]) -> (Encoded, usize) {
    let alone = |value: &&Value| {
        let mut bytes = Vec::new();
        single::put(&mut bytes, value);
        bytes
    };
    let strings: Vec<Vec<u8>> = values.iter().map(alone).collect();
    let strings: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
    let (encoded, bytes) = blobs::encode(&strings);
    let allocated: usize = values.iter().map(|value| single::allocated_bytes(value)).sum();
    (encoded, bytes + allocated)
}

fn bytes_of(value: &Value) -> &[u8] {
    match value {
        Value::String(v) | Value::Uri(v) => v.as_bytes(),
        Value::Keyword(v) => v.text().as_bytes(),
        Value::Symbol(v) => v.text().as_bytes(),
        Value::Bytes(v) => v,
        _ => &[],
    }
}

fn integer_of(value: &Value) -> u64 {
    match value {
        Value::Boolean(v) => u64::from(*v),
        Value::Long(v) => *v as u64,
        Value::Instant(v) => v.millis() as u64,
        Value::Ref(v) => v.get(),
        Value::Double(v) => v.to_bits(),
        Value::Float(v) => u64::from(v.to_bits()),
        _ => 0,
    }
}

/// Decodes a column of `count` values that take at most so many bytes when decoded, beside what a
/// column of integers takes; whoever calls has bounded both.
pub(crate) fn decode(
    value_type: ValueType,
    encoding: u8,
    bytes: &[u8],
    count: usize,
    decoded_max: usize,
) -> Result<Values, DecodeError> {
    let integers = || ints::decode(encoding, bytes, count).map(Vec::into_iter);
    let strings = || blobs::decode(encoding, bytes, count, decoded_max);
    Ok(match value_type {
        ValueType::Boolean => Values::Boolean(collect(integers()?.map(single::boolean))?.into()),
        ValueType::Ref => Values::Ref(collect(integers()?.map(single::entity))?.into()),
        ValueType::Long => Values::Long(integers()?.map(|v| v as i64).collect()),
        ValueType::Instant => {
            Values::Instant(integers()?.map(|v| Instant::from_millis(v as i64)).collect())
        }
        ValueType::Double if encoding == DECIMAL => {
            Values::Double(decode_decimals(bytes, count)?.into())
        }
        ValueType::Double => Values::Double(integers()?.map(f64::from_bits).collect()),
        ValueType::Float => Values::Float(collect(integers()?.map(float))?.into()),
        ValueType::Uuid => decode_uuids(encoding, bytes, count)?,
        ValueType::String | ValueType::Uri | ValueType::Keyword | ValueType::Symbol => {
            let strings = match encoding {
                HEXADECIMAL => hex::decode(bytes, count, decoded_max)?,
                _ => strings()?,
            };
            Values::Text(Texts::new(value_type, strings)?)
        }
        ValueType::Bytes => Values::Bytes(strings()?.into()),
        ValueType::BigInt | ValueType::BigDec | ValueType::Tuple => {
            decode_others(value_type, &strings()?, decoded_max)?
        }
    })
}

/// Whether values of a type can be stored by themselves.
const fn can_be_elsewhere(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::String | ValueType::Uri | ValueType::Bytes)
}

/// Whether a column has values that are stored by themselves.
pub(crate) const fn is_elsewhere(value_type: ValueType, encoding: u8) -> bool {
    encoding == ELSEWHERE && can_be_elsewhere(value_type)
}

/// Decodes what stands here of a column of values that are stored elsewhere; `None` if it is no
/// such column.
pub(crate) fn decode_stubs<'a>(
    value_type: ValueType,
    encoding: u8,
    bytes: impl FnOnce() -> Result<Cow<'a, [u8]>, DecodeError>,
    count: usize,
    decoded_max: usize,
) -> Result<Option<Stubs>, DecodeError> {
    if !is_elsewhere(value_type, encoding) {
        return Ok(None);
    }
    Stubs::decode(&bytes()?, count, decoded_max).map(Some)
}

/// The column that stubs become with what was fetched.
pub(crate) fn filled(
    value_type: ValueType,
    stubs: &Stubs,
    found: &BTreeMap<NodeHash, Bytes>,
) -> Result<Values, DecodeError> {
    let strings = stubs.fill(found)?;
    Ok(match value_type {
        ValueType::Bytes => Values::Bytes(strings.into()),
        _ => Values::Text(Texts::new(value_type, strings)?),
    })
}

fn collect<T>(
    members: impl Iterator<Item = Result<T, DecodeError>>,
) -> Result<Vec<T>, DecodeError> {
    members.collect()
}

fn float(bits: u64) -> Result<f32, DecodeError> {
    u32::try_from(bits)
        .map(f32::from_bits)
        .map_err(|_| DecodeError::damaged("the 32 bits of a number", bits.to_string()))
}

fn decode_uuids(encoding: u8, bytes: &[u8], count: usize) -> Result<Values, DecodeError> {
    if encoding != UUID_HALVES {
        return Err(unknown_encoding("UUIDs", encoding));
    }
    let mut reader = Reader::new(bytes);
    let high = ints::take_nested(&mut reader, count)?;
    let low = ints::take_nested(&mut reader, count)?;
    reader.finish()?;
    let uuids = high.into_iter().zip(low).map(|(high, low)| Uuid::from_u64_pair(high, low));
    Ok(Values::Uuid(uuids.collect()))
}

fn decode_others(
    value_type: ValueType,
    strings: &Blobs,
    decoded_max: usize,
) -> Result<Values, DecodeError> {
    let mut allowance = Allowance(decoded_max.saturating_sub(strings.bytes.len()));
    let mut alone = |index| {
        let mut reader = Reader::new(&strings.bytes[blobs::place(&strings.ends, index)]);
        let value = single::take(&mut reader, value_type, &mut allowance)?;
        reader.finish()?;
        Ok(value)
    };
    let distinct = collect((0..strings.ends.len()).map(&mut alone))?;
    let Some(places) = &strings.places else { return Ok(Values::Other(distinct.into())) };
    Ok(Values::Other(places.iter().map(|place| distinct[*place as usize].clone()).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trips(doubles: &[f64]) -> Encoded {
        let values: Vec<Value> = doubles.iter().map(|number| Value::Double(*number)).collect();
        let (column, _) =
            encode(ValueType::Double, &values.iter().collect::<Vec<_>>(), Storing::Here);
        let decoded = decode(ValueType::Double, column.encoding, &column.bytes, doubles.len(), 0);
        let Ok(Values::Double(decoded)) = decoded else { panic!("not doubles") };
        let bits = |doubles: &[f64]| -> Vec<u64> { doubles.iter().map(|v| v.to_bits()).collect() };
        assert_eq!(bits(&decoded), bits(doubles));
        column
    }

    #[test]
    fn decimal_numbers_take_few_bytes() {
        let prices: Vec<f64> = (0..1000).map(|n| f64::from(n * 7919 % 10_000) / 100.0).collect();
        let column = round_trips(&prices);
        assert_eq!(column.encoding, DECIMAL);
        assert!(column.bytes.len() < 1800, "{} bytes", column.bytes.len());
        round_trips(&[f64::NAN, -0.0, f64::INFINITY, 1e300, f64::MIN_POSITIVE]);
    }

    proptest! {
        #[test]
        fn doubles_round_trip(
            doubles in prop::collection::vec(
                prop_oneof![any::<f64>(), (-1000i32..1000).prop_map(|n| f64::from(n) / 8.0)], 0..40,
            ),
        ) {
            round_trips(&doubles);
        }
    }
}
