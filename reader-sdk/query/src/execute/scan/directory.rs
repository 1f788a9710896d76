//! A directory: for each number that stands in a column, its rows.

use crate::execute::distinct::Dense;

/// For each of numbers that are close together, the rows that hold it.
#[derive(Debug)]
pub(crate) struct Directory {
    dense: Dense,
    /// For each number where its rows begin, and at last where they end.
    begins: Vec<u32>,
    /// The rows by their numbers; `None` where they are sorted by them already.
    rows: Option<Vec<u32>>,
}

/// The rows of a number.
pub(crate) enum Found<'d> {
    Stretch(std::ops::Range<usize>),
    Rows(&'d [u32]),
}

impl Found<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Stretch(stretch) => stretch.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Gives each of the rows.
    pub(crate) fn each<E>(&self, mut visit: impl FnMut(usize) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Stretch(stretch) => stretch.clone().try_for_each(visit),
            Self::Rows(rows) => rows.iter().try_for_each(|row| visit(*row as usize)),
        }
    }
}

impl Directory {
    /// Of numbers that are close together, if they are.
    pub(super) fn of(longs: &[i64]) -> Option<Self> {
        let dense = Dense::of(longs)?;
        let mut begins = vec![0_u32; dense.len() + 1];
        for long in longs {
            begins[dense.place(*long) + 1] += 1;
        }
        for place in 1..begins.len() {
            begins[place] += begins[place - 1];
        }
        let rows = (!longs.is_sorted()).then(|| {
            let mut next = begins.clone();
            let mut rows = vec![0_u32; longs.len()];
            for (row, long) in longs.iter().enumerate() {
                let next = &mut next[dense.place(*long)];
                rows[*next as usize] = row as u32;
                *next += 1;
            }
            rows
        });
        Some(Self { dense, begins, rows })
    }

    pub(crate) fn find(&self, long: i64) -> Found<'_> {
        let Some(place) = self.dense.find(long) else { return Found::Stretch(0..0) };
        let stretch = self.begins[place] as usize..self.begins[place + 1] as usize;
        match &self.rows {
            None => Found::Stretch(stretch),
            Some(rows) => Found::Rows(&rows[stretch]),
        }
    }
}
