//! A column of integers.
//!
//! ```text
//! encoding (1 byte), then
//!   1 delta   for each: zigzag of the difference to the one before (varint); the first to 0
//!   2 runs    until all are there: zigzag of the difference (varint), how often in a row (varint)
//! ```
//!
//! Differences wrap, so that any 64-bit pattern can be a column's. How many integers there are
//! is known from outside, and bounded there. The encoder takes the smaller of the two.

use crate::wire::{DecodeError, Reader, put_varint, unzigzag, zigzag};

const DELTA: u8 = 1;
const RUNS: u8 = 2;

pub(crate) fn encode(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut deltas = Vec::new();
    let mut runs = Vec::new();
    let mut run: Option<(u64, u64)> = None;
    let mut previous = 0_u64;
    for value in values {
        let delta = zigzag(value.wrapping_sub(previous) as i64);
        previous = value;
        put_varint(&mut deltas, delta);
        run = match run {
            Some((same, count)) if same == delta => Some((same, count + 1)),
            ended => {
                put_run(&mut runs, ended);
                Some((delta, 1))
            }
        };
    }
    put_run(&mut runs, run);
    let (encoding, smaller) =
        if runs.len() < deltas.len() { (RUNS, runs) } else { (DELTA, deltas) };
    out.push(encoding);
    out.extend_from_slice(&smaller);
}

fn put_run(runs: &mut Vec<u8>, run: Option<(u64, u64)>) {
    if let Some((delta, count)) = run {
        put_varint(runs, delta);
        put_varint(runs, count);
    }
}

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

pub(crate) fn unknown_encoding(what: &str, encoding: u8) -> DecodeError {
    DecodeError::TooNew { what: format!("encoding {encoding} of a column of {what}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(values: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, values.iter().copied());
        bytes
    }

    #[test]
    fn regular_columns_are_small() {
        let ascending: Vec<u64> = (1000..5000).collect();
        assert!(encoded(&ascending).len() < 10);
        assert!(encoded(&[7; 4000]).len() < 10);
    }

    proptest! {
        #[test]
        fn columns_round_trip(
            values in prop::collection::vec(prop_oneof![any::<u64>(), 0u64..3], 0..100)
        ) {
            let bytes = encoded(&values);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(decode(&mut reader, values.len()), Ok(values));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }
}
