//! A column of strings of which the long ones are stored elsewhere.
//!
//! ```text
//! how many are elsewhere (varint), at least one
//! nested columns of integers: which of the strings they are, ascending; how long each is
//! the BLAKE3 of each (32 bytes)
//! what stands here, each string or what it begins with, as a column of encoding 1 to 3:
//!   encoding (1 byte), length (varint), payload
//! ```
//!
//! A string begins here with 256 bytes; with up to three less, so that text is cut between
//! characters. So strings can be compared without being fetched unless they begin alike.

use std::collections::BTreeMap;

use bytes::Bytes;
use duramen_model::Value;

use crate::NodeHash;
use crate::blobs::{self, Blobs};
use crate::ints::{self, Encoded};
use crate::wire::{DecodeError, Reader, put_bytes, put_varint};

/// The encoding of such a column.
pub(crate) const ELSEWHERE: u8 = 4;
/// How long a value is at most that stands where it is used, in bytes.
pub(crate) const HERE_BYTES_MAX: usize = 4096;
/// With how many bytes a value begins here that is stored elsewhere.
const PREFIX_BYTES: usize = 256;

/// A value that is stored elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) hash: NodeHash,
    pub(crate) length: u32,
}

/// A column whose long strings are not here yet.
#[derive(Debug)]
pub(crate) struct Stubs {
    /// Which of the strings are elsewhere, ascending.
    remotes: Vec<(usize, Remote)>,
    here: Blobs,
    decoded_max: usize,
}

/// The bytes of a value that is stored elsewhere, where that is done at all.
pub(crate) fn large_bytes(value: &Value) -> Option<&[u8]> {
    let bytes = match value {
        Value::String(text) | Value::Uri(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => return None,
    };
    (bytes.len() > HERE_BYTES_MAX).then_some(bytes)
}

/// Encodes strings of which the long ones are stored elsewhere, and how many bytes they take when
/// all are here. `None` if none is long.
pub(crate) fn encode(strings: &[&[u8]]) -> Option<(Encoded, usize)> {
    let long = |(_, string): &(usize, &&[u8])| string.len() > HERE_BYTES_MAX;
    let remotes: Vec<(usize, &&[u8])> = strings.iter().enumerate().filter(long).collect();
    if remotes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    put_varint(&mut bytes, remotes.len() as u64);
    let column = |of: fn(&(usize, &&[u8])) -> u64| remotes.iter().map(of).collect::<Vec<u64>>();
    ints::put_nested(&mut bytes, &column(|(place, _)| *place as u64));
    ints::put_nested(&mut bytes, &column(|(_, string)| string.len() as u64));
    for (_, string) in &remotes {
        bytes.extend_from_slice(NodeHash::of(string).as_bytes());
    }
    let here: Vec<&[u8]> = strings.iter().map(|string| beginning(string)).collect();
    let (here, _) = blobs::encode(&here);
    bytes.push(here.encoding);
    put_bytes(&mut bytes, &here.bytes);
    let decoded = strings.iter().map(|string| string.len()).sum();
    Some((Encoded { encoding: ELSEWHERE, bytes }, decoded))
}

/// What stands here of a string.
fn beginning(string: &[u8]) -> &[u8] {
    if string.len() <= HERE_BYTES_MAX {
        return string;
    }
    let is_cut_between = |end: &usize| string[*end] & 0xC0 != 0x80;
    let end = (PREFIX_BYTES - 3..=PREFIX_BYTES).rev().find(is_cut_between);
    &string[..end.unwrap_or(PREFIX_BYTES)]
}

impl Stubs {
    /// Decodes `count` strings that take at most so many bytes when all are here; whoever calls
    /// has bounded both.
    pub(crate) fn decode(
        bytes: &[u8],
        count: usize,
        decoded_max: usize,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let size = reader.varint_up_to(count, "values that are stored elsewhere")?;
        let places = ints::take_nested(&mut reader, size)?;
        let lengths = ints::take_nested(&mut reader, size)?;
        let mut remotes: Vec<(usize, Remote)> = Vec::new();
        for (place, length) in places.into_iter().zip(lengths) {
            let hash = NodeHash::from_bytes(reader.array()?);
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let is_next = remotes.last().is_none_or(|(before, _)| *before < place);
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            if !is_next || place >= count || length as usize > decoded_max {
                return Err(DecodeError::damaged(
                    format!("ascending places below {count}, lengths up to {decoded_max}"),
                    format!("place {place}, length {length}"),
                ));
            }
            remotes.push((place, Remote { hash, length }));
        }
        let encoding = reader.byte()?;
        let here = blobs::decode(encoding, reader.bytes()?, count, decoded_max)?;
        reader.finish()?;
        Ok(Self { remotes, here, decoded_max })
    }

    /// The values that are elsewhere.
    pub(crate) fn remotes(&self) -> impl Iterator<Item = Remote> {
        self.remotes.iter().map(|(_, remote)| *remote)
    }

    /// The whole column, with the values that were elsewhere, which have been compared with their
    /// hashes.
    pub(crate) fn fill(&self, found: &BTreeMap<NodeHash, Bytes>) -> Result<Blobs, DecodeError> {
        let count = self.here.places.as_ref().map_or(self.here.ends.len(), Vec::len);
        let mut remotes = self.remotes.iter().peekable();
        let mut blobs = Blobs::default();
        for index in 0..count {
            let own = self.here.places.as_ref().map_or(index, |places| places[index] as usize);
            let here = &self.here.bytes[blobs::place(&self.here.ends, own)];
            let whole = match remotes.next_if(|(place, _)| *place == index) {
                Some((_, remote)) => whole(remote, here, found)?,
                None => here,
            };
            if blobs.bytes.len() + whole.len() > self.decoded_max.min(u32::MAX as usize) {
                let expected = format!("values of at most {} bytes", self.decoded_max);
                return Err(DecodeError::damaged(expected, "more"));
            }
            blobs.push(whole);
        }
        Ok(blobs)
    }
}

fn whole<'a>(
    remote: &Remote,
    here: &[u8],
    found: &'a BTreeMap<NodeHash, Bytes>,
) -> Result<&'a [u8], DecodeError> {
    let Remote { hash, length } = remote;
    let whole = found.get(hash).filter(|whole| whole.len() as u64 == u64::from(*length));
    whole.filter(|whole| whole.starts_with(here)).map(Bytes::as_ref).ok_or_else(|| {
        let expected = format!("a value of {length} bytes, BLAKE3 {hash}, that begins as it does");
        DecodeError::damaged(expected, "another one, or none")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = Vec<String>> {
        let long = ("[aé]{250,260}", 4000usize..6000);
        let text = prop_oneof![
            "[a-z]{0,5}",
            long.prop_map(|(beginning, length)| beginning + &"x".repeat(length)),
        ];
        prop::collection::vec(text, 1..20)
    }

    fn found(strings: &[&[u8]]) -> BTreeMap<NodeHash, Bytes> {
        let long = strings.iter().filter(|string| string.len() > HERE_BYTES_MAX);
        long.map(|string| (NodeHash::of(string), Bytes::copy_from_slice(string))).collect()
    }

    proptest! {
        #[test]
        fn columns_round_trip(texts in texts()) {
            let strings: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            let mut found = found(&strings);
            let Some((encoded, decoded)) = encode(&strings) else {
                prop_assert!(found.is_empty());
                return Ok(());
            };
            prop_assert!(encoded.bytes.len() < strings.len() * 400);
            let stubs = Stubs::decode(&encoded.bytes, strings.len(), decoded).unwrap();
            for remote in stubs.remotes() {
                prop_assert_eq!(found[&remote.hash].len(), remote.length as usize);
            }
            let whole = stubs.fill(&found).unwrap();
            for (index, string) in strings.iter().enumerate() {
                prop_assert_eq!(&whole.bytes[blobs::place(&whole.ends, index)], *string);
            }
            found.pop_first();
            prop_assert!(stubs.fill(&found).is_err());
        }

        #[test]
        fn mutated_columns_never_panic(
            texts in texts(),
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            count in 0usize..40,
        ) {
            let strings: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            let Some((mut encoded, decoded)) = encode(&strings) else { return Ok(()) };
            for (place, byte) in mutations {
                let place = place.index(encoded.bytes.len());
                encoded.bytes[place] = byte;
            }
            for count in [strings.len(), count] {
                if let Ok(stubs) = Stubs::decode(&encoded.bytes, count, decoded)
                    && let Ok(whole) = stubs.fill(&found(&strings))
                {
                    prop_assert!(whole.bytes.len() <= decoded);
                    prop_assert_eq!(whole.ends.len(), count);
                }
            }
        }
    }
}
