//! Fifth stage: terms become sayings about single facts.
//!
//! Retractions without a value, retractions of entities and compare-and-set are worked out here
//! against the database as it was before the transaction. So a transaction is a set: the order of
//! its statements plays no part.

use std::collections::HashSet;

use duramen_model::{AttributeId, Cardinality, Datom, EntityId, Schema, T, Value};

use crate::NextIds;

use super::allocate::has_given;
use super::error::{TxError, TxErrorKind};
use super::known::{Known, Question};
use super::show::{show_entity, show_value};
use super::term::{Op, Operand, Term};

/// What a statement says of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saying {
    pub(crate) e: EntityId,
    pub(crate) a: AttributeId,
    pub(crate) v: Value,
    pub(crate) added: bool,
    /// The `t` that asserted the fact, for a retraction of one that is open.
    pub(crate) closes: Option<T>,
    pub(crate) statement: usize,
}

impl Saying {
    /// Says that an open fact ends.
    pub(crate) fn retraction(fact: &Datom, statement: usize) -> Self {
        Self {
            e: fact.e,
            a: fact.a,
            v: fact.v.clone(),
            added: false,
            closes: Some(fact.t),
            statement,
        }
    }
}

/// Which entities the database may have facts of. Nothing is asked of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) next: NextIds,
    pub(crate) basis_t: T,
}

impl Before {
    pub(crate) fn may_know(self, e: EntityId) -> bool {
        match e.t() {
            Some(t) => t <= self.basis_t,
            None => has_given(self.next, e) || e.get() < AttributeId::FIRST_USER.get(),
        }
    }
}

/// Works out what every term says.
pub(crate) async fn expand(
    terms: Vec<Term<EntityId>>,
    before: Before,
    known: &mut Known<'_>,
) -> Result<Vec<Saying>, TxError> {
    for term in &terms {
        ask(&term.op, before, known);
    }
    known.fetch().await?;
    let doomed = follow_components(&terms, known).await?;
    let mut sayings = Vec::with_capacity(terms.len());
    for Term { statement, op } in terms {
        match op {
            Op::Add { e, a, v } => sayings.push(assertion(e, a, v, statement)),
            Op::Retract { e, a, v } => retract(e, a, v, statement, known, &mut sayings),
            Op::Cas { e, a, old, new } => {
                let old = old.map(Operand::into_value);
                compare(e, a, old.as_ref(), known)
                    .map_err(|error| error.in_statement(statement))?;
                sayings.push(assertion(e, a, new, statement));
            }
            // All of them are dealt with below.
            Op::RetractEntity { .. } => {}
        }
    }
    for (e, statement) in doomed {
        for question in [Question::Entity(e), Question::References(e)] {
            let facts = known.answer(&question).iter();
            sayings.extend(facts.map(|fact| Saying::retraction(fact, statement)));
        }
    }
    Ok(sayings)
}

fn assertion(e: EntityId, a: AttributeId, v: Operand<EntityId>, statement: usize) -> Saying {
    Saying { e, a, v: v.into_value(), added: true, closes: None, statement }
}

/// Asks what has to be known for a term.
fn ask(op: &Op<EntityId>, before: Before, known: &mut Known<'_>) {
    let e = *op.entity();
    if let Op::Add { a, v, .. } | Op::Cas { a, new: v, .. } = op
        && known.schema().attribute(*a).is_some_and(|attribute| attribute.unique.is_some())
    {
        known.ask(Question::Owners(*a, v.clone().into_value()));
    }
    if !before.may_know(e) {
        return;
    }
    match op {
        Op::Add { a, v, .. } | Op::Retract { a, v: Some(v), .. } => {
            let question = fact_question(e, *a, || v.clone().into_value(), known.schema());
            known.ask(question);
        }
        Op::Retract { a, v: None, .. } | Op::Cas { a, .. } => known.ask(Question::Values(e, *a)),
        Op::RetractEntity { .. } => {
            known.ask(Question::Entity(e));
            known.ask(Question::References(e));
        }
    }
}

/// The question that tells whether a fact is open. Of an attribute with one value it is asked for
/// that value, which is needed anyway to replace it.
pub(crate) fn fact_question(
    e: EntityId,
    a: AttributeId,
    v: impl FnOnce() -> Value,
    schema: &Schema,
) -> Question {
    match schema.attribute(a).map(|attribute| attribute.cardinality) {
        Some(Cardinality::One) => Question::Values(e, a),
        Some(Cardinality::Many) | None => Question::Fact(e, a, v()),
    }
}

/// The entities to be retracted, with their components, at any depth.
async fn follow_components(
    terms: &[Term<EntityId>],
    known: &mut Known<'_>,
) -> Result<Vec<(EntityId, usize)>, TxError> {
    let retracted = terms.iter().filter_map(|term| match term.op {
        Op::RetractEntity { e } => Some((e, term.statement)),
        _ => None,
    });
    let mut level: Vec<(EntityId, usize)> = retracted.collect();
    let mut seen = HashSet::new();
    let mut doomed = Vec::new();
    while !level.is_empty() {
        level.retain(|(e, _)| seen.insert(*e));
        for (e, _) in &level {
            known.ask(Question::Entity(*e));
            known.ask(Question::References(*e));
        }
        known.fetch().await?;
        let below = level.iter().flat_map(|&(e, statement)| {
            components(e, known).map(move |component| (component, statement))
        });
        let below = below.collect();
        doomed.append(&mut level);
        level = below;
    }
    Ok(doomed)
}

fn components(e: EntityId, known: &Known<'_>) -> impl Iterator<Item = EntityId> {
    let schema = known.schema();
    known.answer(&Question::Entity(e)).iter().filter_map(|fact| match fact.v {
        Value::Ref(part) if schema.attribute(fact.a).is_some_and(|a| a.component) => Some(part),
        _ => None,
    })
}

fn retract(
    e: EntityId,
    a: AttributeId,
    v: Option<Operand<EntityId>>,
    statement: usize,
    known: &Known<'_>,
    sayings: &mut Vec<Saying>,
) {
    let saying = |v, closes| Saying { e, a, v, added: false, closes, statement };
    match v.map(Operand::into_value) {
        Some(v) => {
            let question = fact_question(e, a, || v.clone(), known.schema());
            let fact = known.answer(&question).iter().find(|fact| fact.v == v);
            // Kept also when there is no such fact, to find contradictions.
            sayings.push(saying(v, fact.map(|fact| fact.t)));
        }
        None => {
            let facts = known.answer(&Question::Values(e, a)).iter();
            sayings.extend(facts.map(|fact| saying(fact.v.clone(), Some(fact.t))));
        }
    }
}

fn compare(
    e: EntityId,
    a: AttributeId,
    old: Option<&Value>,
    known: &Known<'_>,
) -> Result<(), TxError> {
    let current = known.answer(&Question::Values(e, a)).first().map(|fact| &fact.v);
    if current == old {
        return Ok(());
    }
    let schema = known.schema();
    let shown = |value: Option<&Value>| value.map_or_else(|| "nil".to_owned(), show_value);
    let message = format!(
        "{} of {} is {}, not {}: read it again and decide anew",
        schema.attribute(a).map(|attribute| attribute.ident.to_string()).unwrap_or_default(),
        show_entity(e, schema),
        shown(current),
        shown(old),
    );
    Err(TxError::new(TxErrorKind::CasFailed, message))
}
