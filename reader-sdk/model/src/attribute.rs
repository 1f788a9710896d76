//! Attributes: what a fact may say.

use std::sync::Arc;

use crate::{AttributeId, Keyword, ValueType};

/// How many values an entity may have for an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// At most one: asserting another replaces it.
    One,
    /// Any number.
    Many,
}

/// What uniqueness of a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unique {
    /// Asserting a value that another entity has is an error.
    Value,
    /// A value names its entity: asserting it upserts.
    Identity,
}

/// The members of a tuple attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TupleShape {
    /// `:db/tupleType`: two to eight members of one type.
    Homogeneous(ValueType),
    /// `:db/tupleTypes`: a type per member.
    Heterogeneous(Arc<[ValueType]>),
    /// `:db/tupleAttrs`: kept by the database from other attributes of the entity.
    Composite(Arc<[AttributeId]>),
}

/// A definition of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its entity.
    pub id: AttributeId,
    /// Its name.
    pub ident: Keyword,
    /// The type of its values.
    pub value_type: ValueType,
    /// How many values an entity may have.
    pub cardinality: Cardinality,
    /// Whether a value belongs to one entity only.
    pub unique: Option<Unique>,
    /// Whether `:db/index` is true.
    pub index: bool,
    /// Whether the entity referred to is part of the one that refers.
    pub component: bool,
    /// Whether closed facts are forgotten.
    pub no_history: bool,
    /// The shape of a tuple attribute.
    pub tuple: Option<TupleShape>,
    /// What it is for.
    pub doc: Option<Arc<str>>,
}

impl Attribute {
    /// Whether the attribute is kept in AVET order.
    #[must_use]
    pub const fn in_avet(&self) -> bool {
        self.index || self.unique.is_some()
    }

    /// Whether the attribute is kept in VAET order.
    #[must_use]
    pub fn in_vaet(&self) -> bool {
        self.value_type == ValueType::Ref
    }
}
