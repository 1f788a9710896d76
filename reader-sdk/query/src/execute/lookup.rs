//! What to ask a database for, given the cells that some places of a pattern must match.

use duramen_db::{Columns, Db, DbError, Selection, Values};
use duramen_model::{Attribute, Value, ValueType};

use super::column::{Column, hashes, rows_equal};
use super::distinct::distinct_rows;
use super::row_index::RowIndex;
use super::scan::{Keys, Residual, Scan};
use crate::cell::{Cell, entity_long, long_entity};
use crate::error::QueryError;
use crate::plan::{Facts, MatchNode};
use crate::source::{attribute_named, entity_of, transaction, value_of, value_of_constant};

/// Of the keys, those that an index can be asked by; `None` when none can.
pub(super) fn usable(
    node: &MatchNode,
    facts: &Facts,
    keys: &[(usize, Column)],
) -> Option<Vec<usize>> {
    let has = |place: usize| keys.iter().any(|(own, _)| *own == place);
    let entity = facts.e.is_some() || has(0);
    let attribute = facts.a.is_some();
    let value = match &facts.attribute {
        Some(_) => entity || facts.finds_values,
        None => entity && has(1),
    };
    let usable: Vec<usize> = keys
        .iter()
        .enumerate()
        .filter(|(_, (place, _))| match place {
            0 => true,
            1 => !attribute,
            2 => value && node.var(2).is_some(),
            _ => false,
        })
        .map(|(at, _)| at)
        .collect();
    (!usable.is_empty()).then_some(usable)
}

/// What matches a pattern for some of the keys, by those of their columns that an index can be
/// asked by, in these rows.
pub(super) async fn looked_up(
    db: &Db,
    node: &MatchNode,
    facts: &Facts,
    keys: &Keys,
    usable: &[usize],
    rows: &[usize],
) -> Result<Scan, DbError> {
    let selections = selections(db, facts, &keys.columns, usable, rows);
    let residual = Residual::new(node, facts, Values::Any);
    let mut scan = Scan::empty(node);
    for datoms in db.select_many(&selections).await? {
        if !datoms.is_empty() {
            scan.take(&Columns::from(datoms), &residual);
        }
    }
    Ok(scan.distinct(node))
}

/// A selection for each of these rows that can match at all.
fn selections(
    db: &Db,
    facts: &Facts,
    keys: &[(usize, Column)],
    usable: &[usize],
    rows: &[usize],
) -> Vec<Selection> {
    rows.iter().filter_map(|&row| selection(db, facts, keys, usable, row)).collect()
}

fn selection(
    db: &Db,
    facts: &Facts,
    keys: &[(usize, Column)],
    usable: &[usize],
    row: usize,
) -> Option<Selection> {
    let mut selection = facts.selection();
    let mut value = None;
    for &at in usable {
        let (place, column) = &keys[at];
        let cell = column.get(row);
        match place {
            0 => selection.e = Some(long_entity(cell.as_long()?)?),
            1 => selection.a = Some(long_entity(cell.as_long()?)?.into()),
            _ => value = Some(cell),
        }
    }
    let Some(cell) = value else { return Some(selection) };
    let attribute = match (&facts.attribute, selection.a) {
        (Some(attribute), _) => Some(attribute),
        (None, Some(a)) => Some(db.schema().attribute(a)?),
        (None, None) => None,
    };
    match attribute {
        Some(attribute) => selection.v = Values::Is(value_of(&cell, attribute, false)?),
        // The join after the fetch compares the values.
        None => selection.v = Values::Any,
    }
    Some(selection)
}

/// The cells of a place whose variable holds what an input gave: idents and lookup refs are
/// replaced by the entities that they name, numbers take the attribute's type.
pub(super) async fn named(
    db: &Db,
    node: &MatchNode,
    place: usize,
    column: &Column,
) -> Result<Column, QueryError> {
    if let (Column::Longs(_), 0 | 1 | 4) = (column, place) {
        return Ok(column.clone());
    }
    let attribute = node.facts.as_ref().and_then(|facts| facts.attribute.as_ref());
    let first = distinct_rows(&[column], column.len());
    let mut names = Vec::with_capacity(first.len());
    for &row in &first {
        names.push(name(db, node, place, attribute, column.get(row)).await?);
    }
    // Each row takes the name of the distinct row that it equals.
    let distinct = column.gather(&first);
    let index = RowIndex::of_hashes(&hashes(&[&distinct], first.len()));
    let mut named = Column::default();
    for (row, hash) in hashes(&[column], column.len()).into_iter().enumerate() {
        let equal = |at: &usize| rows_equal(&[column], row, &[&distinct], *at);
        let at = index.candidates(hash).find(equal).expect("every row equals a distinct one");
        named.push(names[at].clone());
    }
    Ok(named)
}

/// What a cell means at a place; nil, which matches nothing, when it names nothing.
async fn name(
    db: &Db,
    node: &MatchNode,
    place: usize,
    attribute: Option<&Attribute>,
    cell: Cell,
) -> Result<Cell, QueryError> {
    let span = node.spans[place];
    let entity = |entity: Option<duramen_model::EntityId>| {
        entity.map_or(Cell::Nil, |entity| Cell::long(entity_long(entity)))
    };
    Ok(match (place, attribute) {
        (0, _) => entity(entity_of(db, &cell, span).await?),
        (1, _) => entity(attribute_named(db, &cell).map(|attribute| attribute.id.entity())),
        (2, Some(attribute)) if attribute.value_type == ValueType::Ref => {
            entity(entity_of(db, &cell, span).await?)
        }
        (2, Some(attribute)) => {
            let value: Option<Value> = value_of_constant(db, &cell, attribute, span).await?;
            value.map_or(Cell::Nil, |value| Cell::from_value(&value))
        }
        (3, _) => entity(transaction(&cell).map(|t| t.entity())),
        _ => cell,
    })
}
