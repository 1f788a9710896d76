//! Values and facts on the wire.

use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{Datom, EntityId, Instant, Keyword, Symbol, Value};
use duramen_proto::v1;
use duramen_proto::v1::value::Kind;
use num_bigint::BigInt;
use uuid::Uuid;

use super::BadField;

/// Tuples within tuples.
const DEPTH_MAX: usize = 16;
/// Reading a number takes time with the square of its length.
const NUMBER_CHARS_MAX: usize = 10_000;
/// Larger exponents would make a short text a long number.
const EXPONENT_MAX: i64 = 100_000;

/// Takes a value from the wire. `None` is nil.
pub(crate) fn decode(value: &v1::Value, field: &str) -> Result<Option<Value>, BadField> {
    decode_at(value, field, 0)
}

fn decode_at(value: &v1::Value, field: &str, depth: usize) -> Result<Option<Value>, BadField> {
    let bad = |message: String| BadField::new(field, message);
    let Some(kind) = &value.kind else { return Ok(None) };
    Ok(Some(match kind {
        Kind::Boolean(v) => Value::Boolean(*v),
        Kind::Long(v) => Value::Long(*v),
        Kind::Double(v) => Value::Double(*v),
        Kind::Float(v) => Value::Float(*v),
        Kind::Bigint(text) => Value::BigInt(Arc::new(bigint(text).map_err(bad)?)),
        Kind::Bigdec(text) => Value::BigDec(Arc::new(bigdec(text).map_err(bad)?)),
        Kind::String(v) => Value::string(v),
        Kind::Keyword(v) => Value::Keyword(keyword(v).map_err(bad)?),
        Kind::Symbol(v) => Value::Symbol(Symbol::new(v)),
        Kind::InstantMs(v) => Value::Instant(Instant::from_millis(*v)),
        Kind::Uuid(v) => Value::Uuid(
            Uuid::from_slice(v)
                .map_err(|_| bad(format!("a UUID has 16 bytes, not {}", v.len())))?,
        ),
        Kind::Uri(v) => Value::Uri(Arc::from(v.as_str())),
        Kind::Bytes(v) => Value::Bytes(Arc::from(v.as_slice())),
        Kind::Ref(v) => Value::Ref(entity(*v).map_err(bad)?),
        Kind::Tuple(v) => {
            if depth == DEPTH_MAX {
                return Err(bad(format!("more than {DEPTH_MAX} tuples within one another")));
            }
            let member = |(i, member)| decode_at(member, &format!("{field}[{i}]"), depth + 1);
            Value::Tuple(v.members.iter().enumerate().map(member).collect::<Result<_, _>>()?)
        }
    }))
}

/// Takes the id of an entity from the wire.
pub(crate) fn entity(id: u64) -> Result<EntityId, String> {
    EntityId::new(id).ok_or_else(|| format!("{id} is no entity id: they are under 2^53"))
}

/// Takes a keyword from the wire.
pub(crate) fn keyword(text: &str) -> Result<Keyword, String> {
    if text.is_empty() || text.starts_with(':') {
        return Err(format!("{text:?} is no keyword such as \"person/name\", without a colon"));
    }
    Ok(Keyword::new(text))
}

fn bigint(text: &str) -> Result<BigInt, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text.len() > NUMBER_CHARS_MAX {
        return Err(format!("a number has at most {NUMBER_CHARS_MAX} characters"));
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text:?} is no integer such as \"-12345678901234567890\""));
    }
    BigInt::from_str(text).map_err(|error| error.to_string())
}

fn bigdec(text: &str) -> Result<BigDecimal, String> {
    if text.len() > NUMBER_CHARS_MAX {
        return Err(format!("a number has at most {NUMBER_CHARS_MAX} characters"));
    }
    let number = BigDecimal::from_str(text)
        .map_err(|_| format!("{text:?} is no decimal number such as \"12.50\""))?;
    let (_, scale) = number.as_bigint_and_exponent();
    if scale.unsigned_abs() > EXPONENT_MAX.unsigned_abs() {
        return Err(format!("the exponent of a decimal number is within ±{EXPONENT_MAX}"));
    }
    Ok(number)
}

/// Puts a value on the wire.
pub(crate) fn encode(value: &Value) -> v1::Value {
    let kind = match value {
        Value::Boolean(v) => Kind::Boolean(*v),
        Value::Long(v) => Kind::Long(*v),
        Value::Double(v) => Kind::Double(*v),
        Value::Float(v) => Kind::Float(*v),
        Value::BigInt(v) => Kind::Bigint(v.to_string()),
        Value::BigDec(v) => Kind::Bigdec(v.to_string()),
        Value::String(v) => Kind::String(v.to_string()),
        Value::Keyword(v) => Kind::Keyword(v.text().to_owned()),
        Value::Symbol(v) => Kind::Symbol(v.text().to_owned()),
        Value::Instant(v) => Kind::InstantMs(v.millis()),
        Value::Uuid(v) => Kind::Uuid(v.as_bytes().to_vec()),
        Value::Uri(v) => Kind::Uri(v.to_string()),
        Value::Bytes(v) => Kind::Bytes(v.to_vec()),
        Value::Ref(v) => Kind::Ref(v.get()),
        Value::Tuple(v) => {
            let nil = v1::Value { kind: None };
            let member = |member: &Option<Value>| member.as_ref().map_or(nil.clone(), encode);
            Kind::Tuple(v1::Tuple { members: v.iter().map(member).collect() })
        }
    };
    v1::Value { kind: Some(kind) }
}

/// Puts a fact on the wire.
pub(crate) fn encode_datom(datom: &Datom) -> v1::Datom {
    v1::Datom {
        entity: datom.e.get(),
        attribute: datom.a.get(),
        value: Some(encode(&datom.v)),
        t: datom.t.get(),
        added: datom.added,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: Value) {
        assert_eq!(decode(&encode(&value), "value"), Ok(Some(value)));
    }

    #[test]
    fn every_type_crosses_the_wire() {
        round_trip(Value::Boolean(true));
        round_trip(Value::Long(i64::MIN));
        round_trip(Value::Double(f64::NAN));
        round_trip(Value::Float(-0.0));
        round_trip(Value::BigInt(Arc::new(BigInt::from(u64::MAX) * -7)));
        for text in ["12.50", "-1e-30", "0", "1e40"] {
            round_trip(Value::BigDec(Arc::new(BigDecimal::from_str(text).unwrap())));
        }
        round_trip(Value::string("ä\0"));
        round_trip(Value::Keyword(Keyword::new("a/b")));
        round_trip(Value::Symbol(Symbol::new("a/b")));
        round_trip(Value::Instant(Instant::from_millis(-1)));
        round_trip(Value::Uuid(Uuid::from_u128(7)));
        round_trip(Value::Uri(Arc::from("urn:x")));
        round_trip(Value::Bytes(Arc::from([0, 255].as_slice())));
        round_trip(Value::Ref(EntityId::MAX));
        let inner = Value::Tuple(Arc::from([None, Some(Value::Long(1))]));
        round_trip(Value::Tuple(Arc::from([Some(inner), None])));
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_place() {
        let refused = |kind| decode(&v1::Value { kind: Some(kind) }, "v").unwrap_err().message;
        assert!(refused(Kind::Uuid(vec![1])).contains("16 bytes"));
        assert!(refused(Kind::Ref(1 << 53)).contains("2^53"));
        assert!(refused(Kind::Keyword(":a/b".to_owned())).contains("colon"));
        assert!(refused(Kind::Bigint("1_000".to_owned())).contains("integer"));
        assert!(refused(Kind::Bigint("1".repeat(10_001))).contains("at most"));
        assert!(refused(Kind::Bigdec("1e2000000".to_owned())).contains("exponent"));
        let mut deep = encode(&Value::Long(1));
        for _ in 0..20 {
            deep = v1::Value { kind: Some(Kind::Tuple(v1::Tuple { members: vec![deep] })) };
        }
        assert!(decode(&deep, "v").unwrap_err().field.starts_with("v[0][0]"));
    }
}
