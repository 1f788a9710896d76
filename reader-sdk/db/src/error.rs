//! How a database can fail to answer, by what the caller does next.

use duramen_index::IndexError;
use duramen_model::T;
use duramen_store::StoreError;

/// A failure to open, read or extend a database.
///
/// Damage and a store that does not answer are [`DbError::Store`], which names the object.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No database of that name was ever created: fix the name, or create it.
    #[error("{place}: no database named {name:?}")]
    NoDatabase {
        /// The name asked for.
        name: String,
        /// The store.
        place: String,
    },
    /// The database was dropped: stop using it.
    #[error("{place}: the database {name:?} was dropped")]
    Dropped {
        /// The name asked for.
        name: String,
        /// The store.
        place: String,
    },
    /// What the snapshot is made of is no longer retained: take a new one.
    #[error("{object}: no longer retained: the snapshot of root {n} is below the floor {floor}")]
    SnapshotExpired {
        /// The object that is gone.
        object: String,
        /// The number of the snapshot's root.
        n: u64,
        /// The lowest number that is still retained.
        floor: u64,
    },
    /// A transaction that does not follow the newest one: fetch what is between.
    #[error("transaction {found} cannot be applied: expected {expected}")]
    NotNext {
        /// The number that comes next.
        expected: T,
        /// The number that came.
        found: T,
    },
    /// A transaction record that cannot have come from a transactor: refuse it.
    #[error("transaction {t}: expected {expected}, found {found}")]
    InvalidRecord {
        /// The transaction.
        t: T,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The value is a view of another time: use the database it was made from.
    #[error("a view of another time takes no transactions: use the database it was made from")]
    NotCurrent,
    /// No attribute of that name or id: fix the request.
    #[error("unknown attribute {attribute}")]
    UnknownAttribute {
        /// The attribute as given.
        attribute: String,
    },
    /// A lookup by an attribute whose values do not name entities: fix the request.
    #[error("{attribute} is not unique: its values do not name entities")]
    NotUnique {
        /// The attribute.
        attribute: String,
    },
    /// The store failed, or an object in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A merge was given records that cannot be written: a fault of the program.
    #[error(transparent)]
    Unstorable(IndexError),
}

impl From<IndexError> for DbError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Store(error) => Self::Store(error),
            error @ (IndexError::Unstorable { .. } | IndexError::Unlisted) => {
                Self::Unstorable(error)
            }
        }
    }
}
