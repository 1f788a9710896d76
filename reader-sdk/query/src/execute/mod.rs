//! From a plan to rows.
//!
//! A conjunction is run relation at a time: each step takes all rows so far and gives the rows
//! after it. Rows stand in typed columns (`column/`): plain numbers, text that stays in the leaves
//! it was read from, and cells for the rest. Only fetches wait; everything between is computation
//! over whole columns.
//!
//! ```text
//! matching   which facts a pattern needs: some keys looked up (lookup), or all scanned (scan/)
//!   one_row    those of the only row
//!   scan/      columns of leaves, tested column by column; pairs of rows that meet
//!   crossing   two patterns that bind one variable between them
//! compute    calls of functions (compare, text_tests: for all rows at once)
//! branch     or, not        nested     queries within queries
//! limited    as many rows as are wanted, and not all
//! recursion  rules
//!   trail      those that follow an attribute
//! parallel   work on many rows, on several threads
//! ```

mod bind;
mod branch;
mod column;
mod compare;
mod compute;
mod crossing;
mod distinct;
mod inputs;
mod limited;
mod lookup;
mod matching;
mod nested;
mod one_row;
mod pair_set;
mod parallel;
mod recursion;
mod relation;
mod row_index;
mod scan;
mod text_tests;
mod trail;

use std::collections::HashMap;
use std::sync::Arc;

use duramen_model::Span;

use crate::ast::Rules;
use crate::budget::Meter;
use crate::error::QueryError;
use crate::explain::Trace;
use crate::plan::{Action, Plan, Step, Var};
use crate::query::{Planned, QueryOptions};
use crate::source::Source;
use matching::MatchState;
use recursion::RuleState;

#[cfg(test)]
pub(crate) use column::Members;
pub(crate) use column::{Column, TextColumn, hashes, rows_equal};
pub(crate) use distinct::{Dense, distinct_rows};
pub(crate) use inputs::{Given, Inputs, read_rules, take_inputs};
pub(crate) use relation::Relation;
pub(crate) use row_index::RowIndex;

/// A future that runs steps. In a browser futures stay on their thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type StepFuture<'f, T> = futures_util::future::BoxFuture<'f, Result<T, QueryError>>;
/// A future that runs steps. In a browser futures stay on their thread.
#[cfg(target_arch = "wasm32")]
pub(crate) type StepFuture<'f, T> = futures_util::future::LocalBoxFuture<'f, Result<T, QueryError>>;

/// What a query runs in.
#[derive(Clone, Copy)]
pub(crate) struct Context<'r> {
    pub(crate) meter: &'r Meter,
    pub(crate) options: &'r QueryOptions,
    /// The rules that the query was given, for queries within it.
    pub(crate) rules: &'r Rules,
    /// Where what each step did is written down.
    pub(crate) trace: Option<&'r Trace>,
}

/// A query on its way.
pub(crate) struct Run<'r> {
    plan: &'r Plan,
    sources: &'r [Source],
    given: &'r [Relation],
    context: Context<'r>,
    /// The queries within the query that were planned, by their steps.
    nested: HashMap<usize, Arc<Planned>>,
    /// What is known of each pattern, by its id.
    matches: HashMap<usize, MatchState>,
    rules: Vec<RuleState>,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        plan: &'r Plan,
        sources: &'r [Source],
        given: &'r [Relation],
        context: Context<'r>,
    ) -> Self {
        let rules = plan.rules.iter().map(RuleState::new).collect();
        let (nested, matches) = (HashMap::new(), HashMap::new());
        Self { plan, sources, given, context, nested, matches, rules }
    }

    fn meter(&self) -> &'r Meter {
        self.context.meter
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
            let (mut relation, mut rest) = (input, steps);
            while !rest.is_empty() {
                (relation, rest) = self.advance(rest, relation).await?;
            }
            Ok(relation)
        })
    }

    /// Runs the first of some steps, or two that cross; also gives those that are left.
    async fn advance<'s>(
        &mut self,
        steps: &'s [Step],
        input: Relation,
    ) -> Result<(Relation, &'s [Step]), QueryError> {
        let Some((step, rest)) = steps.split_first() else { return Ok((input, steps)) };
        if let Some((next, after)) = rest.split_first()
            && let Some(crossed) = self.crossed(step, next, &input).await?
        {
            return Ok((crossed, after));
        }
        Ok((self.step(step, input).await?, rest))
    }

    async fn step(&mut self, step: &Step, input: Relation) -> Result<Relation, QueryError> {
        if input.is_empty() {
            return Ok(Relation::empty(step.keep.clone()));
        }
        self.meter().at(step.span);
        self.meter().check()?;
        let Some(trace) = self.context.trace else { return self.act(step, input).await };
        let (rows, before) = (input.len(), trace.now());
        let relation = self.act(step, input).await?;
        trace.record(step.id, rows, relation.len(), before);
        Ok(relation)
    }

    async fn act(&mut self, step: &Step, input: Relation) -> Result<Relation, QueryError> {
        let (relation, repeats) = match &step.action {
            Action::Given { input: number, .. } => (self.join_given(*number, step, &input)?, false),
            Action::Match(matching) => {
                let repeats = matching.node.repeats();
                (self.matched(matching, input, step.span).await?, repeats)
            }
            Action::Compute(compute) => {
                let repeats = compute.bind.as_ref().is_some_and(|bind| !bind.is_single());
                // Boxed, so that a pattern does not pay for the room.
                (Box::pin(self.compute(compute, input, step)).await?, repeats)
            }
            Action::Either(either) => (self.either(either, &input, step.span).await?, false),
            Action::Without(without) => (self.without(without, input).await?, false),
            Action::Invoke(invoke) => {
                (self.invoke(invoke, &input, step.span).await?, invoke.repeats())
            }
        };
        self.meter().at(step.span);
        self.meter().check_rows(relation.len(), relation.row_bytes())?;
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
        let wanted = |var: &&Var| step.keep.contains(var) || input.position(**var).is_some();
        let vars: Vec<_> = given.vars.iter().filter(wanted).copied().collect();
        let given = match vars.len() == given.vars.len() {
            true => given.clone(),
            false => given.project(&vars),
        };
        // What a conjunction starts from adds nothing.
        if input.vars.is_empty() && input.len() == 1 {
            return Ok(given);
        }
        self.check_product(input.len(), &given, input, step.span)?;
        input.joined(&given, self.meter())
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
        self.meter().at(span);
        self.meter().check_rows(rows, 0)
    }
}

/// Drops the variables that nothing needs any more; a set of rows stays a set.
fn kept(relation: Relation, step: &Step, repeats: bool) -> Relation {
    let kept: Vec<_> =
        step.keep.iter().copied().filter(|var| relation.position(*var).is_some()).collect();
    if kept.len() == relation.vars.len() {
        return if repeats { relation.distinct() } else { relation };
    }
    let mut columns = relation.vars.iter().zip(&relation.columns);
    let is_no_loss = |(var, column): (&Var, &Column)| {
        kept.contains(var) || step.following.contains(var) || column.is_constant()
    };
    match relation.len() <= 1 || (!repeats && !kept.is_empty() && columns.all(is_no_loss)) {
        true => relation.narrowed(&kept),
        false => relation.project(&kept),
    }
}

impl Relation {
    /// The natural join with another relation.
    pub(crate) fn joined(&self, other: &Self, meter: &Meter) -> Result<Self, QueryError> {
        let shared: Vec<_> =
            other.vars.iter().copied().filter(|var| self.position(*var).is_some()).collect();
        let (left, right) = relation::join(
            &self.columns_of(&shared),
            self.len(),
            &other.columns_of(&shared),
            other.len(),
            meter,
        )?;
        meter.check_rows(left.len(), self.row_bytes() + other.row_bytes())?;
        let new: Vec<_> =
            other.vars.iter().copied().filter(|var| self.position(*var).is_none()).collect();
        Ok(self.gather(&left).beside(other.select(&new).gather(&right)))
    }
}
