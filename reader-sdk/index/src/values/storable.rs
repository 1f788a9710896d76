//! Which values can be stored, and what they take.

use duramen_model::Value;
use num_bigint::BigInt;

/// How deep tuples may be nested.
pub(crate) const TUPLE_DEPTH_MAX: usize = 32;
/// How far a decimal's scale may be from 0: comparing two decimals takes memory in proportion to
/// the difference.
pub(crate) const DECIMAL_SCALE_MAX: i64 = 1 << 20;
/// What a member of a tuple takes in memory beside its bytes.
pub(crate) const MEMBER_BYTES: usize = 24;

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
        Value::BigDec(number) if is_out_of_scale(number.fractional_digit_count()) => Err(format!(
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

pub(crate) const fn is_out_of_scale(scale: i64) -> bool {
    scale.unsigned_abs() > DECIMAL_SCALE_MAX.unsigned_abs()
}
