//! From EDN into an application's own types, through serde.
//!
//! | EDN | becomes |
//! |---|---|
//! | `nil` | `()`, or `None` of an option |
//! | boolean, integer, floating point number | the same; numbers must fit |
//! | big integer, decimal | a number where one is asked for, else its digits as a string |
//! | keyword, symbol | its text without the colon, `person/name` |
//! | string, `#uri` | a string |
//! | `#inst` | milliseconds since 1970 where an integer is asked for, else RFC 3339 |
//! | `#uuid` | 16 bytes where bytes are asked for, else a string |
//! | `#bytes` | bytes, or a sequence of them |
//! | list, vector, set, tuple | a sequence, a tuple, or a struct by position |
//! | map | a map, or a struct by name |
//! | unknown tag | what it tags |
//!
//! The key `:person/name` fills the field whose serde name is `person/name`, or else the field
//! `name`; hyphens also match underscores, so that `:person/first-name` finds `first_name`. Enums
//! work likewise: `:color/red` is the variant `red`, `{:circle 2.0}` and `#circle 2.0` are the
//! variant `circle` with what it holds. [`ser`](super::ser) goes the same way back, so what an
//! application gets is the same whether it came by JSON or not. Sequences and maps are walked
//! recursively, as deep as both the type and the EDN go.

mod entries;
mod error;
mod members;
#[cfg(test)]
mod tests;
mod variant;

use std::iter;

use num_traits::ToPrimitive;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, Error as _, IntoDeserializer, Visitor};

use crate::Value;

use super::{Edn, Form, any};
use entries::{text_of, visit_entries};
use variant::Variant;

pub(super) use entries::declared;
pub use error::FromEdnError;
pub(super) use members::{Member, visit_members};

/// Makes a value of a type from EDN, or from a form, which adds the place to errors.
///
/// ```
/// # use duramen_model::edn::{de::from_edn, read};
/// #[derive(serde::Deserialize)]
/// struct Person {
///     name: String,
///     age: Option<u8>,
/// }
/// let form = read("{:person/name \"Ann\" :person/age 7}")?;
/// let person: Person = from_edn(&form)?;
/// assert_eq!((person.name.as_str(), person.age), ("Ann", Some(7)));
/// let error = from_edn::<Vec<String>>(&read("[\"Ann\" 7]")?).unwrap_err();
/// assert_eq!(error.to_string(), "at [1]: invalid type: integer `7`, expected a string");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Says which part does not suit the type, and why.
pub fn from_edn<'de, T: Deserialize<'de>>(edn: &'de impl AsRef<Edn>) -> Result<T, FromEdnError> {
    T::deserialize(EdnDeserializer::from(edn.as_ref()))
}

/// Makes a value of a type from a scalar or a tuple.
///
/// # Errors
/// Says which part does not suit the type, and why.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, FromEdnError> {
    T::deserialize(EdnDeserializer::from(value))
}

/// A deserializer over EDN or over a value. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct EdnDeserializer<'de> {
    part: Part<'de>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'de> {
    Nil,
    Scalar(&'de Value),
    /// What is neither nil nor a value.
    Other(&'de Edn),
}

impl<'de> From<&'de Edn> for EdnDeserializer<'de> {
    fn from(edn: &'de Edn) -> Self {
        let part = match edn {
            Edn::Nil => Part::Nil,
            Edn::Value(value) => Part::Scalar(value),
            other => Part::Other(other),
        };
        Self { part }
    }
}

impl<'de> From<&'de Value> for EdnDeserializer<'de> {
    fn from(value: &'de Value) -> Self {
        Self { part: Part::Scalar(value) }
    }
}

impl<'de> IntoDeserializer<'de, FromEdnError> for &'de Edn {
    type Deserializer = EdnDeserializer<'de>;

    fn into_deserializer(self) -> EdnDeserializer<'de> {
        EdnDeserializer::from(self)
    }
}

impl AsRef<Edn> for Edn {
    fn as_ref(&self) -> &Edn {
        self
    }
}

impl AsRef<Edn> for Form {
    fn as_ref(&self) -> &Edn {
        &self.edn
    }
}

/// Methods that hand the visitor to another one.
macro_rules! forward {
    ($to:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
            self.$to(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for EdnDeserializer<'de> {
    type Error = FromEdnError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Nil | Part::Other(Edn::Nil) => visitor.visit_unit(),
            Part::Scalar(value) | Part::Other(Edn::Value(value)) => visit_value(value, visitor),
            Part::Other(Edn::Character(c)) => visitor.visit_char(*c),
            Part::Other(Edn::List(forms) | Edn::Vector(forms) | Edn::Set(forms)) => {
                visit_members(forms.iter().map(Member::from), visitor)
            }
            Part::Other(Edn::Map(entries)) => visit_entries(entries, &[], visitor),
            Part::Other(Edn::Tagged(_, form)) => {
                Self::from(&form.edn).deserialize_any(visitor).map_err(|e| e.at(Some(form.span)))
            }
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Scalar(Value::Instant(instant)) => visitor.visit_i64(instant.millis()),
            Part::Scalar(Value::BigInt(number)) => match (number.to_i64(), number.to_u64()) {
                (Some(number), _) => visitor.visit_i64(number),
                (_, Some(number)) => visitor.visit_u64(number),
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Scalar(Value::BigInt(number)) => match (number.to_i128(), number.to_u128()) {
                (Some(number), _) => visitor.visit_i128(number),
                (_, Some(number)) => visitor.visit_u128(number),
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_i64(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        let number = match self.part {
            Part::Scalar(Value::BigDec(number)) => number.to_f64(),
            Part::Scalar(Value::BigInt(number)) => number.to_f64(),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() => visitor.visit_f64(number),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Scalar(Value::Uuid(uuid)) => visitor.visit_bytes(uuid.as_bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Scalar(Value::Bytes(bytes)) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        if name != any::WHOLE {
            return visitor.visit_newtype_struct(self);
        }
        let text = match self.part {
            Part::Nil => "nil".to_owned(),
            Part::Scalar(value) => value.to_string(),
            Part::Other(edn) => edn.to_string(),
        };
        visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(iter::once((
            any::WHOLE,
            text,
        )))))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        match self.part {
            Part::Other(Edn::Map(entries)) => visit_entries(entries, fields, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        let (name, content) = match self.part {
            Part::Scalar(value) => (text_of(value), None),
            Part::Other(Edn::Tagged(tag, content)) => (Some(tag.text()), Some(&**content)),
            Part::Other(Edn::Map(entries)) => match entries.as_slice() {
                [(Form { edn: Edn::Value(name), .. }, content)] => (text_of(name), Some(content)),
                _ => (None, None),
            },
            _ => (None, None),
        };
        let Some(name) = name else {
            let expected = "a keyword, a map of one entry or a tag that names a variant";
            return Err(FromEdnError::custom(format!("expected {expected}")));
        };
        visitor.visit_enum(Variant { name: declared(name, variants), content })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        visitor.visit_unit()
    }

    forward! { deserialize_any:
        deserialize_bool deserialize_char deserialize_str deserialize_string
        deserialize_unit deserialize_map deserialize_identifier
    }
    forward! { deserialize_i64:
        deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }
    forward! { deserialize_i128: deserialize_u128 }
    forward! { deserialize_f64: deserialize_f32 }
    forward! { deserialize_bytes: deserialize_byte_buf }
}

fn visit_value<'de, V: Visitor<'de>>(
    value: &'de Value,
    visitor: V,
) -> Result<V::Value, FromEdnError> {
    match value {
        Value::Boolean(v) => visitor.visit_bool(*v),
        Value::Long(v) => visitor.visit_i64(*v),
        Value::Double(v) => visitor.visit_f64(*v),
        Value::Float(v) => visitor.visit_f32(*v),
        Value::BigInt(v) => visitor.visit_string(v.to_string()),
        Value::BigDec(_) => visitor.visit_string(decimal_text(value)),
        Value::String(v) | Value::Uri(v) => visitor.visit_borrowed_str(v),
        Value::Keyword(v) => visitor.visit_borrowed_str(v.text()),
        Value::Symbol(v) => visitor.visit_borrowed_str(v.text()),
        Value::Instant(v) => visitor.visit_string(v.to_string()),
        Value::Uuid(v) => visitor.visit_string(v.to_string()),
        Value::Bytes(v) => visitor.visit_borrowed_bytes(v),
        Value::Ref(v) => visitor.visit_u64(v.get()),
        Value::Tuple(values) => visit_members(values.iter().map(Member::from), visitor),
    }
}

/// The digits of a decimal, without the `M`.
pub(super) fn decimal_text(decimal: &Value) -> String {
    let mut text = decimal.to_string();
    text.truncate(text.trim_end_matches('M').len());
    text
}
