//! Whether it takes counts to put nodes into a sequence.
//!
//! Often there is only one way to go: from what the inputs bind to its neighbours, one after the
//! other. Then nothing is counted, which would cost as much as a look-up for each pattern.

use duramen_model::Cardinality;

use super::node::{Bind, Facts, MatchNode, Node, Slot};
use super::{Lowered, Var};

/// So many rows are looked up one by one, whatever there is of facts.
const ROWS_FEW: usize = 64;
/// Times that one row becomes many, until it is better to know how many.
const GROWS_MAX: usize = 2;

/// Whether a sequence that is chosen without counts could be a bad one.
pub(super) fn in_doubt(lowered: &Lowered) -> bool {
    let mut rows: usize = 1;
    let mut patterns: Vec<&MatchNode> = Vec::new();
    let mut bound: Vec<Var> = Vec::new();
    let mut computed: Vec<(Vec<Var>, Vec<Var>)> = Vec::new();
    for node in &lowered.nodes {
        match node {
            Node::Given { vars, rows: given, .. } => {
                rows = rows.saturating_mul(*given);
                bound.extend(vars);
            }
            Node::Match(node) => patterns.push(node),
            // Who knows how many members a collection has.
            Node::Compute(node) if node.bind.as_ref().is_some_and(|bind| !bind.is_single()) => {
                return true;
            }
            Node::Compute(node) => {
                let binds = node.bind.as_ref().map(Bind::vars).unwrap_or_default();
                computed.push((node.arguments(), binds));
            }
            Node::Either(_) | Node::Without(_) | Node::Invoke(_) => return true,
        }
    }
    rows > ROWS_FEW || !is_path(patterns, bound, computed)
}

/// Whether the patterns can be gone through one by one, each the only one at its turn.
fn is_path(
    mut patterns: Vec<&MatchNode>,
    mut bound: Vec<Var>,
    mut computed: Vec<(Vec<Var>, Vec<Var>)>,
) -> bool {
    let mut grows = 0;
    while patterns.len() > 1 {
        computed.retain(|(needs, binds)| {
            let ready = needs.iter().all(|var| bound.contains(var));
            if ready {
                bound.extend(binds);
            }
            !ready
        });
        let single = patterns.iter().position(|node| reach(node, &bound) == Reach::One);
        let next = single.or_else(|| {
            let mut many =
                (0..patterns.len()).filter(|at| reach(patterns[*at], &bound) == Reach::Many);
            let first = many.next()?;
            grows += 1;
            (many.next().is_none() && grows <= GROWS_MAX).then_some(first)
        });
        let Some(next) = next else { return false };
        bound.extend(patterns.remove(next).vars());
    }
    true
}

/// How a pattern is found from what is bound.
#[derive(PartialEq, Eq)]
enum Reach {
    /// An index leads to one fact at most.
    One,
    /// They are the facts of one entity.
    Many,
    /// There may be many, or no index leads to them.
    Far,
}

fn reach(node: &MatchNode, bound: &[Var]) -> Reach {
    let Some(facts) = &node.facts else { return Reach::Far };
    if facts.never {
        return Reach::One;
    }
    let joined = |place: usize| node.var(place).is_some_and(|var| bound.contains(&var));
    let is_constant = |place: usize| matches!(node.terms.get(place), Some(Slot::Constant(_)));
    let (e, v) = (joined(0) || is_constant(0), joined(2) || is_constant(2));
    if is_one(facts, e, v) {
        return Reach::One;
    }
    // Any number of entities may have a value; one entity has some.
    if e { Reach::Many } else { Reach::Far }
}

fn is_one(facts: &Facts, e: bool, v: bool) -> bool {
    let Some(attribute) = facts.attribute.as_ref().filter(|_| !facts.history) else { return false };
    let found_by_value = v && attribute.unique.is_some() && facts.finds_values;
    found_by_value || (e && (v || attribute.cardinality == Cardinality::One))
}
