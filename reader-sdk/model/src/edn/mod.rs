//! EDN: how facts, transactions, queries and results are written down.
//!
//! [`read()`] takes text to [`Form`]s, [`print`](mod@print) and [`pretty`] take them back. Scalars are the
//! domain's own [`Value`]s, so what is read can be stored and what is stored can be printed.
//! [`de`] and [`row`] take forms and rows of results into an application's own types, [`ser`] to
//! JSON. See <https://github.com/edn-format/edn>.
//!
//! Where EDN leaves a choice, or Clojure goes on: integers are Clojure's (hexadecimal, octal,
//! radix, a big integer where a long overflows); ratios, metadata, regular expressions and the
//! other reader macros are errors; `#uri` and `#bytes` (hexadecimal) are known tags, and tags that
//! are not known are kept; a key or a member that is there twice is an error.

mod any;
#[cfg(test)]
mod cases;
pub mod de;
mod digest;
mod error;
mod lexer;
mod name;
mod number;
#[cfg(test)]
mod oracle;
mod order;
pub mod pretty;
pub mod print;
#[cfg(test)]
mod property;
pub mod read;
pub mod row;
pub mod ser;
mod tag;
mod text;

use crate::{Keyword, Symbol, Value};

pub use read::{EdnError, Limits, read, read_all, read_with};

/// Where a form stands in the text it was read from, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte. Equal to `start` for a form that was not read from text.
    pub end: u32,
}

/// A piece of EDN and where it was read. Forms are equal when their EDN is, wherever they stand.
#[derive(Debug, Clone)]
pub struct Form {
    /// What was read.
    pub edn: Edn,
    /// Where it was read.
    pub span: Span,
}

/// A piece of EDN. Sets and maps are equal whatever the order of their members.
#[derive(Debug, Clone)]
pub enum Edn {
    /// `nil`
    Nil,
    /// A scalar, including `#inst`, `#uuid`, `#uri` and `#bytes`. Never a [`Value::Ref`] or a
    /// [`Value::Tuple`] when read from text; results of queries hold entity ids as
    /// [`Value::Long`] and tuples as vectors.
    Value(Value),
    /// `\c`
    Character(char),
    /// `(…)`
    List(Vec<Form>),
    /// `[…]`
    Vector(Vec<Form>),
    /// `{…}`, in the order written; keys are distinct.
    Map(Vec<(Form, Form)>),
    /// `#{…}`, in the order written; members are distinct.
    Set(Vec<Form>),
    /// `#tag form`, for a tag that EDN does not define.
    Tagged(Symbol, Box<Form>),
}

impl Form {
    /// The keyword, if it is one.
    #[must_use]
    pub fn as_keyword(&self) -> Option<&Keyword> {
        self.edn.as_keyword()
    }

    /// The symbol, if it is one.
    #[must_use]
    pub fn as_symbol(&self) -> Option<&Symbol> {
        self.edn.as_symbol()
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.edn.as_str()
    }

    /// The members, if it is a vector or a list.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Form]> {
        self.edn.as_sequence()
    }
}

impl Edn {
    /// The keyword, if it is one.
    #[must_use]
    pub fn as_keyword(&self) -> Option<&Keyword> {
        match self {
            Self::Value(Value::Keyword(keyword)) => Some(keyword),
            _ => None,
        }
    }

    /// The symbol, if it is one.
    #[must_use]
    pub fn as_symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Value(Value::Symbol(symbol)) => Some(symbol),
            _ => None,
        }
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a long.
    #[must_use]
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Self::Value(Value::Long(number)) => Some(*number),
            _ => None,
        }
    }

    /// The value, if it is a scalar other than nil and a character.
    #[must_use]
    pub fn as_value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value that a datom can hold: a scalar as it is, a vector as a tuple. `None` for nil, a
    /// character, and anything that holds one, a list, a set, a map or a tagged form.
    #[must_use]
    pub fn to_value(&self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Vector(forms) => {
                let member = |form: &Form| match &form.edn {
                    Self::Nil => Some(None),
                    edn => edn.to_value().map(Some),
                };
                forms.iter().map(member).collect::<Option<_>>().map(Value::Tuple)
            }
            _ => None,
        }
    }

    /// A value as results show it: a reference is a number, a tuple a vector.
    #[must_use]
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Ref(entity) => Self::Value(Value::Long(entity.into())),
            Value::Tuple(values) => {
                let member =
                    |value: &Option<Value>| value.clone().map_or(Self::Nil, Self::from_value);
                Self::Vector(values.iter().map(|value| member(value).into()).collect())
            }
            scalar => Self::Value(scalar),
        }
    }

    /// The members, if it is a vector or a list.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Form]> {
        match self {
            Self::Vector(forms) | Self::List(forms) => Some(forms),
            _ => None,
        }
    }

    /// The value at a key, if it is a map that has the key.
    #[must_use]
    pub fn get(&self, key: &Edn) -> Option<&Edn> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(k, _)| k.edn == *key).map(|(_, value)| &value.edn)
            }
            _ => None,
        }
    }

    /// What the form is, for messages: "a keyword", "a vector".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Value(value) => match value {
                Value::Boolean(_) => "a boolean",
                Value::Long(_) => "an integer",
                Value::Double(_) | Value::Float(_) => "a floating point number",
                Value::BigInt(_) => "a big integer",
                Value::BigDec(_) => "a decimal",
                Value::String(_) => "a string",
                Value::Keyword(_) => "a keyword",
                Value::Symbol(_) => "a symbol",
                Value::Instant(_) => "an instant",
                Value::Uuid(_) => "a uuid",
                Value::Uri(_) => "a uri",
                Value::Bytes(_) => "bytes",
                Value::Ref(_) => "a reference",
                Value::Tuple(_) => "a tuple",
            },
            Self::Character(_) => "a character",
            Self::List(_) => "a list",
            Self::Vector(_) => "a vector",
            Self::Map(_) => "a map",
            Self::Set(_) => "a set",
            Self::Tagged(..) => "a tagged form",
        }
    }
}

impl From<Edn> for Form {
    fn from(edn: Edn) -> Self {
        Self { edn, span: Span::default() }
    }
}

impl<V: Into<Value>> From<V> for Edn {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}
