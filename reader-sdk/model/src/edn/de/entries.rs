//! Maps, and the names that their keys stand for.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};

use super::{EdnDeserializer, FromEdnError};
use crate::Value;
use crate::edn::{Edn, Form};

/// The entries of a map, for a struct with the names of its fields.
struct Entries<'de> {
    entries: slice::Iter<'de, (Form, Form)>,
    fields: &'static [&'static str],
    /// The entry whose key was given out last.
    current: Option<&'de (Form, Form)>,
}

pub(super) fn visit_entries<'de, V: Visitor<'de>>(
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
/// The text of what can name a field, a variant or a column.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Keyword(keyword) => Some(keyword.text()),
        Value::Symbol(symbol) => Some(symbol.text()),
        _ => None,
    }
}

/// The declared name that a text stands for: the same, or the same as its part after the slash,
/// with hyphens for underscores. The text itself if there is none, so that the error names it.
pub(in crate::edn) fn declared<'de>(text: &'de str, names: &'static [&'static str]) -> &'de str {
    if names.contains(&text) {
        return text;
    }
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    let snake = |byte: u8| if byte == b'-' { b'_' } else { byte };
    let same = |declared: &str| declared.bytes().eq(name.bytes().map(snake));
    names.iter().copied().find(|declared| *declared == name || same(declared)).unwrap_or(text)
}
