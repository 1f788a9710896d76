//! The smallest pieces of a stored node, and the checked reader of them.
//!
//! ```text
//! varint   LEB128: seven bits a byte, lowest first, at most ten bytes
//! zigzag   a signed difference as 0, -1, 1, -2, … = 0, 1, 2, 3, …
//! bytes    length (varint), then so many bytes
//! ```

use duramen_store::StoreError;

/// Why bytes are not what they should be. Whoever knows the object's name makes it an error that
/// names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DecodeError {
    Damaged { expected: String, found: String },
    TooNew { what: String },
}

impl DecodeError {
    pub(crate) fn damaged(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Damaged { expected: expected.into(), found: found.into() }
    }

    /// The error with the name of the object.
    pub(crate) fn of_object(self, object: String) -> StoreError {
        match self {
            Self::Damaged { expected, found } => StoreError::Corrupt { object, expected, found },
            Self::TooNew { what } => StoreError::TooNew { object, what },
        }
    }
}

/// Reads stored bytes front to back. Never beyond the end, and never trusts a length.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(DecodeError::damaged(
                format!("{length} more bytes"),
                format!("{} bytes to the end of the node", self.rest.len()),
            ));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], DecodeError> {
        let mut array = [0; LENGTH];
        array.copy_from_slice(self.take(LENGTH)?);
        Ok(array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::damaged("a varint of at most 64 bits", "a longer one"))
    }

    /// A number that is at most `max`.
    pub(crate) fn varint_up_to(&mut self, max: usize, what: &str) -> Result<usize, DecodeError> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(value) if value <= max => Ok(value),
            _ => Err(DecodeError::damaged(format!("at most {max} {what}"), value.to_string())),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint_up_to(self.rest.len(), "bytes to the end of the node")?;
        self.take(length)
    }

    /// What is left, all of it.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// What is left, which stays there.
    pub(crate) fn left(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    /// Makes sure that nothing is left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::damaged("the end of the node", format!("{left} more bytes"))),
        }
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_round_trip(value: u64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn zigzag_round_trips(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn overlong_varints_are_damage() {
        assert!(Reader::new(&[0xFF; 11]).varint().is_err());
        assert!(Reader::new(&[0x80; 3]).varint().is_err());
    }

    #[test]
    fn a_length_beyond_the_end_is_damage() {
        assert!(Reader::new(&[0xFF, 0xFF, 0x7F, 1]).bytes().is_err());
    }
}
