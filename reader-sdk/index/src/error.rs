//! How reading or writing a tree can fail.

use duramen_store::StoreError;

/// A failure to read or write a tree.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IndexError {
    /// The store failed, or an object in it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Records cannot be written as they are: fix whoever makes them.
    #[error("records in {order:?} order of the {layer:?} layer cannot be stored: {reason}")]
    Unstorable {
        /// The order that they are in.
        order: duramen_model::Order,
        /// The layer that they belong to.
        layer: crate::Layer,
        /// What is wrong with them.
        reason: String,
    },
    /// Large values were put into packs, and no run tells where they are: whoever writes makes one.
    #[error("large values were written, and no run of them")]
    Unlisted,
}
