//! A leaf: the node that holds records.
//!
//! Nothing but the table and the fields is decoded before it is needed, and each column by itself.

mod codec;
mod search;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T};

pub(crate) use codec::encode;

use crate::key::KeyRef;
use crate::keys::{self, Fields, Keys, Places};
use crate::node::{Header, Summary};
use crate::table::{ADDED, CLOSED, STATES, Table};
use crate::values::{self, Remote, Stubs, Values};
use crate::wire::DecodeError;
use crate::{IndexError, Layer, NodeHash, Record, Slice, State};

/// The records of a leaf, as columns that are decoded when they are needed.
#[derive(Debug)]
pub struct Leaf {
    order: Order,
    layer: Layer,
    count: usize,
    /// What the stored bytes are called in messages.
    object: String,
    /// `None` for what was decoded from the beginning.
    table: Option<Table>,
    fields: Arc<Fields>,
    e: OnceLock<Slice<EntityId>>,
    places: OnceLock<Places>,
    values: Box<[OnceLock<Values>]>,
    added: OnceLock<Slice<T>>,
    closed: OnceLock<Slice<T>>,
    /// `None` where all are inserted, and in the history layer.
    states: OnceLock<Option<Slice<State>>>,
}

/// A stretch of rows of a leaf that have one attribute and one type of value.
#[derive(Debug, Clone)]
pub struct FieldRows {
    /// The attribute.
    pub a: AttributeId,
    /// The rows.
    pub rows: Range<usize>,
    /// Their values.
    pub values: Values,
}

/// The records of a leaf, or of some of its rows, decoded. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) keys: Keys,
    pub(crate) states: Option<Slice<State>>,
}

impl Rows {
    pub(crate) fn key(&self, index: usize) -> KeyRef<'_> {
        self.keys.get(index)
    }

    pub(crate) fn state(&self, index: usize) -> State {
        match (&self.keys.closed, &self.states) {
            (Some(closed), _) => State::Closed(closed[index]),
            (None, Some(states)) => states[index],
            (None, None) => State::Inserted,
        }
    }

    /// A record, in a state that may be another than its own.
    pub(crate) fn record(&self, index: usize, state: State) -> Record {
        let KeyRef { e, a, added, .. } = self.key(index);
        Record { e, a, v: self.keys.value(index), added, state }
    }

    pub(crate) fn summary(&self) -> Summary {
        let added = self.keys.added.iter().enumerate();
        Summary::of(added.map(|(index, added)| (*added, self.state(index))))
    }
}

/// What is in it.
impl Leaf {
    /// How many records there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none, which no leaf in a bucket is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the records may be steps other than an insertion.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        match &self.table {
            Some(table) => table.find(STATES).is_some(),
            None => self.states.get().is_some_and(Option::is_some),
        }
    }

    /// The entities.
    ///
    /// # Errors
    /// When the column is damaged.
    pub fn entities(&self) -> Result<&Slice<EntityId>, IndexError> {
        self.column(&self.e, |table| keys::decode_entities(table, self.count))
    }

    /// The transactions that asserted the facts; of a tombstone the one that retracted it.
    ///
    /// # Errors
    /// When the column is damaged.
    pub fn added(&self) -> Result<&Slice<T>, IndexError> {
        self.column(&self.added, |table| keys::decode_times(table, ADDED, self.count))
    }

    /// The transactions that closed the facts; an error in the current layer.
    ///
    /// # Errors
    /// When the column is damaged or missing.
    pub fn closed(&self) -> Result<&Slice<T>, IndexError> {
        self.column(&self.closed, |table| keys::decode_times(table, CLOSED, self.count))
    }

    /// The stretches of rows of one attribute and type within some rows, with the values, where
    /// each such field is in one piece; `None` where they are mixed.
    ///
    /// # Errors
    /// When a column is damaged.
    pub fn fields_in(&self, rows: Range<usize>) -> Result<Option<Vec<FieldRows>>, IndexError> {
        let Places::InOrder = self.places()? else { return Ok(None) };
        let mut found = Vec::new();
        for (index, field) in self.fields.fields.iter().enumerate() {
            let start = self.fields.starts[index];
            let own = rows.start.max(start)..rows.end.min(self.fields.starts[index + 1]);
            if own.start < own.end {
                let values = self.values(index)?.narrow(own.start - start..own.end - start);
                found.push(FieldRows { a: field.a, rows: own, values });
            }
        }
        Ok(Some(found))
    }

    /// The records in some rows, as far as there are such rows, as the steps that they are.
    ///
    /// # Errors
    /// When a column is damaged.
    pub fn records(&self, rows: Range<usize>) -> Result<Vec<Record>, IndexError> {
        let end = rows.end.min(self.count);
        let rows = rows.start.min(end)..end;
        let decoded = self.rows(rows.clone())?;
        Ok(rows.map(|index| decoded.record(index, decoded.state(index))).collect())
    }

    fn places(&self) -> Result<&Places, IndexError> {
        self.column(&self.places, |table| keys::decode_places(table, &self.fields))
    }

    fn values(&self, field: usize) -> Result<&Values, IndexError> {
        let decode = |table: &Table| keys::decode_values(table, &self.fields, field);
        self.column(&self.values[field], decode)
    }

    fn states(&self) -> Result<&Option<Slice<State>>, IndexError> {
        self.column(&self.states, |table| codec::decode_states(table, self.count))
    }

    /// Some rows, decoded. Of values, no columns but those that the rows have a part in.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Rows, IndexError> {
        let values = self.values_in(rows)?;
        let keys = Keys {
            e: self.entities()?.clone(),
            fields: Arc::clone(&self.fields),
            places: self.places()?.clone(),
            values: values.into_iter().map(|column| column.cloned().unwrap_or_default()).collect(),
            added: self.added()?.clone(),
            closed: match self.layer {
                Layer::Current => None,
                Layer::History => Some(self.closed()?.clone()),
            },
        };
        let states = match self.layer {
            Layer::Current => self.states()?.clone(),
            Layer::History => None,
        };
        Ok(Rows { keys, states })
    }

    /// The columns of values that some rows have a part in, by field.
    fn values_in(&self, rows: Range<usize>) -> Result<Vec<Option<&Values>>, IndexError> {
        let places = self.places()?;
        let mut columns: Vec<Option<&Values>> = vec![None; self.fields.len()];
        match places {
            // Rows in sequence reach from the field of the first to that of the last.
            Places::InOrder if !rows.is_empty() => {
                let field = |row| places.locate(&self.fields, row).0;
                let (first, last) = (field(rows.start), field(rows.end - 1));
                for (field, column) in columns.iter_mut().enumerate().take(last + 1).skip(first) {
                    *column = Some(self.values(field)?);
                }
            }
            Places::InOrder => {}
            Places::Mixed(places) => {
                for (field, _) in &places[rows] {
                    if columns[*field as usize].is_none() {
                        columns[*field as usize] = Some(self.values(*field as usize)?);
                    }
                }
            }
        }
        Ok(columns)
    }

    /// A column, decoded if it was not yet.
    fn column<'a, C>(
        &'a self,
        column: &'a OnceLock<C>,
        decode: impl FnOnce(&Table) -> Result<C, DecodeError>,
    ) -> Result<&'a C, IndexError> {
        if let Some(decoded) = column.get() {
            return Ok(decoded);
        }
        let table = self.table.as_ref();
        let table = table.ok_or_else(|| DecodeError::damaged("a column of this layer", "none"));
        let decoded = table.and_then(decode).map_err(|error| self.damaged(error))?;
        Ok(column.get_or_init(|| decoded))
    }

    pub(crate) fn damaged(&self, error: DecodeError) -> IndexError {
        error.of_object(self.object.clone()).into()
    }
}

/// Large values, which are stored elsewhere.
impl Leaf {
    /// Whether large values have to be fetched before the leaf can be read.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.table.as_ref().is_some_and(|table| {
            let mut columns = table.values().iter().zip(&self.values).zip(&self.fields.fields);
            columns.any(|((column, values), field)| {
                values::is_elsewhere(field.value_type, column.encoding) && values.get().is_none()
            })
        })
    }

    /// The values that have to be fetched.
    pub(crate) fn remotes(&self) -> Result<Vec<Remote>, IndexError> {
        let mut remotes = Vec::new();
        self.each_incomplete(|_, stubs| {
            remotes.extend(stubs.remotes());
            Ok(())
        })?;
        Ok(remotes)
    }

    /// Takes the values that were fetched.
    pub(crate) fn complete(&self, found: &BTreeMap<NodeHash, Bytes>) -> Result<(), IndexError> {
        self.each_incomplete(|field, stubs| {
            let value_type = self.fields.fields[field].value_type;
            let filled = values::filled(value_type, stubs, found)?;
            self.values[field].get_or_init(|| filled);
            Ok(())
        })
    }

    fn each_incomplete(
        &self,
        mut act: impl FnMut(usize, &Stubs) -> Result<(), DecodeError>,
    ) -> Result<(), IndexError> {
        let Some(table) = &self.table else { return Ok(()) };
        for field in 0..self.fields.len() {
            if self.values[field].get().is_some() {
                continue;
            }
            let stubs = keys::decode_stubs(table, &self.fields, field);
            let stubs = stubs.map_err(|error| self.damaged(error))?;
            let acted = stubs.as_ref().map_or(Ok(()), |stubs| act(field, stubs));
            acted.map_err(|error| self.damaged(error))?;
        }
        Ok(())
    }
}

/// Making one.
impl Leaf {
    /// A leaf of records that are decoded already.
    pub(crate) fn decoded(header: &Header, rows: Rows) -> Self {
        let Rows { keys, states } = rows;
        let Keys { e, fields, places, values, added, closed } = keys;
        Self {
            e: e.into(),
            places: places.into(),
            values: values.iter().cloned().map(OnceLock::from).collect(),
            added: added.into(),
            closed: closed.map(OnceLock::from).unwrap_or_default(),
            states: states.into(),
            fields,
            ..Self::empty(header, Fields { fields: Vec::new(), starts: vec![0] }, String::new())
        }
    }

    fn empty(header: &Header, fields: Fields, object: String) -> Self {
        Self {
            order: header.order,
            layer: header.layer,
            count: header.count,
            object,
            table: None,
            fields: Arc::new(fields),
            e: OnceLock::new(),
            places: OnceLock::new(),
            values: Box::default(),
            added: OnceLock::new(),
            closed: OnceLock::new(),
            states: OnceLock::new(),
        }
    }

    /// What the leaf takes in memory when all is decoded, roughly, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = match &self.table {
            // Where each string ends is not among what the table tells.
            Some(table) => table.memory_bytes() + self.count * size_of::<u32>(),
            None => {
                let values = self.values.iter().filter_map(OnceLock::get).map(Values::bytes);
                values.sum::<usize>() + self.count * size_of::<(EntityId, [T; 2], [u32; 3])>()
            }
        };
        columns + size_of::<Self>()
    }

    /// Decodes everything, and makes sure that the keys ascend and the summary is right.
    pub(crate) fn check(&self, summary: &Summary) -> Result<(), IndexError> {
        let rows = self.rows(0..self.count)?;
        let sequence = rows.keys.check_sequence(self.order, self.layer);
        sequence.map_err(|error| self.damaged(error))?;
        let found = rows.summary();
        if found == *summary {
            return Ok(());
        }
        let (expected, found) = (format!("{summary:?}"), format!("{found:?}"));
        Err(self.damaged(DecodeError::damaged(expected, found)))
    }
}
