//! What to ask a database for, given the cells that some places of a pattern must match.

use duramen_db::{Db, DbError, KeyRange, Keys as IndexKeys, Selection, Values};
use duramen_model::{Attribute, EntityId, Order, Value, ValueType};

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

/// Up to so many entities are looked up where all that is known of each stands together, so that
/// the next pattern finds it there, too.
pub(super) const TOGETHER_MAX: usize = 64;

/// What is to be read for some keys.
enum Sought {
    /// One stretch, of which it says nothing about these values, in one walk.
    Among(KeyRange, IndexKeys, Values),
    /// Many stretches.
    Each(Vec<Selection>),
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
    let mut scan = Scan::empty(node);
    match sought(db, facts, keys, usable, rows) {
        Sought::Among(range, keys, values) if rows.len() <= TOGETHER_MAX => {
            let datoms = db.datoms_among(&range, keys).await?;
            scan.take_few(&datoms, &Residual::new(node, facts, values));
        }
        Sought::Among(range, keys, values) => {
            let residual = Residual::new(node, facts, values);
            // Boxed, so that a few keys do not pay for its room.
            Box::pin(read(db, &range, keys, &residual, &mut scan)).await?;
        }
        Sought::Each(selections) => {
            let residual = Residual::new(node, facts, Values::Any);
            for datoms in Box::pin(db.select_many(&selections)).await? {
                scan.take_few(&datoms, &residual);
            }
        }
    }
    Ok(scan.distinct(node))
}

/// Reads what has some keys, in whatever order it comes.
async fn read(
    db: &Db,
    range: &KeyRange,
    keys: IndexKeys,
    residual: &Residual<'_>,
    scan: &mut Scan,
) -> Result<(), DbError> {
    let mut cursor = db.columns_unsorted(range, Some(keys));
    while let Some(part) = cursor.next_part().await? {
        scan.take(part, residual);
    }
    Ok(())
}

fn sought(db: &Db, facts: &Facts, keys: &Keys, usable: &[usize], rows: &[usize]) -> Sought {
    let column = |place: usize| {
        let at = usable.iter().find(|&&at| keys.columns[at].0 == place)?;
        Some(&keys.columns[*at].1)
    };
    let values = facts.selection().v;
    match (column(0), &facts.attribute, column(2)) {
        (Some(entities), _, _) if facts.a.is_some() || column(1).is_none() => {
            let entities = distinct_entities(entities, rows);
            let order = match facts.a {
                Some(_) if entities.len() > TOGETHER_MAX => Order::Aevt,
                _ => Order::Eavt,
            };
            let range = KeyRange { a: facts.a, ..KeyRange::all(order) };
            Sought::Among(range, IndexKeys::Entities(entities.into()), values)
        }
        (None, Some(attribute), Some(cells)) if facts.e.is_none() => {
            let range = |order| KeyRange::all(order).with_a(attribute.id);
            if attribute.value_type == ValueType::Ref {
                let entities = distinct_entities(cells, rows).into();
                return Sought::Among(range(Order::Vaet), IndexKeys::Entities(entities), values);
            }
            let value = |row: &usize| value_of(&cells.get(*row), attribute, false);
            let mut found: Vec<Value> = rows.iter().filter_map(value).collect();
            found.sort_unstable();
            found.dedup();
            Sought::Among(range(Order::Avet), IndexKeys::Values(found.into()), values)
        }
        _ => Sought::Each(selections(db, facts, &keys.columns, usable, rows)),
    }
}

fn distinct_entities(column: &Column, rows: &[usize]) -> Vec<EntityId> {
    let long = |row: &usize| match column.longs() {
        Some(longs) => Some(longs[*row]),
        None => column.get(*row).as_long(),
    };
    let mut entities: Vec<EntityId> =
        rows.iter().filter_map(|row| long_entity(long(row)?)).collect();
    entities.sort_unstable();
    entities.dedup();
    entities
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

/// Whether the cells of a place name what they are.
pub(super) fn is_named(node: &MatchNode, place: usize, column: &Column) -> bool {
    let attribute = node.facts.as_ref().and_then(|facts| facts.attribute.as_ref());
    let value_type = attribute.map(|attribute| attribute.value_type);
    match (column, place) {
        (Column::Longs(_), 0 | 1 | 4) => true,
        (Column::Longs(_), 2) => matches!(value_type, Some(ValueType::Ref | ValueType::Long)),
        (Column::Cells(cells), 2) => {
            let is_plain = |own: &ValueType| !matches!(own, ValueType::Ref | ValueType::Tuple);
            let has_type = |own: ValueType| {
                let is = |cell: &Cell| matches!(cell, Cell::Value(v) if v.value_type() == own);
                cells.iter().all(is)
            };
            value_type.filter(is_plain).is_some_and(has_type)
        }
        _ => false,
    }
}

/// The cells of a place whose variable holds what an input gave: idents and lookup refs are
/// replaced by the entities that they name, numbers take the attribute's type.
pub(super) async fn named(
    db: &Db,
    node: &MatchNode,
    place: usize,
    column: &Column,
) -> Result<Column, QueryError> {
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
    let entity = |entity: Option<EntityId>| {
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
