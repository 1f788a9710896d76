//! Patterns: joins with facts or with the rows of a plain relation.
//!
//! What matches the constants alone can be scanned once and kept; or, while few distinct keys ask,
//! the facts of each key are looked up. The change from one to the other comes when what has been
//! looked up so far would have paid for the scan.

use std::sync::Arc;

use duramen_db::{Db, Selection};
use duramen_model::{Datom, Span};
use futures_util::future;

use super::column::Column;
use super::distinct::distinct_up_to;
use super::relation::Relation;
use super::scan::{Indexes, Keys, Residual, Scan};
use super::{Run, lookup};
use crate::budget::Meter;
use crate::error::QueryError;
use crate::plan::{Action, Argument, Match, MatchNode, Slot, Step, Var};
use crate::source::Source;

/// A look-up costs about as much as scanning so many facts.
const LOOKUP_COST: usize = 32;

/// What is known of a pattern while the query runs.
#[derive(Debug, Default)]
pub(crate) struct MatchState {
    looked_up: usize,
    scan: Option<Arc<Scan>>,
    /// Whether a range of it was scanned for one row.
    narrowed: bool,
    pub(super) indexes: Indexes,
}

impl Run<'_> {
    /// Fetches, at the same time, what the patterns of a conjunction will scan anyway.
    pub(super) async fn fetch_ahead(&mut self, steps: &[Step]) -> Result<(), QueryError> {
        let ahead = scanned_anyway(steps);
        if ahead.len() < 2 {
            return Ok(());
        }
        let scans = ahead.iter().map(|matching| self.scan(&matching.node));
        let scans = future::try_join_all(scans).await?;
        for (matching, scan) in ahead.iter().zip(scans) {
            self.meter().hold(scan.bytes())?;
            self.matches.entry(matching.node.id).or_default().scan = Some(Arc::new(scan));
        }
        Ok(())
    }

    pub(super) async fn matched(
        &mut self,
        matching: &Match,
        input: Relation,
        span: Span,
    ) -> Result<Relation, QueryError> {
        let node = &matching.node;
        if node.facts.as_ref().is_some_and(|facts| facts.never) {
            return Ok(Relation::empty(joined_vars(node, &input)));
        }
        if let Some(found) = self.found_for_one(matching, &input, span).await? {
            self.check_rows(found.len(), span)?;
            return Ok(input.repeated(found.len()).beside(found));
        }
        // Boxed, so that one row does not pay for the room.
        Box::pin(self.matched_all(matching, &input, span)).await
    }

    async fn matched_all(
        &mut self,
        matching: &Match,
        input: &Relation,
        span: Span,
    ) -> Result<Relation, QueryError> {
        let node = &matching.node;
        let keys = self.keys(matching, input).await?;
        if !self.is_scanned(node)
            && let Some(found) = self.look_up(matching, &keys, span).await?
        {
            self.check_joined(&found, input, span)?;
            return join_scan(node, input, &keys, &found, None, self.meter());
        }
        if let Some(narrower) = self.narrower(matching, input) {
            let scan = self.scan(&narrower).await?;
            self.check_joined(&scan, input, span)?;
            return join_scan(node, input, &keys, &scan, None, self.meter());
        }
        let scan = self.scanned(node).await?;
        self.check_joined(&scan, input, span)?;
        let meter = self.meter();
        let indexes = &mut self.matches.entry(node.id).or_default().indexes;
        join_scan(node, input, &keys, &scan, Some(indexes), meter)
    }

    /// The pattern with the range that comparisons with the only row so far leave. Not for a
    /// second row: all rows together want a scan that is kept.
    fn narrower(&mut self, matching: &Match, input: &Relation) -> Option<MatchNode> {
        let node = &matching.node;
        let value = node.var(2).filter(|var| input.column(*var).is_none());
        let state = self.matches.entry(node.id).or_default();
        if value.is_none() || input.len() != 1 || state.scan.is_some() || state.narrowed {
            return None;
        }
        let mut narrower = node.clone();
        let cell = |argument: &Argument| match argument {
            Argument::Var(var) => input.column(*var).map(|column| column.get(0)),
            _ => None,
        };
        matching.limits.iter().for_each(|limit| limit.narrow(&mut narrower, cell));
        state.narrowed = narrower.facts != node.facts;
        state.narrowed.then_some(narrower)
    }

    /// Counts keys that are looked up in place of a scan.
    pub(super) fn count_looked_up(&mut self, node: &MatchNode, keys: usize) {
        let state = self.matches.entry(node.id).or_default();
        state.looked_up = state.looked_up.saturating_add(keys);
    }

    fn is_scanned(&self, node: &MatchNode) -> bool {
        self.matches.get(&node.id).is_some_and(|state| state.scan.is_some())
    }

    /// The scan of a pattern, which is kept.
    pub(super) async fn scanned(&mut self, node: &MatchNode) -> Result<Arc<Scan>, QueryError> {
        let state = self.matches.entry(node.id).or_default();
        if let Some(scan) = &state.scan {
            return Ok(Arc::clone(scan));
        }
        let scan = Arc::new(Box::pin(self.scan(node)).await?);
        self.meter().hold(scan.bytes())?;
        self.matches.entry(node.id).or_default().scan = Some(Arc::clone(&scan));
        Ok(scan)
    }

    /// Whether the facts for so many keys are scanned rather than looked up.
    pub(super) fn scans(&self, node: &MatchNode, keys: usize) -> bool {
        self.is_scanned(node) || keys > self.looked_up_at_most(node)
    }

    /// For so many more keys facts are looked up, and for no more.
    fn looked_up_at_most(&self, node: &MatchNode) -> usize {
        let looked_up = self.matches.get(&node.id).map_or(0, |state| state.looked_up);
        let most = node.count / LOOKUP_COST as u64 + 1;
        usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(looked_up)
    }

    fn check_joined(&self, scan: &Scan, input: &Relation, span: Span) -> Result<(), QueryError> {
        // The join itself is checked after; what is fetched must fit, too.
        self.check_rows(scan.rows.max(input.len()), span)
    }

    /// The places whose variables are bound already, each with the cells to match there.
    pub(super) async fn keys(
        &self,
        matching: &Match,
        input: &Relation,
    ) -> Result<Keys, QueryError> {
        let node = &matching.node;
        let mut columns = Vec::new();
        for place in 0..node.terms.len() {
            let Some(var) = node.var(place) else { continue };
            let Some(column) = input.column(var) else { continue };
            let column = match &self.sources[node.source] {
                Source::Db(db) if matching.flexible.contains(&var) => {
                    // Boxed, as all that follows is rare, and takes room.
                    match lookup::is_named(node, place, column) {
                        true => column.clone(),
                        false => Box::pin(lookup::named(db, node, place, column)).await?,
                    }
                }
                _ => column.clone(),
            };
            columns.push((place, column));
        }
        let single = node.facts.as_ref().filter(|facts| facts.is_single()).map(|_| 0);
        Ok(Keys { columns, rows: input.len(), single })
    }

    /// Looks up the facts of every distinct key, where that is cheaper than a scan.
    async fn look_up(
        &mut self,
        matching: &Match,
        keys: &Keys,
        span: Span,
    ) -> Result<Option<Scan>, QueryError> {
        let node = &matching.node;
        let (Source::Db(db), Some(facts)) = (&self.sources[node.source], &node.facts) else {
            return Ok(None);
        };
        let Some(usable) = lookup::usable(node, facts, &keys.columns) else { return Ok(None) };
        let columns: Vec<&Column> = usable.iter().map(|&at| &keys.columns[at].1).collect();
        let most = self.looked_up_at_most(node);
        let Some(distinct) = distinct_up_to(&columns, keys.rows, most) else { return Ok(None) };
        self.count_looked_up(node, distinct.len());
        lookup::looked_up(db, node, facts, keys, &usable, &distinct)
            .await
            .map(Some)
            .map_err(|error| QueryError::from_db(error, span))
    }

    async fn scan(&self, node: &MatchNode) -> Result<Scan, QueryError> {
        match (&self.sources[node.source], &node.facts) {
            (Source::Db(db), Some(facts)) if !facts.never => {
                let (range, values) = db.stretch_of(&facts.selection());
                let residual = Residual::new(node, facts, values);
                let mut scan = Scan::with_capacity(node, node.count);
                let mut cursor = db.columns_unsorted(&range, None);
                let error = |error| QueryError::from_db(error, node.span);
                while let Some(part) = cursor.next_part().await.map_err(error)? {
                    scan.take(part, &residual);
                    self.check_rows(scan.rows, node.span)?;
                }
                Ok(scan.distinct(node))
            }
            (Source::Rows(rows), _) => Ok(Scan::of_rows(node, rows)),
            _ => Ok(Scan::of_rows(node, &[])),
        }
    }
}

/// The patterns of a conjunction for which nothing is known by which they could be looked up.
fn scanned_anyway(steps: &[Step]) -> Vec<&Match> {
    let mut bound: Vec<Var> = Vec::new();
    let mut ahead: Vec<&Match> = Vec::new();
    for step in steps {
        if let Action::Match(matching) = &step.action {
            let keyed = (0..3).filter_map(|place| matching.node.var(place));
            if !keyed.into_iter().any(|var| bound.contains(&var)) {
                ahead.push(matching);
            }
        }
        bound.extend(&step.keep);
    }
    ahead
}

pub(super) async fn select_many(
    db: &Db,
    selections: &[Selection],
    span: Span,
) -> Result<Vec<Vec<Datom>>, QueryError> {
    db.select_many(selections).await.map_err(|error| QueryError::from_db(error, span))
}

impl MatchNode {
    /// Whether a variable stands in two places.
    pub(super) fn repeated_var(&self) -> bool {
        let vars = self.vars();
        (1..vars.len()).any(|at| vars[..at].contains(&vars[at]))
    }

    /// Whether several facts or rows may look the same to the pattern.
    pub(super) fn repeats(&self) -> bool {
        let asked = |place: usize| matches!(self.terms.get(place), Some(Slot::Var(_)));
        match &self.facts {
            None => true,
            Some(facts) => {
                facts.history
                    || !(asked(0) || facts.e.is_some())
                    || !(asked(1) || facts.a.is_some())
                    || !(asked(2) || facts.v.is_some() || facts.is_single())
            }
        }
    }
}

/// The variables after the join.
fn joined_vars(node: &MatchNode, input: &Relation) -> Vec<Var> {
    let mut vars = input.vars.clone();
    for var in node.vars() {
        if !vars.contains(&var) {
            vars.push(var);
        }
    }
    vars
}

fn join_scan(
    node: &MatchNode,
    input: &Relation,
    keys: &Keys,
    scan: &Scan,
    indexes: Option<&mut Indexes>,
    meter: &Meter,
) -> Result<Relation, QueryError> {
    let (rows, found) = scan.pairs(keys, indexes, meter)?;
    meter.check_rows(rows.len(), input.row_bytes() + scan.row_bytes())?;
    let mut joined = input.gather(&rows);
    joined.reserve(scan.columns.len());
    for (place, column) in scan.columns.iter().enumerate() {
        let (Some(column), Some(var)) = (column, node.var(place)) else { continue };
        if joined.position(var).is_none() {
            joined = joined.with(var, column.gather(&found));
        }
    }
    Ok(joined)
}
