//! A leaf as it is stored.
//!
//! After the header that all nodes have (see [`node`](crate::node)):
//!
//! ```text
//! net        zigzag (varint): the sum of the weights of the records
//! t_min      varint: the earliest transaction that a record names
//! t_max      varint: what the latest is above it
//! columns    see table.rs and keys.rs; and states: integers, 1 inserted, 2 replaced, 3 removed;
//!            left out where all are inserted, and in the history layer
//! ```

use std::sync::OnceLock;

use super::Leaf;
use crate::keys;
use crate::node::{Header, NodeError, Summary};
use crate::table::{ADDED, CLOSED, ENTITIES, FIELDS, PLACES, STATES, Table, TableWriter, VALUES};
use crate::values::{self, Storing};
use crate::wire::{DecodeError, Reader, put_varint, unzigzag, zigzag};
use crate::{Layer, Record, Slice, State};

/// Stands for a closed fact, whose state is not stored: it follows from the layer.
const CLOSED_STATE: u64 = 0;
const INSERTED: u64 = 1;
const REPLACED: u64 = 2;
const REMOVED: u64 = 3;

impl Leaf {
    pub(crate) fn decode(
        header: &Header,
        mut reader: Reader<'_>,
        object: String,
    ) -> Result<(Self, Summary), DecodeError> {
        let net = unzigzag(reader.varint()?);
        let t_min = keys::time(reader.varint()?)?;
        let t_max = keys::time(t_min.get().saturating_add(reader.varint()?))?;
        let table = Table::decode(reader, |id| {
            matches!(id, ENTITIES | FIELDS | PLACES | ADDED | CLOSED | STATES | VALUES)
        })?;
        let fields = keys::decode_fields(&table, header.count)?;
        if header.layer == Layer::History && table.find(STATES).is_some() {
            return Err(DecodeError::damaged("no states in the history layer", "some"));
        }
        let columns_of_values = fields.fields.iter().map(|_| OnceLock::new()).collect();
        let columns = table.values().iter().zip(&fields.fields).enumerate();
        let elsewhere = columns
            .filter(|(_, (column, field))| values::is_elsewhere(field.value_type, column.encoding))
            .map(|(field, _)| field)
            .collect();
        let summary = Summary { records: header.count as u64, net, t_min, t_max };
        let empty = Self::empty(header, fields, object);
        Ok((Self { table: Some(table), values: columns_of_values, elsewhere, ..empty }, summary))
    }
}

pub(super) fn decode_states(
    table: &Table,
    count: usize,
) -> Result<Option<Slice<State>>, DecodeError> {
    if table.find(STATES).is_none() {
        return Ok(None);
    }
    let states = table.integers(STATES, count)?.into_iter().map(|number| match number {
        INSERTED => Ok(State::Inserted),
        REPLACED => Ok(State::Replaced),
        REMOVED => Ok(State::Removed),
        other => Err(DecodeError::damaged("a state from 1 to 3", other.to_string())),
    });
    Ok(Some(states.collect::<Result<Vec<_>, _>>()?.into()))
}

/// Encodes the records of a leaf, after its header.
///
/// # Errors
/// When the records' states do not belong to the layer.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    layer: Layer,
    records: &[Record],
    storing: Storing,
) -> Result<(), NodeError> {
    let summary = Summary::of(records.iter().map(|record| (record.added, record.state)));
    put_varint(out, zigzag(summary.net));
    put_varint(out, summary.t_min.get());
    put_varint(out, summary.t_max.get() - summary.t_min.get());
    let mut table = TableWriter::default();
    keys::encode(&mut table, layer, records, storing);
    let states: Vec<u64> = records.iter().map(|record| number_of(record.state)).collect();
    match layer {
        Layer::History if states.iter().any(|state| *state != CLOSED_STATE) => {
            return Err(NodeError::States);
        }
        Layer::Current if states.contains(&CLOSED_STATE) => return Err(NodeError::States),
        Layer::Current if states.iter().any(|state| *state != INSERTED) => {
            table.add_integers(STATES, &states);
        }
        Layer::History | Layer::Current => {}
    }
    table.finish(out);
    Ok(())
}

const fn number_of(state: State) -> u64 {
    match state {
        State::Inserted => INSERTED,
        State::Replaced => REPLACED,
        State::Removed => REMOVED,
        State::Closed(_) => CLOSED_STATE,
    }
}
