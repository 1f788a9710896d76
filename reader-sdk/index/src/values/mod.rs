//! A column of values of one type, as it is read.

mod builder;
mod codec;
mod hex;
mod remote;
mod single;
mod storable;
mod text;

use std::ops::Range;

use duramen_model::{EntityId, Instant, Value, ValueType};
use uuid::Uuid;

pub(crate) use builder::ValuesBuilder;
pub(crate) use codec::{Storing, decode, decode_stubs, encode, filled, is_elsewhere};
pub(crate) use remote::{Remote, Stubs, large_bytes};
pub(crate) use single::{entity, value_type};
pub use storable::check_storable;
pub(crate) use storable::{DECIMAL_SCALE_MAX, MEMBER_BYTES, TUPLE_DEPTH_MAX};
pub(crate) use storable::{is_out_of_scale, plain_bytes};
pub use text::{ByteStrings, Texts};

use crate::keys::first;
use crate::picks::{Picks, gallop};
use crate::value_ref::ValueRef;
use crate::{KeyRange, Slice};

/// A column of values, plain and typed. Cheap to clone and to narrow.
#[derive(Debug, Clone)]
pub enum Values {
    /// Booleans.
    Boolean(Slice<bool>),
    /// 64-bit integers.
    Long(Slice<i64>),
    /// Binary64 numbers.
    Double(Slice<f64>),
    /// Binary32 numbers.
    Float(Slice<f32>),
    /// Points in time.
    Instant(Slice<Instant>),
    /// UUIDs.
    Uuid(Slice<Uuid>),
    /// Entities.
    Ref(Slice<EntityId>),
    /// Strings, URIs, keywords or symbols: all of the one type that the column tells.
    Text(Texts),
    /// Byte strings.
    Bytes(ByteStrings),
    /// Values of one of the types without a column of their own (bigint, bigdec, tuple), or of
    /// several types.
    Other(Slice<Value>),
}

impl Values {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Boolean(column) => column.len(),
            Self::Long(column) => column.len(),
            Self::Double(column) => column.len(),
            Self::Float(column) => column.len(),
            Self::Instant(column) => column.len(),
            Self::Uuid(column) => column.len(),
            Self::Ref(column) => column.len(),
            Self::Text(column) => column.len(),
            Self::Bytes(column) => column.len(),
            Self::Other(column) => column.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a place.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn get(&self, index: usize) -> ValueRef<'_> {
        match self {
            Self::Boolean(column) => ValueRef::Boolean(column[index]),
            Self::Long(column) => ValueRef::Long(column[index]),
            Self::Double(column) => ValueRef::Double(column[index]),
            Self::Float(column) => ValueRef::Float(column[index]),
            Self::Instant(column) => ValueRef::Instant(column[index]),
            Self::Uuid(column) => ValueRef::Uuid(column[index]),
            Self::Ref(column) => ValueRef::Ref(column[index]),
            Self::Text(column) => column.value_ref(index),
            Self::Bytes(column) => ValueRef::Bytes(column.get(index)),
            Self::Other(column) => ValueRef::from(&column[index]),
        }
    }

    /// The value at a place, by itself. Text of a dictionary is shared.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn value(&self, index: usize) -> Value {
        match self {
            Self::Text(column) => column.value(index),
            Self::Other(column) => column[index].clone(),
            _ => self.get(index).to_value(),
        }
    }

    /// The type that all values have; `None` where they may have several.
    #[must_use]
    pub fn value_type(&self) -> Option<ValueType> {
        match self {
            Self::Boolean(_) => Some(ValueType::Boolean),
            Self::Long(_) => Some(ValueType::Long),
            Self::Double(_) => Some(ValueType::Double),
            Self::Float(_) => Some(ValueType::Float),
            Self::Instant(_) => Some(ValueType::Instant),
            Self::Uuid(_) => Some(ValueType::Uuid),
            Self::Ref(_) => Some(ValueType::Ref),
            Self::Text(column) => Some(column.value_type()),
            Self::Bytes(_) => Some(ValueType::Bytes),
            Self::Other(_) => None,
        }
    }

    /// The values at a stretch of places; those that there are.
    #[must_use]
    pub fn narrow(&self, range: Range<usize>) -> Self {
        match self {
            Self::Boolean(column) => Self::Boolean(column.narrow(range)),
            Self::Long(column) => Self::Long(column.narrow(range)),
            Self::Double(column) => Self::Double(column.narrow(range)),
            Self::Float(column) => Self::Float(column.narrow(range)),
            Self::Instant(column) => Self::Instant(column.narrow(range)),
            Self::Uuid(column) => Self::Uuid(column.narrow(range)),
            Self::Ref(column) => Self::Ref(column.narrow(range)),
            Self::Text(column) => Self::Text(column.narrow(range)),
            Self::Bytes(column) => Self::Bytes(column.narrow(range)),
            Self::Other(column) => Self::Other(column.narrow(range)),
        }
    }

    /// The values at some places: shared where they are all from one to another.
    ///
    /// # Panics
    /// When there is no such place.
    #[must_use]
    pub fn at(&self, places: &Picks) -> Self {
        match places.listed() {
            None => self.narrow(places.bounds()),
            Some(places) => self.gather(places),
        }
    }

    /// The values at some places.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn gather(&self, places: &[usize]) -> Self {
        match self {
            Self::Boolean(column) => Self::Boolean(at(column, places)),
            Self::Long(column) => Self::Long(at(column, places)),
            Self::Double(column) => Self::Double(at(column, places)),
            Self::Float(column) => Self::Float(at(column, places)),
            Self::Instant(column) => Self::Instant(at(column, places)),
            Self::Uuid(column) => Self::Uuid(at(column, places)),
            Self::Ref(column) => Self::Ref(at(column, places)),
            Self::Text(column) => Self::Text(column.gather(places)),
            Self::Bytes(column) => Self::Bytes(column.gather(places)),
            Self::Other(column) => Self::Other(at(column, places)),
        }
    }
}

fn at<T: Clone>(column: &Slice<T>, places: &[usize]) -> Slice<T> {
    places.iter().map(|place| column[*place].clone()).collect()
}

impl Default for Values {
    fn default() -> Self {
        Self::Other(Slice::default())
    }
}

/// Makes a column of values: typed if all have one type.
impl<'a> FromIterator<&'a Value> for Values {
    fn from_iter<I: IntoIterator<Item = &'a Value>>(values: I) -> Self {
        let mut values = values.into_iter().peekable();
        let Some(first) = values.peek() else { return Self::default() };
        let mut builder = ValuesBuilder::new(first.value_type());
        values.for_each(|value| builder.push(value));
        builder.finish()
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && (0..self.len()).all(|index| self.get(index) == other.get(index))
    }
}

impl Values {
    /// Of some places whose values ascend, those that lie within the bounds of a range.
    pub(crate) fn within(&self, places: Range<usize>, range: &KeyRange) -> Range<usize> {
        if let (Self::Text(texts), Some((value_type, text))) = (self, range.only_text())
            && texts.value_type() == value_type
        {
            let text = text.as_bytes();
            let start = first(places.clone(), |place| texts.bytes(place) >= text);
            return start..gallop(start..places.end, |place| texts.bytes(place) == text);
        }
        let start = first(places.clone(), |place| !range.is_below(self.get(place)));
        start..gallop(start..places.end, |place| !range.is_above(self.get(place)))
    }

    /// What the column takes in memory, roughly, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let places = 0..self.len();
        match self {
            Self::Text(column) => column.text_bytes(),
            Self::Bytes(column) => places.map(|index| column.get(index).len()).sum(),
            Self::Other(column) => {
                column.iter().map(|value| plain_bytes(value) + size_of::<Value>()).sum()
            }
            _ => self.len() * size_of::<u64>(),
        }
    }
}
