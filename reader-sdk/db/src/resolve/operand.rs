//! Operands: what the value of a statement means, which depends on its attribute.

use std::ops::RangeInclusive;

use duramen_model::attribute::TupleShape;
use duramen_model::{Attribute, Edn, Form, Value, ValueType, builtin};

use crate::value_codec;

use super::coerce::coerce;
use super::data::Place;
use super::error::{TxError, TxErrorKind};
use super::names::Names;
use super::show::show;
use super::term::{Named, Operand};

/// How many members a homogeneous tuple may have.
const TUPLE_MEMBERS: RangeInclusive<usize> = 2..=8;

impl Names<'_> {
    /// Makes a value suit its attribute.
    pub(crate) fn operand(
        &mut self,
        form: &Form,
        attribute: &Attribute,
    ) -> Result<Operand<Named>, TxError> {
        if matches!(form.edn, Edn::Nil) {
            let message = format!(
                "{} is given nil, which is no value: leave it out, or retract it",
                attribute.ident
            );
            return Err(TxError::new(TxErrorKind::NilValue, message).within(form.span));
        }
        let operand = match attribute.value_type {
            ValueType::Ref => self.entity(form, attribute).map(entity_operand),
            ValueType::Tuple => self.tuple(form, attribute),
            value_type => match &form.edn {
                Edn::Value(value) => coerce(value, value_type).map(Operand::Value),
                _ => None,
            }
            .ok_or_else(|| wrong_type(form, attribute)),
        }?;
        match &operand {
            Operand::Value(value) => check_storable(value, attribute)
                .map_err(|error| error.within(form.span))
                .map(|()| operand),
            Operand::Entity(_) | Operand::Tuple(_) => Ok(operand),
        }
    }

    /// Reads a reference.
    pub(crate) fn entity(&mut self, form: &Form, attribute: &Attribute) -> Result<Named, TxError> {
        let place = match &form.edn {
            Edn::Nil => {
                let message = format!("{} is given nil, which is no entity", attribute.ident);
                return Err(TxError::new(TxErrorKind::NilValue, message).within(form.span));
            }
            Edn::Value(Value::Long(_) | Value::Ref(_) | Value::String(_) | Value::Keyword(_))
            | Edn::Vector(_)
            | Edn::List(_) => Place::from_form(form).map_err(|_| wrong_type(form, attribute))?,
            _ => return Err(wrong_type(form, attribute)),
        };
        self.place(&place).map_err(|error| {
            let enumerated = [builtin::VALUE_TYPE, builtin::CARDINALITY, builtin::UNIQUE]
                .contains(&attribute.id);
            let kind = if enumerated { TxErrorKind::Schema } else { error.kind };
            error.of_kind(kind).within(form.span)
        })
    }

    fn tuple(&mut self, form: &Form, attribute: &Attribute) -> Result<Operand<Named>, TxError> {
        let Some(members) = form.as_sequence() else { return Err(wrong_type(form, attribute)) };
        match &attribute.tuple {
            Some(TupleShape::Heterogeneous(types)) => self.tuple_of(form, attribute, types),
            Some(TupleShape::Homogeneous(of)) => {
                if !TUPLE_MEMBERS.contains(&members.len()) {
                    return Err(wrong_length(form, attribute, "from 2 to 8"));
                }
                self.tuple_of(form, attribute, &vec![*of; members.len()])
            }
            Some(TupleShape::Composite(_)) => {
                Err(kept_by_the_database(attribute).within(form.span))
            }
            None if attribute.id == builtin::TUPLE_ATTRS => self.tuple_attributes(form, members),
            None => {
                let names = vec![ValueType::Keyword; members.len()];
                let tuple = self.tuple_of(form, attribute, &names);
                tuple.map_err(|error| error.of_kind(TxErrorKind::Schema))
            }
        }
    }

    pub(crate) fn tuple_of(
        &mut self,
        form: &Form,
        attribute: &Attribute,
        types: &[ValueType],
    ) -> Result<Operand<Named>, TxError> {
        let Some(members) = form.as_sequence() else { return Err(wrong_type(form, attribute)) };
        if members.len() != types.len() {
            return Err(wrong_length(form, attribute, &types.len().to_string()));
        }
        let mut operands = Vec::with_capacity(members.len());
        for (member, of) in members.iter().zip(types) {
            operands.push(self.member(member, *of, attribute)?);
        }
        Ok(tuple_operand(operands))
    }

    fn member(
        &mut self,
        form: &Form,
        of: ValueType,
        attribute: &Attribute,
    ) -> Result<Option<Operand<Named>>, TxError> {
        let member = match &form.edn {
            Edn::Nil => return Ok(None),
            _ if of == ValueType::Ref => Some(entity_operand(self.entity(form, attribute)?)),
            Edn::Value(value) => coerce(value, of).map(Operand::Value),
            _ => None,
        };
        member.map(Some).ok_or_else(|| {
            let (ident, of) = (&attribute.ident, of.name());
            let message =
                format!("{ident} has a member of :db.type/{of}, and is given {}", show(&form.edn));
            TxError::new(TxErrorKind::Tuple, message).within(form.span)
        })
    }

    /// The attributes of a composite tuple, which may be defined in the same transaction.
    fn tuple_attributes(
        &mut self,
        form: &Form,
        members: &[Form],
    ) -> Result<Operand<Named>, TxError> {
        let mut operands = Vec::with_capacity(members.len());
        for member in members {
            let Some(ident) = member.as_keyword() else {
                let message = format!(":db/tupleAttrs takes idents, not {}", member.edn.kind());
                return Err(TxError::new(TxErrorKind::Schema, message).within(form.span));
            };
            let named = match self.schema.entity(ident) {
                Some(e) => Named::Entity(e),
                None => Named::Own(ident.clone()),
            };
            operands.push(Some(entity_operand(named)));
        }
        Ok(tuple_operand(operands))
    }
}

fn entity_operand(named: Named) -> Operand<Named> {
    match named {
        Named::Entity(e) => Operand::Value(Value::Ref(e)),
        other => Operand::Entity(other),
    }
}

/// A tuple, as a plain value where no member has to be resolved.
fn tuple_operand(members: Vec<Option<Operand<Named>>>) -> Operand<Named> {
    let plain = |member: &Option<Operand<Named>>| match member {
        None => Some(None),
        Some(Operand::Value(value)) => Some(Some(value.clone())),
        Some(_) => None,
    };
    match members.iter().map(plain).collect() {
        Some(values) => Operand::Value(Value::Tuple(values)),
        None => Operand::Tuple(members),
    }
}

/// A value that the log or the index could not keep would do harm long after it was accepted.
fn check_storable(value: &Value, attribute: &Attribute) -> Result<(), TxError> {
    let fault = match (value_codec::check(value), duramen_index::check_storable(value)) {
        (Ok(()), Ok(())) => return Ok(()),
        (_, Err(fault)) => fault,
        (Err(_), Ok(())) => "its exponent is too far from 0, or it is nested too deep".to_owned(),
    };
    let message = format!("the value of {} cannot be stored: {fault}", attribute.ident);
    Err(TxError::new(TxErrorKind::WrongType, message))
}

pub(crate) fn wrong_type(form: &Form, attribute: &Attribute) -> TxError {
    let (ident, of) = (&attribute.ident, attribute.value_type.name());
    let message = format!("{ident} is a :db.type/{of}, and is given {}", show(&form.edn));
    TxError::new(TxErrorKind::WrongType, message).within(form.span)
}

fn wrong_length(form: &Form, attribute: &Attribute, expected: &str) -> TxError {
    let (ident, found) = (&attribute.ident, form.as_sequence().map_or(0, <[Form]>::len));
    let message = format!("{ident} has {expected} members, and is given {found}");
    TxError::new(TxErrorKind::Tuple, message).within(form.span)
}

pub(crate) fn kept_by_the_database(attribute: &Attribute) -> TxError {
    let message =
        format!("{} is kept by the database from other attributes: change those", attribute.ident);
    TxError::new(TxErrorKind::Tuple, message)
}
