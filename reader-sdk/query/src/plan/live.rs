//! Which variables each step keeps, and which of those that it drops follow from them.

use std::collections::BTreeSet;

use super::node::Node;
use super::{Step, Var};

/// What a variable that is bound after a node follows from: an entity has one value of an
/// attribute of one value, and one transaction that said so.
pub(super) struct Follows {
    from: Var,
    what: Var,
}

impl Follows {
    /// What a node lets follow, that was not bound before. What was bound may be equal to the
    /// value and not the same, as 1 and 1.0 are.
    pub(super) fn of(node: &Node, bound: &BTreeSet<Var>) -> Vec<Self> {
        let Node::Match(node) = node else { return Vec::new() };
        let single = node.facts.as_ref().is_some_and(|facts| facts.is_single());
        let Some(from) = node.var(0).filter(|_| single) else { return Vec::new() };
        let others = [2, 3].into_iter().filter_map(|place| node.var(place));
        others
            .filter(|what| *what != from && !bound.contains(what))
            .map(|what| Self { from, what })
            .collect()
    }
}

/// Says after each step which variables are still needed, from the last step backwards.
pub(super) fn keep_live(steps: &mut [Step], mentions: &[Vec<Var>], output: &[Var]) {
    let mut live: BTreeSet<Var> = output.iter().copied().collect();
    for (step, mentions) in steps.iter_mut().zip(mentions).rev() {
        // Until here the step holds what is bound after it.
        step.keep.retain(|var| live.contains(var));
        live.extend(mentions);
    }
}

/// Says of each step what follows from the variables that it keeps: without it, distinct rows stay
/// distinct.
pub(super) fn mark_following(steps: &mut [Step], follows: Vec<Vec<Follows>>) {
    let mut known: Vec<Follows> = Vec::new();
    for (step, follows) in steps.iter_mut().zip(follows) {
        known.extend(follows);
        step.following = closure(&step.keep, &known);
    }
}

/// What follows from variables, and from what follows.
fn closure(from: &[Var], known: &[Follows]) -> Vec<Var> {
    let mut found: Vec<Var> = Vec::new();
    let has = |found: &[Var], var: &Var| from.contains(var) || found.contains(var);
    while let Some(next) =
        known.iter().find(|own| has(&found, &own.from) && !has(&found, &own.what))
    {
        found.push(next.what);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_what_follows() {
        let [a, b, c, d] = [0, 1, 2, 3].map(Var);
        let known = [(b, c), (a, b), (d, a)].map(|(from, what)| Follows { from, what });
        assert_eq!(closure(&[a], &known), [b, c]);
        assert_eq!(closure(&[c], &known), []);
        assert_eq!(closure(&[d, b], &known), [c, a]);
    }
}
