//! How many rows a node leaves for each row that it gets, and how many it looks at for that: what
//! sequences of nodes are compared by.
//!
//! Counts of facts are near enough to the truth. What is not counted is guessed: how many different
//! values an attribute has, how many answers a rule has, what a test lets through.

use duramen_model::{Cardinality, ValueType};

use super::Var;
use super::node::{Bind, ComputeNode, EitherNode, Facts, InvokeNode, MatchNode, Node, Slot};
use super::resolve::NOT_COUNTED;
use crate::functions::Function;

/// Rows that a sequence of nodes leaves at least, so that what comes after still counts.
pub(super) const ROWS_MIN: f64 = 0.001;

/// Facts that an attribute is taken to have when nobody counted them.
const FACTS_UNCOUNTED: f64 = 10_000.0;
/// Values of a many-valued attribute that an entity is taken to have.
pub(super) const VALUES_OF_MANY: u64 = 3;
/// Facts that an entity is taken to have.
const FACTS_OF_ENTITY: f64 = 10.0;
/// References to an entity that is referred to at all.
const REFERENCES: f64 = 10.0;
/// Answers that a rule is taken to have for a bound argument.
const ANSWERS_BOUND: f64 = 10.0;
/// Answers that a rule is taken to have in all.
const ANSWERS_FREE: f64 = 10_000.0;
/// Of so many facts of an attribute one is taken to have a given value.
const SELECTED_BY_VALUE: f64 = 10.0;
/// Members that a collection is taken to have.
const MEMBERS: f64 = 3.0;
/// What a test lets through.
const PASSED: f64 = 0.5;
/// What a `not` lets through.
const NOT_FOUND: f64 = 0.6;

/// A look-up costs about as much as going through so many facts.
const LOOKUP: f64 = 32.0;
/// Calling a rule for one row.
const CALL_OF_RULE: f64 = 64.0;
/// Asking a query within the query for one row.
const CALL_OF_QUERY: f64 = 1_000.0;

/// What is bound before.
type Bound<'b> = &'b dyn Fn(Var) -> bool;

/// What a node does to the number of rows.
pub(super) fn factor(node: &Node, bound: Bound<'_>) -> f64 {
    match node {
        Node::Given { vars, rows, .. } => {
            if vars.iter().any(|var| bound(*var)) {
                1.0
            } else {
                *rows as f64
            }
        }
        Node::Match(node) => fanout(node, bound),
        Node::Compute(node) => match &node.bind {
            None => PASSED,
            Some(bind) if bind.vars().iter().any(|var| bound(*var)) => PASSED,
            Some(Bind::Ignore | Bind::Scalar(_)) => 1.0,
            Some(bind) if bind.is_single() => 1.0,
            Some(_) => MEMBERS,
        },
        Node::Either(node) => either(node, bound),
        Node::Without(_) => NOT_FOUND,
        Node::Invoke(node) => invoke(node, bound),
    }
}

/// Facts or rows that a pattern matches for each row that binds some of its variables.
fn fanout(node: &MatchNode, bound: Bound<'_>) -> f64 {
    let count = count(node);
    let is_bound = |place: usize| node.var(place).is_some_and(bound);
    let Some(facts) = &node.facts else {
        let joined = (0..node.terms.len()).any(is_bound);
        return if joined { count.sqrt().max(1.0) } else { count };
    };
    if facts.never {
        return 0.0;
    }
    // A value that no index finds leaves few of the facts that were counted.
    let unfound = facts.v.is_some() && facts.e.is_none() && !facts.finds_values;
    let mut fanout = if unfound { count / SELECTED_BY_VALUE } else { count };
    if is_bound(0) {
        fanout /= entities(facts);
    }
    if is_bound(2) {
        fanout /= values(facts);
        if is_bound(0) || facts.e.is_some() || is_unique(facts) {
            fanout = fanout.min(1.0);
        }
    }
    if is_bound(1) {
        fanout /= FACTS_OF_ENTITY;
    }
    if is_bound(3) || is_bound(4) {
        fanout /= 4.0;
    }
    fanout.max(0.01)
}

/// Facts or rows that the constants leave.
fn count(node: &MatchNode) -> f64 {
    let Some(facts) = node.facts.as_ref().filter(|_| node.count == NOT_COUNTED) else {
        return node.count as f64;
    };
    let mut count = FACTS_UNCOUNTED;
    if facts.e.is_some() {
        count /= entities(facts);
    }
    if facts.v.is_some() {
        count /= values(facts);
    }
    count
}

fn known(count: u64) -> f64 {
    if count == NOT_COUNTED { FACTS_UNCOUNTED } else { count as f64 }
}

fn is_unique(facts: &Facts) -> bool {
    facts.attribute.as_ref().is_some_and(|attribute| attribute.unique.is_some())
}

/// How many entities have facts of the attribute.
fn entities(facts: &Facts) -> f64 {
    let all = known(facts.attribute_count).max(1.0);
    match &facts.attribute {
        Some(attribute) if attribute.cardinality == Cardinality::One => all,
        Some(_) if facts.entities == NOT_COUNTED => all / VALUES_OF_MANY as f64,
        Some(_) => (facts.entities as f64).clamp(1.0, all),
        None => (all / FACTS_OF_ENTITY).max(1.0),
    }
}

/// How many different values the facts of the attribute have: a guess, unless they are unique.
fn values(facts: &Facts) -> f64 {
    let all = known(facts.attribute_count).max(1.0);
    let Some(attribute) = &facts.attribute else { return all.sqrt() };
    match attribute.value_type {
        _ if attribute.unique.is_some() => all,
        ValueType::Boolean => 2.0,
        // Where entities refer to many, they mostly refer to their like.
        ValueType::Ref if attribute.cardinality == Cardinality::Many => entities(facts),
        ValueType::Ref => (all / REFERENCES).max(all.sqrt()),
        _ => all.sqrt(),
    }
}

fn either(node: &EitherNode, bound: Bound<'_>) -> f64 {
    let branch = |nodes: &Vec<Node>| {
        nodes.iter().map(|node| factor(node, bound)).fold(f64::INFINITY, f64::min)
    };
    node.branches.iter().map(branch).sum()
}

fn invoke(node: &InvokeNode, bound: Bound<'_>) -> f64 {
    match arguments_known(node, bound) {
        0 => ANSWERS_FREE,
        all if all == node.arguments.len() => 0.9,
        _ => ANSWERS_BOUND,
    }
}

fn arguments_known(node: &InvokeNode, bound: Bound<'_>) -> usize {
    let known = |slot: &&Slot<_>| match slot {
        Slot::Any => false,
        Slot::Constant(_) => true,
        Slot::Var(var) => bound(*var),
    };
    node.arguments.iter().filter(known).count()
}

/// What running a node for so many rows costs apart from the rows that it leaves, in facts that
/// are looked at.
pub(super) fn access(node: &Node, rows: f64, bound: Bound<'_>) -> f64 {
    match node {
        Node::Given { rows: given, .. } => *given as f64,
        Node::Match(node) => access_facts(node, rows, bound),
        Node::Compute(ComputeNode { function: Function::Query(_), .. }) => CALL_OF_QUERY * rows,
        Node::Compute(compute) if compute.source.is_some() => LOOKUP * rows,
        Node::Compute(_) => 0.0,
        Node::Either(node) => {
            node.branches.iter().map(|branch| rows + access_all(branch, rows, bound)).sum()
        }
        Node::Without(node) => rows + access_all(&node.nodes, rows, bound),
        Node::Invoke(node) => match arguments_known(node, bound) {
            0 => ANSWERS_FREE + rows,
            _ => CALL_OF_RULE * rows,
        },
    }
}

/// A scan, or a look-up for every row where an index serves and that is less.
fn access_facts(node: &MatchNode, rows: f64, bound: Bound<'_>) -> f64 {
    let scan = count(node) + rows;
    let is_bound = |place: usize| node.var(place).is_some_and(bound);
    let found = node.facts.as_ref().is_some_and(|facts| {
        is_bound(0) || (is_bound(2) && (facts.e.is_some() || facts.finds_values))
    });
    if found { scan.min(LOOKUP * rows) } else { scan }
}

/// A conjunction within a node: it begins where that is cheapest, and goes on by look-ups.
fn access_all(nodes: &[Node], rows: f64, bound: Bound<'_>) -> f64 {
    let first = nodes.iter().map(|node| access(node, rows, bound)).fold(f64::INFINITY, f64::min);
    let rest = nodes.len().saturating_sub(1) as f64;
    if nodes.is_empty() { 0.0 } else { first + LOOKUP * rows * rest }
}
