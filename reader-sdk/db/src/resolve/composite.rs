//! Composite tuples: the database keeps them as other attributes of the entity change.
//!
//! Asserting again what is so touches an entity too. That is how the tuples of a composite which
//! was defined later than the facts it is made of are filled in.

use std::collections::{BTreeMap, HashMap};

use duramen_model::attribute::TupleShape;
use duramen_model::{Attribute, AttributeId, EntityId, Schema, Value};

use super::error::TxError;
use super::expand::{Before, Saying};
use super::known::{Known, Question};
use super::net::Changes;

/// The tuples that have to be made anew, each with a statement that caused it.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    tuples: BTreeMap<(EntityId, AttributeId), usize>,
}

impl Touched {
    /// Finds the tuples that the sayings are about.
    pub(crate) fn by(sayings: &[Saying], schema: &Schema) -> Self {
        let mut touched = Self::default();
        let composites = composites_by_part(schema);
        if composites.is_empty() {
            return touched;
        }
        for saying in sayings {
            for composite in composites.get(&saying.a).into_iter().flatten() {
                touched.tuples.entry((saying.e, *composite)).or_insert(saying.statement);
            }
        }
        touched
    }
}

/// Adds to the changes those of the composite tuples.
pub(crate) async fn follow(
    Touched { tuples: touched }: Touched,
    changes: &mut Changes,
    before: Before,
    known: &mut Known<'_>,
) -> Result<(), TxError> {
    for (e, composite) in touched.keys().filter(|(e, _)| before.may_know(*e)) {
        known.ask(Question::Values(*e, *composite));
        for part in parts(*composite, known.schema()) {
            known.ask(Question::Values(*e, *part));
        }
    }
    known.fetch().await?;
    let mut further = Vec::new();
    for ((e, composite), statement) in touched {
        further.extend(update(e, composite, statement, changes, known));
    }
    changes.extend(further);
    Ok(())
}

fn composites_by_part(schema: &Schema) -> HashMap<AttributeId, Vec<AttributeId>> {
    let mut by_part: HashMap<AttributeId, Vec<AttributeId>> = HashMap::new();
    for attribute in schema.attributes() {
        for part in parts_of(attribute) {
            by_part.entry(*part).or_default().push(attribute.id);
        }
    }
    by_part
}

fn parts_of(attribute: &Attribute) -> &[AttributeId] {
    match &attribute.tuple {
        Some(TupleShape::Composite(parts)) => parts,
        _ => &[],
    }
}

fn parts(composite: AttributeId, schema: &Schema) -> &[AttributeId] {
    schema.attribute(composite).map_or(&[], parts_of)
}

fn update(
    e: EntityId,
    composite: AttributeId,
    statement: usize,
    changes: &Changes,
    known: &Known<'_>,
) -> Vec<Saying> {
    let parts = parts(composite, known.schema()).iter();
    let members: Vec<Option<Value>> = parts.map(|a| value_after(e, *a, changes, known)).collect();
    let tuple = members.iter().any(Option::is_some).then(|| Value::Tuple(members.into()));
    let mut further = Vec::new();
    let mut open = false;
    for fact in known.answer(&Question::Values(e, composite)) {
        if Some(&fact.v) == tuple.as_ref() {
            open = true;
        } else if !changes.retracts(e, composite, &fact.v) {
            further.push(Saying::retraction(fact, statement));
        }
    }
    if let (Some(v), false) = (tuple, open) {
        further.push(Saying { e, a: composite, v, added: true, closes: None, statement });
    }
    further
}

/// The value that an entity has for an attribute after the transaction.
fn value_after(e: EntityId, a: AttributeId, changes: &Changes, known: &Known<'_>) -> Option<Value> {
    if let Some(change) = changes.of(e, a).iter().find(|change| change.added) {
        return Some(change.v.clone());
    }
    let facts = known.answer(&Question::Values(e, a)).iter();
    let mut kept = facts.filter(|fact| !changes.retracts(e, a, &fact.v));
    kept.next().map(|fact| fact.v.clone())
}
