//! Columns of keys, in leaves and, as separators, in branches.
//!
//! ```text
//! entities            integers
//! fields              how many (varint); their attributes (integers); their type numbers (1 byte each)
//! field of each key   integers, places among the fields; left out when there is but one
//! added               integers
//! values              for each field: a column of the values that its keys have, in their order
//! ```
//!
//! A field is an attribute with a type of value: nearly always the attribute alone decides. Fields
//! are sorted.

use duramen_model::{AttributeId, EntityId, T, Value, ValueType};

use super::ints;
use super::values::{self, Allowance};
use crate::keys::time;
use crate::values::{entity, value_type};
use crate::wire::{DecodeError, Reader};

type Field = (AttributeId, ValueType);
/// Entity, attribute, value, and by which transaction.
pub(super) type Key = (EntityId, AttributeId, Value, T);

/// Decodes so many keys; whoever calls has bounded the count.
pub(super) fn decode(
    reader: &mut Reader<'_>,
    count: usize,
    allowance: &mut Allowance,
) -> Result<Vec<Key>, DecodeError> {
    let e = ints::decode(reader, count)?;
    let fields = decode_fields(reader, count)?;
    let places = decode_places(reader, count, fields.len())?;
    let added = decode_ts(reader, count)?;
    let mut sizes = vec![0_usize; fields.len()];
    places.iter().for_each(|place| sizes[*place] += 1);
    let mut columns = Vec::with_capacity(fields.len());
    for ((_, value_type), size) in fields.iter().zip(sizes) {
        columns.push(values::decode(reader, *value_type, size, allowance)?.into_iter());
    }
    let mut keys = Vec::with_capacity(count);
    for ((e, place), added) in e.into_iter().zip(places).zip(added) {
        // Each column has as many values as there are keys of its field.
        if let Some(v) = columns[place].next() {
            keys.push((entity(e)?, fields[place].0, v, added));
        }
    }
    Ok(keys)
}

fn decode_fields(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Field>, DecodeError> {
    let size = reader.varint_up_to(count, "fields in a node")?;
    let attributes = ints::decode(reader, size)?;
    let types = reader.take(size)?;
    let field = |(a, number): (u64, &u8)| Ok((AttributeId::from(entity(a)?), value_type(*number)?));
    attributes.into_iter().zip(types).map(field).collect()
}

fn decode_places(
    reader: &mut Reader<'_>,
    count: usize,
    fields: usize,
) -> Result<Vec<usize>, DecodeError> {
    if fields == 1 {
        return Ok(vec![0; count]);
    }
    let checked = |place: u64| match usize::try_from(place) {
        Ok(place) if place < fields => Ok(place),
        _ => Err(DecodeError::damaged(format!("one of {fields} fields"), place.to_string())),
    };
    ints::decode(reader, count)?.into_iter().map(checked).collect()
}

pub(super) fn decode_ts(reader: &mut Reader<'_>, count: usize) -> Result<Vec<T>, DecodeError> {
    ints::decode(reader, count)?.into_iter().map(time).collect()
}
