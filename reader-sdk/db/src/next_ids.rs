//! The ids that the next new entities get.

use duramen_model::entity::Partition;
use duramen_model::{AttributeId, EntityId};

use crate::TxRecord;

/// The ids that the next new entities get. An id is given once: it stays taken when everything
/// about its entity is retracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextIds {
    /// The number of the next attribute.
    pub attribute: u64,
    /// The number of the next other entity, within the user partition of the branch.
    pub user: u64,
}

impl NextIds {
    /// The ids of a database that has only what it was born with.
    pub const FIRST: Self = Self { attribute: AttributeId::FIRST_USER.get(), user: 0 };

    /// The ids after a transaction.
    #[must_use]
    pub fn after(self, record: &TxRecord) -> Self {
        let entities = record.datoms().map(|datom| datom.e).chain(record.tempids.values().copied());
        entities.fold(self, Self::after_entity)
    }

    /// The later of two, of each kind.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { attribute: self.attribute.max(other.attribute), user: self.user.max(other.user) }
    }

    fn after_entity(self, e: EntityId) -> Self {
        let next = e.offset() + 1;
        match e.partition() {
            Partition::Attributes => Self { attribute: self.attribute.max(next), ..self },
            // The main branch gives out its own partition alone.
            Partition::Users(2) => Self { user: self.user.max(next), ..self },
            Partition::Transactions | Partition::Users(_) => self,
        }
    }
}
