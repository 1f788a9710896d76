//! Which calls of rules are recursive, once it is known how each rule is called.
//!
//! A rule that hands its question on to itself as the last thing it does,
//!
//! ```text
//! (reach ?a ?b)  [?a :knows ?b]
//! (reach ?a ?b)  [?a :knows ?c] (reach ?c ?b)
//! ```
//!
//! has the answers to the last question as answers to the first. It is run with the first question
//! kept beside the one that is asked now, so that from one start it gives what that start reaches
//! and not what everything on the way reaches.

use duramen_model::Symbol;

use super::graph::components;
use super::node::Slot;
use super::{Action, Invoke, Mode, Plan, RulePlan, Step, Var, twin};

/// Marks recursive calls, and rules that only hand their question on.
pub(super) fn mark(plan: &mut Plan) {
    let edges: Vec<Vec<usize>> = plan
        .rules
        .iter()
        .map(|rule| {
            let mut callees = Vec::new();
            rule.branches.iter().for_each(|steps| callees_of(steps, &mut callees));
            callees
        })
        .collect();
    let components = components(&edges);
    for (rule, component) in plan.rules.iter_mut().zip(&components) {
        rule.component = *component;
        for step in rule.branches.iter_mut().flatten() {
            // Calls within an or or a not are never recursive: such an or is a rule itself.
            if let Action::Invoke(invoke) = &mut step.action {
                invoke.recursive = components[invoke.rule] == *component;
            }
        }
    }
    for number in 0..plan.rules.len() {
        if hands_on(number, &plan.rules[number]) {
            let bound = plan.rules[number].bound();
            let roots = bound.iter().map(|var| root(&mut plan.names, *var)).collect();
            keep_roots(&mut plan.rules[number], roots);
        }
    }
}

fn callees_of(steps: &[Step], callees: &mut Vec<usize>) {
    for step in steps {
        match &step.action {
            Action::Invoke(invoke) => callees.push(invoke.rule),
            Action::Either(either) => {
                either.branches.iter().for_each(|steps| callees_of(steps, callees));
            }
            Action::Without(without) => callees_of(&without.steps, callees),
            Action::Given { .. } | Action::Match(_) | Action::Compute(_) => {}
        }
    }
}

/// Whether every recursive call is the last step of its branch, goes to the rule itself, and has
/// the free parameters as they are.
fn hands_on(number: usize, rule: &RulePlan) -> bool {
    let mut recursive = 0;
    for steps in &rule.branches {
        for (at, step) in steps.iter().enumerate() {
            let Action::Invoke(invoke) = &step.action else { continue };
            if !invoke.recursive {
                continue;
            }
            recursive += 1;
            if invoke.rule != number || at + 1 != steps.len() || !same_free(rule, invoke) {
                return false;
            }
        }
    }
    recursive > 0 && rule.modes.iter().any(|mode| *mode != Mode::Free)
}

fn same_free(rule: &RulePlan, invoke: &Invoke) -> bool {
    rule.params.iter().zip(&rule.modes).zip(&invoke.arguments).all(|((param, mode), slot)| {
        *mode != Mode::Free || matches!(slot, Slot::Var(var) if var == param)
    })
}

fn root(names: &mut Vec<Symbol>, var: Var) -> Var {
    names.push(Symbol::new(format!("{} (asked)", names[var.0])));
    Var(names.len() - 1)
}

fn keep_roots(rule: &mut RulePlan, roots: Vec<Var>) {
    for step in rule.branches.iter_mut().flatten() {
        step.keep.extend(&roots);
    }
    rule.roots = Some(roots);
    rule.twins = twin::twins(rule);
}
