//! A leaf: the node that holds records.
//!
//! Nothing but the table and the fields is decoded before it is needed, and each column by itself.

mod codec;
mod search;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T};

pub(crate) use codec::encode;

use crate::key::KeyRef;
use crate::keys::{self, Fields, Keys, Places};
use crate::node::{Header, Summary};
use crate::picks::Picks;
use crate::table::{ADDED, CLOSED, STATES, Table};
use crate::value_ref::ValueRef;
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
    /// The fields with values that are stored elsewhere.
    elsewhere: Box<[usize]>,
    added: OnceLock<Slice<T>>,
    closed: OnceLock<Slice<T>>,
    /// `None` where all are inserted, and in the history layer.
    states: OnceLock<Option<Slice<State>>>,
}

/// Some rows of a leaf that have one attribute and one type of value.
#[derive(Debug, Clone)]
pub struct FieldRows {
    /// The attribute.
    pub a: AttributeId,
    /// The rows.
    pub rows: Picks,
    /// Their values.
    pub values: Values,
}

/// What a leaf in EAVT has at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityBounds {
    pub(crate) last: EntityId,
    /// A bit for each attribute, by its lowest bits.
    attributes: u64,
}

impl EntityBounds {
    /// Whether there may be facts of an attribute.
    pub(crate) const fn may_have(&self, a: AttributeId) -> bool {
        self.attributes >> (a.get() % 64) & 1 == 1
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

    /// Some rows by attribute and type, in their order, with the values, where each such field is
    /// in one piece; `None` where they are mixed.
    ///
    /// # Errors
    /// When a column is damaged.
    pub fn fields_in(&self, rows: &Picks) -> Result<Option<Vec<FieldRows>>, IndexError> {
        match self.places()? {
            Places::InOrder => self.fields_in_order(rows.clone()).map(Some),
            Places::Mixed(places) => self.only_field(rows, places),
        }
    }

    fn fields_in_order(&self, mut rows: Picks) -> Result<Vec<FieldRows>, IndexError> {
        let mut found = Vec::new();
        for (index, field) in self.fields.fields.iter().enumerate() {
            let own = rows.split_below(self.fields.starts[index + 1]);
            if !own.is_empty() {
                let ranks = own.counted_from(self.fields.starts[index]);
                let values = self.values(index)?.at(&ranks);
                found.push(FieldRows { a: field.a, rows: own, values });
            }
            if rows.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Rows that all have one field.
    fn only_field(
        &self,
        rows: &Picks,
        places: &[(u32, u32)],
    ) -> Result<Option<Vec<FieldRows>>, IndexError> {
        let Some((only, _)) = rows.iter().next().map(|row| places[row]) else {
            return Ok(Some(Vec::new()));
        };
        let rank = |row: usize| Some(places[row]).filter(|(field, _)| *field == only);
        let ranks = rows.iter().map(|row| rank(row).map(|(_, rank)| rank as usize));
        let Some(ranks) = ranks.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let values = self.values(only as usize)?.at(&ranks.into());
        let a = self.fields.fields[only as usize].a;
        Ok(Some(vec![FieldRows { a, rows: rows.clone(), values }]))
    }

    /// The records in some rows, as far as there are such rows, as the steps that they are.
    ///
    /// # Errors
    /// When a column is damaged.
    pub fn records(&self, rows: Range<usize>) -> Result<Vec<Record>, IndexError> {
        let end = rows.end.min(self.count);
        self.records_at(&(rows.start.min(end)..end).into())
    }

    /// The records in some rows, as the steps that they are.
    ///
    /// # Errors
    /// When a column is damaged.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn records_at(&self, rows: &Picks) -> Result<Vec<Record>, IndexError> {
        self.open(rows)?;
        let opened = self.opened_rows();
        Ok(rows.iter().map(|row| opened.record(row, opened.state(row))).collect())
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

    /// Decodes what some rows need to be read one by one. Of values, no columns but those that the
    /// rows have a part in.
    pub(crate) fn open(&self, rows: &Picks) -> Result<(), IndexError> {
        self.open_values(rows)?;
        self.entities()?;
        self.added()?;
        match self.layer {
            Layer::Current => self.states().map(|_| ()),
            Layer::History => self.closed().map(|_| ()),
        }
    }

    /// Some rows without those that close a fact of an older run.
    pub(crate) fn without_removed(&self, rows: Picks) -> Result<Picks, IndexError> {
        if self.layer == Layer::History || !self.has_steps() {
            return Ok(rows);
        }
        let Some(states) = self.states()? else { return Ok(rows) };
        let stays = |row: &usize| states[*row] != State::Removed;
        if rows.iter().all(|row| stays(&row)) {
            return Ok(rows);
        }
        Ok(rows.iter().filter(stays).collect::<Vec<_>>().into())
    }

    /// Decodes the columns of values that some rows have a part in.
    fn open_values(&self, rows: &Picks) -> Result<(), IndexError> {
        let places = self.places()?;
        let bounds = rows.bounds();
        match places {
            _ if rows.is_empty() => {}
            // Rows in sequence reach from the field of the first to that of the last.
            Places::InOrder => {
                let field = |row| places.locate(&self.fields, row).0;
                for field in field(bounds.start)..=field(bounds.end - 1) {
                    self.values(field)?;
                }
            }
            Places::Mixed(places) => {
                for row in rows.iter() {
                    self.values(places[row].0 as usize)?;
                }
            }
        }
        Ok(())
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

/// What a column has, which was decoded.
fn opened<C>(column: &OnceLock<C>) -> &C {
    column.get().expect("columns are opened before rows are read one by one")
}

/// Rows one by one, which were opened.
#[derive(Clone, Copy)]
pub(crate) struct OpenedRows<'a> {
    leaf: &'a Leaf,
    entities: &'a [EntityId],
    places: &'a Places,
    added: &'a [T],
    closed: &'a [T],
    states: Option<&'a [State]>,
}

impl<'a> OpenedRows<'a> {
    pub(crate) fn v(&self, row: usize) -> ValueRef<'a> {
        let (field, rank) = self.places.locate(&self.leaf.fields, row);
        opened(&self.leaf.values[field]).get(rank)
    }

    pub(crate) fn added_at(&self, row: usize) -> T {
        self.added[row]
    }

    pub(crate) fn state(&self, row: usize) -> State {
        match (self.leaf.layer, self.states) {
            (Layer::History, _) => State::Closed(self.closed[row]),
            (Layer::Current, Some(states)) => states[row],
            (Layer::Current, None) => State::Inserted,
        }
    }

    /// A record, in a state that may be another than its own.
    pub(crate) fn record(&self, row: usize, state: State) -> Record {
        let (field, rank) = self.places.locate(&self.leaf.fields, row);
        Record {
            e: self.entities[row],
            a: self.leaf.fields.fields[field].a,
            v: opened(&self.leaf.values[field]).value(rank),
            added: self.added[row],
            state,
        }
    }
}

/// Rows one by one, which were opened.
impl Leaf {
    /// The columns at once, for whoever reads several rows.
    pub(crate) fn opened_rows(&self) -> OpenedRows<'_> {
        OpenedRows {
            leaf: self,
            entities: opened::<Slice<EntityId>>(&self.e),
            places: opened(&self.places),
            added: opened::<Slice<T>>(&self.added),
            closed: match self.layer {
                Layer::Current => &[],
                Layer::History => opened::<Slice<T>>(&self.closed),
            },
            states: match self.layer {
                Layer::Current => opened(&self.states).as_deref(),
                Layer::History => None,
            },
        }
    }

    /// What the leaf has at most, if it is of EAVT and its entities are decoded already.
    pub(crate) fn entity_bounds(&self) -> Option<EntityBounds> {
        let last = *self.e.get().filter(|_| self.order == Order::Eavt)?.last()?;
        let bit = |field: &keys::Field| 1 << (field.a.get() % 64);
        let attributes =
            self.fields.fields.iter().map(bit).fold(0, |bits: u64, bit: u64| bits | bit);
        Some(EntityBounds { last, attributes })
    }

    /// How a row stands to another place, where the entities alone tell.
    pub(crate) fn compare_entity(
        &self,
        row: usize,
        other: &KeyRef<'_>,
        order: Order,
    ) -> Option<Ordering> {
        let fields = &self.fields.fields;
        let tells = match order {
            Order::Eavt => true,
            Order::Aevt => fields.len() == 1 && fields[0].a == other.a,
            Order::Avet | Order::Vaet => false,
        };
        let compared = tells.then(|| opened(&self.e)[row].cmp(&other.e))?;
        compared.is_ne().then_some(compared)
    }

    pub(crate) fn key(&self, row: usize) -> KeyRef<'_> {
        let (field, rank) = opened(&self.places).locate(&self.fields, row);
        KeyRef {
            e: opened(&self.e)[row],
            a: self.fields.fields[field].a,
            v: opened(&self.values[field]).get(rank),
            added: opened(&self.added)[row],
            closed: match self.layer {
                Layer::Current => T::GENESIS,
                Layer::History => opened(&self.closed)[row],
            },
        }
    }

    pub(crate) fn added_at(&self, row: usize) -> T {
        opened(&self.added)[row]
    }

    pub(crate) fn state(&self, row: usize) -> State {
        match self.layer {
            Layer::Current => {
                opened(&self.states).as_ref().map_or(State::Inserted, |states| states[row])
            }
            Layer::History => State::Closed(opened(&self.closed)[row]),
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary::of((0..self.count).map(|row| (self.added_at(row), self.state(row))))
    }
}

/// Large values, which are stored elsewhere.
impl Leaf {
    /// Whether large values have to be fetched before the leaf can be read.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.elsewhere.iter().any(|field| self.values[*field].get().is_none())
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
    pub(crate) fn decoded(header: &Header, keys: Keys, states: Option<Slice<State>>) -> Self {
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
            elsewhere: Box::default(),
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
        self.open(&(0..self.count).into())?;
        let key = |row| self.key(row);
        keys::check_sequence(self.count, key, self.order, self.layer)
            .map_err(|error| self.damaged(error))?;
        let found = self.summary();
        if found == *summary {
            return Ok(());
        }
        let (expected, found) = (format!("{summary:?}"), format!("{found:?}"));
        Err(self.damaged(DecodeError::damaged(expected, found)))
    }
}
