//! A leaf: the node that holds records.
//!
//! After the header that all nodes have (see [`node`](crate::node)):
//!
//! ```text
//! keys     columns, see keys.rs
//! states   encoding (1 byte), then
//!            1 all inserted   nothing
//!            2 all closed     by which transactions (integers)
//!            3 mixed          1 byte each: 1 inserted, 2 replaced, 3 removed
//! ```

use duramen_model::T;

use crate::key::KeyRef;
use crate::keys::{self, Keys};
use crate::node::{Header, NodeError, Summary};
use crate::values::Allowance;
use crate::wire::{DecodeError, Reader};
use crate::{Layer, Record, State, ints};

const ALL_INSERTED: u8 = 1;
const ALL_CLOSED: u8 = 2;
const MIXED: u8 = 3;

const INSERTED: u8 = 1;
const REPLACED: u8 = 2;
const REMOVED: u8 = 3;

/// Decoded records, as columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    keys: Keys,
    states: States,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum States {
    Inserted,
    Closed(Vec<T>),
    Mixed(Vec<State>),
}

impl Leaf {
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn key(&self, index: usize) -> KeyRef<'_> {
        self.keys.get(index)
    }

    pub(crate) fn state(&self, index: usize) -> State {
        match &self.states {
            States::Inserted => State::Inserted,
            States::Closed(closed) => State::Closed(closed[index]),
            States::Mixed(states) => states[index],
        }
    }

    /// A record, in a state that may be another than its own.
    pub(crate) fn record(&self, index: usize, state: State) -> Record {
        let KeyRef { e, a, v, added } = self.key(index);
        Record { e, a, v: v.clone(), added, state }
    }

    pub(crate) fn summary(&self) -> Summary {
        let added = self.keys.added.iter().enumerate();
        Summary::of(added.map(|(index, added)| (*added, self.state(index))))
    }

    pub(crate) fn decode(header: &Header, mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut allowance = Allowance::new(crate::node::VALUES_BYTES_MAX);
        let keys = keys::decode(&mut reader, header.count, &mut allowance)?;
        let states = States::decode(&mut reader, header)?;
        reader.finish()?;
        Ok(Self { keys, states })
    }
}

impl States {
    fn decode(reader: &mut Reader<'_>, header: &Header) -> Result<Self, DecodeError> {
        match (reader.byte()?, header.layer) {
            (ALL_INSERTED, Layer::Current) => Ok(Self::Inserted),
            (ALL_CLOSED, Layer::History) => {
                Ok(Self::Closed(keys::decode_ts(reader, header.count)?))
            }
            (MIXED, Layer::Current) => {
                let states = reader.take(header.count)?.iter().map(|number| state(*number));
                Ok(Self::Mixed(states.collect::<Result<_, _>>()?))
            }
            (ALL_INSERTED..=MIXED, layer) => Err(DecodeError::damaged(
                format!("states of the {layer:?} layer"),
                "states of the other one",
            )),
            (other, _) => Err(ints::unknown_encoding("states", other)),
        }
    }
}

fn state(number: u8) -> Result<State, DecodeError> {
    match number {
        INSERTED => Ok(State::Inserted),
        REPLACED => Ok(State::Replaced),
        REMOVED => Ok(State::Removed),
        other => Err(DecodeError::damaged("a state from 1 to 3", other.to_string())),
    }
}

/// Encodes the records of a leaf, after its header.
///
/// # Errors
/// When the records' states do not belong to the layer.
pub(crate) fn encode(out: &mut Vec<u8>, layer: Layer, records: &[Record]) -> Result<(), NodeError> {
    let keys: Vec<KeyRef<'_>> = records.iter().map(KeyRef::from).collect();
    keys::encode(out, &keys);
    match layer {
        Layer::History => {
            out.push(ALL_CLOSED);
            let closed: Option<Vec<u64>> = records.iter().map(closed_by).collect();
            ints::encode(out, closed.ok_or(NodeError::States)?.into_iter());
        }
        Layer::Current if records.iter().all(|record| record.state == State::Inserted) => {
            out.push(ALL_INSERTED);
        }
        Layer::Current => {
            out.push(MIXED);
            for record in records {
                out.push(state_number(record.state).ok_or(NodeError::States)?);
            }
        }
    }
    Ok(())
}

fn closed_by(record: &Record) -> Option<u64> {
    match record.state {
        State::Closed(t) => Some(t.get()),
        _ => None,
    }
}

const fn state_number(state: State) -> Option<u8> {
    match state {
        State::Inserted => Some(INSERTED),
        State::Replaced => Some(REPLACED),
        State::Removed => Some(REMOVED),
        State::Closed(_) => None,
    }
}
