//! Sequences.

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};

use super::{EdnDeserializer, FromEdnError, Part};
use crate::Value;
use crate::edn::{Edn, Form, Span};

/// Something in a sequence, and where it was read.
pub(in crate::edn) struct Member<'de> {
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
pub(in crate::edn) fn visit_members<'de, V: Visitor<'de>>(
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
