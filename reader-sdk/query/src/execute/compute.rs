//! Function calls, row by row; those that look into a database ask for all rows at once.

use std::collections::HashMap;
use std::ops::Range;

use duramen_db::{Db, Selection};
use duramen_model::{Cardinality, EntityId, Span, Value};

use super::bind::{BindError, relation_of, rows_of};
use super::compare::compared;
use super::matching::select_many;
use super::parallel::in_parts;
use super::relation::Relation;
use super::text_tests::tested;
use super::{Column, Run};
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::{QueryError, QueryErrorKind};
use crate::functions::Function;
use crate::plan::{Argument, Bind, Compute, Step, Var};
use crate::source::{Source, attribute_named, entity_of, unknown_attribute};

/// Calls between two looks at the clock.
const CHECK_CALLS_EVERY: usize = 64;
/// So many calls are worth a thread.
const CALLS_MIN: usize = 1 << 13;

impl Run<'_> {
    pub(super) async fn compute(
        &mut self,
        compute: &Compute,
        input: Relation,
        step: &Step,
    ) -> Result<Relation, QueryError> {
        let span = step.span;
        let arguments = operands(compute, &input);
        let meter = self.meter();
        if compute.bind.is_none() {
            let rows = match compared(&compute.function, &arguments, input.len()) {
                Some(rows) => Some(rows),
                None => tested(&compute.function, &arguments, meter)?,
            };
            if let Some(rows) = rows {
                return Ok(input.gather(&rows));
            }
        }
        let results = match &compute.function {
            Function::Builtin(_) | Function::Host(_) => {
                apply(compute, &arguments, input.len(), span, meter)?
            }
            Function::Query(query) => self.nested(query, compute, &input, step).await?,
            Function::GetElse | Function::GetSome | Function::Missing => {
                self.look_into(compute, &arguments, input.len(), span).await?
            }
        };
        match &compute.bind {
            None => Ok(filtered(&input, &results)),
            Some(bind) => bound(bind, input, results, meter).map_err(|error| match error {
                BindError::Shape(message) => failed(compute, span, message),
                BindError::Over(error) => error,
            }),
        }
    }

    /// `get-else`, `get-some` and `missing?`.
    async fn look_into(
        &self,
        compute: &Compute,
        arguments: &[Operand<'_>],
        rows: usize,
        span: Span,
    ) -> Result<Vec<Cell>, QueryError> {
        let Some(Source::Db(db)) = compute.source.map(|source| &self.sources[source]) else {
            let message = format!("{} looks into a database, not a plain relation", compute.name);
            return Err(QueryError::inputs(span, message));
        };
        let attributes = match compute.function {
            Function::GetSome => 1..arguments.len(),
            _ => 1..2,
        };
        let wanted = self.wanted(db, arguments, attributes.clone(), rows, span).await?;
        let values = values(db, &wanted, compute, span).await?;
        let found = |row: usize, at: usize| -> Option<&Value> {
            values.get(wanted.get(row * attributes.len() + at)?.as_ref()?)?.as_ref()
        };
        let result = |row: usize| match compute.function {
            Function::Missing => Cell::boolean(found(row, 0).is_none()),
            Function::GetElse => {
                found(row, 0).map_or_else(|| arguments[2].get(row), Cell::from_value)
            }
            _ => {
                let some = (0..attributes.len()).find_map(|at| Some((at, found(row, at)?)));
                some.map_or(Cell::Nil, |(at, value)| {
                    Cell::vector([arguments[at + 1].get(row), Cell::from_value(value)])
                })
            }
        };
        Ok((0..rows).map(result).collect())
    }

    /// For each row and each attribute what to select; `None` for an entity that is not there.
    async fn wanted(
        &self,
        db: &Db,
        arguments: &[Operand<'_>],
        attributes: Range<usize>,
        rows: usize,
        span: Span,
    ) -> Result<Vec<Option<Wanted>>, QueryError> {
        let mut wanted = Vec::with_capacity(rows * attributes.len());
        for row in 0..rows {
            let entity = entity_of(db, &arguments[0].get(row), span).await?;
            for attribute in attributes.clone() {
                let cell = arguments[attribute].get(row);
                let attribute =
                    attribute_named(db, &cell).ok_or_else(|| unknown_attribute(&cell, span))?;
                wanted.push(entity.map(|entity| (entity, attribute.id)));
            }
        }
        Ok(wanted)
    }
}

type Wanted = (EntityId, duramen_model::AttributeId);

/// One value for each of the entities and attributes, all fetched at once.
async fn values(
    db: &Db,
    wanted: &[Option<Wanted>],
    compute: &Compute,
    span: Span,
) -> Result<HashMap<Wanted, Option<Value>>, QueryError> {
    let mut distinct: Vec<Wanted> = wanted.iter().copied().flatten().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let many = |wanted: &&Wanted| {
        db.schema().attribute(wanted.1).is_some_and(|a| a.cardinality == Cardinality::Many)
    };
    if let (Function::GetElse, Some(_)) = (&compute.function, distinct.iter().find(many)) {
        let message = "the attribute has many values";
        return Err(failed(compute, span, message.to_owned()));
    }
    let select = |(e, a): &Wanted| Selection::all().with_e(*e).with_a(*a);
    let selections: Vec<Selection> = distinct.iter().map(select).collect();
    let found = select_many(db, &selections, span).await?;
    let value = |datoms: Vec<duramen_model::Datom>| {
        datoms.into_iter().find(|datom| datom.added).map(|datom| datom.v)
    };
    Ok(distinct.into_iter().zip(found.into_iter().map(value)).collect())
}

/// An argument of a call, for all rows.
#[derive(Clone, Copy)]
pub(super) enum Operand<'c> {
    Constant(&'c Cell),
    Column(&'c Column),
}

impl Operand<'_> {
    /// The constant; nil where each row has its own.
    fn constant(&self) -> Cell {
        match self {
            Self::Constant(cell) => (*cell).clone(),
            Self::Column(_) => Cell::Nil,
        }
    }

    pub(super) fn get(&self, row: usize) -> Cell {
        match self {
            Self::Constant(cell) => (*cell).clone(),
            Self::Column(column) => column.get(row),
        }
    }
}

fn operands<'c>(compute: &'c Compute, input: &'c Relation) -> Vec<Operand<'c>> {
    let operand = |argument: &'c Argument| match argument {
        Argument::Constant(cell) => Operand::Constant(cell),
        // Of a nested query, which takes them by itself.
        Argument::Source(_) | Argument::Rules => Operand::Constant(&Cell::Nil),
        Argument::Var(var) => {
            Operand::Column(input.column(*var).expect("the planner bound the variable"))
        }
    };
    compute.arguments.iter().map(operand).collect()
}

fn apply(
    compute: &Compute,
    arguments: &[Operand<'_>],
    rows: usize,
    span: Span,
    meter: &Meter,
) -> Result<Vec<Cell>, QueryError> {
    let called = |rows| called(compute, arguments, rows, span, meter);
    let mut parts = in_parts(rows, CALLS_MIN, meter, called).into_iter();
    let mut results = parts.next().transpose()?.unwrap_or_default();
    for part in parts {
        results.append(&mut part?);
    }
    Ok(results)
}

fn called(
    compute: &Compute,
    arguments: &[Operand<'_>],
    rows: Range<usize>,
    span: Span,
    meter: &Meter,
) -> Result<Vec<Cell>, QueryError> {
    let mut results = Vec::with_capacity(rows.len());
    let mut bytes: usize = 0;
    // A constant is copied once: its counter of owners would go to and fro between threads.
    let mut cells: Vec<Cell> = arguments.iter().map(Operand::constant).collect();
    for row in rows {
        // A call may take long, and give much.
        if row.is_multiple_of(CHECK_CALLS_EVERY) {
            meter.check()?;
            meter.check_bytes(bytes)?;
        }
        for (cell, operand) in cells.iter_mut().zip(arguments) {
            if let Operand::Column(column) = operand {
                *cell = column.get(row);
            }
        }
        let result = compute.function.call(&cells);
        let result = result.map_err(|message| failed(compute, span, message))?;
        bytes = bytes.saturating_add(result.bytes());
        results.push(result);
    }
    meter.check_bytes(bytes)?;
    Ok(results)
}

pub(super) fn failed(compute: &Compute, span: Span, message: String) -> QueryError {
    let message = format!("{}: {message}", compute.name);
    QueryError::new(QueryErrorKind::FunctionError, span, message)
}

fn filtered(input: &Relation, results: &[Cell]) -> Relation {
    let rows: Vec<usize> = (0..input.len()).filter(|&row| results[row].is_truthy()).collect();
    input.gather(&rows)
}

/// Adds what the results bind. A variable that is bound already keeps the rows that agree.
fn bound(
    bind: &Bind,
    input: Relation,
    results: Vec<Cell>,
    meter: &Meter,
) -> Result<Relation, BindError> {
    if let Bind::Scalar(var) = bind
        && input.position(*var).is_none()
    {
        let rows: Vec<usize> = (0..input.len()).filter(|&row| results[row] != Cell::Nil).collect();
        let mut column = Column::default();
        results.into_iter().filter(|cell| *cell != Cell::Nil).for_each(|c| column.push(c));
        return Ok(input.gather(&rows).with(*var, column));
    }
    let vars = bind.vars();
    let mut rows = Vec::new();
    let mut made = Vec::new();
    for (row, result) in results.iter().enumerate() {
        meter.tick(row)?;
        meter.check_rows(made.len(), size_of::<Vec<Cell>>() + input.row_bytes())?;
        for cells in rows_of(bind, result, meter)? {
            let agrees = |(var, cell): (&Var, &Cell)| {
                input.column(*var).is_none_or(|column| column.get(row) == *cell)
            };
            if vars.iter().zip(&cells).all(agrees) {
                rows.push(row);
                made.push(cells);
            }
        }
    }
    let (made, kept) = relation_of(&vars, made);
    let rows: Vec<usize> = kept.into_iter().map(|at| rows[at]).collect();
    let new: Vec<Var> =
        made.vars.iter().copied().filter(|var| input.position(*var).is_none()).collect();
    Ok(input.gather(&rows).beside(made.select(&new)))
}
