//! Columns: the cells of one variable.
//!
//! Longs, which entities are too, are plain numbers. Text stays in the leaves that it was read
//! from until somebody wants to see it. Everything else is cells.

mod hash;
mod text;

use std::borrow::Cow;
use std::ops::Range;

use duramen_db::ValueColumn;
use duramen_model::{EntityId, T, Value};

use crate::cell::{Cell, entity_long};

pub(crate) use hash::{hashes, rows_equal};
pub(crate) use text::TextColumn;

/// The cells of one variable.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Longs(Vec<i64>),
    Texts(TextColumn),
    Cells(Vec<Cell>),
}

/// Which members of a batch are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Members<'a> {
    All(usize),
    Some(&'a [usize]),
}

/// From so many rows on, a text that an input gave is not copied for each.
const SPREAD_MIN: usize = 64;

impl Default for Column {
    fn default() -> Self {
        Self::Longs(Vec::new())
    }
}

impl Column {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Longs(longs) => longs.len(),
            Self::Texts(texts) => texts.len(),
            Self::Cells(cells) => cells.len(),
        }
    }

    pub(crate) fn get(&self, row: usize) -> Cell {
        match self {
            Self::Longs(longs) => Cell::long(longs[row]),
            Self::Texts(texts) => Cell::Value(texts.value(row)),
            Self::Cells(cells) => cells[row].clone(),
        }
    }

    /// The numbers, if there is nothing else.
    pub(crate) fn longs(&self) -> Option<&[i64]> {
        match self {
            Self::Longs(longs) => Some(longs),
            Self::Texts(_) | Self::Cells(_) => None,
        }
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        match (&mut *self, cell) {
            (Self::Longs(longs), Cell::Value(Value::Long(number))) => longs.push(number),
            (Self::Cells(cells), cell) => cells.push(cell),
            (_, cell) => self.as_cells().push(cell),
        }
    }

    /// Whether it is known, at a glance, that all rows are the same number.
    pub(crate) fn is_constant(&self) -> bool {
        self.longs().is_some_and(|longs| longs.windows(2).all(|pair| pair[0] == pair[1]))
    }

    /// Makes room for cells of any kind.
    fn as_cells(&mut self) -> &mut Vec<Cell> {
        if !matches!(self, Self::Cells(_)) {
            *self = Self::Cells((0..self.len()).map(|row| self.get(row)).collect());
        }
        match self {
            Self::Cells(cells) => cells,
            Self::Longs(_) | Self::Texts(_) => unreachable!("made of cells above"),
        }
    }

    /// The rows of these numbers, in their order.
    pub(crate) fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Longs(longs) => Self::Longs(rows.iter().map(|&row| longs[row]).collect()),
            Self::Texts(texts) => Self::Texts(texts.gather(rows)),
            Self::Cells(cells) => {
                if let ([Cell::Value(value)], SPREAD_MIN..) = (cells.as_slice(), rows.len())
                    && let Some(texts) = TextColumn::repeated(value, rows.len())
                {
                    return Self::Texts(texts);
                }
                Self::Cells(rows.iter().map(|&row| cells[row].clone()).collect())
            }
        }
    }

    /// The rows of a stretch.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        match self {
            Self::Longs(longs) => Self::Longs(longs[rows].to_vec()),
            Self::Texts(texts) => Self::Texts(texts.slice(rows)),
            Self::Cells(cells) => Self::Cells(cells[rows].to_vec()),
        }
    }

    /// The same column, for somebody who keeps it: leaves of whose text it holds little are let go.
    pub(crate) fn without_leaves(self) -> Self {
        match self {
            Self::Texts(texts) => Self::Texts(texts.without_leaves()),
            other => other,
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        if self.len() == 0 {
            *self = other.clone();
            return;
        }
        match (&mut *self, other) {
            (Self::Longs(own), Self::Longs(longs)) => own.extend_from_slice(longs),
            (Self::Texts(own), Self::Texts(texts)) => own.append(texts),
            (Self::Cells(own), Self::Cells(cells)) => own.extend_from_slice(cells),
            (_, other) => {
                let own = self.as_cells();
                own.extend((0..other.len()).map(|row| other.get(row)));
            }
        }
    }

    pub(crate) fn append_entities(&mut self, entities: &[EntityId], members: Members<'_>) {
        self.append_longs(entities, members, |entity| entity_long(*entity));
    }

    /// Transactions, as the entities that they are.
    pub(crate) fn append_transactions(&mut self, ts: &[T], members: Members<'_>) {
        self.append_longs(ts, members, |t| entity_long(t.entity()));
    }

    fn append_longs<M>(&mut self, from: &[M], members: Members<'_>, long: impl Fn(&M) -> i64) {
        match (&mut *self, members) {
            (Self::Longs(own), Members::All(_)) => own.extend(from.iter().map(long)),
            (Self::Longs(own), Members::Some(places)) => {
                own.extend(places.iter().map(|&place| long(&from[place])));
            }
            (_, members) => {
                let mut longs = Self::default();
                longs.append_longs(from, members, long);
                self.append(&longs);
            }
        }
    }

    /// Values as they stand in a leaf.
    pub(crate) fn append_values(&mut self, values: &ValueColumn, members: Members<'_>) {
        match values {
            ValueColumn::Long(longs) => self.append_longs(longs, members, |long| *long),
            ValueColumn::Ref(entities) => self.append_entities(entities, members),
            ValueColumn::Text(texts) => match self {
                Self::Texts(own) => own.extend(texts, members),
                _ => {
                    let mut own = TextColumn::default();
                    own.extend(texts, members);
                    self.append(&Self::Texts(own));
                }
            },
            other => {
                let cell = |place: usize| Cell::from_value(&other.value(place));
                self.append_cells(members, cell);
            }
        }
    }

    /// Cells that are made of members of a batch.
    pub(crate) fn append_cells(&mut self, members: Members<'_>, cell: impl Fn(usize) -> Cell) {
        match members {
            Members::All(len) => (0..len).for_each(|place| self.push(cell(place))),
            Members::Some(places) => places.iter().for_each(|&place| self.push(cell(place))),
        }
    }

    /// About how many bytes a cell takes: from a few of them, evenly spread.
    pub(crate) fn cell_bytes(&self) -> usize {
        const LOOKED_AT: usize = 16;
        match self {
            Self::Longs(_) => size_of::<i64>(),
            Self::Texts(texts) => texts.cell_bytes(),
            Self::Cells(cells) if cells.is_empty() => size_of::<Cell>(),
            Self::Cells(cells) => {
                let step = cells.len().div_ceil(LOOKED_AT);
                let looked_at = cells.len().div_ceil(step);
                cells.iter().step_by(step).map(Cell::bytes).sum::<usize>() / looked_at
            }
        }
    }

    /// A column that tells rows from each other as this one does, and costs less to compare.
    pub(crate) fn told_apart(&self) -> Cow<'_, Self> {
        match self {
            Self::Texts(texts) => {
                texts.codes().map_or(Cow::Borrowed(self), |codes| Cow::Owned(Self::Longs(codes)))
            }
            Self::Longs(_) | Self::Cells(_) => Cow::Borrowed(self),
        }
    }

    /// The same cell in every row.
    pub(crate) fn repeated(cell: &Cell, rows: usize) -> Self {
        match cell {
            Cell::Value(Value::Long(number)) => Self::Longs(vec![*number; rows]),
            cell => Self::Cells(vec![cell.clone(); rows]),
        }
    }
}

impl Members<'_> {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::All(len) => *len,
            Self::Some(places) => places.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_takes_cells_of_any_kind() {
        let mut column = Column::default();
        column.push(Cell::long(1));
        column.push(Cell::string("x"));
        column.push(Cell::long(2));
        assert_eq!(column.get(0), Cell::long(1));
        assert_eq!(column.get(1), Cell::string("x"));
        assert_eq!(column.get(2), Cell::long(2));
        assert!(column.longs().is_none());
    }

    fn values(values: &[Value]) -> ValueColumn {
        values.iter().collect()
    }

    #[test]
    fn text_longs_and_others_go_into_one_column() {
        let mut column = Column::default();
        let texts = values(&[Value::string("a"), Value::string("b"), Value::string("a")]);
        column.append_values(&texts, Members::Some(&[2, 1]));
        column.append_values(&texts, Members::All(3));
        assert!(matches!(column, Column::Texts(_)));
        assert_eq!(column.gather(&[1, 2, 4]).get(2), Cell::string("a"));
        column.append_values(&values(&[Value::Long(7)]), Members::All(1));
        column.append_values(&values(&[Value::Boolean(false)]), Members::All(1));
        let cells: Vec<Cell> = (0..column.len()).map(|row| column.get(row)).collect();
        let [a, b] = ["a", "b"].map(Cell::string);
        let expected = [a.clone(), b.clone(), a.clone(), b, a, Cell::long(7), Cell::boolean(false)];
        assert_eq!(cells, expected);
    }
}
