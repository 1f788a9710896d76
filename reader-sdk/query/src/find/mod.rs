//! `:find` and what follows it: from the rows of all clauses to the answer.
//!
//! ```text
//! rows --group--> columns, one row for each row of the answer --having--> --order, offset, limit-->
//!      --pull--> batches of the answer
//! ```
//!
//! What is pulled is pulled last, so that only what is shown is read.

mod aggregate;
mod group;
mod having;
mod order;
mod plan;
mod pulls;
mod random;

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
use crate::source::Source;
use aggregate::Aggregate;
use having::Test;
use order::Key;
use random::Random;

/// What is to be made of the rows.
#[derive(Debug, Clone)]
pub(crate) struct FindPlan {
    shape: ast::Shape,
    keys: Option<Vec<Edn>>,
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
    /// The rows that are shown, in this order.
    rows: Vec<usize>,
    next: usize,
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

    /// Groups, tests, orders and cuts the rows.
    pub(crate) fn found(
        &self,
        rows: Relation,
        scalars: &Scalars,
        seed: Option<u64>,
        meter: &Meter,
    ) -> Result<Found, QueryError> {
        let rows = if rows.is_empty() { Relation::empty(self.vars()) } else { rows };
        let rows = rows.project(&self.vars());
        let groups = self.groups(&rows);
        let mut columns = Vec::with_capacity(self.columns.len());
        for (number, column) in self.columns.iter().enumerate() {
            let random = seed.map(|seed| Random::new(seed, number));
            columns.push(self.column(column, &rows, &groups, random, meter)?);
        }
        let mut rows: Vec<usize> = (0..groups.len()).collect();
        for test in &self.tests {
            rows = test.passed(rows, &columns, scalars, meter)?;
        }
        let offset = amount(self.offset.as_ref(), scalars)?.unwrap_or(0);
        let limit = self.limit(scalars)?;
        order::sort(&mut rows, &self.order, &columns, limit.saturating_add(offset), meter)?;
        rows.drain(..offset.min(rows.len()));
        rows.truncate(limit);
        Ok(Found { columns, rows, next: 0 })
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
            columns: self.column_names(),
            keys: self.keys.clone(),
            rows: Vec::new(),
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
    ) -> Result<Vec<Vec<Edn>>, QueryError> {
        let end = found.next.saturating_add(rows_max).min(found.rows.len());
        let rows = &found.rows[found.next..end];
        let mut columns = Vec::with_capacity(self.shown);
        for (column, cells) in self.columns.iter().zip(&found.columns).take(self.shown) {
            columns.push(match &column.make {
                Make::Cells | Make::Aggregate(..) => {
                    rows.iter().map(|&row| cells.get(row).to_edn()).collect::<Vec<Edn>>()
                }
                Make::Pull { source, pattern } => {
                    let cells: Vec<Cell> = rows.iter().map(|&row| cells.get(row)).collect();
                    let source = &sources[*source];
                    pulls::pulled(source, pattern, &cells, options, column.span).await?
                }
            });
        }
        found.next = end;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let row = |_| columns.iter_mut().filter_map(Iterator::next).collect();
        Ok((0..rows.len()).map(row).collect())
    }

    fn has_aggregates(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.make, Make::Aggregate(..)))
    }

    fn column_names(&self) -> Vec<String> {
        match &self.keys {
            Some(keys) => keys
                .iter()
                .map(|key| match key.as_keyword() {
                    Some(keyword) => keyword.text().to_owned(),
                    None => key.as_str().map_or_else(|| key.to_string(), str::to_owned),
                })
                .collect(),
            None => {
                self.columns.iter().take(self.shown).map(|column| column.name.clone()).collect()
            }
        }
    }
}

impl Found {
    /// How many rows are still to come.
    pub(crate) fn rows_left(&self) -> usize {
        self.rows.len() - self.next
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
