//! Terms: what a transaction says, on its way to facts.
//!
//! A term is generic over how it names entities, and that is the ladder: a stage takes terms that
//! name entities in one way and gives terms that have one possibility less.
//!
//! | names entities by | may be |
//! |---|---|
//! | [`Named`] | an id, a temporary id, a lookup ref, an ident of this very transaction |
//! | [`Found`] | an id, a temporary id |
//! | [`EntityId`] | an id |

use duramen_model::{AttributeId, EntityId, Keyword, Value};

/// One step of a transaction, and the statement it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term<P> {
    pub(crate) statement: usize,
    pub(crate) op: Op<P>,
}

/// What a term does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op<P> {
    /// Asserts a fact.
    Add { e: P, a: AttributeId, v: Operand<P> },
    /// Retracts one fact, or without a value every value of the attribute.
    Retract { e: P, a: AttributeId, v: Option<Operand<P>> },
    /// Replaces a value if it is the one expected; `None` expects that there is no value.
    Cas { e: P, a: AttributeId, old: Option<Operand<P>>, new: Operand<P> },
    /// Retracts all facts of an entity, those that refer to it, and its components.
    RetractEntity { e: P },
}

/// A value that may name entities.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Operand<P> {
    /// A value that names no entity, or names them by id.
    Value(Value),
    /// A reference.
    Entity(P),
    /// A tuple with references among its members.
    Tuple(Vec<Option<Operand<P>>>),
}

/// A temporary id. Those of maps without `:db/id` have no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TempId(pub(crate) usize);

/// A lookup ref, by its place in the table of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LookupId(pub(crate) usize);

/// An entity as a transaction names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Named {
    Entity(EntityId),
    Temp(TempId),
    Lookup(LookupId),
    /// An ident that this transaction itself gives: only the attributes of a composite tuple,
    /// which are usually defined together with it, are named so.
    Own(Keyword),
}

/// An entity after lookup refs are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Found {
    Entity(EntityId),
    Temp(TempId),
}

impl<P> Term<P> {
    /// The term with its entities named in another way.
    pub(crate) fn map<Q, E>(
        self,
        mut name: impl FnMut(P) -> Result<Q, E>,
    ) -> Result<Term<Q>, (usize, E)> {
        let statement = self.statement;
        self.op.map(&mut name).map(|op| Term { statement, op }).map_err(|error| (statement, error))
    }
}

impl<P> Op<P> {
    fn map<Q, E>(self, name: &mut impl FnMut(P) -> Result<Q, E>) -> Result<Op<Q>, E> {
        Ok(match self {
            Self::Add { e, a, v } => Op::Add { e: name(e)?, a, v: v.map(name)? },
            Self::Retract { e, a, v } => {
                Op::Retract { e: name(e)?, a, v: v.map(|v| v.map(name)).transpose()? }
            }
            Self::Cas { e, a, old, new } => Op::Cas {
                e: name(e)?,
                a,
                old: old.map(|old| old.map(name)).transpose()?,
                new: new.map(name)?,
            },
            Self::RetractEntity { e } => Op::RetractEntity { e: name(e)? },
        })
    }

    /// The entity that the term is about.
    pub(crate) const fn entity(&self) -> &P {
        match self {
            Self::Add { e, .. }
            | Self::Retract { e, .. }
            | Self::Cas { e, .. }
            | Self::RetractEntity { e } => e,
        }
    }

    /// Whether the term asserts something.
    pub(crate) const fn asserts(&self) -> bool {
        matches!(self, Self::Add { .. } | Self::Cas { .. })
    }

    /// Calls back with every entity that the term refers to as a value.
    pub(crate) fn each_reference(&self, mut call: impl FnMut(&P)) {
        match self {
            Self::Add { v, .. } => v.each_reference(&mut call),
            Self::Retract { v, .. } => v.iter().for_each(|v| v.each_reference(&mut call)),
            Self::Cas { old, new, .. } => {
                old.iter().for_each(|old| old.each_reference(&mut call));
                new.each_reference(&mut call);
            }
            Self::RetractEntity { .. } => {}
        }
    }
}

impl<P> Operand<P> {
    /// The operand with its entities named in another way.
    pub(crate) fn map<Q, E>(
        self,
        name: &mut impl FnMut(P) -> Result<Q, E>,
    ) -> Result<Operand<Q>, E> {
        Ok(match self {
            Self::Value(value) => Operand::Value(value),
            Self::Entity(e) => Operand::Entity(name(e)?),
            Self::Tuple(members) => {
                let mut mapped = Vec::with_capacity(members.len());
                for member in members {
                    mapped.push(member.map(|member| member.map(name)).transpose()?);
                }
                Operand::Tuple(mapped)
            }
        })
    }

    pub(crate) fn each_reference(&self, call: &mut impl FnMut(&P)) {
        match self {
            Self::Value(_) => {}
            Self::Entity(e) => call(e),
            Self::Tuple(members) => {
                for member in members.iter().flatten() {
                    member.each_reference(call);
                }
            }
        }
    }
}

impl Operand<EntityId> {
    /// The value, now that all entities are known.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Entity(e) => Value::Ref(e),
            Self::Tuple(members) => Value::Tuple(
                members.into_iter().map(|member| member.map(Self::into_value)).collect(),
            ),
        }
    }
}
