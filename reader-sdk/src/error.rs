//! How the SDK can fail, by what the caller does next.

use std::sync::Arc;

use duramen_db::DbError;
use duramen_query::pull::{PullError, PullErrorKind};
use duramen_query::{QueryError, QueryErrorKind};
use duramen_store::StoreError;

/// A failure of the SDK. [`Error::kind`] says what to do about it, the message what happened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL that names no database.
    #[error("{url}: {reason}")]
    Url {
        /// The URL as given, without secrets.
        url: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The database could not be opened or read.
    #[error(transparent)]
    Db(Arc<DbError>),
    /// The query was refused, or could not be finished.
    #[error(transparent)]
    Query(Arc<QueryError>),
    /// The pull was refused, or could not be finished.
    #[error(transparent)]
    Pull(Arc<PullError>),
    /// The call does not suit the database or the platform.
    #[error("{message}")]
    Call {
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// What to do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Fix the request: it will fail again as it is.
    Invalid,
    /// Fix the name, or create what it names.
    NotFound,
    /// Fix the credentials or the rights that they carry.
    Denied,
    /// Try again later.
    Unavailable,
    /// Take a new snapshot and ask again: this one is older than what the database retains.
    Expired,
    /// Stop, and restore what is damaged.
    Corrupt,
    /// Upgrade this software.
    TooNew,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } | Self::Call { .. } => ErrorKind::Invalid,
            Self::Db(error) => of_db(error),
            Self::Query(error) => of_query(error),
            Self::Pull(error) => of_pull(error),
        }
    }

    pub(crate) fn call(message: impl Into<String>) -> Self {
        Self::Call { message: message.into() }
    }
}

fn of_store(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Url { .. } | StoreError::Unsupported { .. } => ErrorKind::Invalid,
        StoreError::Denied { .. } => ErrorKind::Denied,
        StoreError::NoPlace { .. } => ErrorKind::NotFound,
        StoreError::Unavailable { .. } => ErrorKind::Unavailable,
        StoreError::Corrupt { .. } | StoreError::Missing { .. } => ErrorKind::Corrupt,
        StoreError::TooNew { .. } => ErrorKind::TooNew,
    }
}

fn of_db(error: &DbError) -> ErrorKind {
    match error {
        DbError::Store(error) => of_store(error),
        DbError::NoDatabase { .. } | DbError::Dropped { .. } => ErrorKind::NotFound,
        DbError::SnapshotExpired { .. } => ErrorKind::Expired,
        _ => ErrorKind::Invalid,
    }
}

fn of_query(error: &QueryError) -> ErrorKind {
    match error.kind {
        QueryErrorKind::Unavailable | QueryErrorKind::Pull(PullErrorKind::Unreadable) => {
            of_source(error).unwrap_or(ErrorKind::Unavailable)
        }
        _ => ErrorKind::Invalid,
    }
}

fn of_pull(error: &PullError) -> ErrorKind {
    match error.kind {
        PullErrorKind::Unreadable => error.source.as_deref().map_or(ErrorKind::Unavailable, of_db),
        _ => ErrorKind::Invalid,
    }
}

/// The kind of the database's failure that lies beneath another.
fn of_source(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        let boxed = || error.downcast_ref::<Box<DbError>>().map(Box::as_ref);
        if let Some(error) = error.downcast_ref::<DbError>().or_else(boxed) {
            return Some(of_db(error));
        }
        source = error.source();
    }
    None
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Self::Db(Arc::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        DbError::from(error).into()
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        Self::Query(Arc::new(error))
    }
}

impl From<PullError> for Error {
    fn from(error: PullError) -> Self {
        Self::Pull(Arc::new(error))
    }
}
