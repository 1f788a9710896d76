//! A column of integers.
//!
//! ```text
//! encoding (1 byte), then
//!   1 delta   for each: zigzag of the difference to the one before (varint); the first to 0
//!   2 runs    until all are there: zigzag of the difference (varint), how often in a row (varint)
//! ```
//!
//! Differences wrap, so that any 64-bit pattern can be a column's. How many integers there are
//! is known from outside, and bounded there.

use crate::ints::unknown_encoding;
use crate::wire::{DecodeError, Reader, unzigzag};

const DELTA: u8 = 1;
const RUNS: u8 = 2;

/// Decodes a column of `count` integers; whoever calls has bounded the count.
pub(crate) fn decode(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>, DecodeError> {
    let mut values = Vec::with_capacity(count);
    let mut previous = 0_u64;
    match reader.byte()? {
        DELTA => {
            for _ in 0..count {
                previous = previous.wrapping_add(unzigzag(reader.varint()?) as u64);
                values.push(previous);
            }
        }
        RUNS => {
            while values.len() < count {
                let delta = unzigzag(reader.varint()?) as u64;
                let run = reader.varint_up_to(count - values.len(), "integers left in a column")?;
                if run == 0 {
                    return Err(DecodeError::damaged("a run of integers", "an empty run"));
                }
                for _ in 0..run {
                    previous = previous.wrapping_add(delta);
                    values.push(previous);
                }
            }
        }
        other => return Err(unknown_encoding("integers", other)),
    }
    Ok(values)
}
