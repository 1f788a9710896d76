//! From a checked query to an order of steps.
//!
//! ```text
//! Query --lower--> nodes --graph--> recursion marked --needs--> what must be bound before what
//!       --resolve--> constants and counts --sequence--> what runs when --order--> Plan
//! ```
//!
//! Everything that can be refused is refused here, before a step runs: unknown rules, functions,
//! sources and attributes, wrong numbers of arguments, variables that nothing binds, rules that
//! depend on their own negation.

mod cost;
mod doubt;
mod graph;
mod limit;
mod live;
mod lower;
mod needs;
mod node;
mod order;
mod recur;
mod resolve;
mod sequence;
mod twin;

use duramen_model::{Span, Symbol};

use crate::cell::Cell;
use crate::error::QueryError;
use crate::functions::Function;

pub(crate) use limit::Limit;
pub(crate) use lower::{GivenInput, Lowered, lower};
pub(crate) use node::{Argument, Bind, Facts, MatchNode, Slot};
pub(crate) use order::order;
pub(crate) use resolve::{NOT_COUNTED, resolve};

/// A variable of a plan. Variables of different scopes are different, whatever their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Var(pub(crate) usize);

/// The steps that answer a query, in order.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) names: Vec<Symbol>,
    pub(crate) sources: Vec<Symbol>,
    pub(crate) steps: Vec<Step>,
    /// The rules in use, one for each way they are called.
    pub(crate) rules: Vec<RulePlan>,
    /// How many steps there are in all.
    pub(crate) steps_len: usize,
}

impl Plan {
    /// Visits every step: the query's own, those within them, and those of the rules.
    pub(crate) fn each_step(&mut self, visit: &mut impl FnMut(&mut Step)) {
        each_step(&mut self.steps, visit);
        for steps in self.rules.iter_mut().flat_map(|rule| &mut rule.branches) {
            each_step(steps, visit);
        }
    }
}

fn each_step(steps: &mut [Step], visit: &mut impl FnMut(&mut Step)) {
    for step in steps {
        visit(step);
        match &mut step.action {
            Action::Either(either) => {
                either.branches.iter_mut().for_each(|steps| each_step(steps, visit));
            }
            Action::Without(without) => each_step(&mut without.steps, visit),
            Action::Given { .. } | Action::Match(_) | Action::Compute(_) | Action::Invoke(_) => {}
        }
    }
}

/// Checks all that can be checked without looking at data, and marks what recurs.
pub(crate) fn check(lowered: &mut Lowered) -> Result<(), QueryError> {
    graph::mark(&mut lowered.predicates)?;
    needs::settle(lowered)
}

/// One step: a relation goes in, a relation comes out.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Its number among all steps of the plan.
    pub(crate) id: usize,
    pub(crate) action: Action,
    /// The variables that later steps, or the result, still need.
    pub(crate) keep: Vec<Var>,
    /// The variables that follow from those that are kept.
    pub(crate) following: Vec<Var>,
    /// Rows after the step, as estimated.
    pub(crate) rows: f64,
    pub(crate) span: Span,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Joins with an input of this number.
    Given { input: usize, vars: Vec<Var> },
    /// Joins with the facts or rows that a pattern matches.
    Match(Box<Match>),
    /// Calls a function for every row.
    Compute(Compute),
    /// Joins with the union of branches.
    Either(Either),
    /// Keeps the rows for which an inner conjunction has no answer.
    Without(Without),
    /// Joins with the answers of a rule.
    Invoke(Invoke),
}

/// A pattern against a source.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) node: MatchNode,
    /// The variables that hold what an input gave, so that idents and lookup refs among them name
    /// entities.
    pub(crate) flexible: Vec<Var>,
    /// What later comparisons with variables say about the value.
    pub(crate) limits: Vec<Limit>,
}

/// A call of a function.
#[derive(Debug, Clone)]
pub(crate) struct Compute {
    pub(crate) name: Symbol,
    pub(crate) function: Function,
    pub(crate) source: Option<usize>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) bind: Option<Bind>,
}

/// Branches, each run on the distinct rows of `seed`.
#[derive(Debug, Clone)]
pub(crate) struct Either {
    pub(crate) seed: Vec<Var>,
    /// What the branches give: the seed and what they bind.
    pub(crate) outputs: Vec<Var>,
    pub(crate) branches: Vec<Vec<Step>>,
}

/// An inner conjunction, run on the distinct rows of `seed`.
#[derive(Debug, Clone)]
pub(crate) struct Without {
    pub(crate) seed: Vec<Var>,
    pub(crate) steps: Vec<Step>,
}

/// A call of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Invoke {
    /// Which of [`Plan::rules`].
    pub(crate) rule: usize,
    pub(crate) arguments: Vec<Slot<Cell>>,
    /// Whether the rule is still being computed: the call is part of its own recursion.
    pub(crate) recursive: bool,
}

/// A rule, for one way of calling it.
#[derive(Debug, Clone)]
pub(crate) struct RulePlan {
    pub(crate) name: Symbol,
    pub(crate) params: Vec<Var>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) branches: Vec<Vec<Step>>,
    /// Rules with the same number are computed together.
    pub(crate) component: usize,
    /// For a rule whose only recursion is to hand its question on to itself, a variable for each
    /// bound parameter: what was asked at first, while the parameter holds what is asked now.
    pub(crate) roots: Option<Vec<Var>>,
    /// For each branch of such a rule an earlier one that finds the same before its recursive
    /// call, if there is one.
    pub(crate) twins: Vec<Option<Twin>>,
}

/// An earlier branch that finds the same under other names.
#[derive(Debug, Clone)]
pub(crate) struct Twin {
    pub(crate) branch: usize,
    /// The variables of that branch, each with the one of this branch.
    pub(crate) names: Vec<(Var, Var)>,
}

/// What a caller knows of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Mode {
    /// Nothing: the rule binds it.
    Free,
    /// Its value.
    Bound,
    /// What an input or a constant gave: idents and lookup refs among it name entities.
    Flexible,
}

impl RulePlan {
    /// The parameters that the caller binds.
    pub(crate) fn bound(&self) -> Vec<Var> {
        let bound = |(var, mode): (&Var, &Mode)| (*mode != Mode::Free).then_some(*var);
        self.params.iter().zip(&self.modes).filter_map(bound).collect()
    }
}
