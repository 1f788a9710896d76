//! The budgets of a query.

use std::fmt;
use std::time::Duration;

/// How far a query may go before it is stopped with an error of the kind
/// [`Limit`](crate::QueryErrorKind::Limit), which says which budget ran out and where in the
/// query. Nothing is ever cut off silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a relation between two steps.
    pub rows_max: usize,
    /// Rounds of one recursion.
    pub rounds_max: usize,
    /// Bytes of the relations that the query holds at the same time, as estimated from its
    /// columns; the cache of nodes is not counted.
    pub memory_bytes_max: usize,
    /// Bytes that are fetched from the stores of its databases while the query runs. Readers of
    /// one snapshot share what they fetch, so what others ask at the same time counts, too.
    pub fetched_bytes_max: u64,
    /// Nodes that are fetched while the query runs; see [`Self::fetched_bytes_max`].
    pub fetched_nodes_max: u64,
    /// How long the query may take, by the [`Clock`](crate::Clock) in the options; a query's own
    /// `:timeout` counts where it is shorter.
    pub time_max: Option<Duration>,
    /// Clauses of the query and of its rules, those within clauses counted too.
    pub clauses_max: usize,
    /// Threads that work on the rows of one step, where these are many: never more than the machine
    /// has, and in a browser one. This limit is kept to, so it stops nothing.
    pub threads_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_max: 20_000_000,
            rounds_max: 100_000,
            memory_bytes_max: 2 << 30,
            fetched_bytes_max: u64::MAX,
            fetched_nodes_max: u64::MAX,
            time_max: None,
            clauses_max: 4_096,
            threads_max: usize::MAX,
        }
    }
}

/// What a query can use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// [`Limits::rows_max`].
    Rows,
    /// [`Limits::rounds_max`].
    Rounds,
    /// [`Limits::memory_bytes_max`].
    Memory,
    /// [`Limits::fetched_bytes_max`].
    FetchedBytes,
    /// [`Limits::fetched_nodes_max`].
    FetchedNodes,
    /// [`Limits::time_max`], or the query's own `:timeout`.
    Time,
    /// [`Limits::clauses_max`].
    Clauses,
}

/// As in `rows_max`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows_max",
            Self::Rounds => "rounds_max",
            Self::Memory => "memory_bytes_max",
            Self::FetchedBytes => "fetched_bytes_max",
            Self::FetchedNodes => "fetched_nodes_max",
            Self::Time => "time_max",
            Self::Clauses => "clauses_max",
        })
    }
}
