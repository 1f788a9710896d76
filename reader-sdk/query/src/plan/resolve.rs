//! What constants mean to the sources, and how many facts they leave: the only part of planning
//! that reads data. All patterns are resolved at the same time.

use std::collections::HashMap;
use std::ops::Bound;

use duramen_db::{Db, DbError, Selection};
use duramen_model::{Attribute, AttributeId, Cardinality, EntityId, Span, Value, ValueType};
use futures_util::future;

use super::cost::VALUES_OF_MANY;
use super::node::{Facts, MatchNode, Node, Slot};
use super::{Action, Lowered, Plan, doubt};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::functions::Number;
use crate::source::{
    Source, attribute_named, entity_of, transaction, unknown_attribute, value_of_constant,
};

/// Places of a pattern against a database.
const PLACES: usize = 5;

/// Stands for the number of facts of a pattern for which there was no need to know it.
pub(crate) const NOT_COUNTED: u64 = u64::MAX;

/// Resolves all patterns, and counts what they match where the sequence of steps hangs on it.
pub(crate) async fn resolve(lowered: &mut Lowered, sources: &[Source]) -> Result<(), QueryError> {
    let named = patterns(lowered).into_iter().map(|node| async {
        match &sources[node.source] {
            Source::Db(db) => resolve_facts(node, db).await,
            Source::Rows(rows) => {
                node.count = rows.len() as u64;
                Ok(())
            }
        }
    });
    future::try_join_all(named).await?;
    if !doubt::in_doubt(lowered) {
        return Ok(());
    }
    let counted = patterns(lowered).into_iter().map(|node| async {
        match &sources[node.source] {
            Source::Db(db) => count(node, db).await,
            Source::Rows(_) => Ok(()),
        }
    });
    future::try_join_all(counted).await.map(drop)
}

fn patterns(lowered: &mut Lowered) -> Vec<&mut MatchNode> {
    let mut patterns = Vec::new();
    lowered.nodes.iter_mut().for_each(|node| collect(node, &mut patterns));
    for predicate in &mut lowered.predicates {
        predicate.bodies.iter_mut().flatten().for_each(|node| collect(node, &mut patterns));
    }
    patterns
}

fn collect<'n>(node: &'n mut Node, patterns: &mut Vec<&'n mut MatchNode>) {
    match node {
        Node::Match(node) => patterns.push(node),
        Node::Either(node) => {
            node.branches.iter_mut().flatten().for_each(|node| collect(node, patterns));
        }
        Node::Without(node) => node.nodes.iter_mut().for_each(|node| collect(node, patterns)),
        Node::Given { .. } | Node::Compute(_) | Node::Invoke(_) => {}
    }
}

impl Plan {
    /// Takes over what constants mean and how many facts they leave, where that is about the same
    /// as before; otherwise says no, and is of no use any more.
    pub(crate) fn take_facts(
        &mut self,
        lowered: &Lowered,
        similar: impl Fn(u64, u64) -> bool,
    ) -> bool {
        let mut patterns = Vec::new();
        let bodies = lowered.predicates.iter().flat_map(|predicate| &predicate.bodies).flatten();
        lowered.nodes.iter().chain(bodies).for_each(|node| look(node, &mut patterns));
        let patterns: HashMap<usize, &MatchNode> =
            patterns.into_iter().map(|node| (node.id, node)).collect();
        let mut stays = true;
        self.each_step(&mut |step| {
            let Action::Match(matching) = &mut step.action else { return };
            let new = patterns.get(&matching.node.id);
            stays &= new.is_some_and(|new| matching.node.take_facts(new, &similar));
        });
        stays
    }
}

impl MatchNode {
    fn take_facts(&mut self, new: &Self, similar: impl Fn(u64, u64) -> bool) -> bool {
        let same = match (&self.facts, &new.facts) {
            (Some(own), Some(new)) => {
                let value_type = |facts: &Facts| facts.attribute.as_ref().map(|a| a.value_type);
                own.never == new.never
                    && own.finds_values == new.finds_values
                    && value_type(own) == value_type(new)
                    && similar(own.attribute_count, new.attribute_count)
            }
            (None, None) => true,
            _ => false,
        };
        let bounds = self.facts.take().map(|facts| facts.bounds);
        let same = same && similar(self.count, new.count);
        self.count = new.count;
        self.facts = new.facts.clone();
        if let (Some(facts), Some(bounds)) = (&mut self.facts, bounds) {
            facts.bounds = bounds;
        }
        same
    }
}

fn look<'n>(node: &'n Node, patterns: &mut Vec<&'n MatchNode>) {
    match node {
        Node::Match(node) => patterns.push(node),
        Node::Either(node) => {
            node.branches.iter().flatten().for_each(|node| look(node, patterns));
        }
        Node::Without(node) => node.nodes.iter().for_each(|node| look(node, patterns)),
        Node::Given { .. } | Node::Compute(_) | Node::Invoke(_) => {}
    }
}

async fn resolve_facts(node: &mut MatchNode, db: &Db) -> Result<(), QueryError> {
    if node.terms.len() > PLACES {
        let message = "a pattern against a database has at most e, a, v, t and op";
        return Err(QueryError::malformed(node.span, message));
    }
    let constant = |place: usize| match node.terms.get(place) {
        Some(Slot::Constant(cell)) => Some((cell, node.spans[place])),
        _ => None,
    };
    let mut never = false;
    let mut found = |resolved: bool| never |= !resolved;
    let e = match constant(0) {
        Some((cell, span)) => {
            let entity = entity(db, cell, span).await?;
            found(entity.is_some());
            entity
        }
        None => None,
    };
    let attribute = constant(1).map(|(cell, span)| attribute(db, cell, span)).transpose()?;
    let v = match (constant(2), attribute) {
        (Some((cell, span)), Some(attribute)) => {
            let value = value_of_constant(db, cell, attribute, span).await?;
            found(value.is_some());
            value
        }
        _ => None,
    };
    let t = constant(3).and_then(|(cell, _)| transaction(cell));
    found(t.is_some() || constant(3).is_none());
    let added = constant(4).and_then(|(cell, _)| truth(cell));
    found(added.is_some() || constant(4).is_none());
    let mut facts = facts(db, e, attribute, never);
    (facts.v, facts.t, facts.added) = (v, t, added);
    node.facts = Some(facts);
    // Of a pattern that is not counted as much is looked up as is asked for.
    node.count = NOT_COUNTED;
    Ok(())
}

fn facts(db: &Db, e: Option<EntityId>, attribute: Option<&Attribute>, never: bool) -> Facts {
    Facts {
        e,
        a: attribute.map(|attribute| attribute.id),
        v: None,
        t: None,
        added: None,
        attribute: attribute.cloned(),
        finds_values: attribute.is_some_and(|attribute| {
            attribute.value_type == ValueType::Ref || db.finds_values_of(attribute.id)
        }),
        attribute_count: NOT_COUNTED,
        entities: NOT_COUNTED,
        bounds: (Bound::Unbounded, Bound::Unbounded),
        never,
        history: db.is_history(),
    }
}

/// Counts, all at once and without reading leaves, how many facts the constants leave, how many the
/// attribute has, and of how many entities those are.
async fn count(node: &mut MatchNode, db: &Db) -> Result<(), QueryError> {
    let Some(facts) = node.facts.as_mut().filter(|facts| !facts.never) else { return Ok(()) };
    let selection = facts.selection();
    let all = Selection { a: facts.a, ..Selection::all() };
    // Beside those of one entity it does not matter how many there are of others.
    let all_count = estimate(db, (facts.e.is_none() && selection != all).then_some(&all));
    let own = facts.attribute.as_ref().filter(|_| facts.e.is_none());
    let like = own.and_then(|own| like(db, own)).map(|a| Selection::all().with_a(a));
    let counts = future::try_join3(db.estimate(&selection), all_count, estimate(db, like.as_ref()));
    let (count, all, like) = counts.await.map_err(|error| QueryError::from_db(error, node.span))?;
    node.count = count;
    facts.attribute_count = all.unwrap_or(count);
    facts.entities = match like {
        Some(entities @ 1..) => entities.min(facts.attribute_count),
        _ => facts.attribute_count / VALUES_OF_MANY,
    };
    Ok(())
}

async fn estimate(db: &Db, selection: Option<&Selection>) -> Result<Option<u64>, DbError> {
    match selection {
        Some(selection) => db.estimate(selection).await.map(Some),
        None => Ok(None),
    }
}

/// For an attribute that has many values, one that tells how many entities have it: an attribute
/// of its namespace that has one value, and best a unique one. Nothing says that the same entities
/// have both, but mostly they do.
fn like(db: &Db, attribute: &Attribute) -> Option<AttributeId> {
    if attribute.cardinality == Cardinality::One {
        return None;
    }
    let is_like = |own: &&Attribute| {
        own.cardinality == Cardinality::One && own.ident.namespace() == attribute.ident.namespace()
    };
    let found = db.schema().attributes().filter(is_like);
    found.min_by_key(|own| (own.unique.is_none(), own.id)).map(|own| own.id)
}

async fn entity(db: &Db, cell: &Cell, span: Span) -> Result<Option<EntityId>, QueryError> {
    match cell {
        Cell::Value(Value::Long(_) | Value::Keyword(_)) | Cell::Vector(_) => {
            entity_of(db, cell, span).await
        }
        other => {
            let message =
                format!("an entity is an id, an ident or a lookup ref, not {}", other.kind());
            Err(QueryError::malformed(span, message))
        }
    }
}

fn attribute<'d>(db: &'d Db, cell: &Cell, span: Span) -> Result<&'d Attribute, QueryError> {
    attribute_named(db, cell).ok_or_else(|| unknown_attribute(cell, span))
}

const fn truth(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Value(Value::Boolean(truth)) => Some(*truth),
        _ => None,
    }
}

impl Facts {
    /// What the constants select.
    pub(crate) fn selection(&self) -> Selection {
        let selection = Selection { e: self.e, a: self.a, ..Selection::all() };
        match (&self.v, &self.bounds) {
            (Some(v), _) => selection.with_v(v.clone()),
            (None, (Bound::Unbounded, Bound::Unbounded)) => selection,
            (None, bounds) => selection.within(bounds.clone()),
        }
    }
}

/// The value of a type from which, or up to which, values compare so with a cell; `None` when the
/// type has no such bound. Never too narrow.
pub(super) fn bound_value(cell: &Cell, value_type: ValueType, upper: bool) -> Option<Value> {
    let Cell::Value(value) = cell else { return None };
    match (value_type, value) {
        (ValueType::String, Value::String(_))
        | (ValueType::Long, Value::Long(_))
        | (ValueType::Instant, Value::Instant(_)) => Some(value.clone()),
        (ValueType::Long, Value::Double(number)) if !number.is_nan() => {
            let rounded = if upper { number.ceil() } else { number.floor() };
            // The cast saturates, which is as wide as longs go.
            Some(Value::Long(rounded as i64))
        }
        (ValueType::Double, _) => {
            let number = Number::of_value(value)?.to_f64();
            let wider = if upper { number.next_up() } else { number.next_down() };
            (!number.is_nan()).then_some(Value::Double(wider))
        }
        _ => None,
    }
}
