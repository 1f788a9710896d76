//! How reading and writing a bucket can fail, by what the caller does next.

/// A failure of a store, or of an object in it.
///
/// Absence is not a failure: reads answer `None`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The URL names no store that can be opened: fix the URL.
    #[error("{url}: {reason}")]
    Url {
        /// The URL as given, without secrets.
        url: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The store refused the credentials, or there are none: fix the configuration.
    #[error("{place}: access denied: {reason}")]
    Denied {
        /// The store or the object.
        place: String,
        /// What was refused, and where credentials come from.
        reason: String,
    },
    /// The place itself is not there: create the bucket or fix the URL.
    #[error("{place}: no such bucket, container or folder")]
    NoPlace {
        /// The store.
        place: String,
    },
    /// The store did not answer, or answered that it cannot now. A read may be repeated.
    #[error("{object}: the store did not answer: {reason}")]
    Unavailable {
        /// The object in question.
        object: String,
        /// What happened.
        reason: String,
    },
    /// The store cannot do what is asked of it, such as writing over `https://`.
    #[error("{place}: {reason}")]
    Unsupported {
        /// The store.
        place: String,
        /// What it cannot do.
        reason: String,
    },
    /// An object does not hold what was written: stop, and restore it.
    #[error("{object}: corrupt: expected {expected}, found {found}")]
    Corrupt {
        /// The object in question.
        object: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An object was written by a newer version of the software: upgrade this one.
    #[error("{object}: {what} is newer than this software understands: upgrade it")]
    TooNew {
        /// The object in question.
        object: String,
        /// The version or feature that is not understood.
        what: String,
    },
    /// An object that another one names is not there.
    #[error("{object}: missing, although it is referred to")]
    Missing {
        /// The object in question.
        object: String,
    },
}

impl StoreError {
    /// Whether the error is about what is in the store, and not about whether it answers: asking
    /// again changes nothing.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::TooNew { .. } | Self::Missing { .. })
    }
}
