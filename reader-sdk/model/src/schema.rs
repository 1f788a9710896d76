//! The schema: what the attributes of a database are, folded from datoms.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::attribute::TupleShape;
use crate::{
    Attribute, AttributeId, Cardinality, Datom, EntityId, Keyword, Unique, Value, builtin,
};

/// The attributes and idents of a database at one `t`.
///
/// A schema is data: it is folded from the datoms whose attribute
/// [defines schema](builtin::defines_schema), in the order of their `t`. A name that was given up
/// keeps leading to its entity until another entity takes it.
///
/// ```
/// # use duramen_model::{Keyword, Schema, ValueType, builtin};
/// let schema = Schema::fold(&builtin::datoms());
/// let ident = schema.attribute_named(&Keyword::new("db/ident")).expect("builtin");
/// assert_eq!(ident.value_type, ValueType::Keyword);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    attributes: HashMap<AttributeId, Attribute>,
    definitions: BTreeMap<EntityId, Definition>,
    entities: HashMap<Keyword, EntityId>,
    idents: HashMap<EntityId, Keyword>,
}

/// What has been said so far of an entity that may become an attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Definition {
    facts: BTreeMap<AttributeId, Value>,
}

impl Schema {
    /// Folds a schema from datoms, given in the order of their `t`.
    #[must_use]
    pub fn fold<'a>(datoms: impl IntoIterator<Item = &'a Datom>) -> Self {
        let mut schema = Self::default();
        schema.apply(datoms);
        schema
    }

    /// Takes in further datoms, of later transactions. Datoms that say nothing of the schema are
    /// passed over. Retractions of one transaction count before its assertions.
    pub fn apply<'a>(&mut self, datoms: impl IntoIterator<Item = &'a Datom>) {
        let mut datoms: Vec<&Datom> =
            datoms.into_iter().filter(|datom| builtin::defines_schema(datom.a)).collect();
        datoms.sort_by_key(|datom| (datom.t, datom.added));
        let mut touched = Vec::new();
        for datom in datoms {
            self.note(datom);
            touched.push(datom.e);
        }
        touched.sort_unstable();
        touched.dedup();
        for entity in touched {
            self.redefine(entity);
        }
    }

    fn note(&mut self, datom: &Datom) {
        let facts = &mut self.definitions.entry(datom.e).or_default().facts;
        if datom.added {
            facts.insert(datom.a, datom.v.clone());
        } else if facts.get(&datom.a) == Some(&datom.v) {
            facts.remove(&datom.a);
        }
        if let (builtin::IDENT, true, Value::Keyword(ident)) = (datom.a, datom.added, &datom.v) {
            self.entities.insert(ident.clone(), datom.e);
            self.idents.insert(datom.e, ident.clone());
        }
    }

    fn redefine(&mut self, entity: EntityId) {
        let id = AttributeId::from(entity);
        let definition = self.definitions.get(&entity);
        if definition.is_none_or(|d| !d.facts.contains_key(&builtin::IDENT)) {
            self.idents.remove(&entity);
        }
        match definition.and_then(|definition| definition.attribute(id)) {
            Some(attribute) => self.attributes.insert(id, attribute),
            None => self.attributes.remove(&id),
        };
    }

    /// The attribute with an id.
    #[must_use]
    pub fn attribute(&self, id: AttributeId) -> Option<&Attribute> {
        self.attributes.get(&id)
    }

    /// The attribute with a name.
    #[must_use]
    pub fn attribute_named(&self, ident: &Keyword) -> Option<&Attribute> {
        self.attribute(AttributeId::from(self.entity(ident)?))
    }

    /// The entity with a name.
    #[must_use]
    pub fn entity(&self, ident: &Keyword) -> Option<EntityId> {
        self.entities.get(ident).copied()
    }

    /// The name of an entity.
    #[must_use]
    pub fn ident(&self, entity: EntityId) -> Option<&Keyword> {
        self.idents.get(&entity)
    }

    /// All attributes, in no particular order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.values()
    }
}

impl Definition {
    /// The attribute that is defined, once there is enough to make one.
    fn attribute(&self, id: AttributeId) -> Option<Attribute> {
        let Value::Keyword(ident) = self.facts.get(&builtin::IDENT)? else { return None };
        Some(Attribute {
            id,
            ident: ident.clone(),
            value_type: builtin::value_type_of(self.entity(builtin::VALUE_TYPE)?)?,
            cardinality: match self.entity(builtin::CARDINALITY)? {
                builtin::CARDINALITY_ONE => Cardinality::One,
                builtin::CARDINALITY_MANY => Cardinality::Many,
                _ => return None,
            },
            unique: match self.entity(builtin::UNIQUE) {
                Some(builtin::UNIQUE_VALUE) => Some(Unique::Value),
                Some(builtin::UNIQUE_IDENTITY) => Some(Unique::Identity),
                _ => None,
            },
            index: self.flag(builtin::INDEX),
            component: self.flag(builtin::IS_COMPONENT),
            no_history: self.flag(builtin::NO_HISTORY),
            tuple: self.tuple(),
            doc: match self.facts.get(&builtin::DOC) {
                Some(Value::String(doc)) => Some(Arc::clone(doc)),
                _ => None,
            },
        })
    }

    fn entity(&self, a: AttributeId) -> Option<EntityId> {
        match self.facts.get(&a)? {
            Value::Ref(entity) => Some(*entity),
            _ => None,
        }
    }

    fn flag(&self, a: AttributeId) -> bool {
        self.facts.get(&a) == Some(&Value::Boolean(true))
    }

    fn tuple(&self) -> Option<TupleShape> {
        if let Some(Value::Keyword(name)) = self.facts.get(&builtin::TUPLE_TYPE) {
            return Some(TupleShape::Homogeneous(named_type(name)?));
        }
        if let Some(Value::Tuple(members)) = self.facts.get(&builtin::TUPLE_TYPES) {
            let named = |member: &Option<Value>| match member {
                Some(Value::Keyword(name)) => named_type(name),
                _ => None,
            };
            return Some(TupleShape::Heterogeneous(
                members.iter().map(named).collect::<Option<_>>()?,
            ));
        }
        if let Some(Value::Tuple(members)) = self.facts.get(&builtin::TUPLE_ATTRS) {
            let part = |member: &Option<Value>| match member {
                Some(Value::Ref(entity)) => Some(AttributeId::from(*entity)),
                _ => None,
            };
            return Some(TupleShape::Composite(members.iter().map(part).collect::<Option<_>>()?));
        }
        None
    }
}

fn named_type(name: &Keyword) -> Option<crate::ValueType> {
    let named =
        |t: &crate::ValueType| name.namespace() == Some("db.type") && name.name() == t.name();
    crate::ValueType::ALL.into_iter().find(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{T, ValueType};

    fn datom(e: EntityId, a: AttributeId, v: impl Into<Value>, t: u64, added: bool) -> Datom {
        Datom { e, a, v: v.into(), t: T::new(t).expect("small"), added }
    }

    fn defined() -> (Schema, EntityId) {
        let mut schema = Schema::fold(&builtin::datoms());
        let e = AttributeId::FIRST_USER.entity();
        schema.apply(&[
            datom(e, builtin::IDENT, Keyword::new("p/age"), 1, true),
            datom(e, builtin::VALUE_TYPE, builtin::value_type_entity(ValueType::Long), 1, true),
            datom(e, builtin::CARDINALITY, builtin::CARDINALITY_ONE, 1, true),
        ]);
        (schema, e)
    }

    #[test]
    fn genesis_defines_the_builtin_attributes() {
        let schema = Schema::fold(&builtin::datoms());
        assert_eq!(schema.attributes().count(), 12);
        let ident = schema.attribute(builtin::IDENT).expect("builtin");
        assert_eq!(ident.unique, Some(Unique::Identity));
        let string = schema.entity(&Keyword::new("db.type/string")).expect("builtin");
        assert_eq!(builtin::value_type_of(string), Some(ValueType::String));
    }

    #[test]
    fn a_renamed_attribute_answers_to_both_names() {
        let (mut schema, e) = defined();
        schema.apply(&[
            datom(e, builtin::IDENT, Keyword::new("p/age"), 2, false),
            datom(e, builtin::IDENT, Keyword::new("p/years"), 2, true),
        ]);
        assert_eq!(schema.entity(&Keyword::new("p/age")), Some(e));
        assert_eq!(schema.entity(&Keyword::new("p/years")), Some(e));
        assert_eq!(schema.ident(e), Some(&Keyword::new("p/years")));
    }

    #[test]
    fn retracting_uniqueness_lifts_it() {
        let (mut schema, e) = defined();
        schema.apply(&[datom(e, builtin::UNIQUE, builtin::UNIQUE_VALUE, 2, true)]);
        assert_eq!(schema.attribute(e.into()).and_then(|a| a.unique), Some(Unique::Value));
        schema.apply(&[datom(e, builtin::UNIQUE, builtin::UNIQUE_VALUE, 3, false)]);
        assert_eq!(schema.attribute(e.into()).and_then(|a| a.unique), None);
    }
}
