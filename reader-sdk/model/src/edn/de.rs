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

use std::fmt::{self, Display};
use std::{iter, slice};

use num_traits::ToPrimitive;
use serde::de::value::{
    BorrowedStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer,
};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::Value;

use super::{Edn, Form, Span, any};

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

/// EDN that does not suit the type it was to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromEdnError {
    /// The way to the part in question: keys, and `[place]`s in sequences. Empty for the whole.
    pub path: String,
    /// Where the part was read, if it was read from text.
    pub span: Option<Span>,
    /// What is wrong with it.
    pub message: String,
}

impl FromEdnError {
    /// Puts a step before the path, on the way out.
    pub(super) fn within(mut self, step: impl Display) -> Self {
        let space = if self.path.is_empty() { "" } else { " " };
        self.path = format!("{step}{space}{}", self.path);
        self
    }

    /// Adds the place of the innermost form that has one.
    fn at(mut self, span: Option<Span>) -> Self {
        self.span = self.span.or(span.filter(|span| span.end > span.start));
        self
    }
}

impl Display for FromEdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at {}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for FromEdnError {}

impl de::Error for FromEdnError {
    fn custom<M: Display>(message: M) -> Self {
        Self { path: String::new(), span: None, message: message.to_string() }
    }
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

/// The text of what can name a field, a variant or a column.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Keyword(keyword) => Some(keyword.text()),
        Value::Symbol(symbol) => Some(symbol.text()),
        _ => None,
    }
}

/// The declared name that a text stands for: the same, or the same as its part after the slash,
/// with hyphens for underscores. The text itself if there is none, so that the error names it.
pub(super) fn declared<'de>(text: &'de str, names: &'static [&'static str]) -> &'de str {
    if names.contains(&text) {
        return text;
    }
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    let snake = |byte: u8| if byte == b'-' { b'_' } else { byte };
    let same = |declared: &str| declared.bytes().eq(name.bytes().map(snake));
    names.iter().copied().find(|declared| *declared == name || same(declared)).unwrap_or(text)
}

/// Something in a sequence, and where it was read.
pub(super) struct Member<'de> {
    deserializer: EdnDeserializer<'de>,
    span: Option<Span>,
}

impl<'de> From<&'de Form> for Member<'de> {
    fn from(form: &'de Form) -> Self {
        Self { deserializer: EdnDeserializer::from(&form.edn), span: Some(form.span) }
    }
}

impl<'de> From<&'de Edn> for Member<'de> {
    fn from(edn: &'de Edn) -> Self {
        Self { deserializer: EdnDeserializer::from(edn), span: None }
    }
}

impl<'de> From<&'de Option<Value>> for Member<'de> {
    fn from(value: &'de Option<Value>) -> Self {
        let part = value.as_ref().map_or(Part::Nil, Part::Scalar);
        Self { deserializer: EdnDeserializer { part }, span: None }
    }
}

/// The members of a sequence.
struct Members<I> {
    members: I,
    place: usize,
}

/// Lets a visitor take members, and refuses to leave any behind.
pub(super) fn visit_members<'de, V: Visitor<'de>>(
    members: impl ExactSizeIterator<Item = Member<'de>>,
    visitor: V,
) -> Result<V::Value, FromEdnError> {
    let length = members.len();
    let mut members = Members { members, place: 0 };
    let value = visitor.visit_seq(&mut members)?;
    match members.members.len() {
        0 => Ok(value),
        left => {
            Err(de::Error::invalid_length(length, &format!("{} members", length - left).as_str()))
        }
    }
}

impl<'de, I: ExactSizeIterator<Item = Member<'de>>> SeqAccess<'de> for &mut Members<I> {
    type Error = FromEdnError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, FromEdnError> {
        let Some(Member { deserializer, span }) = self.members.next() else { return Ok(None) };
        let place = self.place;
        self.place += 1;
        let element = seed.deserialize(deserializer);
        element.map(Some).map_err(|error| error.at(span).within(format_args!("[{place}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// The entries of a map, for a struct with the names of its fields.
struct Entries<'de> {
    entries: slice::Iter<'de, (Form, Form)>,
    fields: &'static [&'static str],
    /// The entry whose key was given out last.
    current: Option<&'de (Form, Form)>,
}

fn visit_entries<'de, V: Visitor<'de>>(
    entries: &'de [(Form, Form)],
    fields: &'static [&'static str],
    visitor: V,
) -> Result<V::Value, FromEdnError> {
    visitor.visit_map(Entries { entries: entries.iter(), fields, current: None })
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = FromEdnError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, FromEdnError> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        let text = match &key.edn {
            Edn::Value(value) if !self.fields.is_empty() => text_of(value),
            _ => None,
        };
        let result = match text {
            Some(text) => {
                seed.deserialize(BorrowedStrDeserializer::new(declared(text, self.fields)))
            }
            None => seed.deserialize(EdnDeserializer::from(&key.edn)),
        };
        result
            .map(Some)
            .map_err(|e: FromEdnError| e.at(Some(key.span)).within(format_args!("key {key}")))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, FromEdnError> {
        let Some((key, value)) = self.current.take() else {
            return Err(FromEdnError::custom("a value was asked for before its key"));
        };
        seed.deserialize(EdnDeserializer::from(&value.edn))
            .map_err(|error| error.at(Some(value.span)).within(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// The variant of an enum, and what it holds.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Form>,
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<EdnDeserializer<'de>, FromEdnError> {
        match self.content {
            Some(content) => Ok(EdnDeserializer::from(&content.edn)),
            None => {
                Err(FromEdnError::custom(format!("the variant {} must hold something", self.name)))
            }
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = FromEdnError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), FromEdnError> {
        seed.deserialize(BorrowedStrDeserializer::new(self.name)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = FromEdnError;

    fn unit_variant(self) -> Result<(), FromEdnError> {
        match self.content {
            None | Some(Form { edn: Edn::Nil, .. }) => Ok(()),
            Some(_) => {
                Err(FromEdnError::custom(format!("the variant {} holds nothing", self.name)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, FromEdnError> {
        seed.deserialize(self.content()?).map_err(|error| error.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.content()?.deserialize_seq(visitor).map_err(|error| error.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.content()?
            .deserialize_struct("", fields, visitor)
            .map_err(|error| error.within(self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use serde::Deserialize;

    use super::*;
    use crate::edn::read;

    /// Reads the text into a type; an error as its message.
    fn get<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
        from_edn(&read(text).expect(text)).map_err(|error| error.to_string())
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Person {
        name: String,
        #[serde(rename = "person/age")]
        age: Option<u8>,
        #[serde(default)]
        first_names: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Shape {
        EmptySet,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8 },
    }

    #[test]
    fn scalars_become_what_is_asked_for() {
        assert_eq!(get("7"), Ok(7_u8));
        assert_eq!(get("300"), Err::<u8, _>("invalid value: integer `300`, expected u8".into()));
        assert_eq!(get("7N"), Ok(7_i16));
        assert_eq!(get("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(get("-170141183460469231731687303715884105728N"), Ok(i128::MIN));
        assert_eq!(get("7N"), Ok(String::from("7")));
        assert_eq!(get("1.50M"), Ok(String::from("1.50")));
        assert_eq!(get("1.50M"), Ok(1.5_f64));
        assert_eq!(get("2"), Ok(2.0_f32));
        assert_eq!(get(":a/b"), Ok(String::from("a/b")));
        assert_eq!(get("a/b"), Ok(String::from("a/b")));
        assert_eq!(get("\\x"), Ok('x'));
        assert_eq!(get("#inst \"1970-01-01T00:00:01Z\""), Ok(1_000_i64));
        let text = String::from("1970-01-01T00:00:01.000Z");
        assert_eq!(get("#inst \"1970-01-01T00:00:01Z\""), Ok(text));
        assert_eq!(get("#bytes \"00ff\""), Ok(vec![0_u8, 255]));
        assert_eq!(get("nil"), Ok(()));
        assert_eq!(get("nil"), Ok(None::<bool>));
        assert_eq!(get("true"), Ok(Some(true)));
        assert_eq!(get("#unknown 7"), Ok(7_i64));
    }

    #[test]
    fn collections_become_sequences_maps_and_structs() {
        assert_eq!(get("[1 (2) #{3}]"), Ok((1_u8, [2_u8], HashSet::from([3_u8]))));
        let refused = Err::<(u8, u8), _>("invalid length 3, expected 2 members".into());
        assert_eq!(get("[1 2 3]"), refused);
        let map = BTreeMap::from([(String::from("p/a"), 1), (String::from("b"), 2)]);
        assert_eq!(get("{:p/a 1 \"b\" 2}"), Ok(map));
        let person = Person { name: "Ann".into(), age: Some(7), first_names: vec!["A".into()] };
        let text = "{:person/name \"Ann\" :person/age 7 :first-names [\"A\"] :db/id 17}";
        assert_eq!(get(text).as_ref(), Ok(&person));
        assert_eq!(get("[\"Ann\" 7 [\"A\"]]").as_ref(), Ok(&person));
    }

    #[test]
    fn enums_are_named_by_keywords_maps_and_tags() {
        assert_eq!(get(":shape/empty-set"), Ok(Shape::EmptySet));
        assert_eq!(get("{:circle 2}"), Ok(Shape::Circle(2.0)));
        assert_eq!(get("#shape/circle 2.5"), Ok(Shape::Circle(2.5)));
        assert_eq!(get("{:line [1 2]}"), Ok(Shape::Line(1, 2)));
        assert_eq!(get("#box {:width 7}"), Ok(Shape::Box { width: 7 }));
        for (text, message) in [
            (":circle", "the variant circle must hold something"),
            ("7", "expected a keyword, a map of one entry or a tag that names a variant"),
            ("{:box {:width 700}}", "at box :width: invalid value: integer `700`, expected u8"),
        ] {
            assert_eq!(get::<Shape>(text), Err(message.into()));
        }
    }

    #[test]
    fn errors_name_the_part_and_its_place() {
        let form = read("[{:name \"Ann\"}\n {:name \"Bob\" :person/age :old}]").expect("edn");
        let error = from_edn::<Vec<Person>>(&form).expect_err("an age that is a keyword");
        assert_eq!(error.path, "[1] :person/age");
        assert_eq!(error.message, "invalid type: string \"old\", expected u8");
        assert_eq!(error.span, Some(Span { start: 41, end: 45 }));
    }

    #[test]
    fn a_tuple_value_is_a_sequence_with_nil() {
        let tuple = Value::Tuple([Some(Value::from(1)), None].into());
        assert_eq!(from_value(&tuple), Ok((1_i64, None::<String>)));
    }
}
