//! What constants mean to the sources, and how many facts they leave: the only part of planning
//! that reads data. All patterns are resolved at the same time.

use std::collections::HashMap;
use std::ops::Bound;

use duramen_db::{Db, DbError, Selection};
use duramen_model::{Attribute, EntityId, Span, Value, ValueType};
use futures_util::future;

use super::node::{Facts, MatchNode, Node, Slot};
use super::{Action, Lowered, Plan};
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

/// Resolves all patterns.
pub(crate) async fn resolve(lowered: &mut Lowered, sources: &[Source]) -> Result<(), QueryError> {
    let mut patterns = Vec::new();
    lowered.nodes.iter_mut().for_each(|node| collect(node, &mut patterns));
    for predicate in &mut lowered.predicates {
        predicate.bodies.iter_mut().flatten().for_each(|node| collect(node, &mut patterns));
    }
    // With one pattern there is no order to choose, and no need to read for it.
    let counts = patterns.len() > 1;
    let resolved = patterns.into_iter().map(|node| async {
        match &sources[node.source] {
            Source::Db(db) => resolve_facts(node, db, counts).await,
            Source::Rows(rows) => {
                node.count = rows.len() as u64;
                Ok(())
            }
        }
    });
    future::try_join_all(resolved).await.map(drop)
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

async fn resolve_facts(node: &mut MatchNode, db: &Db, counts: bool) -> Result<(), QueryError> {
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
    // Of a pattern that is not counted as much is looked up as is asked for.
    (node.count, facts.attribute_count) = match counts && !never {
        true => count(&facts, db).await.map_err(|error| QueryError::from_db(error, node.span))?,
        false => (NOT_COUNTED, NOT_COUNTED),
    };
    node.facts = Some(facts);
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
        attribute_count: 0,
        bounds: (Bound::Unbounded, Bound::Unbounded),
        never,
        history: db.is_history(),
    }
}

/// How many facts the constants leave, and how many the attribute has, without reading leaves.
async fn count(facts: &Facts, db: &Db) -> Result<(u64, u64), DbError> {
    let selection = facts.selection();
    let all = Selection { a: facts.a, ..Selection::all() };
    if selection == all {
        return db.estimate(&all).await.map(|count| (count, count));
    }
    future::try_join(db.estimate(&selection), db.estimate(&all)).await
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
