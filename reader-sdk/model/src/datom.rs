//! The datom, and the orders it is kept in.

use std::cmp::Ordering;

use crate::{AttributeId, EntityId, T, Value};

/// One atomic fact: entity `e` has (or no longer has) value `v` of attribute `a`, since
/// transaction `t`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Datom {
    /// The entity.
    pub e: EntityId,
    /// The attribute.
    pub a: AttributeId,
    /// The value.
    pub v: Value,
    /// The transaction that said so.
    pub t: T,
    /// True for an assertion, false for a retraction.
    pub added: bool,
}

/// An order in which datoms are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// By entity: what is known about one entity.
    Eavt,
    /// By attribute, then entity: a column.
    Aevt,
    /// By attribute, then value: look-ups and ranges; unique and indexed attributes only.
    Avet,
    /// By value, for references: who points here.
    Vaet,
}

impl Order {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Eavt, Self::Aevt, Self::Avet, Self::Vaet];

    /// Compares two facts in this order, by entity, attribute and value alone.
    #[must_use]
    pub fn compare(
        self,
        a: (EntityId, AttributeId, &Value),
        b: (EntityId, AttributeId, &Value),
    ) -> Ordering {
        match self {
            Self::Eavt => (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| a.2.cmp(b.2)),
            Self::Aevt => (a.1, a.0).cmp(&(b.1, b.0)).then_with(|| a.2.cmp(b.2)),
            Self::Avet => a.1.cmp(&b.1).then_with(|| a.2.cmp(b.2)).then_with(|| a.0.cmp(&b.0)),
            Self::Vaet => a.2.cmp(b.2).then_with(|| (a.1, a.0).cmp(&(b.1, b.0))),
        }
    }
}
