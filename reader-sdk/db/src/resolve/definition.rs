//! Eighth stage: what the changes make of the schema is checked.
//!
//! A definition must be complete when it is made. Later its name, its cardinality, its uniqueness
//! and its flags may change, as far as the facts there are allow; its type never does.

use std::collections::{BTreeMap, HashSet};

use duramen_model::attribute::TupleShape;
use duramen_model::entity::Partition;
use duramen_model::{
    Attribute, AttributeId, Cardinality, Datom, EntityId, Schema, T, Value, ValueType, builtin,
};

use super::error::{TxError, TxErrorKind};
use super::expand::Saying;
use super::known::{Known, Question};
use super::net::Changes;
use super::show::{show_entity, show_value};

/// What a definition cannot do without.
const REQUIRED: [(AttributeId, &str); 3] = [
    (builtin::IDENT, ":db/ident"),
    (builtin::VALUE_TYPE, ":db/valueType"),
    (builtin::CARDINALITY, ":db/cardinality"),
];

/// Checks what the changes, to be made at `t`, make of the schema.
pub(crate) async fn check_definitions(
    changes: &Changes,
    t: T,
    known: &mut Known<'_>,
) -> Result<(), TxError> {
    let before = known.schema();
    for change in changes.all() {
        check_name(change, before)?;
    }
    let defined = defined(changes, before);
    if defined.is_empty() {
        return Ok(());
    }
    let after = schema_after(changes, t, before);
    let mut altered = Vec::new();
    for (e, statement) in defined {
        let id = AttributeId::from(e);
        let check = match before.attribute(id) {
            None => check_new(e, changes, &after),
            Some(old) => check_altered(old, &after, changes).map(|()| altered.push(old)),
        };
        check.map_err(|message| refused(message, statement))?;
    }
    check_facts(&altered, &after, changes, known).await
}

fn refused(message: String, statement: usize) -> TxError {
    TxError::new(TxErrorKind::Schema, message).in_statement(statement)
}

/// Checks that what the database is born with stays, and that its names are not taken.
fn check_name(change: &Saying, schema: &Schema) -> Result<(), TxError> {
    if !builtin::defines_schema(change.a) {
        return Ok(());
    }
    if change.e.get() < AttributeId::FIRST_USER.get() {
        let message = format!("{} is builtin and stays as it is", show_entity(change.e, schema));
        return Err(refused(message, change.statement));
    }
    let reserved = match (&change.v, change.added && change.a == builtin::IDENT) {
        (Value::Keyword(ident), true) => {
            ident.namespace().is_some_and(|space| space == "db" || space.starts_with("db."))
        }
        _ => false,
    };
    if reserved {
        let message = format!("the namespace of {} is reserved", show_value(&change.v));
        return Err(refused(message, change.statement));
    }
    Ok(())
}

/// The entities whose definition as an attribute changes, each with a statement about it.
fn defined(changes: &Changes, before: &Schema) -> BTreeMap<EntityId, usize> {
    let defines = |change: &&Saying| match change.a {
        builtin::DOC => false,
        builtin::IDENT => before.attribute(change.e.into()).is_some(),
        a => builtin::defines_schema(a),
    };
    changes.all().iter().filter(defines).map(|change| (change.e, change.statement)).collect()
}

fn schema_after(changes: &Changes, t: T, before: &Schema) -> Schema {
    let defining = changes.all().iter().filter(|change| builtin::defines_schema(change.a));
    let datom = |change: &Saying| Datom {
        e: change.e,
        a: change.a,
        v: change.v.clone(),
        t,
        added: change.added,
    };
    let datoms: Vec<Datom> = defining.map(datom).collect();
    let mut after = before.clone();
    after.apply(&datoms);
    after
}

fn check_new(e: EntityId, changes: &Changes, after: &Schema) -> Result<(), String> {
    let ident = show_entity(e, after);
    let has = |a: AttributeId| changes.of(e, a).iter().any(|change| change.added);
    let missing = REQUIRED.iter().filter(|(a, _)| !has(*a)).map(|(_, name)| *name);
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        return Err(format!("the attribute {ident} is incomplete: add {}", missing.join(" and ")));
    }
    if e.partition() != Partition::Attributes {
        return Err(format!("{ident} exists already and cannot become an attribute"));
    }
    let Some(attribute) = after.attribute(e.into()) else {
        return Err(format!(
            "{ident} needs a :db/valueType such as :db.type/string and a :db/cardinality, \
             :db.cardinality/one or :db.cardinality/many"
        ));
    };
    check_sound(attribute, changes)?;
    check_tuple(attribute, changes, after)
}

/// Checks what must hold of every definition, new or altered.
fn check_sound(attribute: &Attribute, changes: &Changes) -> Result<(), String> {
    let ident = &attribute.ident;
    if ident.name().starts_with('_') {
        return Err(format!("{ident} would read as a reference turned round: drop the underscore"));
    }
    if attribute.component && attribute.value_type != ValueType::Ref {
        return Err(format!("{ident} is no reference, so it cannot be a component"));
    }
    let unique = changes.of(attribute.id.entity(), builtin::UNIQUE).iter();
    let known = [Value::Ref(builtin::UNIQUE_VALUE), Value::Ref(builtin::UNIQUE_IDENTITY)];
    if unique.filter(|change| change.added).any(|change| !known.contains(&change.v)) {
        return Err(format!(
            "the :db/unique of {ident} must be :db.unique/value or :db.unique/identity"
        ));
    }
    Ok(())
}

fn check_tuple(attribute: &Attribute, changes: &Changes, after: &Schema) -> Result<(), String> {
    let ident = &attribute.ident;
    let shapes = [builtin::TUPLE_TYPE, builtin::TUPLE_TYPES, builtin::TUPLE_ATTRS];
    let given =
        shapes.iter().filter(|a| !changes.of(attribute.id.entity(), **a).is_empty()).count();
    let wanted = usize::from(attribute.value_type == ValueType::Tuple);
    if given != wanted {
        return Err(format!(
            "{ident} needs one of :db/tupleType, :db/tupleTypes and :db/tupleAttrs exactly if its \
             type is :db.type/tuple"
        ));
    }
    let of_tuples = |types: &[ValueType]| types.contains(&ValueType::Tuple);
    let (members, nested) = match &attribute.tuple {
        None if wanted == 0 => return Ok(()),
        None => return Err(format!("{ident} names a type that there is not")),
        Some(TupleShape::Homogeneous(of)) => (2, of_tuples(&[*of])),
        Some(TupleShape::Heterogeneous(types)) => (types.len(), of_tuples(types)),
        Some(TupleShape::Composite(parts)) => {
            check_parts(attribute, parts, after)?;
            (parts.len(), false)
        }
    };
    match (2..=8).contains(&members) && !nested {
        true => Ok(()),
        false => Err(format!("{ident} needs two to eight members, none of which is a tuple")),
    }
}

fn check_parts(attribute: &Attribute, parts: &[AttributeId], after: &Schema) -> Result<(), String> {
    let ident = &attribute.ident;
    for part in parts {
        let usable = after.attribute(*part).is_some_and(|part| {
            part.cardinality == Cardinality::One && part.value_type != ValueType::Tuple
        });
        if !usable {
            let part = show_entity(part.entity(), after);
            return Err(format!(
                "{ident} is made of {part}, which is no attribute with one plain value"
            ));
        }
    }
    match attribute.cardinality {
        Cardinality::One => Ok(()),
        Cardinality::Many => Err(format!("{ident} is a composite tuple and has one value")),
    }
}

fn check_altered(old: &Attribute, after: &Schema, changes: &Changes) -> Result<(), String> {
    let ident = &old.ident;
    let Some(new) = after.attribute(old.id) else {
        return Err(format!("{ident} is an attribute and cannot be undone"));
    };
    if new.value_type != old.value_type || new.tuple != old.tuple {
        return Err(format!(
            "the type of {ident} never changes: define another attribute and move the values"
        ));
    }
    check_sound(new, changes)?;
    let is_part = |attribute: &Attribute| match &attribute.tuple {
        Some(TupleShape::Composite(parts)) => parts.contains(&old.id),
        _ => false,
    };
    let composite = new.tuple.as_ref().is_some_and(|t| matches!(t, TupleShape::Composite(_)));
    if new.cardinality == Cardinality::Many && (composite || after.attributes().any(is_part)) {
        return Err(format!("{ident} belongs to a composite tuple and keeps one value"));
    }
    let restricted = (new.cardinality, new.unique) != (old.cardinality, old.unique);
    if restricted && changes.all().iter().any(|change| change.a == old.id) {
        return Err(format!("{ident} is altered and used: make two transactions of it"));
    }
    Ok(())
}

/// Checks that the facts there are fit the altered definitions.
async fn check_facts(
    altered: &[&Attribute],
    after: &Schema,
    changes: &Changes,
    known: &mut Known<'_>,
) -> Result<(), TxError> {
    let narrowed: Vec<(&Attribute, bool, bool)> = altered
        .iter()
        .filter_map(|old| {
            let new = after.attribute(old.id)?;
            let single =
                old.cardinality == Cardinality::Many && new.cardinality == Cardinality::One;
            let unique = old.unique.is_none() && new.unique.is_some();
            (single || unique).then_some((*old, single, unique))
        })
        .collect();
    for (attribute, ..) in &narrowed {
        known.ask(Question::Column(attribute.id));
    }
    known.fetch().await?;
    for (attribute, single, unique) in narrowed {
        let facts = known.answer(&Question::Column(attribute.id));
        let fault = match (single.then(|| several(facts)), unique.then(|| shared(facts))) {
            (Some(Some(e)), _) => format!("{} has several values", show_entity(e, after)),
            (_, Some(Some(v))) => format!("several entities have {}", show_value(v)),
            _ => continue,
        };
        let statement = changes.of(attribute.id.entity(), builtin::CARDINALITY).iter();
        let other = changes.of(attribute.id.entity(), builtin::UNIQUE).iter();
        let statement = statement.chain(other).map(|change| change.statement).next();
        let message = format!("{} cannot be altered so: {fault}", attribute.ident);
        return Err(refused(message, statement.unwrap_or_default()));
    }
    Ok(())
}

fn several(facts: &[Datom]) -> Option<EntityId> {
    let mut seen = HashSet::with_capacity(facts.len());
    facts.iter().map(|fact| fact.e).find(|e| !seen.insert(*e))
}

fn shared(facts: &[Datom]) -> Option<&Value> {
    let mut seen = HashSet::with_capacity(facts.len());
    facts.iter().map(|fact| &fact.v).find(|v| !seen.insert(*v))
}
