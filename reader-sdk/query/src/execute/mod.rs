//! From a plan to rows.
//!
//! A conjunction is run relation at a time: each step takes all rows so far and gives the rows
//! after it. Only fetches wait; everything between is plain computation over columns, so that the
//! inside of a step can become a vectorized one without its neighbours noticing.

pub(crate) mod aggregate;
mod bind;
mod branch;
mod column;
mod compute;
mod find;
mod inputs;
mod lookup;
mod matching;
mod recursion;
mod relation;

use std::collections::HashMap;

use duramen_model::Span;

use crate::error::{QueryError, QueryErrorKind};
use crate::limits::Limits;
use crate::plan::{Action, Plan, Step};
use crate::source::Source;
use column::Column;
use matching::MatchState;
use recursion::RuleState;

pub(crate) use find::FindPlan;
pub(crate) use inputs::{Inputs, take_inputs};
pub(crate) use relation::Relation;

/// A future that runs steps. In a browser futures stay on their thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type StepFuture<'f, T> = futures_util::future::BoxFuture<'f, Result<T, QueryError>>;
/// A future that runs steps. In a browser futures stay on their thread.
#[cfg(target_arch = "wasm32")]
pub(crate) type StepFuture<'f, T> = futures_util::future::LocalBoxFuture<'f, Result<T, QueryError>>;

/// A query on its way.
pub(crate) struct Run<'r> {
    plan: &'r Plan,
    sources: &'r [Source],
    given: &'r [Relation],
    limits: Limits,
    /// What is known of each pattern, by its id.
    matches: HashMap<usize, MatchState>,
    rules: Vec<RuleState>,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        plan: &'r Plan,
        sources: &'r [Source],
        given: &'r [Relation],
        limits: Limits,
    ) -> Self {
        let rules = plan.rules.iter().map(RuleState::new).collect();
        Self { plan, sources, given, limits, matches: HashMap::new(), rules }
    }

    /// Runs the query's own steps.
    pub(crate) async fn rows(&mut self) -> Result<Relation, QueryError> {
        let plan = self.plan;
        self.fetch_ahead(&plan.steps).await?;
        self.steps(&plan.steps, Relation::unit()).await
    }

    /// Runs steps one after the other.
    fn steps<'s>(&'s mut self, steps: &'s [Step], input: Relation) -> StepFuture<'s, Relation>
    where
        'r: 's,
    {
        Box::pin(async move {
            let mut relation = input;
            for step in steps {
                relation = self.step(step, relation).await?;
            }
            Ok(relation)
        })
    }

    async fn step(&mut self, step: &Step, input: Relation) -> Result<Relation, QueryError> {
        if input.is_empty() {
            return Ok(Relation::empty(step.keep.clone()));
        }
        let (relation, repeats) = match &step.action {
            Action::Given { input: number, .. } => (self.join_given(*number, step, &input)?, false),
            Action::Match(matching) => {
                let repeats = matching.node.repeats();
                (self.matched(matching, &input, step.span).await?, repeats)
            }
            Action::Compute(compute) => {
                let repeats = compute.bind.as_ref().is_some_and(|bind| !bind.is_single());
                (self.compute(compute, input, step.span).await?, repeats)
            }
            Action::Either(either) => (self.either(either, &input, step.span).await?, false),
            Action::Without(without) => (self.without(without, input).await?, false),
            Action::Invoke(invoke) => {
                (self.invoke(invoke, &input, step.span).await?, invoke.repeats())
            }
        };
        self.check_rows(relation.len(), step.span)?;
        Ok(kept(relation, step, repeats))
    }

    /// Joins with what an input gave, as far as later steps need it.
    fn join_given(
        &self,
        number: usize,
        step: &Step,
        input: &Relation,
    ) -> Result<Relation, QueryError> {
        let given = &self.given[number];
        let wanted =
            |var: &&crate::plan::Var| step.keep.contains(var) || input.position(**var).is_some();
        let vars: Vec<_> = given.vars.iter().filter(wanted).copied().collect();
        let given = given.project(&vars);
        self.check_product(input.len(), &given, input, step.span)?;
        Ok(input.joined(&given))
    }

    /// Refuses a product that would be too large before it is made.
    fn check_product(
        &self,
        rows: usize,
        other: &Relation,
        input: &Relation,
        span: Span,
    ) -> Result<(), QueryError> {
        if other.vars.iter().any(|var| input.position(*var).is_some()) {
            return Ok(());
        }
        self.check_rows(rows.saturating_mul(other.len()), span)
    }

    fn check_rows(&self, rows: usize, span: Span) -> Result<(), QueryError> {
        if rows > self.limits.rows_max {
            let message = format!("{rows} rows here, of {} allowed", self.limits.rows_max);
            return Err(QueryError::new(QueryErrorKind::Limit, span, message));
        }
        Ok(())
    }
}

/// Drops the variables that nothing needs any more; a set of rows stays a set.
fn kept(relation: Relation, step: &Step, repeats: bool) -> Relation {
    let kept: Vec<_> =
        step.keep.iter().copied().filter(|var| relation.position(*var).is_some()).collect();
    if kept.len() < relation.vars.len() {
        return relation.project(&kept);
    }
    if repeats { relation.distinct() } else { relation }
}

impl Relation {
    /// The natural join with another relation.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let shared: Vec<_> =
            other.vars.iter().copied().filter(|var| self.position(*var).is_some()).collect();
        let (left, right) = relation::join(
            &self.columns_of(&shared),
            self.len(),
            &other.columns_of(&shared),
            other.len(),
        );
        let new: Vec<_> =
            other.vars.iter().copied().filter(|var| self.position(*var).is_none()).collect();
        self.gather(&left).beside(other.select(&new).gather(&right))
    }
}
