//! Values as stored messages.

use std::sync::Arc;

use bigdecimal::BigDecimal;
use duramen_model::{EntityId, Instant, Keyword, Symbol, Value};
use duramen_proto::stored;
use duramen_proto::stored::value::Kind;
use num_bigint::BigInt;
use uuid::Uuid;

use crate::malformed::{Malformed, fixed};

/// Tuples in tuples, at most. The protobuf decoder allows about four times that.
pub(crate) const TUPLE_DEPTH_MAX: usize = 8;
/// Beyond this, comparing two decimal numbers would cost more than a look at them is worth.
const SCALE_MAX: i64 = 1 << 16;

pub(crate) fn encode(value: &Value) -> stored::Value {
    let kind = match value {
        Value::Boolean(v) => Kind::Boolean(*v),
        Value::Long(v) => Kind::Long(*v),
        Value::Double(v) => Kind::Double(*v),
        Value::Float(v) => Kind::Float(*v),
        Value::BigInt(v) => Kind::BigInt(v.to_signed_bytes_be().into()),
        Value::BigDec(v) => {
            let (unscaled, scale) = v.as_bigint_and_exponent();
            let unscaled = unscaled.to_signed_bytes_be().into();
            Kind::BigDec(stored::BigDecimal { unscaled, scale })
        }
        Value::String(v) => Kind::String(v.to_string()),
        Value::Keyword(v) => Kind::Keyword(v.text().to_owned()),
        Value::Symbol(v) => Kind::Symbol(v.text().to_owned()),
        Value::Instant(v) => Kind::Instant(v.millis()),
        Value::Uuid(v) => Kind::Uuid(v.as_bytes().to_vec().into()),
        Value::Uri(v) => Kind::Uri(v.to_string()),
        Value::Bytes(v) => Kind::Bytes(v.to_vec().into()),
        Value::Ref(v) => Kind::Ref(v.get()),
        Value::Tuple(v) => Kind::Tuple(encode_tuple(v)),
    };
    stored::Value { kind: Some(kind) }
}

fn encode_tuple(members: &[Option<Value>]) -> stored::Tuple {
    let member =
        |member: &Option<Value>| stored::TupleMember { value: member.as_ref().map(encode) };
    stored::Tuple { members: members.iter().map(member).collect() }
}

pub(crate) fn decode(value: Option<&stored::Value>) -> Result<Value, Malformed> {
    let value = decode_unchecked(value)?;
    check(&value)?;
    Ok(value)
}

fn decode_unchecked(value: Option<&stored::Value>) -> Result<Value, Malformed> {
    let kind = value.and_then(|value| value.kind.as_ref());
    Ok(match kind.ok_or_else(|| Malformed::new("a value of a known type", "none"))? {
        Kind::Boolean(v) => Value::Boolean(*v),
        Kind::Long(v) => Value::Long(*v),
        Kind::Double(v) => Value::Double(*v),
        Kind::Float(v) => Value::Float(*v),
        Kind::BigInt(v) => Value::BigInt(Arc::new(BigInt::from_signed_bytes_be(v))),
        Kind::BigDec(v) => {
            let unscaled = BigInt::from_signed_bytes_be(&v.unscaled);
            Value::BigDec(Arc::new(BigDecimal::new(unscaled, v.scale)))
        }
        Kind::String(v) => Value::string(v),
        Kind::Keyword(v) => Value::Keyword(Keyword::new(v)),
        Kind::Symbol(v) => Value::Symbol(Symbol::new(v)),
        Kind::Instant(v) => Value::Instant(Instant::from_millis(*v)),
        Kind::Uuid(v) => Value::Uuid(Uuid::from_bytes(fixed(v, "a UUID")?)),
        Kind::Uri(v) => Value::Uri(Arc::from(v.as_str())),
        Kind::Bytes(v) => Value::Bytes(Arc::from(v.as_ref())),
        Kind::Ref(v) => Value::Ref(entity(*v)?),
        Kind::Tuple(v) => Value::Tuple(decode_tuple(v)?),
    })
}

fn decode_tuple(tuple: &stored::Tuple) -> Result<Arc<[Option<Value>]>, Malformed> {
    let member = |member: &stored::TupleMember| {
        member.value.as_ref().map(|value| decode_unchecked(Some(value))).transpose()
    };
    tuple.members.iter().map(member).collect()
}

/// Checks what every stored value keeps to, whoever made it.
pub(crate) fn check(value: &Value) -> Result<(), Malformed> {
    check_within(value, TUPLE_DEPTH_MAX)
}

fn check_within(value: &Value, depth: usize) -> Result<(), Malformed> {
    match value {
        Value::BigDec(v) if v.fractional_digit_count().unsigned_abs() > SCALE_MAX as u64 => {
            let scale = v.fractional_digit_count();
            Err(Malformed::new(format!("a scale of {SCALE_MAX} digits at most"), scale))
        }
        Value::Tuple(_) if depth == 0 => {
            Err(Malformed::new(format!("tuples {TUPLE_DEPTH_MAX} deep at most"), "deeper ones"))
        }
        Value::Tuple(members) => {
            members.iter().flatten().try_for_each(|member| check_within(member, depth - 1))
        }
        _ => Ok(()),
    }
}

/// Takes the id of an entity.
pub(crate) fn entity(number: u64) -> Result<EntityId, Malformed> {
    EntityId::new(number).ok_or_else(|| Malformed::new("an entity id under 2^53", number))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of every type.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Long),
            any::<f64>().prop_map(Value::Double),
            any::<f32>().prop_map(Value::Float),
            any::<i128>().prop_map(|v| Value::BigInt(Arc::new(BigInt::from(v)))),
            (any::<i128>(), -90_i64..90).prop_map(|(v, scale)| {
                Value::BigDec(Arc::new(BigDecimal::new(BigInt::from(v), scale)))
            }),
            ".{0,12}".prop_map(Value::string),
            "[a-z/]{1,8}".prop_map(|v| Value::Keyword(Keyword::new(v))),
            "[a-z/]{1,8}".prop_map(|v| Value::Symbol(Symbol::new(v))),
            any::<i64>().prop_map(|v| Value::Instant(Instant::from_millis(v))),
            any::<u128>().prop_map(|v| Value::Uuid(Uuid::from_u128(v))),
            ".{0,12}".prop_map(|v| Value::Uri(Arc::from(v))),
            any::<Vec<u8>>().prop_map(|v| Value::Bytes(Arc::from(v))),
            (0..1_u64 << 53).prop_map(|v| Value::Ref(EntityId::new(v).expect("in range"))),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop::collection::vec(prop::option::of(inner), 0..4)
                .prop_map(|members| Value::Tuple(Arc::from(members)))
        })
    }

    proptest! {
        #[test]
        fn values_round_trip(value in any_value()) {
            prop_assert_eq!(decode(Some(&encode(&value))), Ok(value));
        }
    }

    #[test]
    fn a_decimal_with_an_enormous_scale_is_refused() {
        let unscaled = BigInt::from(1).to_signed_bytes_be().into();
        let kind = Kind::BigDec(stored::BigDecimal { unscaled, scale: i64::MAX });
        assert!(decode(Some(&stored::Value { kind: Some(kind) })).is_err());
    }

    #[test]
    fn deep_tuples_are_refused() {
        let nested =
            |depth| (0..depth).fold(Value::Long(1), |v, _| Value::Tuple(Arc::from(vec![Some(v)])));
        assert_eq!(check(&nested(TUPLE_DEPTH_MAX)), Ok(()));
        assert!(check(&nested(TUPLE_DEPTH_MAX + 1)).is_err());
    }
}
