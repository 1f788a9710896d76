//! What a verification comes to.

use std::collections::BTreeMap;
use std::fmt;

use duramen_model::T;
use duramen_store::StoreError;
use duramen_store::envelope::Kind;
use duramen_store::layout::DatabaseId;

use crate::malformed::Malformed;

/// How many findings a report keeps; the others are only counted.
pub const FINDINGS_MAX: usize = 1_000;

/// What a verification came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The database.
    pub id: Option<DatabaseId>,
    /// The newest root that can be read.
    pub root: Option<u64>,
    /// The newest transaction.
    pub t: Option<T>,
    /// Transactions in the log.
    pub transactions: u64,
    /// Datoms in the log.
    pub datoms: u64,
    /// Trees of all orders and layers.
    pub trees: u64,
    /// Nodes of these trees.
    pub nodes: u64,
    /// The bytes of these nodes: what is live in the packs.
    pub node_bytes: u64,
    /// Records in these trees.
    pub records: u64,
    /// Sums that were compared: one for each attribute, order and layer.
    pub comparisons: u64,
    /// Objects by kind; those of no known kind are under `None`.
    pub objects: BTreeMap<Option<Kind>, Tally>,
    /// What is wrong, as far as [`FINDINGS_MAX`] goes.
    pub findings: Vec<Finding>,
    /// How much is wrong, whether or not it is listed.
    pub findings_total: u64,
    /// What could not be compared because of damage.
    pub not_compared: Vec<String>,
}

/// The objects of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What the newest root needs, and the claims and roots that lead to it.
    pub live: Count,
    /// What the newest root does not reach. Older roots may: a collection can delete it once
    /// they are no longer retained. What a writer is about to name is among it too.
    pub unreached: Count,
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub objects: u64,
    /// How long all together.
    pub bytes: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The object in question, or the index.
    pub object: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.object, self.expected, self.found)
    }
}

impl Count {
    pub(super) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings_total == 0
    }

    /// Takes down what is wrong with an object.
    ///
    /// # Errors
    /// The error itself, when it is not about an object but about a store that does not answer.
    pub(super) fn note(&mut self, error: StoreError) -> Result<(), StoreError> {
        let (object, expected, found) = match error {
            StoreError::Corrupt { object, expected, found } => (object, expected, found),
            StoreError::Missing { object } => {
                (object, "an object that is referred to".to_owned(), "nothing".to_owned())
            }
            StoreError::TooNew { object, what } => {
                (object, "what this software understands".to_owned(), what)
            }
            other => return Err(other),
        };
        self.find(Finding { object, expected, found });
        Ok(())
    }

    pub(super) fn note_malformed(&mut self, object: impl fmt::Display, malformed: Malformed) {
        let finding = self.note(malformed.within(object));
        debug_assert!(finding.is_ok(), "what is malformed is corrupt");
    }

    pub(super) fn find(&mut self, finding: Finding) {
        // One missing pack is one finding, however many nodes point into it.
        if self.findings.contains(&finding) {
            return;
        }
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    pub(super) fn tally(&mut self, kind: Option<Kind>) -> &mut Tally {
        self.objects.entry(kind).or_default()
    }
}
