//! What every database is born with: the attributes that describe attributes, and the
//! enumerations they use.
//!
//! The ids are stored in every database. They are never reused and never change.

use crate::{AttributeId, Datom, EntityId, Keyword, T, Value, ValueType};

/// `:db/ident`: the name of an entity.
pub const IDENT: AttributeId = AttributeId::constant(1);
/// `:db/valueType`
pub const VALUE_TYPE: AttributeId = AttributeId::constant(2);
/// `:db/cardinality`
pub const CARDINALITY: AttributeId = AttributeId::constant(3);
/// `:db/unique`
pub const UNIQUE: AttributeId = AttributeId::constant(4);
/// `:db/isComponent`
pub const IS_COMPONENT: AttributeId = AttributeId::constant(5);
/// `:db/index`
pub const INDEX: AttributeId = AttributeId::constant(6);
/// `:db/doc`
pub const DOC: AttributeId = AttributeId::constant(7);
/// `:db/txInstant`: when a transaction took place.
pub const TX_INSTANT: AttributeId = AttributeId::constant(8);
/// `:db/noHistory`
pub const NO_HISTORY: AttributeId = AttributeId::constant(9);
/// `:db/tupleType`
pub const TUPLE_TYPE: AttributeId = AttributeId::constant(10);
/// `:db/tupleTypes`
pub const TUPLE_TYPES: AttributeId = AttributeId::constant(11);
/// `:db/tupleAttrs`
pub const TUPLE_ATTRS: AttributeId = AttributeId::constant(12);

/// `:db.cardinality/one`
pub const CARDINALITY_ONE: EntityId = EntityId::constant(40);
/// `:db.cardinality/many`
pub const CARDINALITY_MANY: EntityId = EntityId::constant(41);
/// `:db.unique/value`
pub const UNIQUE_VALUE: EntityId = EntityId::constant(42);
/// `:db.unique/identity`
pub const UNIQUE_IDENTITY: EntityId = EntityId::constant(43);

/// The entities of `:db.type/…` follow this id by the number of the type.
const FIRST_VALUE_TYPE: u64 = 20;

/// The entity that stands for a value type.
#[must_use]
pub const fn value_type_entity(value_type: ValueType) -> EntityId {
    EntityId::constant(FIRST_VALUE_TYPE + value_type.number() as u64)
}

/// The value type that an entity stands for.
#[must_use]
pub fn value_type_of(entity: EntityId) -> Option<ValueType> {
    let number = entity.get().checked_sub(FIRST_VALUE_TYPE)?;
    ValueType::from_number(u8::try_from(number).ok()?)
}

/// Whether an attribute takes part in the definition of attributes or names entities: what
/// [`crate::Schema`] is folded from.
#[must_use]
pub fn defines_schema(a: AttributeId) -> bool {
    a != TX_INSTANT && a.get() <= TUPLE_ATTRS.get()
}

struct Builtin {
    id: AttributeId,
    ident: &'static str,
    value_type: ValueType,
    many: bool,
    identity: bool,
    index: bool,
    doc: &'static str,
}

const fn attribute(
    id: AttributeId,
    ident: &'static str,
    value_type: ValueType,
    doc: &'static str,
) -> Builtin {
    Builtin { id, ident, value_type, many: false, identity: false, index: false, doc }
}

const ATTRIBUTES: [Builtin; 12] = [
    Builtin {
        identity: true,
        ..attribute(IDENT, "db/ident", ValueType::Keyword, "The name of an entity.")
    },
    attribute(VALUE_TYPE, "db/valueType", ValueType::Ref, "The type of an attribute's values."),
    attribute(CARDINALITY, "db/cardinality", ValueType::Ref, "One value for an entity, or many."),
    attribute(UNIQUE, "db/unique", ValueType::Ref, "Whether a value belongs to one entity."),
    attribute(IS_COMPONENT, "db/isComponent", ValueType::Boolean, "Whether references own."),
    attribute(INDEX, "db/index", ValueType::Boolean, "Whether values can be looked up."),
    attribute(DOC, "db/doc", ValueType::String, "What an entity is for."),
    Builtin {
        index: true,
        ..attribute(TX_INSTANT, "db/txInstant", ValueType::Instant, "When a transaction was made.")
    },
    attribute(NO_HISTORY, "db/noHistory", ValueType::Boolean, "Whether the past is forgotten."),
    attribute(TUPLE_TYPE, "db/tupleType", ValueType::Keyword, "The one type of a tuple's members."),
    attribute(TUPLE_TYPES, "db/tupleTypes", ValueType::Tuple, "The types of a tuple's members."),
    attribute(TUPLE_ATTRS, "db/tupleAttrs", ValueType::Tuple, "The attributes a tuple is made of."),
];

const ENUMERATIONS: [(EntityId, &str); 4] = [
    (CARDINALITY_ONE, "db.cardinality/one"),
    (CARDINALITY_MANY, "db.cardinality/many"),
    (UNIQUE_VALUE, "db.unique/value"),
    (UNIQUE_IDENTITY, "db.unique/identity"),
];

/// The datoms of the genesis transaction, without its instant.
#[must_use]
pub fn datoms() -> Vec<Datom> {
    let fact = |e, a, v| Datom { e, a, v, t: T::GENESIS, added: true };
    let ident = |e, name: &str| fact(e, IDENT, Value::Keyword(Keyword::new(name)));
    let mut datoms = Vec::new();
    for attribute in &ATTRIBUTES {
        let e = attribute.id.entity();
        let cardinality = if attribute.many { CARDINALITY_MANY } else { CARDINALITY_ONE };
        datoms.push(ident(e, attribute.ident));
        datoms.push(fact(e, VALUE_TYPE, Value::Ref(value_type_entity(attribute.value_type))));
        datoms.push(fact(e, CARDINALITY, Value::Ref(cardinality)));
        if attribute.identity {
            datoms.push(fact(e, UNIQUE, Value::Ref(UNIQUE_IDENTITY)));
        }
        if attribute.index {
            datoms.push(fact(e, INDEX, Value::Boolean(true)));
        }
        datoms.push(fact(e, DOC, Value::string(attribute.doc)));
    }
    for value_type in ValueType::ALL {
        let name = format!("db.type/{}", value_type.name());
        datoms.push(ident(value_type_entity(value_type), &name));
    }
    datoms.extend(ENUMERATIONS.iter().map(|&(e, name)| ident(e, name)));
    datoms
}
