//! `:having`: predicates over the rows of the answer.

use duramen_model::{Span, Symbol};

use super::plan::failed;
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::execute::Column;
use crate::functions::Function;
use crate::query::Scalars;

/// A predicate over the columns of the answer.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) name: Symbol,
    pub(super) function: Function,
    pub(super) arguments: Vec<Argument>,
    pub(super) span: Span,
}

#[derive(Debug, Clone)]
pub(super) enum Argument {
    Constant(Cell),
    Column(usize),
    Input(Symbol),
}

impl Test {
    /// The rows for which the predicate holds.
    pub(super) fn passed(
        &self,
        mut rows: Vec<usize>,
        columns: &[Column],
        scalars: &Scalars,
        meter: &Meter,
    ) -> Result<Vec<usize>, QueryError> {
        meter.at(self.span);
        let mut failure = None;
        let mut turn = 0;
        rows.retain(|&row| {
            if failure.is_some() {
                return false;
            }
            turn += 1;
            let holds = meter.tick(turn).and_then(|()| self.holds(row, columns, scalars));
            holds.unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
        });
        failure.map_or(Ok(rows), Err)
    }

    fn holds(&self, row: usize, columns: &[Column], scalars: &Scalars) -> Result<bool, QueryError> {
        let cell = |argument: &Argument| match argument {
            Argument::Constant(cell) => cell.clone(),
            Argument::Column(column) => columns[*column].get(row),
            Argument::Input(name) => scalars.get(name).cloned().unwrap_or(Cell::Nil),
        };
        let cells: Vec<Cell> = self.arguments.iter().map(cell).collect();
        let result = self.function.call(&cells);
        let result = result.map_err(|message| failed(&self.name, self.span, message))?;
        Ok(result.is_truthy())
    }
}
