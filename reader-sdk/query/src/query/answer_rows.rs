//! The rows of an answer in one piece of memory.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Index;
use std::slice::ChunksExact;
use std::vec;

use duramen_model::Edn;

/// Rows of an answer. All are equally long, and their cells lie one after the other; each shows
/// as a slice.
///
/// ```
/// # use duramen_query::{Query, q};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let query = Query::parse("[:find ?x ?y :in ?x [?y ...] :order-by ?y]")?;
/// let numbers = duramen_model::edn::read("[2 3]")?.edn;
/// let answer = q(&query, vec![1.into(), numbers.into()]).await?;
/// let sums = answer.rows().iter().filter_map(|row| Some(row[0].as_long()? + row[1].as_long()?));
/// assert_eq!(sums.collect::<Vec<_>>(), [3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct AnswerRows {
    /// Never zero: `:find` names something.
    width: usize,
    cells: Vec<Edn>,
}

impl AnswerRows {
    /// Cuts cells into rows; there are as many as come out even.
    pub(crate) fn new(width: usize, cells: Vec<Edn>) -> Self {
        let width = width.max(1);
        debug_assert!(cells.len().is_multiple_of(width), "rows are equally long");
        Self { width, cells }
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cells.len() / self.width
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many cells a row has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The row of this number, counted from 0.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&[Edn]> {
        let start = row.checked_mul(self.width)?;
        self.cells.get(start..start.checked_add(self.width)?)
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<&[Edn]> {
        self.get(0)
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> ChunksExact<'_, Edn> {
        self.cells.chunks_exact(self.width)
    }

    /// The cells of all rows, row by row.
    #[must_use]
    pub fn cells(&self) -> &[Edn] {
        &self.cells
    }

    /// The cells of all rows, row by row.
    #[must_use]
    pub fn into_cells(self) -> Vec<Edn> {
        self.cells
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
        &self.cells[row * self.width..][..self.width]
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
        IntoRows { width: self.width, cells: self.cells.into_iter() }
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

    #[test]
    fn rows_are_slices_of_one_piece() {
        let rows = AnswerRows::new(2, (0..6).map(Edn::from).collect());
        assert_eq!((rows.len(), rows.width(), rows.is_empty()), (3, 2, false));
        assert_eq!(rows[1], [Edn::from(2), Edn::from(3)]);
        assert_eq!(rows.get(2), Some(&rows.cells()[4..]));
        assert_eq!(rows.get(3), None);
        assert_eq!(rows.get(usize::MAX), None);
        assert_eq!(rows.iter().map(<[Edn]>::len).collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(rows.into_iter().last(), Some(vec![Edn::from(4), Edn::from(5)]));
    }
}
