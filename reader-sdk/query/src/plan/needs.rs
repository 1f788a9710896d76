//! What must be bound before what, found without looking at data: the query is refused here when
//! something can never be bound, and the planner never gets stuck after.

use std::collections::{BTreeSet, HashMap, VecDeque};

use duramen_model::Symbol;

use super::node::{Node, Predicate};
use super::{Lowered, Var, graph};
use crate::error::QueryError;

/// Settles the needs of every node and predicate.
pub(crate) fn settle(lowered: &mut Lowered) -> Result<(), QueryError> {
    let Lowered { names, nodes, predicates, .. } = lowered;
    let callers = graph::callers(predicates);
    let mut queue: VecDeque<usize> = (0..predicates.len()).collect();
    let mut queued = vec![true; predicates.len()];
    // Needs only grow, so this ends. A rule is looked at again after it, or one that it calls, has
    // turned out to need more.
    while let Some(at) = queue.pop_front() {
        queued[at] = false;
        if settle_predicate(at, predicates, names)? {
            for &next in callers[at].iter().chain([&at]) {
                if !std::mem::replace(&mut queued[next], true) {
                    queue.push_back(next);
                }
            }
        }
    }
    let context = Context { names, predicates };
    let nothing = BTreeSet::new();
    context.conjunction(nodes, &nothing)?;
    context.close(nodes, &nothing, &nothing)?;
    Ok(())
}

impl Lowered {
    /// Whether the query binds a variable.
    pub(crate) fn binds(&self, var: Var) -> bool {
        self.nodes.iter().any(|node| node.produces().contains(&var))
    }
}

fn settle_predicate(
    at: usize,
    predicates: &mut [Predicate],
    names: &[Symbol],
) -> Result<bool, QueryError> {
    let mut bodies = std::mem::take(&mut predicates[at].bodies);
    let params: BTreeSet<Var> = predicates[at].params.iter().copied().collect();
    let given: BTreeSet<Var> = predicates[at].needs.iter().copied().collect();
    let context = Context { names, predicates };
    let mut needs = given.clone();
    for body in &mut bodies {
        context.conjunction(body, &params)?;
        let closed = context.close(body, &given, &params)?;
        if let Some(missing) = params.iter().find(|param| !closed.bound.contains(param)) {
            let message = format!(
                "nothing in a body of the rule {} binds {}",
                predicates[at].name, names[missing.0]
            );
            return Err(QueryError::unbound(predicates[at].span, message));
        }
        needs.extend(closed.needed);
    }
    predicates[at].bodies = bodies;
    predicates[at].needs = needs.iter().copied().collect();
    Ok(needs.len() > given.len())
}

struct Context<'a> {
    names: &'a [Symbol],
    predicates: &'a [Predicate],
}

/// What comes of running a conjunction as far as it goes.
struct Closed {
    bound: BTreeSet<Var>,
    /// What had to be taken from outside.
    needed: BTreeSet<Var>,
}

impl Context<'_> {
    /// Settles the needs of the nodes within a conjunction, given what may come from outside.
    fn conjunction(&self, nodes: &mut [Node], outside: &BTreeSet<Var>) -> Result<(), QueryError> {
        let mut producers: HashMap<Var, usize> = HashMap::new();
        for node in nodes.iter() {
            let vars: BTreeSet<Var> = node.produces().into_iter().collect();
            vars.into_iter().for_each(|var| *producers.entry(var).or_default() += 1);
        }
        for node in nodes.iter_mut() {
            let own: BTreeSet<Var> = node.produces().into_iter().collect();
            let others = |var: &Var| {
                let all = producers.get(var).copied().unwrap_or_default();
                all > usize::from(own.contains(var)) || outside.contains(var)
            };
            let available: BTreeSet<Var> = node.mentions().into_iter().filter(others).collect();
            self.settle_node(node, &available)?;
        }
        Ok(())
    }

    fn settle_node(&self, node: &mut Node, available: &BTreeSet<Var>) -> Result<(), QueryError> {
        match node {
            Node::Either(either) => {
                let given: BTreeSet<Var> = either.needs.iter().copied().collect();
                let mut needs = given.clone();
                for branch in &mut either.branches {
                    self.conjunction(branch, available)?;
                    needs.extend(self.close(branch, &given, available)?.needed);
                }
                either.needs = needs.into_iter().collect();
            }
            Node::Without(without) => {
                let missing = without.mentioned.iter().find(|var| !available.contains(var));
                if let Some(var) = missing.filter(|_| without.listed || available.is_empty()) {
                    let message = format!("nothing outside the not binds {}", self.names[var.0]);
                    return Err(QueryError::unbound(without.span, message));
                }
                without.needs = available.iter().copied().collect();
                self.conjunction(&mut without.nodes, available)?;
                self.close(&without.nodes, available, &BTreeSet::new())?;
            }
            Node::Given { .. } | Node::Match(_) | Node::Compute(_) | Node::Invoke(_) => {}
        }
        Ok(())
    }

    /// Runs nodes whose needs are met until none is left; where it gets stuck, takes what the
    /// first stuck node needs from what is available outside.
    fn close(
        &self,
        nodes: &[Node],
        given: &BTreeSet<Var>,
        available: &BTreeSet<Var>,
    ) -> Result<Closed, QueryError> {
        let mut closed = Closed { bound: given.clone(), needed: BTreeSet::new() };
        let mut missing: Vec<BTreeSet<Var>> = Vec::with_capacity(nodes.len());
        let mut waiting: HashMap<Var, Vec<usize>> = HashMap::new();
        let mut ready = VecDeque::new();
        for (at, node) in nodes.iter().enumerate() {
            let needs: BTreeSet<Var> = node.needs(self.predicates).into_iter().collect();
            let needs: BTreeSet<Var> = needs.difference(given).copied().collect();
            needs.iter().for_each(|var| waiting.entry(*var).or_default().push(at));
            if needs.is_empty() {
                ready.push_back(at);
            }
            missing.push(needs);
        }
        let mut stuck_from = 0;
        loop {
            while let Some(at) = ready.pop_front() {
                for var in nodes[at].produces() {
                    bind(var, &mut closed.bound, &mut missing, &mut waiting, &mut ready);
                }
            }
            let stuck = |at: &usize| !missing[*at].is_empty();
            let Some(first) = (stuck_from..nodes.len()).find(stuck) else { return Ok(closed) };
            let helped =
                (first..nodes.len()).filter(stuck).find(|at| missing[*at].is_subset(available));
            let Some(helped) = helped else {
                return Err(self.unbound(&nodes[first], &missing[first]));
            };
            for var in missing[helped].clone() {
                closed.needed.insert(var);
                bind(var, &mut closed.bound, &mut missing, &mut waiting, &mut ready);
            }
            stuck_from = first;
        }
    }

    fn unbound(&self, node: &Node, missing: &BTreeSet<Var>) -> QueryError {
        let names: Vec<&str> = missing.iter().map(|var| self.names[var.0].text()).collect();
        let message = format!("nothing binds {}, needed here", names.join(", "));
        QueryError::unbound(node.span(), message)
    }
}

fn bind(
    var: Var,
    bound: &mut BTreeSet<Var>,
    missing: &mut [BTreeSet<Var>],
    waiting: &mut HashMap<Var, Vec<usize>>,
    ready: &mut VecDeque<usize>,
) {
    if !bound.insert(var) {
        return;
    }
    for at in waiting.remove(&var).unwrap_or_default() {
        missing[at].remove(&var);
        if missing[at].is_empty() {
            ready.push_back(at);
        }
    }
}
