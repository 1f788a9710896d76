//! Columns of values from values.

use duramen_model::{EntityId, Instant, Value, ValueType};
use uuid::Uuid;

use super::{Texts, Values};
use crate::blobs::Blobs;

/// A column that grows.
#[derive(Debug)]
pub(crate) enum ValuesBuilder {
    Boolean(Vec<bool>),
    Long(Vec<i64>),
    Double(Vec<f64>),
    Float(Vec<f32>),
    Instant(Vec<Instant>),
    Uuid(Vec<Uuid>),
    Ref(Vec<EntityId>),
    Text(ValueType, Blobs),
    Bytes(Blobs),
    Other(Vec<Value>),
}

impl ValuesBuilder {
    /// A column for values of a type.
    pub(crate) fn new(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Boolean => Self::Boolean(Vec::new()),
            ValueType::Long => Self::Long(Vec::new()),
            ValueType::Double => Self::Double(Vec::new()),
            ValueType::Float => Self::Float(Vec::new()),
            ValueType::Instant => Self::Instant(Vec::new()),
            ValueType::Uuid => Self::Uuid(Vec::new()),
            ValueType::Ref => Self::Ref(Vec::new()),
            ValueType::String | ValueType::Uri | ValueType::Keyword | ValueType::Symbol => {
                Self::Text(value_type, Blobs::default())
            }
            ValueType::Bytes => Self::Bytes(Blobs::default()),
            ValueType::BigInt | ValueType::BigDec | ValueType::Tuple => Self::Other(Vec::new()),
        }
    }

    /// Adds a value. One of another type than those before makes a column of several types.
    pub(crate) fn push(&mut self, value: &Value) {
        match (&mut *self, value) {
            (Self::Boolean(column), Value::Boolean(v)) => column.push(*v),
            (Self::Long(column), Value::Long(v)) => column.push(*v),
            (Self::Double(column), Value::Double(v)) => column.push(*v),
            (Self::Float(column), Value::Float(v)) => column.push(*v),
            (Self::Instant(column), Value::Instant(v)) => column.push(*v),
            (Self::Uuid(column), Value::Uuid(v)) => column.push(*v),
            (Self::Ref(column), Value::Ref(v)) => column.push(*v),
            (Self::Text(ValueType::String, column), Value::String(v))
            | (Self::Text(ValueType::Uri, column), Value::Uri(v)) => column.push(v.as_bytes()),
            (Self::Text(ValueType::Keyword, column), Value::Keyword(v)) => {
                column.push(v.text().as_bytes());
            }
            (Self::Text(ValueType::Symbol, column), Value::Symbol(v)) => {
                column.push(v.text().as_bytes());
            }
            (Self::Bytes(column), Value::Bytes(v)) => column.push(v),
            (Self::Other(column), v) => column.push(v.clone()),
            (_, v) => {
                let mut column = self.take_values();
                column.push(v.clone());
                *self = Self::Other(column);
            }
        }
    }

    fn take_values(&mut self) -> Vec<Value> {
        let column = std::mem::replace(self, Self::Other(Vec::new())).finish();
        (0..column.len()).map(|index| column.value(index)).collect()
    }

    /// The column.
    pub(crate) fn finish(self) -> Values {
        match self {
            Self::Boolean(column) => Values::Boolean(column.into()),
            Self::Long(column) => Values::Long(column.into()),
            Self::Double(column) => Values::Double(column.into()),
            Self::Float(column) => Values::Float(column.into()),
            Self::Instant(column) => Values::Instant(column.into()),
            Self::Uuid(column) => Values::Uuid(column.into()),
            Self::Ref(column) => Values::Ref(column.into()),
            Self::Text(value_type, column) => Values::Text(
                Texts::new(value_type, column.shared())
                    .expect("whole texts one behind the other are text"),
            ),
            Self::Bytes(column) => Values::Bytes(column.into()),
            Self::Other(column) => Values::Other(column.into()),
        }
    }
}
