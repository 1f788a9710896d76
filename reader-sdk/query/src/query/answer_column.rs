//! One column of an answer.

use duramen_model::{Edn, ValueType};

use crate::execute::{Column, TextColumn};

/// A column of an answer, as the engine found it: what is of one type is not boxed into cells.
/// Columns of other types are not told apart yet, so match with a wildcard, or use
/// [`Self::get`], which gives any cell.
///
/// ```
/// # use duramen_query::{AnswerColumn, Query, q};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let query = Query::parse("[:find ?x :in [?x ...]]")?;
/// let numbers = duramen_model::edn::read("[2 3 4]")?.edn;
/// let answer = q(&query, vec![numbers.into()]).await?;
/// let Some(AnswerColumn::Longs(numbers)) = answer.rows().column(0) else { unreachable!() };
/// assert_eq!(numbers.iter().sum::<i64>(), 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum AnswerColumn<'a> {
    /// Longs, which entities are too.
    Longs(&'a [i64]),
    /// Strings, keywords, symbols or URIs.
    Texts(AnswerTexts<'a>),
    /// Anything else.
    Cells(AnswerCells<'a>),
}

/// A column of text. The text is not copied: it stands where it was read.
#[derive(Debug, Clone, Copy)]
pub struct AnswerTexts<'a>(&'a TextColumn);

/// A column of cells of any kind.
#[derive(Debug, Clone, Copy)]
pub struct AnswerCells<'a>(Cells<'a>);

#[derive(Debug, Clone, Copy)]
enum Cells<'a> {
    Found(&'a Column),
    /// Every so many of the cells, from one of them on.
    Made {
        cells: &'a [Edn],
        first: usize,
        width: usize,
    },
}

impl<'a> AnswerColumn<'a> {
    pub(super) fn of(column: &'a Column) -> Self {
        match column {
            Column::Longs(longs) => Self::Longs(longs),
            Column::Texts(texts) => Self::Texts(AnswerTexts(texts)),
            Column::Cells(_) => Self::Cells(AnswerCells(Cells::Found(column))),
        }
    }

    pub(super) const fn of_cells(cells: &'a [Edn], first: usize, width: usize) -> Self {
        Self::Cells(AnswerCells(Cells::Made { cells, first, width }))
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Longs(longs) => longs.len(),
            Self::Texts(texts) => texts.len(),
            Self::Cells(cells) => cells.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row, counted from 0.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Edn> {
        match self {
            Self::Longs(longs) => longs.get(row).map(|long| Edn::from(*long)),
            Self::Texts(AnswerTexts(texts)) => {
                (row < texts.len()).then(|| Edn::Value(texts.value(row)))
            }
            Self::Cells(cells) => cells.get(row),
        }
    }

    /// The cells one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Edn> + use<'a> {
        let column = *self;
        (0..column.len()).map_while(move |row| column.get(row))
    }
}

impl<'a> AnswerTexts<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a row, counted from 0: that of a keyword without its colon.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        (row < self.len()).then(|| self.0.text(row).1)
    }

    /// What the text of a row is: a string, a keyword, a symbol or a URI.
    #[must_use]
    pub fn value_type(&self, row: usize) -> Option<ValueType> {
        (row < self.len()).then(|| self.0.text(row).0)
    }

    /// The texts one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let texts = self.0;
        (0..texts.len()).map(move |row| texts.text(row).1)
    }
}

impl AnswerCells<'_> {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Cells::Found(column) => column.len(),
            Cells::Made { cells, width, .. } => cells.len() / width,
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row, counted from 0.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Edn> {
        if row >= self.len() {
            return None;
        }
        match self.0 {
            Cells::Found(column) => Some(column.get(row).into_edn()),
            Cells::Made { cells, first, width } => cells.get(row * width + first).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use duramen_db::ValueColumn;
    use duramen_model::Value;

    use super::*;
    use crate::cell::Cell;
    use crate::execute::Members;

    #[test]
    fn text_shows_as_text_and_cells_as_cells() {
        let values: ValueColumn = [Value::string("b"), Value::string("a")].iter().collect();
        let (mut texts, mut cells) = (Column::default(), Column::default());
        texts.append_values(&values, Members::All(2));
        [Cell::boolean(true), Cell::string("x")].into_iter().for_each(|cell| cells.push(cell));
        let AnswerColumn::Texts(shown) = AnswerColumn::of(&texts) else { panic!("text") };
        assert_eq!(shown.iter().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((shown.get(1), shown.get(2)), (Some("a"), None));
        assert_eq!(shown.value_type(0), Some(ValueType::String));
        let column = AnswerColumn::of(&texts);
        assert_eq!(column.iter().collect::<Vec<_>>(), ["b", "a"].map(Edn::from));
        let column = AnswerColumn::of(&cells);
        assert_eq!((column.len(), column.get(1)), (2, Some(Edn::from("x"))));
        assert_eq!(column.get(2), None);
    }
}
