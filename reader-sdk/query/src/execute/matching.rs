//! Patterns: joins with facts or with the rows of a plain relation.
//!
//! What matches the constants alone can be scanned once and kept; or, while few distinct keys ask,
//! the facts of each key are looked up. The change from one to the other comes when what has been
//! looked up so far would have paid for the scan.

use std::collections::HashMap;
use std::sync::Arc;

use duramen_db::{Db, Selection};
use duramen_model::{Cardinality, Datom, Span};
use futures_util::future;

use super::column::{Column, RowIndex};
use super::relation::{Relation, distinct_rows, join, probe};
use super::{Run, lookup};
use crate::budget::Meter;
use crate::cell::{Cell, entity_long};
use crate::error::QueryError;
use crate::plan::{Action, Facts, Match, MatchNode, Slot, Step, Var};
use crate::source::Source;

/// A look-up costs about as much as scanning so many facts.
const LOOKUP_COST: usize = 16;

/// What is known of a pattern while the query runs.
#[derive(Debug, Default)]
pub(crate) struct MatchState {
    looked_up: usize,
    scan: Option<Arc<Scan>>,
    /// Indexes of the scan, by the places that they are over.
    indexes: HashMap<Vec<usize>, Arc<RowIndex>>,
}

/// All that matches the constants of a pattern: a column for each place with a variable.
#[derive(Debug)]
pub(crate) struct Scan {
    columns: Vec<Option<Column>>,
    rows: usize,
}

impl Run<'_> {
    /// Fetches, at the same time, what the patterns of a conjunction will scan anyway.
    pub(super) async fn fetch_ahead(&mut self, steps: &[Step]) -> Result<(), QueryError> {
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
        input: &Relation,
        span: Span,
    ) -> Result<Relation, QueryError> {
        let node = &matching.node;
        if node.facts.as_ref().is_some_and(|facts| facts.never) {
            return Ok(Relation::empty(joined_vars(node, input)));
        }
        let keys = self.keys(matching, input).await?;
        let state = self.matches.entry(node.id).or_default();
        if state.scan.is_none() {
            if let Some(found) = self.look_up(matching, &keys, span).await? {
                self.check_joined(&found, input, span)?;
                return join_scan(node, input, &keys, &found, None, self.meter());
            }
            let scan = Arc::new(self.scan(node).await?);
            self.meter().hold(scan.bytes())?;
            self.matches.entry(node.id).or_default().scan = Some(scan);
        }
        let state = self.matches.entry(node.id).or_default();
        let scan = Arc::clone(state.scan.as_ref().expect("scanned above"));
        let index = state.index(&keys, &scan);
        self.check_joined(&scan, input, span)?;
        join_scan(node, input, &keys, &scan, index.as_deref(), self.meter())
    }

    fn check_joined(&self, scan: &Scan, input: &Relation, span: Span) -> Result<(), QueryError> {
        // The join itself is checked after; what is fetched must fit, too.
        self.check_rows(scan.rows.max(input.len()), span)
    }

    /// The places whose variables are bound already, each with the cells to match there.
    async fn keys(
        &self,
        matching: &Match,
        input: &Relation,
    ) -> Result<Vec<(usize, Column)>, QueryError> {
        let node = &matching.node;
        let mut keys = Vec::new();
        for place in 0..node.terms.len() {
            let Some(var) = node.var(place) else { continue };
            let Some(column) = input.column(var) else { continue };
            let column = match &self.sources[node.source] {
                Source::Db(db) if matching.flexible.contains(&var) => {
                    lookup::named(db, node, place, column).await?
                }
                _ => column.clone(),
            };
            keys.push((place, column));
        }
        Ok(keys)
    }

    /// Looks up the facts of every distinct key, where that is cheaper than a scan.
    async fn look_up(
        &mut self,
        matching: &Match,
        keys: &[(usize, Column)],
        span: Span,
    ) -> Result<Option<Scan>, QueryError> {
        let node = &matching.node;
        let (Source::Db(db), Some(facts)) = (&self.sources[node.source], &node.facts) else {
            return Ok(None);
        };
        let Some(usable) = lookup::usable(node, facts, keys) else { return Ok(None) };
        let columns: Vec<&Column> = usable.iter().map(|&at| &keys[at].1).collect();
        let rows = columns.first().map_or(0, |column| column.len());
        let distinct = distinct_rows(&columns, rows);
        let state = self.matches.entry(node.id).or_default();
        state.looked_up = state.looked_up.saturating_add(distinct.len());
        let cost = state.looked_up.saturating_mul(LOOKUP_COST);
        if cost as u64 > node.count.saturating_add(LOOKUP_COST as u64) {
            return Ok(None);
        }
        let selections = lookup::selections(db, facts, keys, &usable, &distinct);
        let found = select_many(db, &selections, span).await?;
        Ok(Some(Scan::of_facts(node, facts, found.iter().flatten())))
    }

    async fn scan(&self, node: &MatchNode) -> Result<Scan, QueryError> {
        match (&self.sources[node.source], &node.facts) {
            (Source::Db(db), Some(facts)) if !facts.never => {
                let datoms = db.select(&facts.selection()).await;
                let datoms = datoms.map_err(|error| QueryError::from_db(error, node.span))?;
                Ok(Scan::of_facts(node, facts, datoms.iter()))
            }
            (Source::Rows(rows), _) => Ok(Scan::of_rows(node, rows)),
            _ => Ok(Scan::of_rows(node, &[])),
        }
    }
}

pub(super) async fn select_many(
    db: &Db,
    selections: &[Selection],
    span: Span,
) -> Result<Vec<Vec<Datom>>, QueryError> {
    db.select_many(selections).await.map_err(|error| QueryError::from_db(error, span))
}

impl MatchState {
    /// The index of a scan over the places of the keys, made once.
    fn index(&mut self, keys: &[(usize, Column)], scan: &Scan) -> Option<Arc<RowIndex>> {
        if keys.is_empty() {
            return None;
        }
        let places: Vec<usize> = keys.iter().map(|(place, _)| *place).collect();
        let index = self
            .indexes
            .entry(places)
            .or_insert_with_key(|places| Arc::new(RowIndex::of(&scan.columns(places), scan.rows)));
        Some(Arc::clone(index))
    }
}

impl Scan {
    /// About how many bytes the scan takes, with an index over it.
    fn bytes(&self) -> usize {
        const INDEX_BYTES: usize = 24;
        self.rows.saturating_mul(self.row_bytes() + INDEX_BYTES)
    }

    fn row_bytes(&self) -> usize {
        self.columns.iter().flatten().map(Column::cell_bytes).sum()
    }

    fn columns(&self, places: &[usize]) -> Vec<&Column> {
        let column = |place: &usize| self.columns[*place].as_ref();
        places.iter().filter_map(column).collect()
    }

    fn empty(node: &MatchNode) -> Self {
        let column = |slot: &Slot<Cell>| slot.var().map(|_| Column::default());
        Self { columns: node.terms.iter().map(column).collect(), rows: 0 }
    }

    fn of_rows(node: &MatchNode, rows: &[Vec<Cell>]) -> Self {
        let mut scan = Self::empty(node);
        for row in rows {
            let fits = row.len() >= node.terms.len()
                && node.terms.iter().zip(row).all(|(slot, cell)| match slot {
                    Slot::Constant(constant) => constant == cell,
                    Slot::Any | Slot::Var(_) => true,
                });
            if fits && places_agree(node, |place| row[place].clone()) {
                scan.push(|place, column| column.push(row[place].clone()));
            }
        }
        scan.distinct(node)
    }

    fn of_facts<'d>(
        node: &MatchNode,
        facts: &Facts,
        datoms: impl Iterator<Item = &'d Datom>,
    ) -> Self {
        let mut scan = Self::empty(node);
        let repeated = node.repeated_var();
        let value = match node.terms.get(2) {
            // A constant that the attribute gave no type to.
            Some(Slot::Constant(cell)) if facts.v.is_none() => Some(cell),
            _ => None,
        };
        for datom in datoms {
            if !facts.admits(datom.t, datom.added)
                || value.is_some_and(|cell| Cell::from_value(&datom.v) != *cell)
                || (repeated && !places_agree(node, |place| cell(datom, place)))
            {
                continue;
            }
            scan.push(|place, column| match place {
                0 => column.push_long(entity_long(datom.e)),
                1 => column.push_long(entity_long(datom.a.entity())),
                2 => column.push(Cell::from_value(&datom.v)),
                3 => column.push_long(entity_long(datom.t.entity())),
                _ => column.push(Cell::boolean(datom.added)),
            });
        }
        scan.distinct(node)
    }

    fn push(&mut self, fill: impl Fn(usize, &mut Column)) {
        for (place, column) in self.columns.iter_mut().enumerate() {
            if let Some(column) = column {
                fill(place, column);
            }
        }
        self.rows += 1;
    }

    /// Leaves out rows that differ only in what the pattern does not ask for.
    fn distinct(mut self, node: &MatchNode) -> Self {
        if !node.repeats() {
            return self;
        }
        let columns: Vec<&Column> = self.columns.iter().flatten().collect();
        let first = distinct_rows(&columns, self.rows);
        if first.len() < self.rows {
            for column in self.columns.iter_mut().flatten() {
                *column = column.gather(&first);
            }
            self.rows = first.len();
        }
        self
    }
}

fn cell(datom: &Datom, place: usize) -> Cell {
    match place {
        0 => Cell::long(entity_long(datom.e)),
        1 => Cell::long(entity_long(datom.a.entity())),
        2 => Cell::from_value(&datom.v),
        3 => Cell::long(entity_long(datom.t.entity())),
        _ => Cell::boolean(datom.added),
    }
}

/// Whether places with the same variable hold the same cell.
fn places_agree(node: &MatchNode, cell: impl Fn(usize) -> Cell) -> bool {
    (1..node.terms.len()).all(|place| match node.var(place) {
        Some(var) => {
            let first = (0..place).find(|earlier| node.var(*earlier) == Some(var));
            first.is_none_or(|first| cell(first) == cell(place))
        }
        None => true,
    })
}

impl MatchNode {
    /// Whether a variable stands in two places.
    fn repeated_var(&self) -> bool {
        let vars = self.vars();
        (1..vars.len()).any(|at| vars[..at].contains(&vars[at]))
    }

    /// Whether several facts or rows may look the same to the pattern.
    pub(super) fn repeats(&self) -> bool {
        let asked = |place: usize| matches!(self.terms.get(place), Some(Slot::Var(_)));
        match &self.facts {
            None => true,
            Some(facts) => {
                let single = facts
                    .attribute
                    .as_ref()
                    .is_some_and(|attribute| attribute.cardinality == Cardinality::One);
                facts.history
                    || !(asked(0) || facts.e.is_some())
                    || !(asked(1) || facts.a.is_some())
                    || !(asked(2) || facts.v.is_some() || single)
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
    keys: &[(usize, Column)],
    scan: &Scan,
    index: Option<&RowIndex>,
    meter: &Meter,
) -> Result<Relation, QueryError> {
    let places: Vec<usize> = keys.iter().map(|(place, _)| *place).collect();
    let left: Vec<&Column> = keys.iter().map(|(_, column)| column).collect();
    let right = scan.columns(&places);
    let (rows, found) = match index {
        Some(index) => probe(index, &right, &left, input.len(), meter)?,
        None => join(&left, input.len(), &right, scan.rows, meter)?,
    };
    meter.check_rows(rows.len(), input.row_bytes() + scan.row_bytes())?;
    let mut joined = input.gather(&rows);
    for (place, column) in scan.columns.iter().enumerate() {
        let (Some(column), Some(var)) = (column, node.var(place)) else { continue };
        if joined.position(var).is_none() {
            joined = joined.with(var, column.gather(&found));
        }
    }
    Ok(joined)
}
