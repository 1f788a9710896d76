//! How a bulk load can fail.

use std::path::PathBuf;

use duramen_db::DbError;
use duramen_index::IndexError;
use duramen_model::{EntityId, T};
use duramen_store::StoreError;

use crate::error::TransactError;

/// Why a load stopped. There is no database of the name then, unless there was one before.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// A fact is wrong by itself: fix it. Nothing of its transaction was taken.
    #[error("fact {place} of the transaction, about entity {e}: {reason}")]
    Fact {
        /// Which fact of the transaction, from 0.
        place: usize,
        /// What it is about.
        e: EntityId,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Two facts contradict or repeat each other: leave one of them out.
    #[error("{reason}: {attribute} {first}, and {second}")]
    Conflict {
        /// Which rule they break together.
        reason: &'static str,
        /// The attribute of both.
        attribute: String,
        /// The one that comes first in order.
        first: Box<Said>,
        /// The other.
        second: Box<Said>,
    },
    /// A fact points to an entity that the load does not have.
    #[error("entity {e} is referred to, but no fact is about it or any after it")]
    Dangling {
        /// What is pointed to.
        e: EntityId,
    },
    /// The schema cannot be loaded in bulk: transact it instead.
    #[error("{attribute} {reason}")]
    Schema {
        /// The attribute in question.
        attribute: String,
        /// What a load cannot do with it.
        reason: &'static str,
    },
    /// A file of the folder to work in cannot be read or written.
    #[error("{}: {reason}", path.display())]
    Work {
        /// The file.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// There are too many transactions after the facts: leave them to a transactor.
    #[error("more than {datoms_max} datoms change what was loaded: transact them afterwards")]
    TooMuchLater {
        /// How many there may be.
        datoms_max: u64,
    },
    /// What a load is to go on from is damaged, or belongs to another load.
    #[error("the savepoint cannot be gone on from: {reason}")]
    Savepoint {
        /// What is wrong with it.
        reason: String,
    },
    /// Part of the work broke off, which is a bug.
    #[error("part of the load broke off: {reason}")]
    Broken {
        /// What is known of it.
        reason: String,
    },
    /// As a transaction fails.
    #[error(transparent)]
    Transact(#[from] TransactError),
    /// The trees cannot be written.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// A fact in the message of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The entity.
    pub e: EntityId,
    /// The value, as text.
    pub v: String,
    /// The transaction.
    pub t: T,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of entity {} in transaction {}", self.v, self.e, self.t)
    }
}

impl BulkError {
    pub(crate) fn work(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Work { path: path.into(), reason: reason.to_string() }
    }
}

impl From<StoreError> for BulkError {
    fn from(error: StoreError) -> Self {
        Self::Transact(error.into())
    }
}

impl From<DbError> for BulkError {
    fn from(error: DbError) -> Self {
        Self::Transact(error.into())
    }
}

impl From<tokio::task::JoinError> for BulkError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Broken { reason: error.to_string() }
    }
}
