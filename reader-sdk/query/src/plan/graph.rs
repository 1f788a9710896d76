//! Which rules depend on each other.
//!
//! Rules that do are computed together, and calls among them are what their computation goes
//! round by. So that such a call is always a step of its own, an `or` that holds one becomes a
//! rule itself. A rule that depends on its own negation has no meaning and is refused.

use std::collections::BTreeSet;

use duramen_model::Symbol;

use super::Var;
use super::node::{EitherNode, InvokeNode, Node, Predicate, Slot};
use crate::error::{QueryError, QueryErrorKind};

/// Rules that call rules in a chain this long, recursion not counted.
const CHAIN_MAX: usize = 128;

/// Finds the components and takes recursion out of `or`s.
pub(crate) fn mark(predicates: &mut Vec<Predicate>) -> Result<(), QueryError> {
    let edges: Vec<Vec<usize>> = predicates
        .iter()
        .map(|predicate| {
            let mut callees = BTreeSet::new();
            let nodes = predicate.bodies.iter().flatten();
            nodes.for_each(|node| visit(node, &mut |call, _| callees.extend([call.predicate])));
            callees.into_iter().collect()
        })
        .collect();
    let components = components(&edges);
    for (predicate, component) in predicates.iter_mut().zip(&components) {
        predicate.component = *component;
    }
    check_chains(predicates, &edges, &components)?;
    predicates.iter().try_for_each(|predicate| check_negation(predicate, &components))?;
    hoist(predicates);
    Ok(())
}

/// The rules that call each rule.
pub(super) fn callers(predicates: &[Predicate]) -> Vec<BTreeSet<usize>> {
    let mut callers = vec![BTreeSet::new(); predicates.len()];
    for (at, predicate) in predicates.iter().enumerate() {
        for node in predicate.bodies.iter().flatten() {
            visit(node, &mut |call, _| {
                callers[call.predicate].insert(at);
            });
        }
    }
    callers
}

/// Visits the calls within a node, and says of each whether it stands in a `not`.
fn visit(node: &Node, found: &mut impl FnMut(&InvokeNode, bool)) {
    fn walk(node: &Node, negated: bool, found: &mut impl FnMut(&InvokeNode, bool)) {
        match node {
            Node::Invoke(call) => found(call, negated),
            Node::Either(either) => {
                either.branches.iter().flatten().for_each(|node| walk(node, negated, found));
            }
            Node::Without(without) => {
                without.nodes.iter().for_each(|node| walk(node, true, found));
            }
            Node::Given { .. } | Node::Match(_) | Node::Compute(_) => {}
        }
    }
    walk(node, false, found);
}

fn check_negation(predicate: &Predicate, components: &[usize]) -> Result<(), QueryError> {
    let mut refused = None;
    for node in predicate.bodies.iter().flatten() {
        visit(node, &mut |call, negated| {
            if negated && components[call.predicate] == predicate.component {
                refused = Some(call.span);
            }
        });
    }
    match refused {
        Some(span) => {
            let message = format!("the rule {} depends on its own negation", predicate.name);
            Err(QueryError::new(QueryErrorKind::Unstratified, span, message))
        }
        None => Ok(()),
    }
}

/// Components come out callees first, so each knows the longest chain below it.
fn check_chains(
    predicates: &[Predicate],
    edges: &[Vec<usize>],
    components: &[usize],
) -> Result<(), QueryError> {
    let count = components.iter().max().map_or(0, |max| max + 1);
    let mut members = vec![Vec::new(); count];
    components.iter().enumerate().for_each(|(node, component)| members[*component].push(node));
    let mut length = vec![1; count];
    for component in 0..count {
        for &member in &members[component] {
            for &callee in &edges[member] {
                let below = components[callee];
                if below != component {
                    length[component] = length[component].max(length[below] + 1);
                }
            }
            if length[component] > CHAIN_MAX {
                let message = format!("rules call rules more than {CHAIN_MAX} deep");
                return Err(QueryError::malformed(predicates[member].span, message));
            }
        }
    }
    Ok(())
}

fn hoist(predicates: &mut Vec<Predicate>) {
    let mut next = 0;
    while next < predicates.len() {
        let mut bodies = std::mem::take(&mut predicates[next].bodies);
        for body in &mut bodies {
            for at in 0..body.len() {
                if recursive_either(&body[at], predicates, predicates[next].component) {
                    hoist_node(body, at, next, predicates);
                }
            }
        }
        predicates[next].bodies = bodies;
        next += 1;
    }
}

fn recursive_either(node: &Node, predicates: &[Predicate], component: usize) -> bool {
    let mut recursive = false;
    if let Node::Either(_) = node {
        visit(node, &mut |call, _| recursive |= predicates[call.predicate].component == component);
    }
    recursive
}

/// Replaces an `or` by a call of a new rule with its branches as bodies. The new rule's
/// parameters are the very variables of the `or`, as far as anything outside binds or wants them.
fn hoist_node(body: &mut [Node], at: usize, within: usize, predicates: &mut Vec<Predicate>) {
    let outside: BTreeSet<Var> = body
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != at)
        .flat_map(|(_, node)| node.produces())
        .chain(predicates[within].params.iter().copied())
        .collect();
    let call =
        InvokeNode { predicate: predicates.len(), arguments: Vec::new(), span: body[at].span() };
    let node = std::mem::replace(&mut body[at], Node::Invoke(call));
    let Node::Either(EitherNode { branches, outputs, mentioned, needs, span }) = node else {
        unreachable!("only an or is hoisted");
    };
    let shared = |var: &Var| outputs.contains(var) || outside.contains(var);
    let params: Vec<Var> = mentioned.into_iter().filter(shared).collect();
    if let Node::Invoke(call) = &mut body[at] {
        call.arguments = params.iter().copied().map(Slot::Var).collect();
    }
    let component = predicates[within].component;
    let name = Symbol::new(format!("{} (or)", predicates[within].name));
    predicates.push(Predicate { name, params, needs, bodies: branches, component, span });
}

/// The strongly connected components of a graph, numbered callees first: Tarjan's algorithm with
/// a stack of its own.
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; edges.len()];
    let mut lowest = vec![0; edges.len()];
    let mut component = vec![UNSEEN; edges.len()];
    let (mut seen, mut found) = (0, 0);
    let mut open = Vec::new();
    for root in 0..edges.len() {
        if order[root] != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some(&(node, edge)) = path.last() {
            if edge == 0 && order[node] == UNSEEN {
                (order[node], lowest[node]) = (seen, seen);
                seen += 1;
                open.push(node);
            }
            if let Some(&next) = edges[node].get(edge) {
                if let Some(last) = path.last_mut() {
                    last.1 += 1;
                }
                if order[next] == UNSEEN {
                    path.push((next, 0));
                } else if component[next] == UNSEEN {
                    lowest[node] = lowest[node].min(order[next]);
                }
                continue;
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                lowest[parent] = lowest[parent].min(lowest[node]);
            }
            if lowest[node] == order[node] {
                while let Some(member) = open.pop() {
                    component[member] = found;
                    if member == node {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_callees_first() {
        // 0 -> 1 <-> 2 -> 3, 4 -> 4
        let edges = vec![vec![1], vec![2], vec![1, 3], vec![], vec![4]];
        let found = components(&edges);
        assert_eq!(found[1], found[2]);
        assert!(found[3] < found[1] && found[1] < found[0]);
        assert!(found[4] != found[0] && found[4] != found[3]);
    }
}
