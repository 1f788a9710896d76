//! A value where it stands in a column.

use std::cmp::Ordering;
use std::sync::Arc;

use duramen_model::{EntityId, Instant, Keyword, Symbol, Value, ValueType};
use uuid::Uuid;

/// A borrowed value. Ordered as [`Value`] is.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Long(i64),
    /// A binary64 number.
    Double(f64),
    /// A binary32 number.
    Float(f32),
    /// Text.
    String(&'a str),
    /// A keyword, without its colon.
    Keyword(&'a str),
    /// A symbol.
    Symbol(&'a str),
    /// A point in time.
    Instant(Instant),
    /// A UUID.
    Uuid(Uuid),
    /// A URI, as text.
    Uri(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An entity.
    Ref(EntityId),
    /// A value of one of the other types: bigint, bigdec, tuple.
    Other(&'a Value),
}

impl ValueRef<'_> {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Boolean(_) => ValueType::Boolean,
            Self::Long(_) => ValueType::Long,
            Self::Double(_) => ValueType::Double,
            Self::Float(_) => ValueType::Float,
            Self::String(_) => ValueType::String,
            Self::Keyword(_) => ValueType::Keyword,
            Self::Symbol(_) => ValueType::Symbol,
            Self::Instant(_) => ValueType::Instant,
            Self::Uuid(_) => ValueType::Uuid,
            Self::Uri(_) => ValueType::Uri,
            Self::Bytes(_) => ValueType::Bytes,
            Self::Ref(_) => ValueType::Ref,
            Self::Other(value) => value.value_type(),
        }
    }

    /// The value by itself.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match *self {
            Self::Boolean(v) => Value::Boolean(v),
            Self::Long(v) => Value::Long(v),
            Self::Double(v) => Value::Double(v),
            Self::Float(v) => Value::Float(v),
            Self::String(v) => Value::String(Arc::from(v)),
            Self::Keyword(v) => Value::Keyword(Keyword::new(v)),
            Self::Symbol(v) => Value::Symbol(Symbol::new(v)),
            Self::Instant(v) => Value::Instant(v),
            Self::Uuid(v) => Value::Uuid(v),
            Self::Uri(v) => Value::Uri(Arc::from(v)),
            Self::Bytes(v) => Value::Bytes(Arc::from(v)),
            Self::Ref(v) => Value::Ref(v),
            Self::Other(v) => v.clone(),
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Boolean(v) => Self::Boolean(*v),
            Value::Long(v) => Self::Long(*v),
            Value::Double(v) => Self::Double(*v),
            Value::Float(v) => Self::Float(*v),
            Value::String(v) => Self::String(v),
            Value::Keyword(v) => Self::Keyword(v.text()),
            Value::Symbol(v) => Self::Symbol(v.text()),
            Value::Instant(v) => Self::Instant(*v),
            Value::Uuid(v) => Self::Uuid(*v),
            Value::Uri(v) => Self::Uri(v),
            Value::Bytes(v) => Self::Bytes(v),
            Value::Ref(v) => Self::Ref(*v),
            Value::BigInt(_) | Value::BigDec(_) | Value::Tuple(_) => Self::Other(value),
        }
    }
}

impl Ord for ValueRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Long(a), Self::Long(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::String(a), Self::String(b)) | (Self::Uri(a), Self::Uri(b)) => a.cmp(b),
            (Self::Keyword(a), Self::Keyword(b)) | (Self::Symbol(a), Self::Symbol(b)) => {
                split_name(a).cmp(&split_name(b))
            }
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Ref(a), Self::Ref(b)) => a.cmp(b),
            (Self::Other(a), Self::Other(b)) => a.cmp(b),
            _ => self.value_type().cmp(&other.value_type()),
        }
    }
}

/// Namespace and name, which keywords and symbols are ordered by.
fn split_name(text: &str) -> (Option<&str>, &str) {
    match text.find('/') {
        Some(slash) if slash > 0 => (Some(&text[..slash]), &text[slash + 1..]),
        _ => (None, text),
    }
}

impl PartialOrd for ValueRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ValueRef<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::codec::value;

    proptest! {
        #[test]
        fn borrowed_values_are_ordered_as_values_are(a in value(), b in value()) {
            prop_assert_eq!(ValueRef::from(&a).cmp(&ValueRef::from(&b)), a.cmp(&b));
            prop_assert_eq!(ValueRef::from(&a).to_value(), a.clone());
            prop_assert_eq!(ValueRef::from(&a).value_type(), a.value_type());
        }
    }
}
