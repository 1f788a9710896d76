//! Bit packing: integers of so many bits each, lowest bit first, one behind the other.

use crate::wire::DecodeError;

/// How many bits an integer takes.
pub(crate) const fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// How many bytes so many integers of a width take.
pub(crate) const fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Packs integers, each of which fits into the width.
pub(crate) fn pack(out: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u64>) {
    let (mut word, mut bits) = (0_u128, 0);
    for value in values {
        word |= u128::from(value) << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&(word as u64).to_le_bytes());
            word >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    let rest = word.to_le_bytes();
    out.extend_from_slice(&rest[..bits.div_ceil(8) as usize]);
}

/// Unpacks `count` integers, and adds a base to each. The bytes must be as many as it takes.
pub(crate) fn unpack(
    bytes: &[u8],
    width: u32,
    count: usize,
    base: u64,
) -> Result<Vec<u64>, DecodeError> {
    if width > u64::BITS || bytes.len() != packed_bytes(count, width) {
        return Err(DecodeError::damaged(
            format!("{count} integers of at most 64 bits"),
            format!("{} bytes for {width} bits each", bytes.len()),
        ));
    }
    Ok(match width {
        0 => vec![base; count],
        8 => bytes.iter().map(|byte| base.wrapping_add(u64::from(*byte))).collect(),
        16 => aligned(bytes, |chunk| u64::from(u16::from_le_bytes(chunk)), base),
        32 => aligned(bytes, |chunk| u64::from(u32::from_le_bytes(chunk)), base),
        64 => aligned(bytes, u64::from_le_bytes, base),
        _ => unaligned(bytes, width as usize, count, base),
    })
}

fn aligned<const LENGTH: usize>(
    bytes: &[u8],
    integer: impl Fn([u8; LENGTH]) -> u64,
    base: u64,
) -> Vec<u64> {
    let (chunks, _) = bytes.as_chunks::<LENGTH>();
    chunks.iter().map(|chunk| base.wrapping_add(integer(*chunk))).collect()
}

/// How far one read of an integer that begins within a byte reaches.
const READ_BYTES: usize = 16;

fn unaligned(bytes: &[u8], width: usize, count: usize, base: u64) -> Vec<u64> {
    let mask = (1_u64 << width) - 1;
    // What begins so late that a whole read would reach beyond the end is read from a copy.
    let safe = match bytes.len().checked_sub(READ_BYTES) {
        Some(last) => ((last * 8 + 7) / width + 1).min(count),
        None => 0,
    };
    let mut values = Vec::with_capacity(count);
    // Up to 57 bits and those before them in the byte fit into one word.
    if width <= 57 {
        values.extend((0..safe).map(|index| {
            let bit = index * width;
            base.wrapping_add(word_at(bytes, bit / 8) >> (bit % 8) & mask)
        }));
    } else {
        values
            .extend((0..safe).map(|index| base.wrapping_add(wide_at(bytes, index * width, mask))));
    }
    let begins = safe * width / 8;
    let mut tail = bytes[begins.min(bytes.len())..].to_vec();
    tail.resize(tail.len() + READ_BYTES, 0);
    values.extend(
        (safe..count)
            .map(|index| base.wrapping_add(wide_at(&tail, index * width - begins * 8, mask))),
    );
    values
}

fn word_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn wide_at(bytes: &[u8], bit: usize, mask: u64) -> u64 {
    let mut word = [0; READ_BYTES];
    word.copy_from_slice(&bytes[bit / 8..bit / 8 + READ_BYTES]);
    (u128::from_le_bytes(word) >> (bit % 8)) as u64 & mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            width in 0_u32..=64, values in prop::collection::vec(any::<u64>(), 0..200), base: u64,
        ) {
            let mask = 1_u64.checked_shl(width).map_or(u64::MAX, |bit| bit - 1);
            let values: Vec<u64> = values.into_iter().map(|value| value & mask).collect();
            let mut bytes = Vec::new();
            pack(&mut bytes, width, values.iter().copied());
            prop_assert_eq!(bytes.len(), packed_bytes(values.len(), width));
            let unpacked = unpack(&bytes, width, values.len(), base).unwrap();
            let expected: Vec<u64> = values.iter().map(|value| base.wrapping_add(*value)).collect();
            prop_assert_eq!(unpacked, expected);
            bytes.push(0);
            prop_assert!(unpack(&bytes, width, values.len(), base).is_err());
        }
    }
}
