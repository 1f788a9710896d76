//! Entity ids and the fixed ranges they come from.

use std::fmt;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bits of an id below the partition number.
const PARTITION_SHIFT: u32 = 48;
/// One past the largest id: ids stay exact in a JavaScript number.
const ID_LIMIT: u64 = 1 << 53;
/// Attribute ids below this one belong to the builtin schema.
const FIRST_USER_ATTRIBUTE: u64 = 1024;

/// The fixed range that an entity id is taken from: the bits above 48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// Attributes, and the enumerations of the builtin schema.
    Attributes,
    /// Transactions: the rest of the id is `t`.
    Transactions,
    /// Everything an application creates. Partitions above 2 are allocated to branches.
    Users(u8),
}

/// The id of an entity: 64-bit, under 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(u64);

impl EntityId {
    /// The smallest id.
    pub const MIN: Self = Self(0);
    /// The largest id.
    pub const MAX: Self = Self(ID_LIMIT - 1);

    /// Takes an id from outside; `None` unless it is under 2^53.
    #[must_use]
    pub const fn new(id: u64) -> Option<Self> {
        if id < ID_LIMIT { Some(Self(id)) } else { None }
    }

    /// Makes the id of an entity that is known at compile time.
    ///
    /// # Panics
    /// At compile time, for an id of 2^53 or more.
    #[must_use]
    pub const fn constant(id: u64) -> Self {
        assert!(id < ID_LIMIT, "entity ids stay under 2^53");
        Self(id)
    }

    /// The n-th entity of the main branch's user partition; `None` when the partition is full.
    #[must_use]
    pub const fn user(n: u64) -> Option<Self> {
        if n >> PARTITION_SHIFT == 0 { Some(Self(2 << PARTITION_SHIFT | n)) } else { None }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Which range the id comes from.
    #[must_use]
    pub const fn partition(self) -> Partition {
        match self.0 >> PARTITION_SHIFT {
            0 => Partition::Attributes,
            1 => Partition::Transactions,
            n => Partition::Users(n as u8),
        }
    }

    /// The position within the partition.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.0 & ((1 << PARTITION_SHIFT) - 1)
    }

    /// The `t` of a transaction entity, `None` for any other entity.
    #[must_use]
    pub const fn t(self) -> Option<T> {
        match self.partition() {
            Partition::Transactions => Some(T(self.offset())),
            _ => None,
        }
    }
}

/// Always exact: ids are under 2^53.
impl From<EntityId> for i64 {
    fn from(e: EntityId) -> Self {
        e.0 as Self
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = u64::deserialize(deserializer)?;
        let refused = || D::Error::invalid_value(Unexpected::Unsigned(id), &"an id under 2^53");
        Self::new(id).ok_or_else(refused)
    }
}

/// The id of an attribute. Attributes are entities too; the type keeps `e` and `a` from being
/// swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId(EntityId);

impl AttributeId {
    /// The smallest id.
    pub const MIN: Self = Self(EntityId::MIN);
    /// The largest id.
    pub const MAX: Self = Self(EntityId::MAX);
    /// The first id given to an attribute that is not builtin.
    pub const FIRST_USER: Self = Self(EntityId(FIRST_USER_ATTRIBUTE));

    /// Makes the id of an attribute that is known at compile time.
    #[must_use]
    pub const fn constant(id: u64) -> Self {
        Self(EntityId::constant(id))
    }

    /// The attribute as an entity.
    #[must_use]
    pub const fn entity(self) -> EntityId {
        self.0
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl From<EntityId> for AttributeId {
    fn from(e: EntityId) -> Self {
        Self(e)
    }
}

impl fmt::Display for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a transaction: 0 is the transaction that a database is born with, and each one
/// after it is one higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct T(u64);

impl T {
    /// The transaction that a database is born with.
    pub const GENESIS: Self = Self(0);
    /// The largest number a transaction can have.
    pub const MAX: Self = Self((1 << PARTITION_SHIFT) - 1);

    /// Takes a number from outside; `None` unless it is under 2^48.
    #[must_use]
    pub const fn new(t: u64) -> Option<Self> {
        if t <= Self::MAX.0 { Some(Self(t)) } else { None }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The transaction after this one; `None` after the last.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// The transaction as an entity.
    #[must_use]
    pub const fn entity(self) -> EntityId {
        EntityId(1 << PARTITION_SHIFT | self.0)
    }
}

impl fmt::Display for T {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_know_their_partition() {
        assert_eq!(EntityId::user(7).map(EntityId::partition), Some(Partition::Users(2)));
        assert_eq!(T::new(9).map(|t| t.entity().t()), Some(T::new(9)));
        assert_eq!(AttributeId::FIRST_USER.entity().partition(), Partition::Attributes);
        assert_eq!(AttributeId::FIRST_USER.entity().t(), None);
    }

    #[test]
    fn ids_stay_exact_in_javascript() {
        assert_eq!(EntityId::new(1 << 53), None);
        assert_eq!(EntityId::user(1 << 48), None);
        assert_eq!(T::new(1 << 48), None);
        assert_eq!(T::MAX.next(), None);
    }
}
