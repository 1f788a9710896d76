//! A column of text that is hexadecimal, as hashes are: half as long as the text.
//!
//! ```text
//! the bytes that each text says, two digits each, the higher first, as a column of encoding 1 to 3:
//!   encoding (1 byte), payload
//! ```
//!
//! All texts are of lowercase digits, and of even length.

use crate::blobs::{self, Blobs};
use crate::ints::Encoded;
use crate::wire::{DecodeError, Reader};

/// The encoding of such a column.
pub(super) const HEXADECIMAL: u8 = 5;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Encodes strings, and how many bytes they take when decoded. `None` if one is not hexadecimal.
pub(super) fn encode(strings: &[&[u8]]) -> Option<(Encoded, usize)> {
    let said: Vec<Vec<u8>> = strings.iter().map(|text| said(text)).collect::<Option<_>>()?;
    let said: Vec<&[u8]> = said.iter().map(Vec::as_slice).collect();
    let (column, decoded) = blobs::encode(&said);
    let mut bytes = vec![column.encoding];
    bytes.extend_from_slice(&column.bytes);
    Some((Encoded { encoding: HEXADECIMAL, bytes }, 2 * decoded))
}

/// The bytes that a text says.
fn said(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks();
    let byte = |[high, low]: &[u8; 2]| Some(value(*high)? << 4 | value(*low)?);
    pairs.iter().map(byte).collect::<Option<_>>().filter(|_| rest.is_empty())
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Decodes `count` strings that take at most so many bytes when decoded; whoever calls has
/// bounded both.
pub(super) fn decode(bytes: &[u8], count: usize, decoded_max: usize) -> Result<Blobs, DecodeError> {
    let mut reader = Reader::new(bytes);
    let encoding = reader.byte()?;
    let said_max = decoded_max.min(u32::MAX as usize) / 2;
    let said = blobs::decode(encoding, reader.rest(), count, said_max)?;
    let mut text = Vec::with_capacity(2 * said.bytes.len());
    for byte in said.bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    // No end is beyond the bytes, of which there are less than half of what fits.
    let ends = said.ends.into_iter().map(|end| 2 * end).collect();
    Ok(Blobs { bytes: text, ends, places: said.places })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(texts: &[String]) -> Option<Encoded> {
        let strings: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let (encoded, bytes) = encode(&strings)?;
        let decoded = decode(&encoded.bytes, texts.len(), bytes).unwrap();
        assert_eq!(decoded.bytes.len(), bytes);
        for (index, string) in strings.iter().enumerate() {
            let own = decoded.places.as_ref().map_or(index, |places| places[index] as usize);
            assert_eq!(&decoded.bytes[blobs::place(&decoded.ends, own)], *string);
        }
        if bytes > 0 {
            assert!(decode(&encoded.bytes, texts.len(), bytes - 1).is_err());
        }
        Some(encoded)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn only_text_that_comes_back_is_taken() {
        for text in ["0", "0g", "0G", "AB", "ab ", "é0", "0x"] {
            assert!(check(&texts(&["ab", text])).is_none(), "{text:?}");
        }
        check(&texts(&["ab", "", "00ff", "ab"])).unwrap();
        let hashes: Vec<String> =
            (0..100_u8).map(|n| crate::NodeHash::of(&[n]).to_string()).collect();
        let encoded = check(&hashes).unwrap();
        assert!(encoded.bytes.len() < 100 * 32 + 20, "{} bytes", encoded.bytes.len());
    }

    proptest! {
        #[test]
        fn columns_round_trip(mut texts in prop::collection::vec("([0-9a-f]{2}){0,5}", 0..200)) {
            check(&texts).unwrap();
            texts.sort();
            check(&texts).unwrap();
        }

        #[test]
        fn mutated_columns_never_panic(
            texts in prop::collection::vec("([0-9a-f]{2}){0,5}", 0..200),
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            count in 0_usize..300,
        ) {
            let strings: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            let (mut encoded, bytes) = encode(&strings).unwrap();
            for (place, byte) in mutations {
                let place = place.index(encoded.bytes.len());
                encoded.bytes[place] = byte;
            }
            for count in [texts.len(), count] {
                if let Ok(decoded) = decode(&encoded.bytes, count, bytes) {
                    prop_assert!(decoded.bytes.len() <= bytes);
                    prop_assert!(decoded.ends.iter().all(|end| *end as usize <= bytes));
                }
            }
        }
    }
}
