//! Keys as columns, in leaves and, as separators, in branches.
//!
//! ```text
//! entities   integers
//! fields     encoding 1: how many (varint); nested columns of integers: their attributes; their
//!            type numbers; how many keys each has, which is at least one
//! places     integers: the field of each key; left out where the keys of one field follow those
//!            of the field before
//! added      integers
//! closed     integers; of the history layer only
//! values     for each field: a column of the values that its keys have, in their order
//! ```
//!
//! A field is an attribute with a type of value: nearly always the attribute alone decides. Fields
//! ascend.

use std::ops::Range;
use std::sync::Arc;

use duramen_model::{AttributeId, EntityId, Order, T, Value, ValueType};

use crate::branch::Child;
use crate::ints::{self, Encoded};
use crate::key::{KeyRef, Place};
use crate::picks::gallop;
use crate::table::{ADDED, CLOSED, ENTITIES, FIELDS, PLACES, Table, TableWriter, VALUES};
use crate::value_ref::ValueRef;
use crate::values::{self, Storing, Stubs, Values, ValuesBuilder};
use crate::wire::{DecodeError, Reader, put_varint};
use crate::{KeyRange, Layer, Record, Slice};

const FIELDS_COUNTED: u8 = 1;

/// An attribute with a type of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Field {
    pub(crate) a: AttributeId,
    pub(crate) value_type: ValueType,
}

/// The fields of a node, and how many keys each has.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) fields: Vec<Field>,
    /// Where the keys of each field begin, if all follow one another in the sequence of the
    /// fields; one more than there are fields.
    pub(crate) starts: Vec<usize>,
}

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The keys of an attribute, where those of one field follow those of the field before.
    pub(crate) fn of_attribute(&self, a: AttributeId) -> Range<usize> {
        let from = self.fields.partition_point(|field| field.a < a);
        let to = self.fields.partition_point(|field| field.a <= a);
        self.starts[from]..self.starts[to]
    }

    /// How many keys a field has.
    pub(crate) fn keys_of(&self, field: usize) -> usize {
        self.starts[field + 1] - self.starts[field]
    }
}

/// The field of each key.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// Those of one field follow those of the field before.
    InOrder,
    /// The field, and the how manieth of the field's keys it is.
    Mixed(Slice<(u32, u32)>),
}

impl Places {
    /// The field of a key, and the place of its value in the field's column.
    pub(crate) fn locate(&self, fields: &Fields, index: usize) -> (usize, usize) {
        match self {
            Self::InOrder if fields.len() == 1 => (0, index),
            Self::InOrder => {
                let field = fields.starts.partition_point(|start| *start <= index) - 1;
                (field, index - fields.starts[field])
            }
            Self::Mixed(places) => {
                let (field, rank) = places[index];
                (field as usize, rank as usize)
            }
        }
    }

    /// The places, from the field of each key.
    pub(crate) fn of(fields: &Fields, column: &[u64]) -> Result<Self, DecodeError> {
        let mut seen = vec![0_u32; fields.len()];
        let mut places = Vec::with_capacity(column.len());
        for place in column {
            let slot = usize::try_from(*place).ok().and_then(|place| seen.get_mut(place));
            let slot = slot.ok_or_else(|| {
                DecodeError::damaged(format!("one of {} fields", fields.len()), place.to_string())
            })?;
            places.push((*place as u32, *slot));
            *slot += 1;
        }
        match (0..fields.len()).find(|field| seen[*field] as usize != fields.keys_of(*field)) {
            None => Ok(Self::Mixed(places.into())),
            Some(field) => Err(DecodeError::damaged(
                format!("{} keys of field {field}", fields.keys_of(field)),
                seen[field].to_string(),
            )),
        }
    }
}

/// Keys with all columns decoded. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) e: Slice<EntityId>,
    pub(crate) fields: Arc<Fields>,
    pub(crate) places: Places,
    pub(crate) values: Arc<[Values]>,
    pub(crate) added: Slice<T>,
    /// Of the history layer only.
    pub(crate) closed: Option<Slice<T>>,
}

impl Keys {
    pub(crate) fn len(&self) -> usize {
        self.e.len()
    }

    pub(crate) fn get(&self, index: usize) -> KeyRef<'_> {
        let (field, rank) = self.places.locate(&self.fields, index);
        KeyRef {
            e: self.e[index],
            a: self.fields.fields[field].a,
            v: self.values[field].get(rank),
            added: self.added[index],
            closed: self.closed.as_ref().map_or(T::GENESIS, |closed| closed[index]),
        }
    }

    /// The keys that lie in a range; where they would lie, if there are none.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Range<usize> {
        let own = match (range.order, range.a, &self.places) {
            (Order::Aevt | Order::Avet, Some(a), Places::InOrder) => self.fields.of_attribute(a),
            _ => 0..self.len(),
        };
        if let (Order::Avet, Some(_), None) = (range.order, range.a, range.e)
            && matches!(self.places, Places::InOrder)
            && !own.is_empty()
        {
            let (field, rank) = self.places.locate(&self.fields, own.start);
            if own.len() == self.fields.keys_of(field) {
                let found = self.values[field].within(rank..rank + own.len(), range);
                return own.start + found.start - rank..own.start + found.end - rank;
            }
        }
        let keys = self.view();
        let position = |key: usize| range.position_of(&keys.place(key));
        let start = first(own.clone(), |key| position(key).is_ge());
        start..gallop(start..own.end, |key| position(key).is_eq())
    }

    /// The keys, for whoever looks at parts of some of them.
    pub(crate) fn view(&self) -> KeyView<'_> {
        KeyView { keys: self, entities: &self.e }
    }

    /// The first key that fulfils a predicate which holds from there on; one past the last if
    /// none does.
    pub(crate) fn first(&self, holds: impl Fn(KeyRef<'_>) -> bool) -> usize {
        first(0..self.len(), |index| holds(self.get(index)))
    }

    /// Whether the keys ascend strictly; otherwise the first that is not above the one before.
    pub(crate) fn check_sequence(&self, order: Order, layer: Layer) -> Result<(), DecodeError> {
        check_sequence(self.len(), |index| self.get(index), order, layer)
    }

    /// Keys from values that were decoded one by one.
    pub(crate) fn of<'a>(
        keys: impl Iterator<Item = (EntityId, AttributeId, &'a Value, T)> + Clone,
        closed: Option<Vec<T>>,
    ) -> Self {
        let (fields, places) = split(keys.clone().map(|(_, a, v, _)| (a, v)));
        let builder = |field: &Field| ValuesBuilder::new(field.value_type);
        let mut values: Vec<ValuesBuilder> = fields.fields.iter().map(builder).collect();
        for ((_, _, v, _), place) in keys.clone().zip(&places) {
            values[*place as usize].push(v);
        }
        let places = match places.is_sorted() {
            true => Places::InOrder,
            false => Places::of(&fields, &places).expect("each place was counted"),
        };
        Self {
            e: keys.clone().map(|(e, ..)| e).collect(),
            fields: Arc::new(fields),
            places,
            values: values.into_iter().map(ValuesBuilder::finish).collect(),
            added: keys.map(|(.., added)| added).collect(),
            closed: closed.map(Slice::from),
        }
    }
}

/// Keys of which some parts are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyView<'a> {
    keys: &'a Keys,
    entities: &'a [EntityId],
}

impl<'a> KeyView<'a> {
    /// A key whose parts are read when they are needed.
    pub(crate) const fn place(self, index: usize) -> KeyPlace<'a> {
        let Self { keys, entities } = self;
        KeyPlace { keys, entities, index }
    }
}

/// One of some keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPlace<'a> {
    keys: &'a Keys,
    entities: &'a [EntityId],
    index: usize,
}

impl<'a> Place<'a> for KeyPlace<'a> {
    #[inline]
    fn e(&self) -> EntityId {
        self.entities[self.index]
    }

    fn a(&self) -> AttributeId {
        let (field, _) = self.keys.places.locate(&self.keys.fields, self.index);
        self.keys.fields.fields[field].a
    }

    fn v(&self) -> ValueRef<'a> {
        let (field, rank) = self.keys.places.locate(&self.keys.fields, self.index);
        self.keys.values[field].get(rank)
    }
}

/// Whether keys ascend strictly; otherwise the first that is not above the one before.
pub(crate) fn check_sequence<'a>(
    count: usize,
    key: impl Fn(usize) -> KeyRef<'a>,
    order: Order,
    layer: Layer,
) -> Result<(), DecodeError> {
    let ascends = |index: usize| key(index - 1).compare(&key(index), order, layer).is_lt();
    match (1..count).find(|index| !ascends(*index)) {
        None => Ok(()),
        Some(index) => Err(DecodeError::damaged(
            "keys that ascend",
            format!("entry {index}, which is not above the one before"),
        )),
    }
}

/// The first place in a range from which on a predicate holds; the end if there is none.
pub(crate) fn first(range: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The fields of keys, and the field of each.
fn split<'a>(keys: impl Iterator<Item = (AttributeId, &'a Value)> + Clone) -> (Fields, Vec<u64>) {
    let field = |(a, v): (AttributeId, &Value)| Field { a, value_type: v.value_type() };
    let mut fields: Vec<Field> = keys.clone().map(field).collect();
    fields.dedup();
    fields.sort_unstable();
    fields.dedup();
    let mut counts = vec![0_usize; fields.len()];
    let mut last = 0;
    let places: Vec<u64> = keys
        .map(|key| {
            let field = field(key);
            if fields[last] != field {
                last = fields.partition_point(|own| *own < field);
            }
            counts[last] += 1;
            last as u64
        })
        .collect();
    let mut end = 0;
    let ends = counts.into_iter().map(|count| {
        end += count;
        end
    });
    let starts = std::iter::once(0).chain(ends).collect();
    (Fields { fields, starts }, places)
}

/// What is to be encoded of keys.
pub(crate) trait AsKey {
    /// The key and its value.
    fn as_key(&self) -> (KeyRef<'_>, &Value);
}

impl AsKey for Record {
    fn as_key(&self) -> (KeyRef<'_>, &Value) {
        (KeyRef::from(self), &self.v)
    }
}

impl AsKey for Child {
    fn as_key(&self) -> (KeyRef<'_>, &Value) {
        (self.separator.key(), &self.separator.v)
    }
}

/// Adds the columns of keys.
pub(crate) fn encode(table: &mut TableWriter, layer: Layer, keys: &[impl AsKey], storing: Storing) {
    let keys: Vec<(KeyRef<'_>, &Value)> = keys.iter().map(AsKey::as_key).collect();
    let integers =
        |of: fn(&KeyRef<'_>) -> u64| -> Vec<u64> { keys.iter().map(|(key, _)| of(key)).collect() };
    let (fields, places) = split(keys.iter().map(|(key, v)| (key.a, *v)));
    table.add_integers(ENTITIES, &integers(|key| key.e.get()));
    table.add(FIELDS, &encode_fields(&fields), fields.len() * size_of::<(Field, usize)>());
    if !places.is_sorted() {
        table.add_integers(PLACES, &places);
    }
    table.add_integers(ADDED, &integers(|key| key.added.get()));
    if layer == Layer::History {
        table.add_integers(CLOSED, &integers(|key| key.closed.get()));
    }
    let mut columns: Vec<Vec<&Value>> = vec![Vec::new(); fields.len()];
    places.iter().zip(&keys).for_each(|(place, (_, v))| columns[*place as usize].push(v));
    for (field, column) in fields.fields.iter().zip(&columns) {
        let (column, decoded_bytes) = values::encode(field.value_type, column, storing);
        table.add(VALUES, &column, decoded_bytes);
    }
}

fn encode_fields(Fields { fields, starts }: &Fields) -> Encoded {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, fields.len() as u64);
    let column = |of: fn(&Field) -> u64| -> Vec<u64> { fields.iter().map(of).collect() };
    ints::put_nested(&mut bytes, &column(|field| field.a.get()));
    ints::put_nested(&mut bytes, &column(|field| field.value_type.number().into()));
    let counts: Vec<u64> = starts.windows(2).map(|pair| (pair[1] - pair[0]) as u64).collect();
    ints::put_nested(&mut bytes, &counts);
    Encoded { encoding: FIELDS_COUNTED, bytes }
}

/// Decodes the fields of so many keys.
pub(crate) fn decode_fields(table: &Table, count: usize) -> Result<Fields, DecodeError> {
    let column = table.get(FIELDS)?;
    if column.encoding != FIELDS_COUNTED {
        return Err(ints::unknown_encoding("fields", column.encoding));
    }
    let payload = table.payload(column)?;
    let mut reader = Reader::new(&payload);
    let size = reader.varint_up_to(count, "fields in a node")?;
    let attributes = ints::take_nested(&mut reader, size)?;
    let types = ints::take_nested(&mut reader, size)?;
    let counts = ints::take_nested(&mut reader, size)?;
    reader.finish()?;
    let field = |(a, number): (u64, u64)| {
        let value_type = values::value_type(u8::try_from(number).unwrap_or(u8::MAX))?;
        Ok(Field { a: values::entity(a)?.into(), value_type })
    };
    let fields = attributes.into_iter().zip(types).map(field).collect::<Result<_, _>>()?;
    let mut starts = vec![0];
    let mut end = 0_usize;
    for own in counts {
        end = end.saturating_add(usize::try_from(own).unwrap_or(usize::MAX));
        starts.push(end);
        if own == 0 {
            return Err(DecodeError::damaged("fields that have keys", "one that has none"));
        }
    }
    if end != count || table.values().len() != size {
        let found = format!("{end}, and {} columns of values", table.values().len());
        return Err(DecodeError::damaged(format!("{count} keys of {size} fields"), found));
    }
    Ok(Fields { fields, starts })
}

pub(crate) fn decode_entities(table: &Table, count: usize) -> Result<Slice<EntityId>, DecodeError> {
    let entities = table.integers(ENTITIES, count)?.into_iter().map(values::entity);
    Ok(entities.collect::<Result<Vec<_>, _>>()?.into())
}

pub(crate) fn decode_places(table: &Table, fields: &Fields) -> Result<Places, DecodeError> {
    match table.find(PLACES) {
        None => Ok(Places::InOrder),
        Some(_) => {
            let count = *fields.starts.last().unwrap_or(&0);
            Places::of(fields, &table.integers(PLACES, count)?)
        }
    }
}

pub(crate) fn decode_times(table: &Table, id: u8, count: usize) -> Result<Slice<T>, DecodeError> {
    let times = table.integers(id, count)?.into_iter().map(time);
    Ok(times.collect::<Result<Vec<_>, _>>()?.into())
}

pub(crate) fn time(t: u64) -> Result<T, DecodeError> {
    T::new(t).ok_or_else(|| DecodeError::damaged("a transaction number", t.to_string()))
}

pub(crate) fn decode_values(
    table: &Table,
    fields: &Fields,
    field: usize,
) -> Result<Values, DecodeError> {
    let column = table.values().get(field);
    let column = column.ok_or_else(|| DecodeError::damaged("a column of values", "none"))?;
    let value_type = fields.fields[field].value_type;
    let count = fields.keys_of(field);
    let payload = table.payload(column)?;
    values::decode(value_type, column.encoding, &payload, count, column.decoded_bytes)
}

/// Decodes what stands in the node of a column of values that are stored elsewhere; `None` if it is
/// no such column.
pub(crate) fn decode_stubs(
    table: &Table,
    fields: &Fields,
    field: usize,
) -> Result<Option<Stubs>, DecodeError> {
    let Some(column) = table.values().get(field) else { return Ok(None) };
    let value_type = fields.fields[field].value_type;
    let (count, decoded) = (fields.keys_of(field), column.decoded_bytes);
    values::decode_stubs(value_type, column.encoding, || table.payload(column), count, decoded)
}

/// Decodes all columns of so many keys.
pub(crate) fn decode(table: &Table, layer: Layer, count: usize) -> Result<Keys, DecodeError> {
    let fields = decode_fields(table, count)?;
    let values = (0..fields.len()).map(|field| decode_values(table, &fields, field));
    Ok(Keys {
        e: decode_entities(table, count)?,
        places: decode_places(table, &fields)?,
        values: values.collect::<Result<_, _>>()?,
        fields: Arc::new(fields),
        added: decode_times(table, ADDED, count)?,
        closed: match layer {
            Layer::Current => None,
            Layer::History => Some(decode_times(table, CLOSED, count)?),
        },
    })
}
