//! How a request can fail, by what the caller does next.

use std::sync::Arc;

use duramen_db::DbError;
use duramen_db::resolve::TxError;
use duramen_model::{Instant, T};
use duramen_store::StoreError;

/// Why a request was not carried out.
///
/// Except after [`TransactError::Unknown`], nothing of it was applied and nothing will be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransactError {
    /// The transaction is wrong, or the database does not allow it: fix it.
    #[error("{0}")]
    Tx(Arc<TxError>),
    /// The request is wrong in another way: fix it.
    #[error("{field}: {reason}")]
    Invalid {
        /// The part in question.
        field: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The transaction is too large: split it.
    #[error("the transaction takes {bytes} bytes of log, more than {bytes_max}: split it")]
    TooLarge {
        /// What it takes.
        bytes: usize,
        /// What one transaction may take.
        bytes_max: usize,
    },
    /// There is no such database: fix the name, or create it.
    #[error("no database named {name:?} in {store}")]
    NoDatabase {
        /// The name as given.
        name: String,
        /// Where it was looked for.
        store: String,
    },
    /// There is a database of that name: use it, or another name.
    #[error("there is a database named {name:?} already")]
    DatabaseExists {
        /// The name as given.
        name: String,
    },
    /// The request id was used for something else: use another.
    #[error("the request id was used for another request, which is transaction {t}")]
    RequestReused {
        /// The transaction that it was used for.
        t: T,
    },
    /// The request id is too old to tell whether it was used: look in the database.
    #[error(
        "the request id is too old to tell whether the request was applied: \
         ids of {horizon} and before are no longer remembered"
    )]
    RequestExpired {
        /// The newest time in the ids that were forgotten.
        horizon: Instant,
    },
    /// There is too much to do: wait, and send the request again.
    #[error("too busy: {reason}")]
    Busy {
        /// What there is too much of.
        reason: String,
    },
    /// Nothing was applied, for no fault of the request: send it again.
    #[error("not applied: {reason}")]
    NotApplied {
        /// What happened.
        reason: String,
    },
    /// It may have been applied: send it again with the same request id.
    #[error("unknown whether it was applied: {reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },
    /// Another transactor serves the database: ask there.
    #[error("another transactor has taken over the database{}", at(.address))]
    Elsewhere {
        /// Where it answers, if it said so.
        address: String,
    },
    /// The database cannot be read or written: the cause says why.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn at(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(": it answers at {address}") }
}

impl TransactError {
    /// A request of which a field is wrong.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl ToString) -> Self {
        Self::Invalid { field: field.into(), reason: reason.to_string() }
    }
}

impl From<DbError> for TransactError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NoDatabase { name, place } | DbError::Dropped { name, place } => {
                Self::NoDatabase { name, store: place }
            }
            DbError::Store(error) => Self::Store(error),
            // None of the others can come from what a transactor does with a database.
            other => Self::NotApplied { reason: other.to_string() },
        }
    }
}

impl From<TxError> for TransactError {
    /// A database that cannot be read is no fault of the transaction.
    fn from(error: TxError) -> Self {
        match std::error::Error::source(&error).and_then(|cause| cause.downcast_ref()) {
            Some(DbError::Store(StoreError::Unavailable { object, reason })) => {
                Self::NotApplied { reason: format!("{object}: {reason}") }
            }
            Some(DbError::Store(error)) => Self::Store(error.clone()),
            _ => Self::Tx(Arc::new(error)),
        }
    }
}
