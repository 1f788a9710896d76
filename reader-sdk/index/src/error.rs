//! How reading a tree can fail.

use duramen_store::StoreError;

/// A failure to read or write a tree.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The store failed, or an object in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}
