//! How far a query may go.

/// How far a query may go before it is stopped with an error of the kind
/// [`Limit`](crate::QueryErrorKind::Limit). Nothing is ever cut off silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a relation between two steps.
    pub rows_max: usize,
    /// Rounds of one recursion.
    pub rounds_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows_max: 20_000_000, rounds_max: 100_000 }
    }
}
