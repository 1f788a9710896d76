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

use super::values::Allowance;
use super::{VALUES_BYTES_MAX, keys};
use crate::ints::unknown_encoding;
use crate::keys::Keys;
use crate::node::Header;
use crate::wire::{DecodeError, Reader};
use crate::{Layer, Slice, State};

const ALL_INSERTED: u8 = 1;
const ALL_CLOSED: u8 = 2;
const MIXED: u8 = 3;

const INSERTED: u8 = 1;
const REPLACED: u8 = 2;
const REMOVED: u8 = 3;

/// The keys and states of what comes after the header.
pub(super) fn decode(
    header: &Header,
    mut reader: Reader<'_>,
) -> Result<(Keys, Option<Slice<State>>), DecodeError> {
    let mut allowance = Allowance::new(VALUES_BYTES_MAX);
    let keys = keys::decode(&mut reader, header.count, &mut allowance)?;
    let (mut closed, mut states) = (None, None);
    match (reader.byte()?, header.layer) {
        (ALL_INSERTED, Layer::Current) => {}
        (ALL_CLOSED, Layer::History) => {
            closed = Some(keys::decode_ts(&mut reader, header.count)?);
        }
        (MIXED, Layer::Current) => {
            let numbers = reader.take(header.count)?.iter();
            states = Some(numbers.map(|number| state(*number)).collect::<Result<Vec<_>, _>>()?);
        }
        (ALL_INSERTED..=MIXED, layer) => {
            let expected = format!("states of the {layer:?} layer");
            return Err(DecodeError::damaged(expected, "states of the other one"));
        }
        (other, _) => return Err(unknown_encoding("states", other)),
    }
    reader.finish()?;
    let keys = keys.iter().map(|(e, a, v, added)| (*e, *a, v, *added));
    Ok((Keys::of(keys, closed), states.map(Into::into)))
}

fn state(number: u8) -> Result<State, DecodeError> {
    match number {
        INSERTED => Ok(State::Inserted),
        REPLACED => Ok(State::Replaced),
        REMOVED => Ok(State::Removed),
        other => Err(DecodeError::damaged("a state from 1 to 3", other.to_string())),
    }
}
