//! The record: a fact as an index keeps it.

use std::cmp::Ordering;

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use crate::key::KeyRef;

/// Which of the two trees of an order a record belongs to. They are apart so that today's
/// queries do not pay for the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Open facts.
    Current,
    /// Closed facts, as intervals.
    History,
}

/// What a record says of its fact.
///
/// In the current layer a record is a step, from the state that older runs leave to the state
/// after it. Steps on one `(e a v)` compose, a younger one after an older one:
///
/// ```text
/// older \ younger   Inserted    Replaced    Removed
/// (no record)       Inserted    Replaced    Removed
/// Inserted          -           Inserted    (no record)
/// Replaced          -           Replaced    Removed
/// Removed           Replaced    -           -
/// ```
///
/// A dash cannot come from valid transactions. The `added` of the younger record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Absent below, present from here: weight +1.
    Inserted,
    /// Present below, closed and opened again: weight 0.
    Replaced,
    /// Present below, absent from here (a tombstone): weight -1. Its `added` is the `t` of the
    /// retraction.
    Removed,
    /// A closed fact of the history layer, with the `t` that closed it. Always later than
    /// `added`.
    Closed(T),
}

impl State {
    /// What a record in this state adds to the number of facts.
    #[must_use]
    pub const fn weight(self) -> i64 {
        match self {
            Self::Inserted | Self::Closed(_) => 1,
            Self::Replaced => 0,
            Self::Removed => -1,
        }
    }
}

/// A fact as an index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The entity.
    pub e: EntityId,
    /// The attribute.
    pub a: AttributeId,
    /// The value.
    pub v: Value,
    /// The transaction that asserted the fact; for a tombstone the one that retracted it.
    pub added: T,
    /// What the record says of the fact.
    pub state: State,
}

impl Record {
    /// Compares two records by their place in an order. In the current layer by entity, attribute
    /// and value alone. In the history layer EAVT and AEVT have what closed a fact before its
    /// value, so that what an attribute was at one time is one seek: `(e a closed v added)`. The
    /// others have `added` at the end.
    #[must_use]
    pub fn compare(&self, other: &Self, order: Order, layer: Layer) -> Ordering {
        KeyRef::from(self).compare(&KeyRef::from(other), order, layer)
    }

    /// What two records of one key amount to, by the table of [`State`]: the younger one, or
    /// nothing when it closes what the older one opened.
    ///
    /// Pairs that cannot come from valid transactions leave the younger record as it is.
    #[must_use]
    pub fn compose(older: &Self, younger: Self) -> Option<Self> {
        let state = match (older.state, younger.state) {
            (State::Inserted, State::Removed) => return None,
            (State::Inserted, State::Replaced) => State::Inserted,
            (State::Removed, State::Inserted) => State::Replaced,
            (_, state) => state,
        };
        Some(Self { state, ..younger })
    }

    /// Whether the record is about an open or closed fact, and not a tombstone.
    #[must_use]
    pub const fn is_fact(&self) -> bool {
        !matches!(self.state, State::Removed)
    }

    /// What the record adds to the number of facts.
    #[must_use]
    pub const fn weight(&self) -> i64 {
        self.state.weight()
    }
}
