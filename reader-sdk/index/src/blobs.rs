//! A column of byte strings.
//!
//! ```text
//! 1 plain       nested column of integers: how long each is; the bytes, one behind the other
//! 2 front       every how many of them stand whole (varint); nested columns of integers: how
//!               many bytes each shares with the one before, how many follow; the bytes that follow
//! 3 dictionary  how many distinct (varint), these as a column of encoding 1 or 2: encoding
//!               (1 byte), length (varint), payload; nested column of integers: the place of each
//! 4 elsewhere   see values/remote.rs
//! ```
//!
//! With a front every 128th stands whole, so that one can be found without decoding those far before
//! it. Distinct strings ascend.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ints::{self, Encoded};
use crate::wire::{DecodeError, Reader, put_bytes, put_varint};

pub(crate) const PLAIN: u8 = 1;
pub(crate) const FRONT: u8 = 2;
pub(crate) const DICTIONARY: u8 = 3;

/// Every how many strings one stands whole.
const RESTART_EVERY: usize = 128;

/// Decoded byte strings: one behind the other, each distinct one once if there is a dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Blobs {
    pub(crate) bytes: Vec<u8>,
    /// Where each ends.
    pub(crate) ends: Vec<u32>,
    /// The place of each among the strings; `None` where they stand in their own order.
    pub(crate) places: Option<Vec<u32>>,
}

impl Blobs {
    pub(crate) fn push(&mut self, blob: &[u8]) {
        self.bytes.extend_from_slice(blob);
        self.ends.push(self.bytes.len() as u32);
    }
}

/// From so many strings on it is tried whether few of them are distinct. Few in tests, where columns
/// are short.
const SHARED_FROM: usize = if cfg!(test) { 2 } else { 64 };
/// So many are looked at before all of them are.
const SAMPLED: usize = 256;

impl Blobs {
    /// The same strings in their own order, each distinct one once if that pays.
    pub(crate) fn shared(self) -> Self {
        let len = self.ends.len();
        if self.places.is_some() || len < SHARED_FROM {
            return self;
        }
        let blobs: Vec<&[u8]> =
            (0..len).map(|index| &self.bytes[place(&self.ends, index)]).collect();
        let sample = dictionary(&blobs[..len.min(SAMPLED)]);
        let Some((distinct, places)) = sample.and_then(|_| dictionary(&blobs)) else {
            return self;
        };
        let mut shared = Self::default();
        distinct.iter().for_each(|blob| shared.push(blob));
        // As many as strings, which `u32` counts.
        shared.places = Some(places.into_iter().map(|place| place as u32).collect());
        shared
    }
}

/// Where a string stands, by where each ends.
pub(crate) fn place(ends: &[u32], index: usize) -> Range<usize> {
    let start = index.checked_sub(1).map_or(0, |before| ends[before]);
    start as usize..ends[index] as usize
}

/// Encodes strings; how many bytes they take when decoded.
pub(crate) fn encode(blobs: &[&[u8]]) -> (Encoded, usize) {
    let Some((distinct, places)) = dictionary(blobs) else {
        let bytes = blobs.iter().map(|blob| blob.len()).sum();
        return (encode_whole(blobs), bytes);
    };
    let column = encode_whole(&distinct);
    let mut bytes = Vec::new();
    put_varint(&mut bytes, distinct.len() as u64);
    bytes.push(column.encoding);
    put_bytes(&mut bytes, &column.bytes);
    ints::put_nested(&mut bytes, &places);
    let decoded = distinct.iter().map(|blob| blob.len()).sum();
    (Encoded { encoding: DICTIONARY, bytes }, decoded)
}

/// The distinct strings, ascending, and the place of each string among them; if that pays.
fn dictionary<'a>(blobs: &[&'a [u8]]) -> Option<(Vec<&'a [u8]>, Vec<u64>)> {
    if blobs.len() < 2 {
        return None;
    }
    let mut places = BTreeMap::new();
    for blob in blobs {
        places.insert(*blob, 0);
        if places.len() > blobs.len() / 2 {
            return None;
        }
    }
    places.values_mut().zip(0..).for_each(|(slot, place)| *slot = place);
    let column = blobs.iter().filter_map(|blob| places.get(blob).copied()).collect();
    Some((places.into_keys().collect(), column))
}

fn encode_whole(blobs: &[&[u8]]) -> Encoded {
    let shared = shared_bytes(blobs);
    let mut bytes = Vec::new();
    if shared.iter().sum::<u64>() <= blobs.len() as u64 {
        let lengths: Vec<u64> = blobs.iter().map(|blob| blob.len() as u64).collect();
        ints::put_nested(&mut bytes, &lengths);
        blobs.iter().for_each(|blob| bytes.extend_from_slice(blob));
        return Encoded { encoding: PLAIN, bytes };
    }
    let own = |(blob, shared): (&&[u8], &u64)| blob.len() as u64 - shared;
    let lengths: Vec<u64> = blobs.iter().zip(&shared).map(own).collect();
    put_varint(&mut bytes, RESTART_EVERY as u64);
    ints::put_nested(&mut bytes, &shared);
    ints::put_nested(&mut bytes, &lengths);
    for (blob, shared) in blobs.iter().zip(shared) {
        bytes.extend_from_slice(&blob[shared as usize..]);
    }
    Encoded { encoding: FRONT, bytes }
}

/// How many bytes each string shares with the one before it, unless it is to stand whole.
fn shared_bytes(blobs: &[&[u8]]) -> Vec<u64> {
    let mut before: &[u8] = &[];
    let mut shared = Vec::with_capacity(blobs.len());
    for (index, blob) in blobs.iter().enumerate() {
        let same = blob.iter().zip(before).take_while(|(x, y)| x == y).count();
        shared.push(if index % RESTART_EVERY == 0 { 0 } else { same as u64 });
        before = blob;
    }
    shared
}

/// Decodes `count` strings that take at most so many bytes when decoded; whoever calls has
/// bounded both.
pub(crate) fn decode(
    encoding: u8,
    bytes: &[u8],
    count: usize,
    decoded_max: usize,
) -> Result<Blobs, DecodeError> {
    let mut reader = Reader::new(bytes);
    if encoding != DICTIONARY {
        return decode_whole(encoding, reader, count, decoded_max);
    }
    let size = reader.varint_up_to(count, "distinct strings in a column")?;
    let encoding = reader.byte()?;
    let distinct = Reader::new(reader.bytes()?);
    let distinct = decode_whole(encoding, distinct, size, decoded_max)?;
    let places = ints::take_nested(&mut reader, count)?;
    reader.finish()?;
    let checked = |place: u64| match u32::try_from(place) {
        Ok(place) if (place as usize) < size => Ok(place),
        _ => Err(DecodeError::damaged(format!("one of {size} strings"), place.to_string())),
    };
    let places = places.into_iter().map(checked).collect::<Result<_, _>>()?;
    Ok(Blobs { places: Some(places), ..distinct })
}

fn decode_whole(
    encoding: u8,
    reader: Reader<'_>,
    count: usize,
    decoded_max: usize,
) -> Result<Blobs, DecodeError> {
    match encoding {
        PLAIN => decode_plain(reader, count, decoded_max),
        FRONT => decode_front(reader, count, decoded_max),
        other => Err(ints::unknown_encoding("strings", other)),
    }
}

fn decode_plain(
    mut reader: Reader<'_>,
    count: usize,
    decoded_max: usize,
) -> Result<Blobs, DecodeError> {
    let lengths = ints::take_nested(&mut reader, count)?;
    let bytes = reader.rest();
    let mut end = 0_u64;
    let mut ends = Vec::with_capacity(count);
    for length in lengths {
        end = end.saturating_add(length);
        ends.push(u32::try_from(end).unwrap_or(u32::MAX));
    }
    if end != bytes.len() as u64 || bytes.len() > decoded_max.min(u32::MAX as usize) {
        return Err(DecodeError::damaged(
            format!("{end} bytes of strings, at most {decoded_max}"),
            format!("{} bytes", bytes.len()),
        ));
    }
    Ok(Blobs { bytes: bytes.to_vec(), ends, places: None })
}

fn decode_front(
    mut reader: Reader<'_>,
    count: usize,
    decoded_max: usize,
) -> Result<Blobs, DecodeError> {
    let restart_every = reader.varint()?;
    let shared = ints::take_nested(&mut reader, count)?;
    let own = ints::take_nested(&mut reader, count)?;
    let decoded_max = decoded_max.min(u32::MAX as usize);
    let mut blobs = Blobs { ends: Vec::with_capacity(count), ..Blobs::default() };
    let mut before = 0..0;
    for (index, (shared, own)) in shared.into_iter().zip(own).enumerate() {
        let is_whole = (index as u64).checked_rem(restart_every).is_none_or(|rest| rest == 0);
        let max = if is_whole { 0 } else { before.len() as u64 };
        let own = reader.take(usize::try_from(own).unwrap_or(usize::MAX))?;
        let start = blobs.bytes.len();
        let end = start.saturating_add(shared as usize).saturating_add(own.len());
        if shared > max || end > decoded_max {
            return Err(DecodeError::damaged(
                format!("at most {max} shared bytes, and {decoded_max} bytes in all"),
                format!("{shared} shared bytes, and {end} bytes"),
            ));
        }
        blobs.bytes.extend_from_within(before.start..before.start + shared as usize);
        blobs.bytes.extend_from_slice(own);
        blobs.ends.push(end as u32);
        before = start..end;
    }
    reader.finish()?;
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trips(blobs: &[&[u8]]) -> Encoded {
        let (encoded, bytes) = encode(blobs);
        let decoded = decode(encoded.encoding, &encoded.bytes, blobs.len(), bytes).unwrap();
        assert_eq!(decoded.bytes.len(), bytes);
        for (index, blob) in blobs.iter().enumerate() {
            let own = decoded.places.as_ref().map_or(index, |places| places[index] as usize);
            assert_eq!(&decoded.bytes[place(&decoded.ends, own)], *blob);
        }
        if bytes > 0 {
            let error = decode(encoded.encoding, &encoded.bytes, blobs.len(), bytes - 1);
            assert!(matches!(error, Err(DecodeError::Damaged { .. })));
        }
        encoded
    }

    fn check(texts: impl Iterator<Item = String>, encoding: u8, bytes_max: usize) {
        let texts: Vec<String> = texts.collect();
        let blobs: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let encoded = round_trips(&blobs);
        assert_eq!(encoded.encoding, encoding);
        assert!(encoded.bytes.len() <= bytes_max, "{} bytes", encoded.bytes.len());
    }

    #[test]
    fn each_kind_of_column_is_small() {
        check((0..4000).map(|n| format!("person{n:08}@example.org")), FRONT, 60_000);
        check((0..4000).map(|n| format!("color {}", n % 7)), DICTIONARY, 1600);
        check((0..50).map(|n| char::from(b'0' + n).to_string()), PLAIN, 60);
        check(std::iter::empty(), PLAIN, 3);
    }

    #[test]
    fn strings_of_which_few_are_distinct_are_shared() {
        for (distinct, len) in [(1, 1), (1, 2), (3, 10), (9, 10), (100, 1000), (900, 1000)] {
            let strings: Vec<String> = (0..len).map(|n| format!("{:03}", n % distinct)).collect();
            let mut blobs = Blobs::default();
            strings.iter().for_each(|string| blobs.push(string.as_bytes()));
            let shared = blobs.clone().shared();
            assert_eq!(shared.places.is_some(), len > 1 && distinct * 2 <= len, "{distinct}");
            let own = |n: usize| shared.places.as_ref().map_or(n, |places| places[n] as usize);
            for (n, string) in strings.iter().enumerate() {
                assert_eq!(&shared.bytes[place(&shared.ends, own(n))], string.as_bytes());
            }
        }
    }

    fn strings() -> impl Strategy<Value = Vec<String>> {
        let string = prop_oneof!["[ab]{0,3}", "(shared beginning )?[a-z]{0,9}"];
        prop::collection::vec(string, 0..300)
    }

    proptest! {
        #[test]
        fn columns_round_trip(mut strings in strings(), sorted: bool) {
            if sorted {
                strings.sort();
            }
            round_trips(&strings.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn mutated_columns_never_panic(
            strings in strings(),
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            encoding in prop::option::of(0u8..5),
            count in 0usize..400,
        ) {
            let blobs: Vec<&[u8]> = strings.iter().map(String::as_bytes).collect();
            let (mut encoded, bytes) = encode(&blobs);
            for (place, byte) in mutations {
                let place = place.index(encoded.bytes.len());
                encoded.bytes[place] = byte;
            }
            let encoding = encoding.unwrap_or(encoded.encoding);
            for count in [blobs.len(), count] {
                if let Ok(decoded) = decode(encoding, &encoded.bytes, count, bytes) {
                    prop_assert!(decoded.bytes.len() <= bytes);
                    let own = decoded.places.as_ref().map_or(decoded.ends.len(), Vec::len);
                    prop_assert_eq!(own, count);
                }
            }
        }
    }
}
