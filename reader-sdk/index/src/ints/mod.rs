//! A column of integers.
//!
//! ```text
//! 1 constant    the integer (zigzag varint)
//! 2 packed      base (zigzag varint), width in bits (1 byte), what each is above the base: packed
//! 3 delta       the first (zigzag varint), a nested column of the differences after it
//! 4 runs        how many (varint), nested columns: what each run repeats; its length less one
//! 5 dictionary  how many distinct (varint), nested columns: these, ascending; the places of each
//! 6 patched     base (zigzag varint), width (1 byte), how many exceptions (varint), the lowest bits
//!               of what each is above the base: packed; nested columns of the exceptions: where
//!               they are; their higher bits
//!
//! nested column   encoding (1 byte), length (varint), payload
//! packed          so many bits each, lowest first, see bits.rs
//! ```
//!
//! Arithmetic wraps, so that any 64-bit pattern can be a column's. How many integers there are is
//! known from outside, and bounded there. The encoder takes what it reckons to be the smallest.

mod bits;
mod choice;

use bits::{pack, packed_bytes, unpack};
use choice::{Choice, Frame};

use crate::wire::{DecodeError, Reader, put_bytes, put_varint, unzigzag, zigzag};

pub(crate) const CONSTANT: u8 = 1;
pub(crate) const PACKED: u8 = 2;
pub(crate) const DELTA: u8 = 3;
pub(crate) const RUNS: u8 = 4;
pub(crate) const DICTIONARY: u8 = 5;
pub(crate) const PATCHED: u8 = 6;

/// How deep columns are nested in one another.
const DEPTH_MAX: u8 = 3;

/// A column as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) encoding: u8,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn encode(values: &[u64]) -> Encoded {
    encode_within(values, DEPTH_MAX)
}

/// Whole bytes for each integer: larger, but a general compressor finds patterns in them.
pub(crate) fn encode_in_bytes(values: &[u64]) -> Encoded {
    let Frame { base, width, .. } = Frame::of(values.iter().copied());
    let width = if width > 32 { 64 } else { width.div_ceil(8).max(1).next_power_of_two() * 8 };
    Encoded { encoding: PACKED, bytes: packed(values, base, width) }
}

/// Appends a column that tells its encoding and length.
pub(crate) fn put_nested(out: &mut Vec<u8>, values: &[u64]) {
    put_column(out, &encode(values));
}

fn put_column(out: &mut Vec<u8>, column: &Encoded) {
    out.push(column.encoding);
    put_bytes(out, &column.bytes);
}

fn encode_within(values: &[u64], depth: u8) -> Encoded {
    let put =
        |out: &mut Vec<u8>, values: &[u64]| put_column(out, &encode_within(values, depth - 1));
    match Choice::of(values, depth > 0) {
        Choice::Constant(value) => {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, zigzag(value as i64));
            Encoded { encoding: CONSTANT, bytes }
        }
        Choice::Packed { base, width } => {
            Encoded { encoding: PACKED, bytes: packed(values, base, width) }
        }
        Choice::Patched { base, width } => {
            Encoded { encoding: PATCHED, bytes: patched(values, base, width, put) }
        }
        Choice::Delta { first, deltas } => {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, zigzag(first as i64));
            put(&mut bytes, &deltas);
            Encoded { encoding: DELTA, bytes }
        }
        Choice::Runs { values, lengths } => {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, values.len() as u64);
            put(&mut bytes, &values);
            put(&mut bytes, &lengths);
            Encoded { encoding: RUNS, bytes }
        }
        Choice::Dictionary { distinct, places } => {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, distinct.len() as u64);
            put(&mut bytes, &distinct);
            put(&mut bytes, &places);
            Encoded { encoding: DICTIONARY, bytes }
        }
    }
}

fn packed(values: &[u64], base: u64, width: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed_bytes(values.len(), width) + 11);
    put_varint(&mut bytes, zigzag(base as i64));
    bytes.push(width as u8);
    pack(&mut bytes, width, values.iter().map(|value| value.wrapping_sub(base)));
    bytes
}

fn patched(values: &[u64], base: u64, width: u32, put: impl Fn(&mut Vec<u8>, &[u64])) -> Vec<u8> {
    let above = || values.iter().map(|value| value.wrapping_sub(base));
    let exceptions = || above().enumerate().filter(|(_, value)| value >> width != 0);
    let places: Vec<u64> = exceptions().map(|(place, _)| place as u64).collect();
    let high: Vec<u64> = exceptions().map(|(_, value)| value >> width).collect();
    let mut bytes = Vec::new();
    put_varint(&mut bytes, zigzag(base as i64));
    bytes.push(width as u8);
    put_varint(&mut bytes, places.len() as u64);
    pack(&mut bytes, width, above().map(|value| value & ((1 << width) - 1)));
    put(&mut bytes, &places);
    put(&mut bytes, &high);
    bytes
}

/// Decodes a column of `count` integers; whoever calls has bounded the count.
pub(crate) fn decode(encoding: u8, bytes: &[u8], count: usize) -> Result<Vec<u64>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let values = decode_within(&mut reader, encoding, count, DEPTH_MAX)?;
    reader.finish()?;
    Ok(values)
}

/// Takes a column that tells its encoding and length.
pub(crate) fn take_nested(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>, DecodeError> {
    nested(reader, count, DEPTH_MAX)
}

fn nested(reader: &mut Reader<'_>, count: usize, depth: u8) -> Result<Vec<u64>, DecodeError> {
    let encoding = reader.byte()?;
    let mut own = Reader::new(reader.bytes()?);
    let values = decode_within(&mut own, encoding, count, depth)?;
    own.finish()?;
    Ok(values)
}

fn decode_within(
    reader: &mut Reader<'_>,
    encoding: u8,
    count: usize,
    depth: u8,
) -> Result<Vec<u64>, DecodeError> {
    let below = depth.checked_sub(1);
    let too_deep = || DecodeError::damaged("columns nested less deep", "a deeper one");
    match encoding {
        CONSTANT => Ok(vec![unzigzag(reader.varint()?) as u64; count]),
        PACKED => {
            let base = unzigzag(reader.varint()?) as u64;
            let width = width(reader)?;
            unpack(reader.take(packed_bytes(count, width))?, width, count, base)
        }
        DELTA => decode_delta(reader, count, below.ok_or_else(too_deep)?),
        RUNS => decode_runs(reader, count, below.ok_or_else(too_deep)?),
        DICTIONARY => decode_dictionary(reader, count, below.ok_or_else(too_deep)?),
        PATCHED => decode_patched(reader, count, below.ok_or_else(too_deep)?),
        other => Err(unknown_encoding("integers", other)),
    }
}

fn width(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    match reader.byte()? {
        width @ 0..=64 => Ok(width.into()),
        width => Err(DecodeError::damaged("a width of at most 64 bits", width.to_string())),
    }
}

fn decode_delta(reader: &mut Reader<'_>, count: usize, depth: u8) -> Result<Vec<u64>, DecodeError> {
    let first = unzigzag(reader.varint()?) as u64;
    let differences = nested(reader, count.saturating_sub(1), depth)?;
    let mut values = Vec::with_capacity(count);
    values.extend((count > 0).then_some(first));
    let mut last = first;
    values.extend(differences.into_iter().map(|difference| {
        last = last.wrapping_add(difference);
        last
    }));
    Ok(values)
}

fn decode_runs(reader: &mut Reader<'_>, count: usize, depth: u8) -> Result<Vec<u64>, DecodeError> {
    let size = reader.varint_up_to(count, "runs in a column")?;
    let repeated = nested(reader, size, depth)?;
    let lengths = nested(reader, size, depth)?;
    let mut values = Vec::with_capacity(count);
    for (value, length) in repeated.into_iter().zip(lengths) {
        let left = count - values.len();
        let length =
            usize::try_from(length).ok().filter(|length| *length < left).ok_or_else(|| {
                DecodeError::damaged(format!("a run of at most {left}"), "a longer one")
            })?;
        values.resize(values.len() + length + 1, value);
    }
    match values.len() {
        found if found == count => Ok(values),
        found => Err(DecodeError::damaged(format!("{count} integers"), found.to_string())),
    }
}

fn decode_dictionary(
    reader: &mut Reader<'_>,
    count: usize,
    depth: u8,
) -> Result<Vec<u64>, DecodeError> {
    let size = reader.varint_up_to(count, "distinct integers in a column")?;
    let distinct = nested(reader, size, depth)?;
    let mut values = nested(reader, count, depth)?;
    for value in &mut values {
        let found = usize::try_from(*value).ok().and_then(|place| distinct.get(place));
        *value = *found.ok_or_else(|| {
            DecodeError::damaged(format!("one of {size} distinct integers"), value.to_string())
        })?;
    }
    Ok(values)
}

fn decode_patched(
    reader: &mut Reader<'_>,
    count: usize,
    depth: u8,
) -> Result<Vec<u64>, DecodeError> {
    let base = unzigzag(reader.varint()?) as u64;
    let width = width(reader)?;
    let size = reader.varint_up_to(count, "exceptions in a column")?;
    let mut values = unpack(reader.take(packed_bytes(count, width))?, width, count, base)?;
    let places = nested(reader, size, depth)?;
    let high = nested(reader, size, depth)?;
    for (place, high) in places.into_iter().zip(high) {
        let value = usize::try_from(place).ok().and_then(|place| values.get_mut(place));
        let value = value.ok_or_else(|| {
            DecodeError::damaged(format!("one of {count} places"), place.to_string())
        })?;
        *value = value.wrapping_add(high.checked_shl(width).unwrap_or(0));
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

    fn round_trips(values: &[u64]) -> Encoded {
        let encoded = encode(values);
        assert_eq!(decode(encoded.encoding, &encoded.bytes, values.len()).as_deref(), Ok(values));
        let aligned = encode_in_bytes(values);
        assert_eq!(decode(aligned.encoding, &aligned.bytes, values.len()).as_deref(), Ok(values));
        encoded
    }

    /// A column of four thousand, its encoding, and how large it may be.
    fn check(values: impl Iterator<Item = u64>, encoding: u8, bytes_max: usize) {
        let values: Vec<u64> = values.collect();
        let encoded = round_trips(&values);
        assert_eq!(encoded.encoding, encoding, "{} bytes", encoded.bytes.len());
        assert!(encoded.bytes.len() <= bytes_max, "{} bytes", encoded.bytes.len());
    }

    /// Numbers without a pattern.
    fn mixed(n: u64) -> u64 {
        let n = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (n ^ n >> 31).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 7
    }

    #[test]
    fn each_kind_of_column_is_as_small_as_it_can_be() {
        check((0..4000).map(|_| 1 << 50), CONSTANT, 8);
        check((0..4000).map(|n| (1 << 50) + mixed(n) % 1000), PACKED, 5020);
        check(1000..5000, DELTA, 12);
        check((0..4000).map(|n| n * 1000 + mixed(n) % 16), DELTA, 3000);
        check((0..4000).map(|n| n / 10), RUNS, 30);
        check((0..4000).map(|n| mixed(n / 9) % (1 << 30)), RUNS, 1800);
        check((0..4000).map(|n| mixed(mixed(n) % 7)), DICTIONARY, 1600);
        check((0..4000).map(|n| if n % 200 == 0 { mixed(n) } else { mixed(n) % 4 }), PATCHED, 1250);
        check((0..4000).map(|n| (mixed(n) % 100).wrapping_sub(50)), PACKED, 3520);
        check(0..1, CONSTANT, 1);
        check(0..0, CONSTANT, 1);
    }

    #[test]
    fn columns_that_are_nested_too_deep_are_damage() {
        let mut bytes = vec![0];
        let mut encoding = CONSTANT;
        for _ in 0..10 {
            let mut outer = vec![0];
            put_column(&mut outer, &Encoded { encoding, bytes });
            (bytes, encoding) = (outer, DELTA);
        }
        assert!(matches!(decode(encoding, &bytes, 20), Err(DecodeError::Damaged { .. })));
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![
            any::<u64>().boxed(),
            (0u64..3).boxed(),
            (0u64..1000).boxed(),
            (-3i64..3).prop_map(|value| value as u64).boxed(),
        ];
        let run = (value, prop_oneof![Just(1_usize), 1..30_usize]);
        let runs = prop::collection::vec(run, 0..100);
        (runs, any::<bool>()).prop_map(|(runs, ascending)| {
            let runs = runs.into_iter().map(|(value, length)| std::iter::repeat_n(value, length));
            let mut values: Vec<u64> = runs.flatten().collect();
            if ascending {
                values.sort_unstable();
            }
            values
        })
    }

    proptest! {
        #[test]
        fn columns_round_trip(values in values()) {
            round_trips(&values);
        }

        #[test]
        fn mutated_columns_never_panic(
            values in values(),
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            encoding in prop::option::of(0u8..9),
            count in 0usize..300,
        ) {
            let mut encoded = encode(&values);
            for (place, byte) in mutations {
                let place = place.index(encoded.bytes.len());
                encoded.bytes[place] = byte;
            }
            let encoding = encoding.unwrap_or(encoded.encoding);
            for count in [values.len(), count] {
                if let Ok(decoded) = decode(encoding, &encoded.bytes, count) {
                    prop_assert_eq!(decoded.len(), count);
                }
            }
        }
    }
}
