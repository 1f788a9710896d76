//! Values: what a datom says.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bigdecimal::BigDecimal;
use num_bigint::BigInt;
use uuid::Uuid;

use crate::{EntityId, Instant, Keyword, Symbol};

/// The type of a value, as an attribute declares it.
///
/// The numbers are stored: they are never reused and never change. Their order is the order of
/// values of different types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// `:db.type/boolean`
    Boolean = 1,
    /// `:db.type/long`: 64-bit signed.
    Long = 2,
    /// `:db.type/double`: IEEE 754 binary64.
    Double = 3,
    /// `:db.type/float`: IEEE 754 binary32.
    Float = 4,
    /// `:db.type/bigint`
    BigInt = 5,
    /// `:db.type/bigdec`
    BigDec = 6,
    /// `:db.type/string`: UTF-8.
    String = 7,
    /// `:db.type/keyword`
    Keyword = 8,
    /// `:db.type/symbol`
    Symbol = 9,
    /// `:db.type/instant`: milliseconds since 1970.
    Instant = 10,
    /// `:db.type/uuid`
    Uuid = 11,
    /// `:db.type/uri`
    Uri = 12,
    /// `:db.type/bytes`
    Bytes = 13,
    /// `:db.type/ref`: an entity.
    Ref = 14,
    /// `:db.type/tuple`
    Tuple = 15,
}

impl ValueType {
    /// All types, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Boolean,
        Self::Long,
        Self::Double,
        Self::Float,
        Self::BigInt,
        Self::BigDec,
        Self::String,
        Self::Keyword,
        Self::Symbol,
        Self::Instant,
        Self::Uuid,
        Self::Uri,
        Self::Bytes,
        Self::Ref,
        Self::Tuple,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type with a stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The name in the `db.type` namespace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Long => "long",
            Self::Double => "double",
            Self::Float => "float",
            Self::BigInt => "bigint",
            Self::BigDec => "bigdec",
            Self::String => "string",
            Self::Keyword => "keyword",
            Self::Symbol => "symbol",
            Self::Instant => "instant",
            Self::Uuid => "uuid",
            Self::Uri => "uri",
            Self::Bytes => "bytes",
            Self::Ref => "ref",
            Self::Tuple => "tuple",
        }
    }
}

/// A value of a datom. Cheap to clone: long values are shared.
///
/// Values are totally ordered, first by type, then naturally; floating point by IEEE 754
/// `totalOrder`. Equality and hashing agree with that order.
#[derive(Debug, Clone)]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Long(i64),
    /// A binary64 number.
    Double(f64),
    /// A binary32 number.
    Float(f32),
    /// An integer of any size.
    BigInt(Arc<BigInt>),
    /// A decimal number of any size. `1.0M` equals `1.00M`.
    BigDec(Arc<BigDecimal>),
    /// Text.
    String(Arc<str>),
    /// A keyword.
    Keyword(Keyword),
    /// A symbol.
    Symbol(Symbol),
    /// A point in time.
    Instant(Instant),
    /// A UUID.
    Uuid(Uuid),
    /// A URI, as text.
    Uri(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// An entity.
    Ref(EntityId),
    /// A tuple; members may be nil and may be tuples.
    Tuple(Arc<[Option<Value>]>),
}

impl Value {
    /// Makes a string value.
    #[must_use]
    pub fn string(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Boolean(_) => ValueType::Boolean,
            Self::Long(_) => ValueType::Long,
            Self::Double(_) => ValueType::Double,
            Self::Float(_) => ValueType::Float,
            Self::BigInt(_) => ValueType::BigInt,
            Self::BigDec(_) => ValueType::BigDec,
            Self::String(_) => ValueType::String,
            Self::Keyword(_) => ValueType::Keyword,
            Self::Symbol(_) => ValueType::Symbol,
            Self::Instant(_) => ValueType::Instant,
            Self::Uuid(_) => ValueType::Uuid,
            Self::Uri(_) => ValueType::Uri,
            Self::Bytes(_) => ValueType::Bytes,
            Self::Ref(_) => ValueType::Ref,
            Self::Tuple(_) => ValueType::Tuple,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Long(a), Self::Long(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::BigInt(a), Self::BigInt(b)) => a.cmp(b),
            (Self::BigDec(a), Self::BigDec(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) | (Self::Uri(a), Self::Uri(b)) => a.cmp(b),
            (Self::Keyword(a), Self::Keyword(b)) => a.cmp(b),
            (Self::Symbol(a), Self::Symbol(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Ref(a), Self::Ref(b)) => a.cmp(b),
            (Self::Tuple(a), Self::Tuple(b)) => a.cmp(b),
            _ => self.value_type().cmp(&other.value_type()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value_type().hash(state);
        match self {
            Self::Boolean(v) => v.hash(state),
            Self::Long(v) => v.hash(state),
            Self::Double(v) => v.to_bits().hash(state),
            Self::Float(v) => v.to_bits().hash(state),
            Self::BigInt(v) => v.hash(state),
            Self::BigDec(v) => v.hash(state),
            Self::String(v) | Self::Uri(v) => v.hash(state),
            Self::Keyword(v) => v.hash(state),
            Self::Symbol(v) => v.hash(state),
            Self::Instant(v) => v.hash(state),
            Self::Uuid(v) => v.hash(state),
            Self::Bytes(v) => v.hash(state),
            Self::Ref(v) => v.hash(state),
            Self::Tuple(v) => v.hash(state),
        }
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Boolean(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Long(v)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Double(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::string(v)
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::String(Arc::from(v))
    }
}

impl From<Keyword> for Value {
    fn from(v: Keyword) -> Self {
        Self::Keyword(v)
    }
}

impl From<Symbol> for Value {
    fn from(v: Symbol) -> Self {
        Self::Symbol(v)
    }
}

impl From<Instant> for Value {
    fn from(v: Instant) -> Self {
        Self::Instant(v)
    }
}

impl From<Uuid> for Value {
    fn from(v: Uuid) -> Self {
        Self::Uuid(v)
    }
}

impl From<EntityId> for Value {
    fn from(v: EntityId) -> Self {
        Self::Ref(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_numbers_round_trip() {
        for value_type in ValueType::ALL {
            assert_eq!(ValueType::from_number(value_type.number()), Some(value_type));
        }
        assert_eq!(ValueType::from_number(0), None);
        assert_eq!(ValueType::from_number(16), None);
    }

    #[test]
    fn nan_equals_itself_and_sorts_last() {
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert!(Value::Double(f64::NAN) > Value::Double(f64::INFINITY));
    }
}
