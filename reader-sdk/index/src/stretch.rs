//! A stretch of what a cursor reads.

use std::sync::Arc;

use crate::leaf::Leaf;
use crate::picks::Picks;
use crate::{IndexError, Record};

/// A stretch of sorted facts.
#[derive(Debug, Clone)]
pub enum Stretch {
    /// Rows of a leaf, where no younger run interferes: its columns can be read as they are. At
    /// least one row.
    Leaf {
        /// The leaf.
        leaf: Arc<Leaf>,
        /// Which of its rows.
        rows: Picks,
    },
    /// Facts one by one, at least one.
    Records(Vec<Record>),
}

impl Stretch {
    /// How many facts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Leaf { rows, .. } => rows.len(),
            Self::Records(records) => records.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The facts one by one.
    ///
    /// # Errors
    /// When a column of the leaf is damaged.
    pub fn into_records(self) -> Result<Vec<Record>, IndexError> {
        match self {
            Self::Leaf { leaf, rows } => leaf.records_at(&rows),
            Self::Records(records) => Ok(records),
        }
    }
}
