//! Tags whose meaning EDN or the data model fixes.

use std::sync::Arc;

use uuid::Uuid;

use crate::{Instant, Symbol, Value};

use super::error::Fault;
use super::{Edn, Form};

/// Gives a tagged form its meaning. A tag that is not known stays as it is.
pub(super) fn interpret(tag: Symbol, form: Form) -> Result<Edn, Fault> {
    let read: fn(&str) -> Option<Value> = match tag.text() {
        "inst" => |text| text.parse::<Instant>().ok().map(Value::Instant),
        "uuid" => |text| parse_uuid(text).map(Value::Uuid),
        "uri" => |text| Some(Value::Uri(Arc::from(text))),
        "bytes" => |text| parse_hex(text).map(|bytes| Value::Bytes(Arc::from(bytes))),
        _ => return Ok(Edn::Tagged(tag, Box::new(form))),
    };
    let expected = match tag.text() {
        "inst" => "a string such as \"2024-05-01T12:30:00.000Z\" after #inst",
        "uuid" => "a string such as \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\" after #uuid",
        "uri" => "a string after #uri",
        _ => "a string of pairs of hexadecimal digits after #bytes",
    };
    let Some(text) = form.as_str() else {
        return Err(Fault::new(form.span.start as usize, expected, form.edn.kind()));
    };
    match read(text) {
        Some(value) => Ok(Edn::Value(value)),
        None => Err(Fault::new(form.span.start as usize, expected, format!("{text:?}"))),
    }
}

/// Reads the canonical form of a UUID only, in either case.
fn parse_uuid(text: &str) -> Option<Uuid> {
    const CANONICAL_LENGTH: usize = 36;
    if text.len() == CANONICAL_LENGTH { Uuid::parse_str(text).ok() } else { None }
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
