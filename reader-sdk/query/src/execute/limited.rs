//! Some of the rows: as many as `:limit` wants.
//!
//! Steps are run for a part of the rows at a time, first for a few and then for ever more, until
//! there are enough different rows over what the answer is made of. Where the first step reads
//! facts, it reads on only when what it has read was not enough. What is run again for every part
//! grows with the logarithm of the rows alone, so an answer of fewer rows than are wanted costs
//! little more than without a limit.
//!
//! How large parts are does not hang on how many rows are wanted: the same query with another limit
//! begins with the same rows.

use duramen_db::Db;

use super::relation::{Relation, Table};
use super::scan::{Residual, Scan};
use super::{Run, StepFuture, kept};
use crate::error::QueryError;
use crate::plan::{Action, Facts, MatchNode, Step, Var};
use crate::source::Source;

/// Rows of the first part.
const PART_FIRST: usize = 64;
const PART_GROWTH: usize = 4;

/// Parts of parts that are made; what comes after is run as a whole.
const DEPTH_MAX: usize = 32;

/// The rows that were found so far.
struct Wanted<'v> {
    vars: &'v [Var],
    rows: usize,
    found: Found,
    /// How many rows the next part has.
    part: usize,
}

enum Found {
    None,
    /// What the first part gave: mostly that is all.
    First(Relation),
    Rows(Box<Table>),
}

/// A pattern against a database, with which a query begins.
struct Feed<'r> {
    step: &'r Step,
    node: &'r MatchNode,
    facts: &'r Facts,
    db: &'r Db,
}

impl<'r> Run<'r> {
    /// Runs the query's own steps as far as there are so many different rows over some variables, or
    /// no more.
    pub(crate) async fn some_rows(
        &mut self,
        rows: usize,
        vars: &[Var],
    ) -> Result<Relation, QueryError> {
        let steps: &'r [Step] = &self.plan.steps;
        let mut wanted = Wanted { vars, rows, found: Found::None, part: PART_FIRST };
        match (self.feed(), steps.split_first()) {
            (Some(feed), Some((_, rest))) => self.fed(&feed, rest, &mut wanted).await?,
            _ => self.in_parts(steps, Relation::unit(), &mut wanted, 0).await?,
        }
        Ok(wanted.into_relation())
    }

    fn feed(&self) -> Option<Feed<'r>> {
        let step = self.plan.steps.first()?;
        let Action::Match(matching) = &step.action else { return None };
        match (&self.sources[matching.node.source], &matching.node.facts) {
            (Source::Db(db), Some(facts)) if !facts.never => {
                Some(Feed { step, node: &matching.node, facts, db })
            }
            _ => None,
        }
    }

    /// Runs steps for what a pattern reads, a part of it at a time.
    async fn fed(
        &mut self,
        feed: &Feed<'r>,
        steps: &'r [Step],
        wanted: &mut Wanted<'_>,
    ) -> Result<(), QueryError> {
        let (range, values) = feed.db.stretch_of(&feed.facts.selection());
        let residual = Residual::new(feed.node, feed.facts, values);
        let mut cursor = feed.db.columns_unsorted(&range, None);
        let mut at_end = false;
        while !at_end && !wanted.is_enough() {
            self.meter().at(feed.step.span);
            self.meter().check()?;
            let before = self.context.trace.map(|trace| trace.now());
            let mut scan = Scan::empty(feed.node);
            while !at_end && scan.rows < wanted.part {
                let part = cursor.next_part().await;
                match part.map_err(|error| QueryError::from_db(error, feed.step.span))? {
                    Some(part) => scan.take(part, &residual),
                    None => at_end = true,
                }
            }
            let rows = feed.rows(scan);
            self.meter().check_rows(rows.len(), rows.row_bytes())?;
            if let (Some(trace), Some(before)) = (self.context.trace, before) {
                trace.record(feed.step.id, 1, rows.len(), before);
            }
            self.in_parts(steps, rows, wanted, 0).await?;
            wanted.part = wanted.part.saturating_mul(PART_GROWTH);
        }
        Ok(())
    }

    /// Runs steps for a part of the rows at a time. Boxed, since a step may make of few rows so many
    /// that they come in parts again.
    fn in_parts<'s>(
        &'s mut self,
        steps: &'s [Step],
        input: Relation,
        wanted: &'s mut Wanted<'_>,
        depth: usize,
    ) -> StepFuture<'s, ()>
    where
        'r: 's,
    {
        Box::pin(async move {
            let (mut rows, mut rest) = (input, steps);
            while !rest.is_empty() && (rows.len() <= wanted.part || depth == DEPTH_MAX) {
                (rows, rest) = self.advance(rest, rows).await?;
            }
            if rest.is_empty() {
                wanted.take(rows);
                return self.meter().check_rows(wanted.len(), 0);
            }
            let mut start = 0;
            while start < rows.len() && !wanted.is_enough() {
                let end = start.saturating_add(wanted.part).min(rows.len());
                let part = rows.gather(&(start..end).collect::<Vec<_>>());
                let (part, after) = self.advance(rest, part).await?;
                self.in_parts(after, part, wanted, depth + 1).await?;
                wanted.part = wanted.part.saturating_mul(PART_GROWTH);
                start = end;
            }
            Ok(())
        })
    }
}

impl Feed<'_> {
    /// The rows that the pattern gives for what was read.
    fn rows(&self, scan: Scan) -> Relation {
        let scan = scan.distinct(self.node);
        let mut rows = Relation::new(Vec::new(), Vec::new(), scan.rows);
        for (place, column) in scan.columns.into_iter().enumerate() {
            let (Some(column), Some(var)) = (column, self.node.var(place)) else { continue };
            if rows.position(var).is_none() {
                rows = rows.with(var, column);
            }
        }
        kept(rows, self.step, self.node.repeats())
    }
}

impl Wanted<'_> {
    fn len(&self) -> usize {
        match &self.found {
            Found::None => 0,
            Found::First(rows) => rows.len(),
            Found::Rows(table) => table.relation().len(),
        }
    }

    fn is_enough(&self) -> bool {
        self.len() >= self.rows
    }

    fn take(&mut self, rows: Relation) {
        if rows.is_empty() {
            return;
        }
        let rows = if rows.vars == self.vars { rows } else { rows.project(self.vars) };
        self.found = match std::mem::replace(&mut self.found, Found::None) {
            Found::None => Found::First(rows),
            Found::First(first) => {
                let mut table = Box::new(Table::new(self.vars.to_vec(), Vec::new()));
                table.insert(&first);
                table.insert(&rows);
                Found::Rows(table)
            }
            Found::Rows(mut table) => {
                table.insert(&rows);
                Found::Rows(table)
            }
        };
    }

    fn into_relation(self) -> Relation {
        match self.found {
            Found::None => Relation::empty(self.vars.to_vec()),
            Found::First(rows) => rows,
            Found::Rows(table) => table.into_relation(),
        }
    }
}
