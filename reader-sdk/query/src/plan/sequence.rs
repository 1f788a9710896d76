//! In which sequence the nodes of a conjunction run.
//!
//! Tests and computations that cost next to nothing run as soon as what they need is there. Of the
//! other nodes, a dozen are tried in every sequence that makes sense (the best one for each set of
//! them is found from the best ones for the sets with one less); of more, each time the one that
//! looks best is taken.
//!
//! Nodes that share no variable with what is there yet make a product. They wait, unless there are
//! few rows of them or nothing else is left.

use super::Var;
use super::cost;
use super::node::{ComputeNode, Node, Predicate};
use super::order::Start;
use crate::functions::Function;

/// Nodes that are tried in every sequence.
const TRIED_MAX: usize = 12;
/// Variables that fit into a [`Vars`].
const VARS_MAX: usize = u128::BITS as usize;
/// Nodes, cheap ones included, that fit into a set of them.
const NODES_MAX: usize = u64::BITS as usize;
/// A product with so few rows may be worth it.
const FEW: f64 = 64.0;

/// The nodes, by their places, in the sequence in which they run.
pub(super) fn choose(
    nodes: &[Node],
    predicates: &[Predicate],
    start: &Start,
    vars_len: usize,
) -> Vec<usize> {
    let candidates: Vec<Candidate<'_>> =
        nodes.iter().map(|node| Candidate::new(node, predicates, start)).collect();
    let tried = candidates.iter().filter(|candidate| !candidate.is_cheap).count();
    if (2..=TRIED_MAX).contains(&tried) && nodes.len() <= NODES_MAX {
        let found = Numbered::new(&candidates, start, vars_len).and_then(|all| all.best());
        if let Some(sequence) = found {
            return sequence;
        }
    }
    one_by_one(&candidates, start, vars_len)
}

/// A node and what matters for its place.
struct Candidate<'n> {
    node: &'n Node,
    /// What must be bound before.
    needs: Vec<Var>,
    mentions: Vec<Var>,
    produces: Vec<Var>,
    /// Whether it runs as soon as it can.
    is_cheap: bool,
}

impl<'n> Candidate<'n> {
    fn new(node: &'n Node, predicates: &[Predicate], start: &Start) -> Self {
        let mentions = node.mentions();
        let mut needs = node.needs(predicates);
        let is_given = matches!(node, Node::Given { .. });
        needs.extend(mentions.iter().filter(|var| !is_given && start.first.contains(var)));
        let is_cheap = match node {
            Node::Given { rows, .. } => *rows <= 1,
            Node::Compute(ComputeNode { function: Function::Query(_), .. }) => false,
            Node::Compute(ComputeNode { source, bind, .. }) => {
                source.is_none() && bind.as_ref().is_none_or(super::Bind::is_single)
            }
            _ => false,
        };
        Self { node, needs, produces: node.produces(), mentions, is_cheap }
    }
}

/// A set of variables.
type Vars = u128;

/// Candidates with sets of variables as bits.
struct Numbered<'c, 'n> {
    candidates: &'c [Candidate<'n>],
    sets: Vec<Sets>,
    /// The bit of each variable; [`VARS_MAX`] of those that nobody mentions.
    bits: Vec<usize>,
    tried: Vec<usize>,
    cheap: Vec<usize>,
    bound: Vars,
    rows: f64,
}

struct Sets {
    needs: Vars,
    mentions: Vars,
    produces: Vars,
}

/// Where the best sequence of a set of nodes leads.
#[derive(Clone, Copy)]
struct Reached {
    cost: f64,
    rows: f64,
    bound: Vars,
    /// The cheap nodes that have run.
    ran: u64,
    /// The node that ran last, among those that are tried.
    last: usize,
}

impl<'c, 'n> Numbered<'c, 'n> {
    /// `None` when there are too many variables.
    fn new(candidates: &'c [Candidate<'n>], start: &Start, vars_len: usize) -> Option<Self> {
        let mut bits = vec![VARS_MAX; vars_len];
        let mut next = 0;
        let vars = |c: &'c Candidate<'n>| c.mentions.iter().chain(&c.needs).chain(&c.produces);
        for var in candidates.iter().flat_map(vars) {
            if bits[var.0] == VARS_MAX {
                bits[var.0] = next;
                next += 1;
            }
        }
        if next > VARS_MAX {
            return None;
        }
        let set = |vars: &[Var]| vars.iter().fold(0, |set, var| set | 1 << bits[var.0]);
        let sets = |c: &Candidate<'_>| Sets {
            needs: set(&c.needs),
            mentions: set(&c.mentions),
            produces: set(&c.produces),
        };
        let sets = candidates.iter().map(sets).collect();
        let mentioned = |var: &&Var| bits.get(var.0).is_some_and(|bit| *bit < VARS_MAX);
        let bound: Vec<Var> = start.bound.iter().filter(mentioned).copied().collect();
        let bound = set(&bound);
        let (cheap, tried) = (0..candidates.len()).partition(|&at| candidates[at].is_cheap);
        Some(Self { candidates, sets, bits, tried, cheap, bound, rows: start.rows })
    }

    fn factor(&self, at: usize, bound: Vars) -> f64 {
        cost::factor(self.candidates[at].node, &|var| self.contains(bound, var))
    }

    fn contains(&self, bound: Vars, var: Var) -> bool {
        // Of variables that nobody mentions nobody asks.
        let bit = self.bits[var.0];
        bit < VARS_MAX && bound >> bit & 1 == 1
    }

    fn is_ready(&self, at: usize, bound: Vars) -> bool {
        self.sets[at].needs & !bound == 0
    }

    /// Whether a node joins with what is there, or is alone.
    fn is_joined(&self, at: usize, bound: Vars) -> bool {
        let mentions = self.sets[at].mentions;
        bound == 0 || mentions == 0 || mentions & bound != 0
    }

    /// Runs one of the nodes that are tried, and the cheap ones that can run after it.
    fn after(&self, before: &Reached, choice: usize) -> Reached {
        let (at, bound) = (self.tried[choice], before.bound);
        let node = self.candidates[at].node;
        let effort = cost::access(node, before.rows, &|var| self.contains(bound, var));
        let rows = before.rows * self.factor(at, bound);
        let mut reached = Reached {
            cost: before.cost + effort + rows,
            rows,
            bound: bound | self.sets[at].produces,
            last: choice,
            ..*before
        };
        self.run_cheap(&mut reached, &mut Vec::new());
        reached
    }

    /// Runs every cheap node that can run.
    fn run_cheap(&self, reached: &mut Reached, sequence: &mut Vec<usize>) {
        let mut ran_one = true;
        while ran_one {
            ran_one = false;
            for &at in &self.cheap {
                if reached.ran >> at & 1 == 1 || !self.is_ready(at, reached.bound) {
                    continue;
                }
                reached.rows *= self.factor(at, reached.bound);
                reached.bound |= self.sets[at].produces;
                reached.ran |= 1 << at;
                sequence.push(at);
                ran_one = true;
            }
        }
    }

    fn begin(&self, sequence: &mut Vec<usize>) -> Reached {
        let mut start = Reached { cost: 0.0, rows: self.rows, bound: self.bound, ran: 0, last: 0 };
        self.run_cheap(&mut start, sequence);
        start
    }

    /// The sequence that costs least; `None` when there is none that runs everything.
    fn best(&self) -> Option<Vec<usize>> {
        let mut best: Vec<Option<Reached>> = vec![None; 1 << self.tried.len()];
        best[0] = Some(self.begin(&mut Vec::new()));
        for set in 0..best.len() {
            let Some(before) = best[set] else { continue };
            for choice in self.choices(set, &before) {
                let after = self.after(&before, choice);
                let known = &mut best[set | 1 << choice];
                if known.is_none_or(|known| after.cost < known.cost) {
                    *known = Some(after);
                }
            }
        }
        let mut set = best.len() - 1;
        let mut choices = Vec::with_capacity(self.tried.len());
        while set != 0 {
            let last = best[set]?.last;
            choices.push(last);
            set &= !(1 << last);
        }
        Some(self.replayed(choices.into_iter().rev()))
    }

    /// The nodes that may run after a set of others.
    fn choices(&self, set: usize, before: &Reached) -> Vec<usize> {
        let ready = |choice: &usize| {
            set >> choice & 1 == 0 && self.is_ready(self.tried[*choice], before.bound)
        };
        let ready: Vec<usize> = (0..self.tried.len()).filter(ready).collect();
        let joined = |choice: &usize| self.is_joined(self.tried[*choice], before.bound);
        if !ready.iter().any(joined) {
            return ready;
        }
        let few = |choice: &usize| self.factor(self.tried[*choice], before.bound) <= FEW;
        ready.into_iter().filter(|choice| joined(choice) || few(choice)).collect()
    }

    fn replayed(&self, choices: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut sequence = Vec::with_capacity(self.candidates.len());
        let mut reached = self.begin(&mut sequence);
        for choice in choices {
            let at = self.tried[choice];
            sequence.push(at);
            reached.bound |= self.sets[at].produces;
            self.run_cheap(&mut reached, &mut sequence);
        }
        sequence
    }
}

/// Takes each time the node that leaves the fewest rows for the least effort.
fn one_by_one(candidates: &[Candidate<'_>], start: &Start, vars_len: usize) -> Vec<usize> {
    let mut bound = vec![false; vars_len];
    start.bound.iter().for_each(|var| bound[var.0] = true);
    let mut rows = start.rows;
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let mut sequence = Vec::with_capacity(candidates.len());
    while !left.is_empty() {
        let place = next(candidates, &left, rows, &bound);
        let at = left.remove(place);
        let candidate = &candidates[at];
        rows = (rows * cost::factor(candidate.node, &|var| bound[var.0])).max(cost::ROWS_MIN);
        candidate.produces.iter().for_each(|var| bound[var.0] = true);
        sequence.push(at);
    }
    sequence
}

/// The place, among those left, of the node to run next.
fn next(candidates: &[Candidate<'_>], left: &[usize], rows: f64, bound: &[bool]) -> usize {
    /// What a row that is looked at counts, beside one that is left.
    const LOOKED_AT: f64 = 0.1;
    let is_bound = |var: Var| bound[var.0];
    let mut best = (0, f64::INFINITY);
    for (place, &at) in left.iter().enumerate() {
        let Candidate { node, needs, is_cheap, .. } = &candidates[at];
        if !needs.iter().all(|var| is_bound(*var)) {
            continue;
        }
        // Nothing beats a test that costs nothing; this keeps long queries linear.
        if *is_cheap {
            return place;
        }
        let left = rows * cost::factor(node, &is_bound);
        let weight = left + LOOKED_AT * cost::access(node, rows, &is_bound);
        if weight < best.1 {
            best = (place, weight);
        }
    }
    best.0
}
