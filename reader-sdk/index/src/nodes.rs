//! Where nodes come from.

/// Loads nodes. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Nodes {}

impl Nodes {
    /// A source without nodes, for a database that is in memory only.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }
}
