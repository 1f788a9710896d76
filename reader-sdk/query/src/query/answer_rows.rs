//! The rows of an answer.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Index;
use std::slice::ChunksExact;
use std::sync::OnceLock;
use std::vec;

use duramen_model::Edn;

use super::answer_column::AnswerColumn;
use crate::execute::Column;

/// Rows of an answer. All are equally long, and each shows as a slice of cells.
///
/// An answer is found column by column. Its cells are made when the first is looked at; who wants
/// [columns](Self::column) has them as they are, and pays for no cells.
///
/// ```
/// # use duramen_query::{AnswerColumn, Query, q};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let query = Query::parse("[:find ?x ?y :in ?x [?y ...] :order-by ?y]")?;
/// let numbers = duramen_model::edn::read("[2 3]")?.edn;
/// let answer = q(&query, vec![1.into(), numbers.into()]).await?;
/// let sums = answer.rows().iter().filter_map(|row| Some(row[0].as_long()? + row[1].as_long()?));
/// assert_eq!(sums.collect::<Vec<_>>(), [3, 4]);
/// assert!(matches!(answer.rows().column(1), Some(AnswerColumn::Longs([2, 3]))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AnswerRows {
    /// Never zero: `:find` names something.
    width: usize,
    len: usize,
    /// None where the rows were made as cells.
    columns: Vec<Column>,
    cells: OnceLock<Vec<Edn>>,
}

impl AnswerRows {
    /// Rows of cells; there are as many as come out even.
    pub(crate) fn of_cells(width: usize, cells: Vec<Edn>) -> Self {
        let width = width.max(1);
        debug_assert!(cells.len().is_multiple_of(width), "rows are equally long");
        Self { width, len: cells.len() / width, columns: Vec::new(), cells: OnceLock::from(cells) }
    }

    /// Rows of columns, at least one, which are equally long.
    pub(crate) fn of_columns(columns: Vec<Column>) -> Self {
        let len = columns.first().map_or(0, Column::len);
        debug_assert!(columns.iter().all(|column| column.len() == len), "columns are equally long");
        Self { width: columns.len().max(1), len, columns, cells: OnceLock::new() }
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many cells a row has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The column of this number, counted from 0.
    #[must_use]
    pub fn column(&self, number: usize) -> Option<AnswerColumn<'_>> {
        if number >= self.width {
            return None;
        }
        Some(match self.columns.get(number) {
            Some(column) => AnswerColumn::of(column),
            None => AnswerColumn::of_cells(self.cells(), number, self.width),
        })
    }

    /// The row of this number, counted from 0.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&[Edn]> {
        let start = row.checked_mul(self.width)?;
        self.cells().get(start..start.checked_add(self.width)?)
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<&[Edn]> {
        self.get(0)
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> ChunksExact<'_, Edn> {
        self.cells().chunks_exact(self.width)
    }

    /// The cells of all rows, row by row.
    #[must_use]
    pub fn cells(&self) -> &[Edn] {
        self.cells.get_or_init(|| cells(&self.columns, self.len))
    }

    /// The cells of all rows, row by row.
    #[must_use]
    pub fn into_cells(self) -> Vec<Edn> {
        self.cells.into_inner().unwrap_or_else(|| cells(&self.columns, self.len))
    }
}

/// The cells of columns, row by row.
fn cells(columns: &[Column], rows: usize) -> Vec<Edn> {
    let mut cells = Vec::with_capacity(rows * columns.len());
    for row in 0..rows {
        cells.extend(columns.iter().map(|column| column.get(row).into_edn()));
    }
    cells
}

impl PartialEq for AnswerRows {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width && self.cells() == other.cells()
    }
}

impl fmt::Debug for AnswerRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Index<usize> for AnswerRows {
    type Output = [Edn];

    /// # Panics
    /// When there is no such row.
    fn index(&self, row: usize) -> &[Edn] {
        &self.cells()[row * self.width..][..self.width]
    }
}

impl<'r> IntoIterator for &'r AnswerRows {
    type Item = &'r [Edn];
    type IntoIter = ChunksExact<'r, Edn>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for AnswerRows {
    type Item = Vec<Edn>;
    type IntoIter = IntoRows;

    fn into_iter(self) -> IntoRows {
        IntoRows { width: self.width, cells: self.into_cells().into_iter() }
    }
}

/// The rows of an answer, each with an allocation of its own.
#[derive(Debug)]
pub struct IntoRows {
    width: usize,
    cells: vec::IntoIter<Edn>,
}

impl Iterator for IntoRows {
    type Item = Vec<Edn>;

    fn next(&mut self) -> Option<Vec<Edn>> {
        let row: Vec<Edn> = self.cells.by_ref().take(self.width).collect();
        (!row.is_empty()).then_some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rows = self.cells.len() / self.width;
        (rows, Some(rows))
    }
}

impl ExactSizeIterator for IntoRows {}

impl FusedIterator for IntoRows {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: AnswerRows) {
        assert_eq!((rows.len(), rows.width(), rows.is_empty()), (3, 2, false));
        assert_eq!(rows[1], [Edn::from(2), Edn::from(3)]);
        assert_eq!(rows.get(2), Some(&rows.cells()[4..]));
        assert_eq!(rows.get(3), None);
        assert_eq!(rows.get(usize::MAX), None);
        assert_eq!(rows.iter().map(<[Edn]>::len).collect::<Vec<_>>(), [2, 2, 2]);
        let column = rows.column(1).expect("two columns");
        assert_eq!(column.iter().collect::<Vec<_>>(), [1, 3, 5].map(Edn::from));
        assert!(rows.column(2).is_none());
        assert_eq!(rows.into_iter().last(), Some(vec![Edn::from(4), Edn::from(5)]));
    }

    #[test]
    fn rows_are_slices_whether_they_were_found_as_cells_or_as_columns() {
        let of_cells = AnswerRows::of_cells(2, (0..6).map(Edn::from).collect());
        let columns = vec![Column::Longs(vec![0, 2, 4]), Column::Longs(vec![1, 3, 5])];
        let of_columns = AnswerRows::of_columns(columns);
        assert_eq!(of_cells, of_columns.clone());
        check(of_cells);
        check(of_columns);
    }
}
