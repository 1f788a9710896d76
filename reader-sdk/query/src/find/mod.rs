//! `:find` and what follows it: from the rows of all clauses to the answer.
//!
//! ```text
//! rows --group--> columns, one row for each row of the answer --having--> --order, offset, limit-->
//!      --pull--> batches of the answer
//! ```
//!
//! What is pulled is pulled last, so that only what is shown is read.

mod aggregate;
mod fold;
mod group;
mod having;
mod order;
mod plan;
mod pulls;
mod random;

use std::ops::Range;
use std::sync::Arc;

use duramen_model::{Edn, Span, Symbol};

use crate::ast;
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::execute::{Column, Relation};
use crate::plan::Var;
use crate::pull::{PullOptions, PullPattern};
use crate::query::Scalars;
use crate::query::answer::{Answer, AnswerShape};
use crate::query::answer_rows::AnswerRows;
use crate::source::Source;
use aggregate::Aggregate;
use group::Groups;
use having::Test;
use order::Key;
use random::Random;

/// What is to be made of the rows.
#[derive(Debug, Clone)]
pub(crate) struct FindPlan {
    shape: ast::Shape,
    keys: Option<Arc<[Edn]>>,
    /// The names of the columns that are shown.
    names: Arc<[String]>,
    /// What is shown, then what only tests and orders.
    columns: Vec<FindColumn>,
    shown: usize,
    with: Vec<Var>,
    tests: Vec<Test>,
    order: Vec<Key>,
    limit: Option<ast::Amount>,
    offset: Option<ast::Amount>,
}

#[derive(Debug, Clone)]
struct FindColumn {
    name: String,
    var: Var,
    make: Make,
    span: Span,
}

#[derive(Debug, Clone)]
enum Make {
    /// The cells as they are.
    Cells,
    Aggregate(Aggregate, Symbol),
    Pull {
        source: usize,
        pattern: PullPattern,
    },
}

/// The rows of an answer, not shown yet.
#[derive(Debug)]
pub(crate) struct Found {
    columns: Vec<Column>,
    picked: Picked,
}

/// Which rows are still to be shown, in their order.
#[derive(Debug)]
enum Picked {
    /// As they were found.
    Run(Range<usize>),
    These(std::vec::IntoIter<usize>),
}

impl FindPlan {
    /// The variables that the answer is made of.
    pub(crate) fn vars(&self) -> Vec<Var> {
        let mut vars: Vec<Var> = self.columns.iter().map(|column| column.var).collect();
        vars.extend(&self.with);
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// How many rows are enough: where rows are only cut, those that are cut off are not needed.
    ///
    /// # Errors
    /// When an input that says how many is no such number.
    pub(crate) fn rows_wanted(&self, scalars: &Scalars) -> Result<Option<usize>, QueryError> {
        let offset = amount(self.offset.as_ref(), scalars)?.unwrap_or(0);
        let limit = self.limit(scalars)?;
        let only_cut = self.tests.is_empty() && self.order.is_empty() && !self.has_aggregates();
        Ok((only_cut && limit < usize::MAX).then(|| limit.saturating_add(offset)))
    }

    /// Groups, tests, orders and cuts the rows.
    pub(crate) fn found(
        &self,
        rows: Relation,
        scalars: &Scalars,
        seed: Option<u64>,
        meter: &Meter,
    ) -> Result<Found, QueryError> {
        let rows = self.distinct(rows);
        self.check_columns(&rows, meter)?;
        let groups = self.groups(&rows, meter)?;
        let count = groups.len();
        let columns = self.made(rows, &groups, seed, meter)?;
        let offset = amount(self.offset.as_ref(), scalars)?.unwrap_or(0);
        let limit = self.limit(scalars)?;
        if self.tests.is_empty() && self.order.is_empty() {
            let start = offset.min(count);
            let picked = Picked::Run(start..start.saturating_add(limit).min(count));
            return Ok(Found { columns, picked });
        }
        let mut rows: Vec<usize> = (0..count).collect();
        for test in &self.tests {
            rows = test.passed(rows, &columns, scalars, meter)?;
        }
        order::sort(&mut rows, &self.order, &columns, limit.saturating_add(offset), meter)?;
        rows.drain(..offset.min(rows.len()));
        rows.truncate(limit);
        Ok(Found { columns, picked: Picked::These(rows.into_iter()) })
    }

    /// Refuses to copy columns so often that they take too much: `:find` may repeat them.
    fn check_columns(&self, rows: &Relation, meter: &Meter) -> Result<(), QueryError> {
        let columns = self.columns.iter().filter_map(|column| rows.column(column.var));
        let bytes = columns.map(Column::cell_bytes).fold(0, usize::saturating_add);
        meter.check_rows(rows.len(), bytes)
    }

    /// The distinct rows over what the answer is made of. Steps give sets, and the last one keeps
    /// nothing else, so mostly they are that already.
    fn distinct(&self, rows: Relation) -> Relation {
        let vars = self.vars();
        if rows.is_empty() {
            return Relation::empty(vars);
        }
        if rows.vars.len() == vars.len() && vars.iter().all(|var| rows.vars.contains(var)) {
            debug_assert_eq!(rows.project(&vars).len(), rows.len(), "a step gave a row twice");
            return rows;
        }
        rows.project(&vars)
    }

    /// The columns of the answer, made of what was found.
    fn made(
        &self,
        mut rows: Relation,
        groups: &Groups,
        seed: Option<u64>,
        meter: &Meter,
    ) -> Result<Vec<Column>, QueryError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (number, column) in self.columns.iter().enumerate() {
            columns.push(match groups {
                Groups::Rows(_) => {
                    let again = self.columns[number + 1..].iter().any(|own| own.var == column.var);
                    let at = rows.position(column.var).expect("the planner bound the variable");
                    if again {
                        rows.columns[at].clone()
                    } else {
                        std::mem::take(&mut rows.columns[at])
                    }
                }
                Groups::Of(grouping) => {
                    let random = seed.map(|seed| Random::new(seed, number));
                    self.column(column, &rows, grouping, random, meter)?
                }
            });
        }
        Ok(columns)
    }

    fn limit(&self, scalars: &Scalars) -> Result<usize, QueryError> {
        let limit = amount(self.limit.as_ref(), scalars)?.unwrap_or(usize::MAX);
        Ok(match self.shape {
            ast::Shape::Relation | ast::Shape::Collection => limit,
            ast::Shape::Tuple | ast::Shape::Scalar => limit.min(1),
        })
    }

    /// An answer without rows yet.
    pub(crate) fn empty_answer(&self) -> Answer {
        let pulls = self.columns.iter().any(|column| matches!(column.make, Make::Pull { .. }));
        let distinct = !pulls && (self.has_aggregates() || self.with.is_empty());
        Answer {
            shape: AnswerShape::from(self.shape),
            columns: Arc::clone(&self.names),
            keys: self.keys.clone(),
            rows: AnswerRows::of_cells(self.shown, Vec::new()),
            set: distinct && self.order.is_empty(),
        }
    }

    /// The next rows, at most so many; none at the end.
    pub(crate) async fn show(
        &self,
        found: &mut Found,
        rows_max: usize,
        sources: &[Source],
        options: &PullOptions,
        meter: &Meter,
    ) -> Result<AnswerRows, QueryError> {
        let rows = found.picked.next(rows_max);
        meter.check_rows(rows.len(), self.shown.saturating_mul(size_of::<Edn>()))?;
        let shown = &self.columns[..self.shown];
        if !shown.iter().any(|column| matches!(column.make, Make::Pull { .. })) {
            return Ok(AnswerRows::of_columns(found.columns(self.shown, &rows)));
        }
        let mut columns = Vec::with_capacity(self.shown);
        for (column, cells) in shown.iter().zip(&found.columns) {
            let Make::Pull { source, pattern } = &column.make else {
                columns.push(Shown::Cells(cells));
                continue;
            };
            let cells: Vec<Cell> = rows.iter().map(|row| cells.get(row)).collect();
            let pulled = pulls::pulled(&sources[*source], pattern, &cells, options, column.span);
            // Boxed, so that an answer without pulls does not pay for the room.
            columns.push(Shown::Pulled(Box::pin(pulled).await?.into_iter()));
        }
        Ok(AnswerRows::of_cells(self.shown, cells(&rows, columns)))
    }

    fn has_aggregates(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.make, Make::Aggregate(..)))
    }
}

/// A column on its way out.
enum Shown<'f> {
    Cells(&'f Column),
    Pulled(std::vec::IntoIter<Edn>),
}

/// The cells of some rows, row by row.
fn cells(rows: &Batch, mut columns: Vec<Shown<'_>>) -> Vec<Edn> {
    let mut cells = Vec::with_capacity(rows.len() * columns.len());
    for row in rows.iter() {
        cells.extend(columns.iter_mut().map(|column| match column {
            Shown::Cells(column) => column.get(row).into_edn(),
            // There is a tree for every row.
            Shown::Pulled(trees) => trees.next().unwrap_or(Edn::Nil),
        }));
    }
    cells
}

/// The rows that are shown together.
enum Batch {
    Run(Range<usize>),
    These(Vec<usize>),
}

impl Batch {
    fn len(&self) -> usize {
        match self {
            Self::Run(rows) => rows.len(),
            Self::These(rows) => rows.len(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let (run, these) = match self {
            Self::Run(rows) => (rows.clone(), [].as_slice()),
            Self::These(rows) => (0..0, rows.as_slice()),
        };
        run.chain(these.iter().copied())
    }
}

impl Picked {
    fn next(&mut self, rows_max: usize) -> Batch {
        match self {
            Self::Run(rows) => {
                let end = rows.start.saturating_add(rows_max).min(rows.end);
                let batch = rows.start..end;
                rows.start = end;
                Batch::Run(batch)
            }
            Self::These(rows) => Batch::These(rows.by_ref().take(rows_max).collect()),
        }
    }
}

impl Found {
    /// The first columns with some of the rows: as they are, if those are all there will be.
    fn columns(&mut self, columns: usize, rows: &Batch) -> Vec<Column> {
        let len = self.columns.first().map_or(0, Column::len);
        let shown = self.columns.iter_mut().take(columns);
        let shown = shown.map(|column| match rows {
            Batch::Run(rows) if *rows == (0..len) => std::mem::take(column),
            Batch::Run(rows) => column.slice(rows.clone()),
            Batch::These(rows) => column.gather(rows),
        });
        shown.map(Column::without_leaves).collect()
    }

    /// How many rows are still to come.
    pub(crate) fn rows_left(&self) -> usize {
        match &self.picked {
            Picked::Run(rows) => rows.len(),
            Picked::These(rows) => rows.len(),
        }
    }
}

/// How many a section says; `None` where it says nothing, or all.
fn amount(amount: Option<&ast::Amount>, scalars: &Scalars) -> Result<Option<usize>, QueryError> {
    let amount = match amount {
        Some(ast::Amount::Input(variable)) => {
            let given = scalars.get(&variable.name).and_then(Cell::as_long);
            let amount = given.and_then(ast::Amount::of_long);
            amount.ok_or_else(|| {
                let message = format!(
                    "{} says how many, so it is an input: an integer from 0 on, or -1 for all",
                    variable.name
                );
                QueryError::inputs(variable.span, message)
            })?
        }
        Some(amount) => amount.clone(),
        None => ast::Amount::All,
    };
    Ok(match amount {
        ast::Amount::Number(number) => Some(number),
        ast::Amount::All | ast::Amount::Input(_) => None,
    })
}
