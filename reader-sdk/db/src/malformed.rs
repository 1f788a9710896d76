//! Bytes that decode to nothing.

use std::fmt;

use duramen_model::T;
use duramen_store::StoreError;
use duramen_store::envelope::ContentHash;
use duramen_store::layout::{DatabaseId, ObjectName};

use crate::DbError;

/// What is wrong with stored bytes; the name of their object is added by whoever fetched them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    expected: String,
    found: String,
}

impl Malformed {
    pub(crate) fn new(expected: impl Into<String>, found: impl ToString) -> Self {
        Self { expected: expected.into(), found: found.to_string() }
    }

    /// The error about an object.
    pub(crate) fn within(self, object: impl fmt::Display) -> StoreError {
        StoreError::Corrupt {
            object: object.to_string(),
            expected: self.expected,
            found: self.found,
        }
    }

    /// The error about a transaction record that comes from no object.
    pub(crate) fn record(self, t: T) -> DbError {
        DbError::InvalidRecord { t, expected: self.expected, found: self.found }
    }
}

impl From<prost::DecodeError> for Malformed {
    fn from(error: prost::DecodeError) -> Self {
        Self::new("a protobuf message", error)
    }
}

/// Takes bytes whose length is fixed.
pub(crate) fn fixed<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| {
        Malformed::new(format!("{what} of {N} bytes"), format!("{} bytes", bytes.len()))
    })
}

/// Takes the number of a transaction.
pub(crate) fn t(number: u64) -> Result<T, Malformed> {
    T::new(number).ok_or_else(|| Malformed::new("a transaction number under 2^48", number))
}

/// Takes the first and the last transaction of a stretch.
pub(crate) fn stretch(first: u64, last: u64) -> Result<(T, T), Malformed> {
    let (first, last) = (t(first)?, t(last)?);
    if first > last {
        let found = format!("{first} to {last}");
        return Err(Malformed::new("the first transaction before the last", found));
    }
    Ok((first, last))
}

/// Takes the name of an object.
pub(crate) fn name(text: &str) -> Result<ObjectName, Malformed> {
    text.parse().map_err(|_| Malformed::new("the name of an object", format!("{text:?}")))
}

pub(crate) fn same_hash(found: ContentHash, expected: ContentHash) -> Result<(), Malformed> {
    match found == expected {
        true => Ok(()),
        false => Err(Malformed::new(format!("the object with hash {expected}"), found)),
    }
}

pub(crate) fn same_length(found: usize, expected: u64) -> Result<(), Malformed> {
    match found as u64 == expected {
        true => Ok(()),
        false => Err(Malformed::new(format!("{expected} bytes"), format!("{found} bytes"))),
    }
}

pub(crate) fn same_database(found: &[u8], expected: DatabaseId) -> Result<(), Malformed> {
    match DatabaseId(fixed(found, "a database id")?) {
        found if found == expected => Ok(()),
        found => Err(Malformed::new(format!("database {expected}"), format!("database {found}"))),
    }
}
