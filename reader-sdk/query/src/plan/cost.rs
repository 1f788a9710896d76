//! How many rows a step leaves for each row that it gets, as estimated from counts.

use std::collections::BTreeSet;

use duramen_model::Cardinality;

use super::Var;
use super::node::{Bind, EitherNode, Facts, InvokeNode, MatchNode, Node, Slot};

/// Values of a many-valued attribute that an entity is taken to have.
const VALUES_OF_MANY: f64 = 3.0;
/// Facts that an entity is taken to have.
const FACTS_OF_ENTITY: f64 = 10.0;
/// Answers that a rule is taken to have for a bound argument.
const ANSWERS_BOUND: f64 = 10.0;
/// Answers that a rule is taken to have in all.
const ANSWERS_FREE: f64 = 10_000.0;
/// Of so many facts of an attribute one is taken to have a given value.
const SELECTED_BY_VALUE: f64 = 10.0;
/// Members that a collection is taken to have.
const MEMBERS: f64 = 3.0;

/// What a node does to the number of rows.
pub(crate) fn factor(node: &Node, bound: &BTreeSet<Var>) -> f64 {
    match node {
        Node::Given { vars, rows, .. } => {
            let joined = vars.iter().any(|var| bound.contains(var));
            if joined { 1.0 } else { *rows as f64 }
        }
        Node::Match(node) => fanout(node, bound),
        Node::Compute(node) => match &node.bind {
            None => 0.5,
            Some(bind) if bind.vars().iter().any(|var| bound.contains(var)) => 0.5,
            Some(Bind::Ignore | Bind::Scalar(_)) => 1.0,
            Some(bind) if bind.is_single() => 1.0,
            Some(_) => MEMBERS,
        },
        Node::Either(node) => either(node, bound),
        Node::Without(_) => 0.6,
        Node::Invoke(node) => invoke(node, bound),
    }
}

/// Facts or rows that a pattern matches for each row that binds some of its variables.
fn fanout(node: &MatchNode, bound: &BTreeSet<Var>) -> f64 {
    let count = node.count as f64;
    let is_bound = |place: usize| node.var(place).is_some_and(|var| bound.contains(&var));
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
    let all = (facts.attribute_count as f64).max(1.0);
    if is_bound(0) {
        fanout /= (all / facts_of_entity(facts)).max(1.0);
    }
    if is_bound(2) {
        let unique = facts.attribute.as_ref().is_some_and(|a| a.unique.is_some());
        let distinct = if unique { all } else { all.sqrt() };
        fanout = (fanout / distinct.max(1.0)).min(if unique || is_bound(0) { 1.0 } else { count });
    }
    if is_bound(1) {
        fanout /= FACTS_OF_ENTITY;
    }
    if is_bound(3) || is_bound(4) {
        fanout /= 4.0;
    }
    fanout.max(0.01)
}

fn facts_of_entity(facts: &Facts) -> f64 {
    match &facts.attribute {
        Some(attribute) if attribute.cardinality == Cardinality::One => 1.0,
        Some(_) => VALUES_OF_MANY,
        None => FACTS_OF_ENTITY,
    }
}

fn either(node: &EitherNode, bound: &BTreeSet<Var>) -> f64 {
    let branch = |nodes: &Vec<Node>| {
        nodes.iter().map(|node| factor(node, bound)).fold(f64::INFINITY, f64::min)
    };
    node.branches.iter().map(branch).sum()
}

fn invoke(node: &InvokeNode, bound: &BTreeSet<Var>) -> f64 {
    let known = |slot: &&Slot<_>| match slot {
        Slot::Any => false,
        Slot::Constant(_) => true,
        Slot::Var(var) => bound.contains(var),
    };
    match node.arguments.iter().filter(known).count() {
        0 => ANSWERS_FREE,
        all if all == node.arguments.len() => 0.9,
        _ => ANSWERS_BOUND,
    }
}

/// What running a node costs apart from the rows that it leaves: nothing for what needs no data.
pub(crate) const fn effort(node: &Node) -> f64 {
    match node {
        Node::Given { .. } => 0.0,
        Node::Compute(compute) if compute.source.is_none() => 0.0,
        Node::Compute(_) | Node::Match(_) => 1.0,
        Node::Without(_) | Node::Either(_) => 2.0,
        Node::Invoke(_) => 3.0,
    }
}
