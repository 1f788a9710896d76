//! First stage: statements become terms of one fact each, with values made to suit their
//! attributes.
//!
//! What a string or a vector means is decided here, by the attribute that it is a value of: text,
//! a temporary id, a lookup ref, a tuple, or several values.

use std::collections::HashMap;

use duramen_model::attribute::TupleShape;
use duramen_model::{
    Attribute, Cardinality, Edn, Form, Keyword, Schema, T, Value, ValueType, builtin,
};

use crate::NextIds;

use super::data::{AttributePlace, MapForm, Operation, Statement, TxData};
use super::error::{TxError, TxErrorKind};
use super::names::Names;
use super::operand::{kept_by_the_database, wrong_type};
use super::temps::{LookupRefs, Temps};
use super::term::{Named, Op, Operand, Term};

/// Maps within maps. EDN's own limit is about the same; forms can come from elsewhere.
const NESTING_MAX: usize = 128;

/// What the first stage hands on.
#[derive(Debug)]
pub(crate) struct Exploded {
    pub(crate) terms: Vec<Term<Named>>,
    pub(crate) temps: Temps,
    pub(crate) lookups: LookupRefs,
    /// The entities that this transaction gives an ident.
    pub(crate) own_idents: HashMap<Keyword, Named>,
}

/// Makes terms of all statements.
pub(crate) fn explode(
    data: &TxData,
    schema: &Schema,
    t: T,
    next: NextIds,
) -> Result<Exploded, TxError> {
    let (temps, lookups) = (Temps::default(), LookupRefs::default());
    let names = Names { schema, t, next, statement: 0, temps, lookups };
    let mut exploder = Exploder { names, terms: Vec::new(), own_idents: HashMap::new() };
    for (index, statement) in data.statements().iter().enumerate() {
        exploder.names.statement = index;
        exploder.statement(statement).map_err(|error| error.at(index, statement.span))?;
    }
    let Exploder { names: Names { temps, lookups, .. }, terms, own_idents } = exploder;
    Ok(Exploded { terms, temps, lookups, own_idents })
}

struct Exploder<'a> {
    names: Names<'a>,
    terms: Vec<Term<Named>>,
    own_idents: HashMap<Keyword, Named>,
}

impl Exploder<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<(), TxError> {
        let op = match &statement.operation {
            Operation::Map(form) => {
                return self.map(&MapForm::from_form(form)?, 0).map(|_| ());
            }
            Operation::Add { e, a, v } => {
                let (e, attribute) = (self.names.entity_named(e)?, self.names.attribute(a)?);
                return self.add(e, attribute, v, 0);
            }
            Operation::Retract { e, a, v } => {
                let (e, attribute) = (self.names.entity_named(e)?, self.names.attribute(a)?);
                if matches!(attribute.tuple, Some(TupleShape::Composite(_))) {
                    return Err(kept_by_the_database(attribute));
                }
                let v = v.as_ref().map(|v| self.names.operand(v, attribute)).transpose()?;
                Op::Retract { e, a: attribute.id, v }
            }
            Operation::Cas { e, a, old, new } => {
                let (e, attribute) = (self.names.entity_named(e)?, self.names.attribute(a)?);
                self.cas(e, attribute, old, new)?
            }
            Operation::RetractEntity { e } => Op::RetractEntity { e: self.names.entity_named(e)? },
        };
        self.push(op);
        Ok(())
    }

    fn push(&mut self, op: Op<Named>) {
        if let Op::Add { e, a: builtin::IDENT, v: Operand::Value(Value::Keyword(ident)) } = &op {
            self.own_idents.insert(ident.clone(), e.clone());
        }
        self.terms.push(Term { statement: self.names.statement, op });
    }

    fn cas(
        &mut self,
        e: Named,
        attribute: &Attribute,
        old: &Form,
        new: &Form,
    ) -> Result<Op<Named>, TxError> {
        if attribute.cardinality == Cardinality::Many {
            let message = format!(
                ":db/cas needs an attribute with one value, and {} is many-valued",
                attribute.ident
            );
            return Err(TxError::new(TxErrorKind::Malformed, message));
        }
        let old = match &old.edn {
            Edn::Nil => None,
            _ => Some(self.names.operand(old, attribute)?),
        };
        Ok(Op::Cas { e, a: attribute.id, old, new: self.names.operand(new, attribute)? })
    }

    /// Makes terms of a map, and returns its entity.
    fn map(&mut self, map: &MapForm<'_>, depth: usize) -> Result<Named, TxError> {
        if depth > NESTING_MAX {
            let message = format!("maps are nested more than {NESTING_MAX} deep");
            return Err(TxError::new(TxErrorKind::Malformed, message));
        }
        let e = match &map.id {
            Some(place) => self.names.place(place)?,
            None => Named::Temp(self.names.temps.fresh()),
        };
        for (place, value) in &map.entries {
            self.entry(&e, place, value, depth).map_err(|error| error.within(value.span))?;
        }
        Ok(e)
    }

    fn entry(
        &mut self,
        e: &Named,
        place: &AttributePlace,
        value: &Form,
        depth: usize,
    ) -> Result<(), TxError> {
        if let Some(attribute) = self.names.reversed(place)? {
            return self.reverse_entry(e, attribute, value, depth);
        }
        let attribute = self.names.attribute(place)?;
        for value in self.members(value, attribute)? {
            self.add(e.clone(), attribute, value, depth)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        e: Named,
        attribute: &Attribute,
        value: &Form,
        depth: usize,
    ) -> Result<(), TxError> {
        let v = match &value.edn {
            Edn::Map(_) if attribute.value_type == ValueType::Ref => {
                let map = self.nested(value, attribute, attribute.component)?;
                Operand::Entity(self.map(&map, depth + 1)?)
            }
            _ => self.names.operand(value, attribute)?,
        };
        self.push(Op::Add { e, a: attribute.id, v });
        Ok(())
    }

    /// `:a/_b`: the values refer to the entity of the map.
    fn reverse_entry(
        &mut self,
        e: &Named,
        attribute: &Attribute,
        value: &Form,
        depth: usize,
    ) -> Result<(), TxError> {
        let values = match &value.edn {
            Edn::Set(values) => values.as_slice(),
            Edn::Vector(values) | Edn::List(values) if !self.names.is_lookup_ref(values) => values,
            _ => std::slice::from_ref(value),
        };
        for value in values {
            let owner = match &value.edn {
                Edn::Map(_) => {
                    let map = self.nested(value, attribute, false)?;
                    self.map(&map, depth + 1)?
                }
                _ => self.names.entity(value, attribute)?,
            };
            self.push(Op::Add { e: owner, a: attribute.id, v: Operand::Entity(e.clone()) });
        }
        Ok(())
    }

    /// A map as a value. One that nothing else leads to would be lost with the reference to it.
    fn nested<'f>(
        &self,
        form: &'f Form,
        attribute: &Attribute,
        owned: bool,
    ) -> Result<MapForm<'f>, TxError> {
        let map = MapForm::from_form(form)?;
        let unique = |(place, _): &(AttributePlace, &Form)| {
            self.names.lookup_attribute(place).is_some_and(|attribute| attribute.unique.is_some())
        };
        if owned || map.id.is_some() || map.entries.iter().any(unique) {
            return Ok(map);
        }
        let message = format!(
            "the map below {} has no unique attribute and {} is no component: give the map a \
             :db/id or a unique attribute",
            attribute.ident, attribute.ident
        );
        Err(TxError::new(TxErrorKind::NestedMap, message).within(form.span))
    }

    /// The values of an attribute in a map: one, or the members of a collection.
    fn members<'f>(&self, form: &'f Form, attribute: &Attribute) -> Result<&'f [Form], TxError> {
        let one = Ok(std::slice::from_ref(form));
        let several = match &form.edn {
            Edn::Set(members) => members.as_slice(),
            Edn::Vector(members) | Edn::List(members) => match attribute.value_type {
                ValueType::Ref if self.names.is_lookup_ref(members) => return one,
                ValueType::Tuple if !are_tuples(members) => return one,
                _ => members,
            },
            _ => return one,
        };
        match attribute.cardinality {
            Cardinality::Many => Ok(several),
            // A lookup ref that is none is told so where it is read.
            Cardinality::One if attribute.value_type == ValueType::Ref => one,
            Cardinality::One => Err(wrong_type(form, attribute)),
        }
    }
}

fn are_tuples(members: &[Form]) -> bool {
    !members.is_empty() && members.iter().all(|member| member.as_sequence().is_some())
}
