//! Savepoints: what it takes to go on with a load in another process.

use std::str::FromStr;

use duramen_db::{LogSum, NextIds, SegmentRef};
use duramen_model::T;
use duramen_store::envelope::ContentHash;
use serde::{Deserialize, Serialize};

use super::error::BulkError;

/// How far a load is for good: what is needed to go on from here is in the bucket and in spills.
///
/// It is only of use with the folder that the load worked in, after the same schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Savepoint {
    /// The id of the database to be.
    pub id: String,
    /// The instant of its transactions, in milliseconds since 1970.
    pub instant_ms: i64,
    /// What the load was told about its input, after the last transaction.
    pub mark: u64,
    /// The last transaction.
    pub t: u64,
    /// The facts so far.
    pub facts: u64,
    pub(crate) next_attribute: u64,
    pub(crate) next_user: u64,
    pub(crate) referred: u64,
    pub(crate) sum: String,
    pub(crate) segments: Vec<SavedSegment>,
    pub(crate) spills: Vec<String>,
}

/// A reference to a segment, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedSegment {
    name: String,
    first: u64,
    last: u64,
    bytes: u64,
    hash: String,
}

impl SavedSegment {
    pub(crate) fn of(segment: &SegmentRef) -> Self {
        Self {
            name: segment.name.to_string(),
            first: segment.t_first.get(),
            last: segment.t_last.get(),
            bytes: segment.bytes,
            hash: hex(&segment.hash.0),
        }
    }

    fn restore(&self) -> Result<SegmentRef, BulkError> {
        Ok(SegmentRef {
            name: parse(&self.name)?,
            t_first: t(self.first)?,
            t_last: t(self.last)?,
            bytes: self.bytes,
            hash: ContentHash(bytes(&self.hash)?),
        })
    }
}

impl Savepoint {
    pub(crate) fn t(&self) -> Result<T, BulkError> {
        t(self.t)
    }

    pub(crate) const fn next_ids(&self) -> NextIds {
        NextIds { attribute: self.next_attribute, user: self.next_user }
    }

    pub(crate) fn sum(&self) -> Result<LogSum, BulkError> {
        bytes(&self.sum).map(LogSum)
    }

    /// The names of the spills, none of which leads out of a folder.
    pub(crate) fn spills(&self) -> Result<Vec<String>, BulkError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        match self.spills.iter().find(|name| !name.chars().all(plain)) {
            Some(name) => Err(wrong(name)),
            None => Ok(self.spills.clone()),
        }
    }

    pub(crate) fn log(&self) -> Result<Vec<SegmentRef>, BulkError> {
        self.segments.iter().map(SavedSegment::restore).collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn parse<V: FromStr>(text: &str) -> Result<V, BulkError> {
    text.parse().map_err(|_| wrong(text))
}

fn bytes(text: &str) -> Result<[u8; 32], BulkError> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong(text));
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong(text))?;
    }
    Ok(bytes)
}

fn t(number: u64) -> Result<T, BulkError> {
    T::new(number).ok_or_else(|| wrong(number))
}

fn wrong(what: impl std::fmt::Display) -> BulkError {
    BulkError::Savepoint { reason: format!("{what} is none of what is written there") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_and_read() {
        let sum: [u8; 32] = std::array::from_fn(|n| n as u8 * 8);
        assert_eq!(bytes(&hex(&sum)).unwrap(), sum);
        assert!(bytes("00").is_err());
        assert!(bytes(&"é".repeat(32)).is_err());
    }
}
