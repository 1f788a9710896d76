//! Taking values apart: the bindings of inputs and of function results.

use std::collections::HashMap;

use super::relation::Relation;
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::plan::{Bind, Var};

/// Why a cell is not taken apart.
pub(super) enum BindError {
    /// It does not have the shape of the binding.
    Shape(String),
    /// It has too many parts.
    Over(QueryError),
}

impl From<QueryError> for BindError {
    fn from(error: QueryError) -> Self {
        Self::Over(error)
    }
}

/// Bytes of a row on its own, without its cells.
const ROW_BYTES: usize = size_of::<Vec<Cell>>();

/// Takes a cell apart into rows over the binding's variables, in the order of [`Bind::vars`].
///
/// # Errors
/// When the cell does not have the shape of the binding, or too many parts.
pub(super) fn rows_of(
    bind: &Bind,
    cell: &Cell,
    meter: &Meter,
) -> Result<Vec<Vec<Cell>>, BindError> {
    match bind {
        Bind::Ignore => Ok(vec![Vec::new()]),
        // Nil is no value: there is no row with it.
        Bind::Scalar(_) if *cell == Cell::Nil => Ok(Vec::new()),
        Bind::Scalar(_) => Ok(vec![vec![cell.clone()]]),
        Bind::Tuple(parts) => tuple_rows(parts, cell, meter),
        Bind::Collection(part) => {
            if *cell == Cell::Nil {
                return Ok(Vec::new());
            }
            let members = cell.members().ok_or_else(|| {
                BindError::Shape(format!("expected a collection, found {}", cell.kind()))
            })?;
            let mut rows = Vec::with_capacity(members.len());
            for (turn, member) in members.iter().enumerate() {
                rows.extend(rows_of(part, member, meter)?);
                meter.tick(turn)?;
                meter.check_rows(rows.len(), ROW_BYTES)?;
            }
            Ok(rows)
        }
    }
}

fn tuple_rows(parts: &[Bind], cell: &Cell, meter: &Meter) -> Result<Vec<Vec<Cell>>, BindError> {
    let refuse = |message| Err(BindError::Shape(message));
    let members = match cell {
        Cell::Nil => return Ok(Vec::new()),
        Cell::Vector(members) => members,
        other => return refuse(format!("expected a tuple, found {}", other.kind())),
    };
    if members.len() < parts.len() {
        return refuse(format!("a tuple of {} for {} names", members.len(), parts.len()));
    }
    let mut rows = vec![Vec::new()];
    for (part, member) in parts.iter().zip(members.iter()) {
        let tails = rows_of(part, member, meter)?;
        // Mostly there is one, and a tuple may have many members.
        if let [tail] = tails.as_slice() {
            rows.iter_mut().for_each(|row| row.extend_from_slice(tail));
            continue;
        }
        meter.check_rows(rows.len().saturating_mul(tails.len()), ROW_BYTES)?;
        let extended = |row: &Vec<Cell>| {
            let row = row.clone();
            tails.iter().map(move |tail| [row.as_slice(), tail.as_slice()].concat()).collect()
        };
        rows = rows.iter().flat_map(|row| -> Vec<Vec<Cell>> { extended(row) }).collect();
    }
    Ok(rows)
}

/// Makes a relation of rows in which one variable may stand twice: rows where the two differ are
/// left out. Also gives the numbers of the rows that stay.
pub(super) fn relation_of(
    vars: &[Var],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> (Relation, Vec<usize>) {
    if let [var] = vars {
        return relation_of_one(*var, rows);
    }
    let mut seen: HashMap<Var, usize> = HashMap::with_capacity(vars.len());
    // Where each variable stands first.
    let firsts: Vec<usize> =
        vars.iter().enumerate().map(|(at, var)| *seen.entry(*var).or_insert(at)).collect();
    let is_first = |at: &usize| firsts[*at] == *at;
    let distinct: Vec<usize> = (0..vars.len()).filter(is_first).collect();
    let mut relation = Relation::empty(distinct.iter().map(|at| vars[*at]).collect());
    let mut kept = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        if firsts.iter().zip(&row).all(|(first, cell)| row[*first] == *cell) {
            relation.push(distinct.iter().map(|at| row[*at].clone()));
            kept.push(at);
        }
    }
    (relation, kept)
}

fn relation_of_one(var: Var, rows: impl IntoIterator<Item = Vec<Cell>>) -> (Relation, Vec<usize>) {
    let mut relation = Relation::empty(vec![var]);
    rows.into_iter().for_each(|row| relation.push(row));
    let kept = (0..relation.len()).collect();
    (relation, kept)
}
