//! Scans: what matches the constants of a pattern, a column for each place with a variable.

mod directory;
mod pairs;
mod residual;

use duramen_db::Part;
use duramen_model::Datom;

use super::column::{Column, Members};
use super::distinct::distinct_rows;
use crate::cell::{Cell, entity_long};
use crate::plan::{MatchNode, Slot};

pub(super) use directory::Directory;
pub(super) use pairs::{Indexes, Keys};
pub(super) use residual::Residual;

/// What matches the constants of a pattern: a column for each place with a variable.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(super) columns: Vec<Option<Column>>,
    pub(super) rows: usize,
}

impl Scan {
    pub(super) fn empty(node: &MatchNode) -> Self {
        let column = |slot: &Slot<Cell>| slot.var().map(|_| Column::default());
        Self { columns: node.terms.iter().map(column).collect(), rows: 0 }
    }

    /// With room for about so many rows, if that is not out of all proportion.
    pub(super) fn with_capacity(node: &MatchNode, rows: u64) -> Self {
        const ROWS_MAX: usize = 1 << 20;
        let rows = usize::try_from(rows).map_or(ROWS_MAX, |rows| rows.min(ROWS_MAX));
        let column =
            |slot: &Slot<Cell>| slot.var().map(|_| Column::Longs(Vec::with_capacity(rows)));
        Self { columns: node.terms.iter().map(column).collect(), rows: 0 }
    }

    /// The rows of a plain relation that match.
    pub(super) fn of_rows(node: &MatchNode, rows: &[Vec<Cell>]) -> Self {
        let mut scan = Self::empty(node);
        for row in rows {
            let fits = row.len() >= node.terms.len()
                && node.terms.iter().zip(row).all(|(slot, cell)| match slot {
                    Slot::Constant(constant) => constant == cell,
                    Slot::Any | Slot::Var(_) => true,
                });
            if fits && places_agree(node, |place| row[place].clone()) {
                for (column, cell) in scan.columns.iter_mut().zip(row) {
                    if let Some(column) = column {
                        column.push(cell.clone());
                    }
                }
                scan.rows += 1;
            }
        }
        scan.distinct(node)
    }

    /// Takes in the datoms that are shown and fulfil what is left to be fulfilled.
    pub(super) fn take(&mut self, part: Part, residual: &Residual<'_>) {
        let Part { columns: batch, shown } = part;
        let passed = residual.passed(&batch, shown);
        let members = passed.as_deref().map_or(Members::All(batch.len()), Members::Some);
        for (place, column) in self.columns.iter_mut().enumerate() {
            let Some(column) = column else { continue };
            match place {
                0 => column.append_entities(&batch.e, members),
                1 => {
                    let attribute = |at: usize| Cell::long(entity_long(batch.a.get(at).entity()));
                    column.append_cells(members, attribute);
                }
                2 => column.append_values(&batch.v, members),
                3 => column.append_transactions(&batch.t, members),
                _ => {
                    let added = |at: usize| batch.added.as_ref().is_none_or(|added| added[at]);
                    column.append_cells(members, |at| Cell::boolean(added(at)));
                }
            }
        }
        self.rows += members.len();
    }

    /// Takes in those of a few datoms that fulfil what is left to be fulfilled.
    pub(super) fn take_few(&mut self, datoms: &[Datom], residual: &Residual<'_>) {
        for column in self.columns.iter_mut().flatten() {
            if let Column::Longs(longs) = column {
                longs.reserve(datoms.len());
            }
        }
        for datom in datoms.iter().filter(|datom| residual.passes(datom)) {
            for (place, column) in self.columns.iter_mut().enumerate() {
                if let Some(column) = column {
                    column.push(cell(datom, place));
                }
            }
            self.rows += 1;
        }
    }

    /// About how many bytes the scan takes, with an index over it.
    pub(super) fn bytes(&self) -> usize {
        const INDEX_BYTES: usize = 24;
        self.rows.saturating_mul(self.row_bytes() + INDEX_BYTES)
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.columns.iter().flatten().map(Column::cell_bytes).sum()
    }

    pub(super) fn columns(&self, places: &[usize]) -> Vec<&Column> {
        let column = |place: &usize| self.columns[*place].as_ref();
        places.iter().filter_map(column).collect()
    }

    /// Leaves out rows that differ only in what the pattern does not ask for.
    pub(super) fn distinct(mut self, node: &MatchNode) -> Self {
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

/// What stands at a place of a datom.
pub(super) fn cell(datom: &Datom, place: usize) -> Cell {
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
