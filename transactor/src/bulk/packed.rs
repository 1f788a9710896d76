//! Values as rows keep them: a word that sorts alike, and the bytes behind it.
//!
//! ```text
//! boolean, long, double, float, instant, ref   all in the word
//! string, uri, bytes, uuid                     bytes; the word is the first eight of them
//! keyword, symbol                              text; the word is whether there is a namespace,
//!                                              and the first seven bytes of it, or of the name
//! bigint, bigdec, tuple                        bytes that only say which value it is
//! ```
//!
//! Where two words differ, the values sort as the words do. This lives in memory and in temporary
//! files only.

use std::cmp::Ordering;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Symbol, Value, ValueType};
use num_bigint::BigInt;
use uuid::Uuid;

const SIGN: u64 = 1 << 63;
/// The type number of a nil member.
const NIL: u8 = 0;

/// How a type is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All in the word.
    Word,
    /// Bytes that sort as they are.
    Bytes,
    /// Text that sorts by namespace, then name.
    Name,
    /// Bytes that have to be decoded to be compared.
    Opaque,
}

impl Kind {
    pub(crate) const fn of(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Boolean
            | ValueType::Long
            | ValueType::Double
            | ValueType::Float
            | ValueType::Instant
            | ValueType::Ref => Self::Word,
            ValueType::String | ValueType::Uri | ValueType::Bytes | ValueType::Uuid => Self::Bytes,
            ValueType::Keyword | ValueType::Symbol => Self::Name,
            ValueType::BigInt | ValueType::BigDec | ValueType::Tuple => Self::Opaque,
        }
    }
}

/// Appends the bytes of a value, if it has any, and returns its word.
pub(crate) fn pack(value: &Value, long: &mut Vec<u8>) -> u64 {
    let begin = long.len();
    match value {
        Value::Boolean(v) => return u64::from(*v),
        Value::Long(v) => return v.cast_unsigned() ^ SIGN,
        Value::Instant(v) => return v.millis().cast_unsigned() ^ SIGN,
        Value::Ref(v) => return v.get(),
        Value::Double(v) => return ascending(v.to_bits()),
        // A float widened keeps its order; the bits of the float are the upper half.
        Value::Float(v) => return ascending(u64::from(v.to_bits()) << 32),
        Value::Uuid(v) => long.extend_from_slice(v.as_bytes()),
        Value::String(v) | Value::Uri(v) => long.extend_from_slice(v.as_bytes()),
        Value::Bytes(v) => long.extend_from_slice(v),
        Value::Keyword(v) => long.extend_from_slice(v.text().as_bytes()),
        Value::Symbol(v) => long.extend_from_slice(v.text().as_bytes()),
        Value::BigInt(v) => long.extend(v.to_signed_bytes_be()),
        Value::BigDec(v) => {
            let (unscaled, scale) = v.as_bigint_and_exponent();
            long.extend(scale.to_be_bytes());
            long.extend(unscaled.to_signed_bytes_be());
        }
        Value::Tuple(members) => members.iter().for_each(|member| pack_member(member, long)),
    }
    word_of(value.value_type(), &long[begin..])
}

fn pack_member(member: &Option<Value>, long: &mut Vec<u8>) {
    let Some(value) = member else { return long.push(NIL) };
    long.push(value.value_type().number());
    let mut bytes = Vec::new();
    let word = pack(value, &mut bytes);
    long.extend(word.to_le_bytes());
    long.extend((bytes.len() as u64).to_le_bytes());
    long.extend(bytes);
}

/// Positive floating point sorts as its bits do, negative the other way round and below.
const fn ascending(bits: u64) -> u64 {
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

const fn descended(word: u64) -> u64 {
    if word & SIGN == 0 { !word } else { word & !SIGN }
}

/// The word of a value that has bytes.
pub(crate) fn word_of(value_type: ValueType, long: &[u8]) -> u64 {
    match Kind::of(value_type) {
        Kind::Bytes => prefix(long),
        Kind::Name => {
            let (namespace, name) = split(long);
            let flag = u64::from(namespace.is_some()) << 56;
            flag | prefix(namespace.unwrap_or(name)) >> 8
        }
        Kind::Word | Kind::Opaque => 0,
    }
}

/// The first eight bytes, as if zeros followed.
fn prefix(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}

/// Namespace and name, as keywords and symbols compare.
fn split(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match text.iter().position(|byte| *byte == b'/') {
        Some(slash) if slash > 0 => (Some(&text[..slash]), &text[slash + 1..]),
        _ => (None, text),
    }
}

/// Compares two values of one type.
pub(crate) fn compare(value_type: ValueType, x: (u64, &[u8]), y: (u64, &[u8])) -> Ordering {
    let words = x.0.cmp(&y.0);
    if words.is_ne() {
        return words;
    }
    match Kind::of(value_type) {
        Kind::Word => Ordering::Equal,
        Kind::Bytes => x.1.cmp(y.1),
        Kind::Name => split(x.1).cmp(&split(y.1)),
        Kind::Opaque => unpack(value_type, x.0, x.1).cmp(&unpack(value_type, y.0, y.1)),
    }
}

/// The value; `None` when it is none of the type.
pub(crate) fn unpack(value_type: ValueType, word: u64, long: &[u8]) -> Option<Value> {
    let text = || std::str::from_utf8(long).ok();
    Some(match value_type {
        ValueType::Boolean => Value::Boolean(word != 0),
        ValueType::Long => Value::Long((word ^ SIGN).cast_signed()),
        ValueType::Instant => Value::Instant(Instant::from_millis((word ^ SIGN).cast_signed())),
        ValueType::Ref => Value::Ref(EntityId::new(word)?),
        ValueType::Double => Value::Double(f64::from_bits(descended(word))),
        ValueType::Float => {
            Value::Float(f32::from_bits(u32::try_from(descended(word) >> 32).ok()?))
        }
        ValueType::Uuid => Value::Uuid(Uuid::from_bytes(long.try_into().ok()?)),
        ValueType::String => Value::String(Arc::from(text()?)),
        ValueType::Uri => Value::Uri(Arc::from(text()?)),
        ValueType::Bytes => Value::Bytes(Arc::from(long)),
        ValueType::Keyword => Value::Keyword(Keyword::new(text()?)),
        ValueType::Symbol => Value::Symbol(Symbol::new(text()?)),
        ValueType::BigInt => Value::BigInt(Arc::new(BigInt::from_signed_bytes_be(long))),
        ValueType::BigDec => {
            let (scale, unscaled) = long.split_first_chunk()?;
            let unscaled = BigInt::from_signed_bytes_be(unscaled);
            Value::BigDec(Arc::new(BigDecimal::new(unscaled, i64::from_be_bytes(*scale))))
        }
        ValueType::Tuple => Value::Tuple(unpack_members(long)?),
    })
}

fn unpack_members(mut long: &[u8]) -> Option<Arc<[Option<Value>]>> {
    let mut members = Vec::new();
    while let Some((number, rest)) = long.split_first() {
        long = rest;
        if *number == NIL {
            members.push(None);
            continue;
        }
        let (word, rest) = long.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        let value_type = ValueType::from_number(*number)?;
        members.push(Some(unpack(value_type, u64::from_le_bytes(*word), bytes)?));
        long = rest;
    }
    Some(members.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(value_type: ValueType) -> BoxedStrategy<Value> {
        match value_type {
            ValueType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
            ValueType::Long => prop_oneof![any::<i64>(), -2..2_i64].prop_map(Value::Long).boxed(),
            ValueType::Double => prop_oneof![any::<f64>(), Just(-0.0), Just(0.0), Just(f64::NAN)]
                .prop_map(Value::Double)
                .boxed(),
            ValueType::Float => {
                prop_oneof![any::<f32>(), Just(-0.0), Just(0.0)].prop_map(Value::Float).boxed()
            }
            ValueType::BigInt => {
                any::<i128>().prop_map(|v| Value::BigInt(Arc::new(v.into()))).boxed()
            }
            ValueType::BigDec => (any::<i64>(), -9..9_i64)
                .prop_map(|(v, scale)| Value::BigDec(Arc::new(BigDecimal::new(v.into(), scale))))
                .boxed(),
            ValueType::String => "[ab\0]{0,12}".prop_map(Value::string).boxed(),
            ValueType::Uri => "[ab]{0,12}".prop_map(|v| Value::Uri(v.into())).boxed(),
            ValueType::Keyword => {
                "[a/\0-]{0,12}".prop_map(|v| Value::Keyword(Keyword::new(v))).boxed()
            }
            ValueType::Symbol => {
                "[a/\0-]{0,12}".prop_map(|v| Value::Symbol(Symbol::new(v))).boxed()
            }
            ValueType::Instant => {
                any::<i64>().prop_map(|v| Value::Instant(Instant::from_millis(v))).boxed()
            }
            ValueType::Uuid => any::<u128>().prop_map(|v| Value::Uuid(Uuid::from_u128(v))).boxed(),
            ValueType::Bytes => any::<Vec<u8>>().prop_map(|v| Value::Bytes(v.into())).boxed(),
            ValueType::Ref => {
                (0..1_u64 << 53).prop_map(|v| Value::Ref(EntityId::new(v).unwrap())).boxed()
            }
            ValueType::Tuple => {
                let member = prop_oneof![
                    value(ValueType::Long),
                    value(ValueType::String),
                    value(ValueType::BigDec)
                ];
                prop::collection::vec(prop::option::of(member), 0..4)
                    .prop_map(|members| Value::Tuple(members.into()))
                    .boxed()
            }
        }
    }

    fn pairs() -> impl Strategy<Value = (Value, Value)> {
        prop::sample::select(&ValueType::ALL[..])
            .prop_flat_map(|value_type| (value(value_type), value(value_type)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn packed_values_are_the_same_and_sort_alike((x, y) in pairs()) {
            let value_type = x.value_type();
            let (mut x_long, mut y_long) = (Vec::new(), Vec::new());
            let (x_word, y_word) = (pack(&x, &mut x_long), pack(&y, &mut y_long));
            prop_assert_eq!(unpack(value_type, x_word, &x_long), Some(x.clone()));
            if Kind::of(value_type) != Kind::Word {
                prop_assert_eq!(word_of(value_type, &x_long), x_word);
            }
            let packed = compare(value_type, (x_word, &x_long), (y_word, &y_long));
            prop_assert_eq!(packed, x.cmp(&y));
        }
    }
}
