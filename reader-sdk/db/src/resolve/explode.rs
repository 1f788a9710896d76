//! First stage: statements become terms of one fact each, with values made to suit their
//! attributes.
//!
//! What a string or a vector means is decided here, by the attribute that it is a value of: text,
//! a temporary id, a lookup ref, a tuple, or several values.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use duramen_model::attribute::TupleShape;
use duramen_model::{
    Attribute, AttributeId, Cardinality, Edn, EntityId, Form, Keyword, Schema, T, Value, ValueType,
    builtin,
};

use crate::{NextIds, value_codec};

use super::allocate::has_given;
use super::coerce::coerce;
use super::data::{AttributePlace, MapForm, Operation, Place, Statement, TxData};
use super::error::{TxError, TxErrorKind};
use super::show::show;
use super::temps::{LookupRef, LookupRefs, Temps};
use super::term::{Named, Op, Operand, Term};

/// Maps within maps. EDN's own limit is about the same; forms can come from elsewhere.
const NESTING_MAX: usize = 128;
/// How many members a homogeneous tuple may have.
const TUPLE_MEMBERS: RangeInclusive<usize> = 2..=8;
/// What the first stage hands on.
#[derive(Debug, Default)]
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
    let mut exploder = Exploder { schema, t, next, statement: 0, out: Exploded::default() };
    for (index, statement) in data.statements().iter().enumerate() {
        exploder.statement = index;
        exploder.statement(statement).map_err(|error| error.at(index, statement.span))?;
    }
    Ok(exploder.out)
}

struct Exploder<'a> {
    schema: &'a Schema,
    /// The `t` that the transaction will have.
    t: T,
    next: NextIds,
    statement: usize,
    out: Exploded,
}

impl<'a> Exploder<'a> {
    fn statement(&mut self, statement: &Statement) -> Result<(), TxError> {
        let op = match &statement.operation {
            Operation::Map(map) => return self.map(map, 0).map(|_| ()),
            Operation::Add { e, a, v } => {
                let (e, attribute) = (self.place(e)?, self.attribute(a)?);
                return self.add(e, attribute, v, 0);
            }
            Operation::Retract { e, a, v } => {
                let (e, attribute) = (self.place(e)?, self.attribute(a)?);
                if matches!(attribute.tuple, Some(TupleShape::Composite(_))) {
                    return Err(kept_by_the_database(attribute));
                }
                let v = v.as_ref().map(|v| self.operand(v, attribute)).transpose()?;
                Op::Retract { e, a: attribute.id, v }
            }
            Operation::Cas { e, a, old, new } => {
                let (e, attribute) = (self.place(e)?, self.attribute(a)?);
                self.cas(e, attribute, old, new)?
            }
            Operation::RetractEntity { e } => Op::RetractEntity { e: self.place(e)? },
        };
        self.push(op);
        Ok(())
    }

    fn push(&mut self, op: Op<Named>) {
        if let Op::Add { e, a: builtin::IDENT, v: Operand::Value(Value::Keyword(ident)) } = &op {
            self.out.own_idents.insert(ident.clone(), e.clone());
        }
        self.out.terms.push(Term { statement: self.statement, op });
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
            _ => Some(self.operand(old, attribute)?),
        };
        Ok(Op::Cas { e, a: attribute.id, old, new: self.operand(new, attribute)? })
    }

    /// Makes terms of a map, and returns its entity.
    fn map(&mut self, map: &MapForm, depth: usize) -> Result<Named, TxError> {
        if depth > NESTING_MAX {
            let message = format!("maps are nested more than {NESTING_MAX} deep");
            return Err(TxError::new(TxErrorKind::Malformed, message));
        }
        let e = match &map.id {
            Some(place) => self.place(place)?,
            None => Named::Temp(self.out.temps.fresh()),
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
        if let Some(attribute) = self.reversed(place)? {
            return self.reverse_entry(e, attribute, value, depth);
        }
        let attribute = self.attribute(place)?;
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
            _ => self.operand(value, attribute)?,
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
            Edn::Vector(values) | Edn::List(values) if !self.is_lookup_ref(values) => values,
            _ => std::slice::from_ref(value),
        };
        for value in values {
            let owner = match &value.edn {
                Edn::Map(_) => {
                    let map = self.nested(value, attribute, false)?;
                    self.map(&map, depth + 1)?
                }
                _ => self.entity(value, attribute)?,
            };
            self.push(Op::Add { e: owner, a: attribute.id, v: Operand::Entity(e.clone()) });
        }
        Ok(())
    }

    /// A map as a value. One that nothing else leads to would be lost with the reference to it.
    fn nested(&self, form: &Form, attribute: &Attribute, owned: bool) -> Result<MapForm, TxError> {
        let map = MapForm::from_form(form)?;
        let unique = |(place, _): &(AttributePlace, Form)| {
            self.lookup_attribute(place).is_some_and(|attribute| attribute.unique.is_some())
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
                ValueType::Ref if self.is_lookup_ref(members) => return one,
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

    /// Whether a collection is a lookup ref rather than two references.
    fn is_lookup_ref(&self, members: &[Form]) -> bool {
        let [a, _] = members else { return false };
        let named = a.as_keyword().and_then(|ident| self.schema.attribute_named(ident));
        named.is_some_and(|attribute| attribute.unique.is_some())
    }

    /// Makes a value suit its attribute.
    fn operand(&mut self, form: &Form, attribute: &Attribute) -> Result<Operand<Named>, TxError> {
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
    fn entity(&mut self, form: &Form, attribute: &Attribute) -> Result<Named, TxError> {
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

    fn place(&mut self, place: &Place) -> Result<Named, TxError> {
        match place {
            Place::Id(id) => self.known(*id).map(Named::Entity),
            Place::Temp(name) => Ok(Named::Temp(self.out.temps.named(name))),
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
        Ok(Named::Lookup(self.out.lookups.intern(lookup)))
    }

    fn part_types(&self, parts: &[AttributeId]) -> Vec<ValueType> {
        // A part that is no attribute any more has no values either.
        let part = |id: &AttributeId| self.schema.attribute(*id);
        parts.iter().map(|id| part(id).map_or(ValueType::Ref, |a| a.value_type)).collect()
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

    fn tuple_of(
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

    fn attribute(&self, place: &AttributePlace) -> Result<&'a Attribute, TxError> {
        self.lookup_attribute(place).ok_or_else(|| {
            let message = match place {
                AttributePlace::Ident(ident) if self.schema.entity(ident).is_some() => {
                    format!("{ident} is an entity, and no attribute")
                }
                AttributePlace::Ident(ident) => {
                    format!("no attribute {ident}: define it in an earlier transaction")
                }
                AttributePlace::Id(id) => format!("no attribute has the id {id}"),
            };
            TxError::new(TxErrorKind::UnknownAttribute, message)
        })
    }

    fn lookup_attribute(&self, place: &AttributePlace) -> Option<&'a Attribute> {
        match place {
            AttributePlace::Ident(ident) => self.schema.attribute_named(ident),
            AttributePlace::Id(id) => self.schema.attribute(AttributeId::from(*id)),
        }
    }

    /// The attribute that `:a/_b` turns round, if the name is of that kind.
    fn reversed(&self, place: &AttributePlace) -> Result<Option<&'a Attribute>, TxError> {
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
}

fn are_tuples(members: &[Form]) -> bool {
    !members.is_empty() && members.iter().all(|member| member.as_sequence().is_some())
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

fn wrong_type(form: &Form, attribute: &Attribute) -> TxError {
    let (ident, of) = (&attribute.ident, attribute.value_type.name());
    let message = format!("{ident} is a :db.type/{of}, and is given {}", show(&form.edn));
    TxError::new(TxErrorKind::WrongType, message).within(form.span)
}

fn wrong_length(form: &Form, attribute: &Attribute, expected: &str) -> TxError {
    let (ident, found) = (&attribute.ident, form.as_sequence().map_or(0, <[Form]>::len));
    let message = format!("{ident} has {expected} members, and is given {found}");
    TxError::new(TxErrorKind::Tuple, message).within(form.span)
}

fn kept_by_the_database(attribute: &Attribute) -> TxError {
    let message =
        format!("{} is kept by the database from other attributes: change those", attribute.ident);
    TxError::new(TxErrorKind::Tuple, message)
}
