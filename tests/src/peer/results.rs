//! In which form answers are taken.

use std::hint::black_box;

use duramen::{Answer, AnswerColumn};

/// In which form answers are taken. Every cell is there in the end in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// Typed columns, of which each text is looked at.
    Columns,
    /// Rows of cells.
    Rows,
}

impl Results {
    /// Takes an answer, and tells how many rows it has.
    #[must_use]
    pub fn taken(self, answer: &Answer) -> usize {
        let rows = answer.rows();
        match self {
            Self::Rows => drop(black_box(rows.cells())),
            Self::Columns => (0..rows.width()).filter_map(|at| rows.column(at)).for_each(look),
        }
        rows.len()
    }
}

fn look(column: AnswerColumn<'_>) {
    match column {
        AnswerColumn::Longs(longs) => drop(black_box(longs)),
        AnswerColumn::Texts(texts) => drop(black_box(texts.iter().map(str::len).sum::<usize>())),
        other => drop(black_box(other.iter().count())),
    }
}
