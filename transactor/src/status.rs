//! How a transactor and its databases are doing.

use duramen_model::T;
use duramen_store::layout::{DatabaseId, DatabaseName};

/// How a transactor is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactorStatus {
    /// The version of the software.
    pub version: &'static str,
    /// Where the databases are, as a URL without secrets.
    pub store: String,
    /// How long it has been running, in milliseconds.
    pub uptime_ms: u64,
    /// The databases that it has open, in the order of their names.
    pub databases: Vec<DatabaseStatus>,
}

/// How one database is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// Its name.
    pub name: DatabaseName,
    /// What tells it from others that had the name.
    pub id: Option<DatabaseId>,
    /// What the transactor does with it.
    pub state: DatabaseState,
    /// The newest published transaction.
    pub t: Option<T>,
    /// The newest published root.
    pub root: u64,
    /// The generation of the writer.
    pub epoch: u64,
    /// The newest transaction that is merged into the indexes.
    pub checkpoint_t: Option<T>,
    /// What is not merged yet.
    pub novelty: Novelty,
    /// Requests that wait for their turn.
    pub queued: u64,
    /// Whether a merge is running.
    pub merging: bool,
}

/// How much the log has and the indexes have not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Novelty {
    /// Transactions.
    pub transactions: u64,
    /// Facts.
    pub datoms: u64,
    /// Bytes of log.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
}

/// What a transactor does with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    /// It is being claimed and read.
    Opening,
    /// Transactions are accepted.
    Serving,
    /// Another transactor has taken it over.
    Fenced,
    /// It cannot be opened at the moment.
    Closed,
}

impl DatabaseState {
    /// The state in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Serving => "serving",
            Self::Fenced => "fenced",
            Self::Closed => "closed",
        }
    }
}

impl DatabaseStatus {
    /// A database of which nothing is known yet.
    #[must_use]
    pub fn opening(name: DatabaseName) -> Self {
        Self {
            name,
            id: None,
            state: DatabaseState::Opening,
            t: None,
            root: 0,
            epoch: 0,
            checkpoint_t: None,
            novelty: Novelty::default(),
            queued: 0,
            merging: false,
        }
    }
}
