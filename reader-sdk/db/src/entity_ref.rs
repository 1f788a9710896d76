//! Ways to name an entity or an attribute.

use std::fmt;

use duramen_model::{AttributeId, EntityId, Keyword, Value};

/// A way to name an entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EntityRef {
    /// By its id.
    Id(EntityId),
    /// By its `:db/ident`.
    Ident(Keyword),
    /// By the value of a unique attribute.
    Lookup(AttributeRef, Value),
}

/// A way to name an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeRef {
    /// By its id.
    Id(AttributeId),
    /// By its `:db/ident`.
    Ident(Keyword),
}

impl EntityRef {
    /// The entity that has a value of a unique attribute.
    #[must_use]
    pub fn lookup(a: impl Into<AttributeRef>, v: impl Into<Value>) -> Self {
        Self::Lookup(a.into(), v.into())
    }
}

impl From<EntityId> for EntityRef {
    fn from(e: EntityId) -> Self {
        Self::Id(e)
    }
}

impl From<Keyword> for EntityRef {
    fn from(ident: Keyword) -> Self {
        Self::Ident(ident)
    }
}

impl From<AttributeId> for AttributeRef {
    fn from(a: AttributeId) -> Self {
        Self::Id(a)
    }
}

impl From<Keyword> for AttributeRef {
    fn from(ident: Keyword) -> Self {
        Self::Ident(ident)
    }
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(a) => a.fmt(f),
            Self::Ident(ident) => ident.fmt(f),
        }
    }
}
