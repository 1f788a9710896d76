//! Plans for people: which steps, in which order, with what was expected and what came.

mod describe;
mod text;
mod trace;

use std::time::Duration;

use serde::Serialize;

use crate::budget::Fetched;
use crate::plan::{Action, Mode, Plan, RulePlan, Step};

pub(crate) use trace::Trace;

/// How a query is answered. Prints as a table, a step a line; [`Self::to_json`] says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The steps of the query itself, in their order.
    pub steps: Vec<ExplainedStep>,
    /// The rules in use, one for each way they are called.
    pub rules: Vec<ExplainedRule>,
    /// What planning has cost; `None` when the query was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning: Option<Cost>,
    /// What grouping, ordering and pulling has cost, and the rows of the answer; `None` when the
    /// query was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub showing: Option<Cost>,
}

/// A step: a relation goes in, a relation comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedStep {
    /// What the step does.
    pub what: String,
    /// The variables that are kept after it.
    pub keeps: Vec<String>,
    /// Rows after the step, as estimated for one run of it.
    pub rows_estimated: u64,
    /// What it was; `None` when the query was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Cost>,
    /// The steps within it: the branches of an `or`, or what must not be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Vec<ExplainedStep>>,
}

/// A rule, for one way of calling it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule {
    /// Its name and parameters; those that the caller binds stand in brackets.
    pub what: String,
    /// Its bodies.
    pub branches: Vec<Vec<ExplainedStep>>,
}

/// What something has cost, what happened within it included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// How often it ran with rows to work on.
    pub runs: u64,
    /// Rows that went in, over all runs.
    pub rows_in: u64,
    /// Rows that came out, over all runs.
    pub rows: u64,
    /// How long it took; `None` without a clock.
    #[serde(rename = "micros", serialize_with = "micros", skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
    /// Nodes that were fetched meanwhile.
    pub nodes: u64,
    /// Requests that were sent meanwhile.
    pub requests: u64,
    /// Bytes that were fetched meanwhile.
    pub bytes: u64,
}

fn micros<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    let micros = time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    micros.serialize(to)
}

impl Explanation {
    pub(crate) fn of(plan: &Plan, trace: Option<&Trace>) -> Self {
        Self {
            steps: steps(plan, &plan.steps, trace),
            rules: plan.rules.iter().map(|rule| ExplainedRule::of(plan, rule, trace)).collect(),
            planning: trace.map(Trace::planning),
            showing: trace.map(Trace::showing),
        }
    }

    /// The explanation as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and numbers have a form in JSON")
    }
}

impl ExplainedRule {
    fn of(plan: &Plan, rule: &RulePlan, trace: Option<&Trace>) -> Self {
        let params = rule.params.iter().zip(&rule.modes).map(|(var, mode)| match mode {
            Mode::Free => format!(" {}", plan.name(*var)),
            Mode::Bound | Mode::Flexible => format!(" [{}]", plan.name(*var)),
        });
        Self {
            what: format!("({}{})", rule.name, params.collect::<String>()),
            branches: rule.branches.iter().map(|branch| steps(plan, branch, trace)).collect(),
        }
    }
}

fn steps(plan: &Plan, own: &[Step], trace: Option<&Trace>) -> Vec<ExplainedStep> {
    own.iter().map(|step| ExplainedStep::of(plan, step, trace)).collect()
}

impl ExplainedStep {
    fn of(plan: &Plan, step: &Step, trace: Option<&Trace>) -> Self {
        let branches = match &step.action {
            Action::Either(either) => {
                either.branches.iter().map(|branch| steps(plan, branch, trace)).collect()
            }
            Action::Without(without) => vec![steps(plan, &without.steps, trace)],
            Action::Given { .. } | Action::Match(_) | Action::Compute(_) | Action::Invoke(_) => {
                Vec::new()
            }
        };
        Self {
            what: plan.describe(&step.action),
            keeps: step.keep.iter().map(|var| plan.name(*var).to_owned()).collect(),
            // The cast saturates.
            rows_estimated: step.rows.ceil() as u64,
            actual: trace.map(|trace| trace.of_step(step.id)),
            branches,
        }
    }
}

impl Cost {
    fn add(&mut self, rows_in: usize, rows: usize, time: Option<Duration>, fetched: Fetched) {
        self.runs += 1;
        self.rows_in += rows_in as u64;
        self.rows += rows as u64;
        self.time = time.map(|time| self.time.unwrap_or_default() + time);
        self.nodes += fetched.nodes;
        self.requests += fetched.requests;
        self.bytes += fetched.bytes;
    }
}
