//! Branches of a rule that begin alike.
//!
//! ```text
//! (reach ?a ?b)  [?a :knows ?b]
//! (reach ?a ?b)  [?a :knows ?c] (reach ?c ?b)
//! ```
//!
//! What the first finds in a round is what the second goes on from, so it is looked for once.

use super::{Action, Match, RulePlan, Slot, Step, Twin, Var};

/// For each branch of a rule that only hands its question on an earlier one that finds the same.
pub(super) fn twins(rule: &RulePlan) -> Vec<Option<Twin>> {
    let twin = |branch: usize| {
        (0..branch).find_map(|earlier| {
            let names = names(rule, &rule.branches[earlier], &rule.branches[branch])?;
            Some(Twin { branch: earlier, names })
        })
    };
    (0..rule.branches.len()).map(twin).collect()
}

/// How the variables of an earlier branch are called in a later one, if both find the same before
/// their recursive calls.
fn names(rule: &RulePlan, earlier: &[Step], later: &[Step]) -> Option<Vec<(Var, Var)>> {
    let ((a, keep), (b, wanted)) = (only_pattern(earlier)?, only_pattern(later)?);
    if a.node.source != b.node.source
        || a.node.facts != b.node.facts
        || a.node.terms.len() != b.node.terms.len()
        || a.flexible != b.flexible
    {
        return None;
    }
    let bound = rule.bound();
    let mut names: Vec<(Var, Var)> = Vec::new();
    for (own, other) in a.node.terms.iter().zip(&b.node.terms) {
        let (Slot::Var(own), Slot::Var(other)) = (own, other) else {
            if own == other {
                continue;
            }
            return None;
        };
        if own != other && (bound.contains(own) || bound.contains(other)) {
            return None;
        }
        match names.iter().find(|(known, name)| known == own || name == other) {
            None => names.push((*own, *other)),
            Some(pair) if *pair == (*own, *other) => {}
            Some(_) => return None,
        }
    }
    let named = |wanted: &Var| match names.iter().find(|(_, name)| name == wanted) {
        Some((own, _)) => keep.contains(own),
        None => keep.contains(wanted),
    };
    wanted.iter().all(named).then_some(names)
}

/// The pattern that a branch consists of, apart from a recursive call, and what is kept of it.
fn only_pattern(steps: &[Step]) -> Option<(&Match, &[Var])> {
    let recursive = |step: &Step| matches!(&step.action, Action::Invoke(call) if call.recursive);
    let (first, rest) = steps.split_first()?;
    match (&first.action, rest) {
        (Action::Match(matching), []) => Some((matching, &first.keep)),
        (Action::Match(matching), [last]) if recursive(last) => Some((matching, &first.keep)),
        _ => None,
    }
}
