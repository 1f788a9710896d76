//! Names: what a statement means by an attribute, an entity or a temporary id.

use duramen_model::attribute::TupleShape;
use duramen_model::{Attribute, AttributeId, EntityId, Form, Keyword, Schema, T, ValueType};

use crate::NextIds;

use super::allocate::has_given;
use super::data::{AttributePlace, Place};
use super::error::{TxError, TxErrorKind};
use super::suggest::nearest;
use super::temps::{LookupRef, LookupRefs, Temps};
use super::term::Named;

/// What names are read with, and the temporary ids and lookup refs met so far.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) schema: &'a Schema,
    /// The `t` that the transaction will have.
    pub(crate) t: T,
    pub(crate) next: NextIds,
    /// The statement that is being read.
    pub(crate) statement: usize,
    pub(crate) temps: Temps,
    pub(crate) lookups: LookupRefs,
}

impl<'a> Names<'a> {
    pub(crate) fn attribute(&self, place: &AttributePlace) -> Result<&'a Attribute, TxError> {
        self.lookup_attribute(place).ok_or_else(|| {
            let message = match place {
                AttributePlace::Ident(ident) if self.schema.entity(ident).is_some() => {
                    format!("{ident} is an entity, and no attribute")
                }
                AttributePlace::Ident(ident) => match nearest(ident, self.schema) {
                    Some(near) => format!("no attribute {ident}: did you mean {near}?"),
                    None => format!("no attribute {ident}: define it in an earlier transaction"),
                },
                AttributePlace::Id(id) => format!("no attribute has the id {id}"),
            };
            TxError::new(TxErrorKind::UnknownAttribute, message)
        })
    }

    pub(crate) fn lookup_attribute(&self, place: &AttributePlace) -> Option<&'a Attribute> {
        match place {
            AttributePlace::Ident(ident) => self.schema.attribute_named(ident),
            AttributePlace::Id(id) => self.schema.attribute(AttributeId::from(*id)),
        }
    }

    /// The attribute that `:a/_b` turns round, if the name is of that kind.
    pub(crate) fn reversed(
        &self,
        place: &AttributePlace,
    ) -> Result<Option<&'a Attribute>, TxError> {
        let AttributePlace::Ident(ident) = place else { return Ok(None) };
        let Some(name) = ident.name().strip_prefix('_') else { return Ok(None) };
        let forward = match ident.namespace() {
            Some(namespace) => Keyword::qualified(namespace, name),
            None => Keyword::new(name),
        };
        let attribute = self.attribute(&AttributePlace::Ident(forward))?;
        if attribute.value_type == ValueType::Ref {
            return Ok(Some(attribute));
        }
        let message = format!("{ident} turns {} round, which is no reference", attribute.ident);
        Err(TxError::new(TxErrorKind::WrongType, message))
    }

    /// Reads what names an entity.
    pub(crate) fn entity_named(&mut self, form: &Form) -> Result<Named, TxError> {
        self.place(&Place::from_form(form)?)
    }

    pub(crate) fn place(&mut self, place: &Place<'_>) -> Result<Named, TxError> {
        match place {
            Place::Id(id) => self.known(*id).map(Named::Entity),
            Place::Temp(name) => Ok(Named::Temp(self.temps.named(name))),
            Place::CurrentTx => Ok(Named::Entity(self.t.entity())),
            Place::Ident(ident) => match self.schema.entity(ident) {
                Some(e) => Ok(Named::Entity(e)),
                None => Err(TxError::new(
                    TxErrorKind::UnresolvedEntity,
                    format!("no entity has the ident {ident}"),
                )),
            },
            Place::Lookup(a, v) => self.lookup(a, v),
        }
    }

    /// An id that is written as a number must be one that was given to an entity: a number that
    /// merely looks right would make an entity that a later one then shares.
    fn known(&self, id: i64) -> Result<EntityId, TxError> {
        let e = u64::try_from(id).ok().and_then(EntityId::new).filter(|e| {
            has_given(self.next, *e)
                || e.t().is_some_and(|t| t <= self.t)
                || self.schema.ident(*e).is_some()
        });
        e.ok_or_else(|| {
            let message =
                format!("{id} is not the id of an entity; use a string as a temporary id");
            TxError::new(TxErrorKind::UnresolvedEntity, message)
        })
    }

    fn lookup(&mut self, a: &AttributePlace, v: &Form) -> Result<Named, TxError> {
        let attribute = self.attribute(a)?;
        if attribute.unique.is_none() {
            let message = format!(
                "a lookup ref uses {}, which is not unique: it needs :db/unique",
                attribute.ident
            );
            return Err(TxError::new(TxErrorKind::NotUniqueLookup, message).within(v.span));
        }
        let operand = match &attribute.tuple {
            Some(TupleShape::Composite(parts)) => {
                let types = self.part_types(parts);
                self.tuple_of(v, attribute, &types)?
            }
            _ => self.operand(v, attribute)?,
        };
        let mut temporary = false;
        operand.each_reference(&mut |named| temporary |= matches!(named, Named::Temp(_)));
        if temporary {
            let message = "a lookup ref is looked up before the transaction takes effect: a \
                           temporary id cannot be part of it";
            return Err(TxError::new(TxErrorKind::UnresolvedEntity, message).within(v.span));
        }
        let (statement, span) = (self.statement, v.span);
        let lookup = LookupRef { a: attribute.id, v: operand, statement, span };
        Ok(Named::Lookup(self.lookups.intern(lookup)))
    }

    fn part_types(&self, parts: &[AttributeId]) -> Vec<ValueType> {
        // A part that is no attribute any more has no values either.
        let part = |id: &AttributeId| self.schema.attribute(*id);
        parts.iter().map(|id| part(id).map_or(ValueType::Ref, |a| a.value_type)).collect()
    }

    /// Whether a collection is a lookup ref rather than two references.
    pub(crate) fn is_lookup_ref(&self, members: &[Form]) -> bool {
        let [a, _] = members else { return false };
        let named = a.as_keyword().and_then(|ident| self.schema.attribute_named(ident));
        named.is_some_and(|attribute| attribute.unique.is_some())
    }
}
