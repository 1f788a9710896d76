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

use std::cmp::Ordering;
use std::ops::Range;

use duramen_model::{AttributeId, EntityId, T, Value, ValueType};

use crate::key::KeyRef;
use crate::values::{self, Allowance};
use crate::wire::{DecodeError, Reader, put_varint};
use crate::{KeyRange, ints};

/// Keys as columns: the n-th member of each is of the n-th key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) e: Vec<EntityId>,
    pub(crate) a: Vec<AttributeId>,
    pub(crate) v: Vec<Value>,
    pub(crate) added: Vec<T>,
}

impl Keys {
    pub(crate) fn len(&self) -> usize {
        self.e.len()
    }

    pub(crate) fn get(&self, index: usize) -> KeyRef<'_> {
        KeyRef { e: self.e[index], a: self.a[index], v: &self.v[index], added: self.added[index] }
    }

    /// Which keys lie in a range.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Range<usize> {
        let start = self.first(|key| key.position(range) != Ordering::Less);
        start..self.first(|key| key.position(range) == Ordering::Greater).max(start)
    }

    /// The first key that fulfils a predicate which holds from there on; one past the last if
    /// none does.
    pub(crate) fn first(&self, holds: impl Fn(KeyRef<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.get(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

type Field = (AttributeId, ValueType);

pub(crate) fn encode(out: &mut Vec<u8>, keys: &[KeyRef<'_>]) {
    let field_of = |key: &KeyRef<'_>| -> Field { (key.a, key.v.value_type()) };
    let mut fields: Vec<Field> = keys.iter().map(field_of).collect();
    fields.sort_unstable();
    fields.dedup();
    ints::encode(out, keys.iter().map(|key| key.e.get()));
    put_varint(out, fields.len() as u64);
    ints::encode(out, fields.iter().map(|(a, _)| a.get()));
    out.extend(fields.iter().map(|(_, value_type)| value_type.number()));
    let mut columns: Vec<Vec<&Value>> = vec![Vec::new(); fields.len()];
    let mut places = Vec::with_capacity(keys.len());
    for key in keys {
        let place = fields.partition_point(|field| *field < field_of(key));
        places.push(place as u64);
        columns[place].push(key.v);
    }
    if fields.len() > 1 {
        ints::encode(out, places.into_iter());
    }
    ints::encode(out, keys.iter().map(|key| key.added.get()));
    for ((_, value_type), column) in fields.iter().zip(&columns) {
        values::encode(out, *value_type, column);
    }
}

/// Decodes so many keys; whoever calls has bounded the count.
pub(crate) fn decode(
    reader: &mut Reader<'_>,
    count: usize,
    allowance: &mut Allowance,
) -> Result<Keys, DecodeError> {
    let e = ints::decode(reader, count)?.into_iter().map(entity).collect::<Result<_, _>>()?;
    let fields = decode_fields(reader, count)?;
    let places = decode_places(reader, count, fields.len())?;
    let added = decode_ts(reader, count)?;
    let mut sizes = vec![0_usize; fields.len()];
    places.iter().for_each(|place| sizes[*place] += 1);
    let mut columns = Vec::with_capacity(fields.len());
    for ((_, value_type), size) in fields.iter().zip(sizes) {
        columns.push(values::decode(reader, *value_type, size, allowance)?.into_iter());
    }
    let a = places.iter().map(|place| fields[*place].0).collect();
    // Each column has as many values as there are keys of its field.
    let v = places.iter().filter_map(|place| columns[*place].next()).collect();
    Ok(Keys { e, a, v, added })
}

fn decode_fields(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Field>, DecodeError> {
    let size = reader.varint_up_to(count, "fields in a node")?;
    let attributes = ints::decode(reader, size)?;
    let types = reader.take(size)?;
    let field =
        |(a, number): (u64, &u8)| Ok((AttributeId::from(entity(a)?), values::value_type(*number)?));
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

pub(crate) fn decode_ts(reader: &mut Reader<'_>, count: usize) -> Result<Vec<T>, DecodeError> {
    let checked = |t: u64| {
        T::new(t).ok_or_else(|| DecodeError::damaged("a transaction number", t.to_string()))
    };
    ints::decode(reader, count)?.into_iter().map(checked).collect()
}

fn entity(id: u64) -> Result<EntityId, DecodeError> {
    EntityId::new(id).ok_or_else(|| DecodeError::damaged("an entity id", id.to_string()))
}
