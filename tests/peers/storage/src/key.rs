//! Facts as keys whose order is that of an index.
//!
//! ```text
//! 0  e (8)  a (1)  value        by entity
//! 1  a (1)  e (8)  value        by attribute
//! 2  a (1)  value  e (8)        by value; the value of a text ends with a zero
//! ```
//!
//! Numbers are written with their highest byte first, so that keys compare as they do.

use duramen_model::Value;
use duramen_tests::bench::people::Fact;

use crate::engine::is_found_by_value;

/// The keys of a fact.
pub fn keys_of(fact: &Fact) -> impl Iterator<Item = Vec<u8>> {
    let (e, a) = (fact.e.get(), fact.a as u8);
    let value = value(&fact.v);
    let by_value = is_found_by_value(fact.a).then(|| {
        let mut key = prefix_of_value(a, &value);
        key.extend(e.to_be_bytes());
        key
    });
    let mut by_entity = prefix_of_entity(e);
    by_entity.push(a);
    by_entity.extend(&value);
    let mut by_attribute = vec![1, a];
    by_attribute.extend(e.to_be_bytes());
    by_attribute.extend(&value);
    [by_entity, by_attribute].into_iter().chain(by_value)
}

/// What the keys of an entity begin with.
pub fn prefix_of_entity(e: u64) -> Vec<u8> {
    let mut key = vec![0];
    key.extend(e.to_be_bytes());
    key
}

/// What the keys of an attribute begin with, by attribute.
pub fn prefix_of_attribute(a: u8) -> Vec<u8> {
    vec![1, a]
}

/// What the keys of a value begin with, by value.
pub fn prefix_of_value(a: u8, value: &[u8]) -> Vec<u8> {
    let mut key = vec![2, a];
    key.extend(value);
    key
}

/// The entity at the end of a key by value.
pub fn entity_of(key: &[u8]) -> Option<u64> {
    let bytes = key.last_chunk::<8>()?;
    Some(u64::from_be_bytes(*bytes))
}

/// The number at the end of a key by attribute.
pub fn number_of(key: &[u8]) -> Option<i64> {
    let bytes = key.last_chunk::<8>()?;
    Some((u64::from_be_bytes(*bytes) ^ SIGN) as i64)
}

const SIGN: u64 = 1 << 63;

/// A value in bytes.
pub fn value(v: &Value) -> Vec<u8> {
    let integer = |v: i64| ((v as u64) ^ SIGN).to_be_bytes().to_vec();
    match v {
        Value::Boolean(v) => vec![u8::from(*v)],
        Value::Long(v) => integer(*v),
        Value::Instant(v) => integer(v.millis()),
        Value::Ref(v) => v.get().to_be_bytes().to_vec(),
        Value::Double(v) => float(v.to_bits()).to_be_bytes().to_vec(),
        Value::Float(v) => ((float(f64::from(*v).to_bits()) >> 32) as u32).to_be_bytes().to_vec(),
        Value::String(v) | Value::Uri(v) => text(v),
        Value::Keyword(v) => text(v.text()),
        Value::Uuid(v) => v.as_bytes().to_vec(),
        Value::Bytes(v) => v.to_vec(),
        other => text(&format!("{other:?}")),
    }
}

fn text(v: &str) -> Vec<u8> {
    let mut bytes = v.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

fn float(bits: u64) -> u64 {
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}
