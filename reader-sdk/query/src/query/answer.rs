//! What comes back.

use std::sync::Arc;

use duramen_model::edn::de::FromEdnError;
use duramen_model::edn::row::from_row;
use duramen_model::{Edn, Form};
use serde::de::DeserializeOwned;

use super::answer_rows::AnswerRows;
use crate::ast;

/// What a query returns. The order of rows has no meaning, unless the query says `:order-by`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub(crate) shape: AnswerShape,
    pub(crate) columns: Arc<[String]>,
    pub(crate) keys: Option<Arc<[Edn]>>,
    pub(crate) rows: AnswerRows,
    /// Whether no two rows are equal and their order means nothing.
    pub(crate) set: bool,
}

/// What `:find` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerShape {
    /// `:find ?a ?b`: rows.
    Relation,
    /// `:find [?a ...]`: values; each row has one.
    Collection,
    /// `:find [?a ?b]`: at most one row.
    Tuple,
    /// `:find ?a .`: at most one row with one value.
    Scalar,
}

impl Answer {
    /// What `:find` asked for.
    #[must_use]
    pub const fn shape(&self) -> AnswerShape {
        self.shape
    }

    /// The names of the columns: the keys of return maps, or else what stands in `:find`.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, whatever the shape. Entities are the longs of their ids.
    #[must_use]
    pub const fn rows(&self) -> &AnswerRows {
        &self.rows
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, whatever the shape, each as a vector of its own.
    #[must_use]
    pub fn into_rows(self) -> Vec<Vec<Edn>> {
        self.rows.into_iter().collect()
    }

    /// The answer as the shape says: a set of vectors, a vector of values, one vector, one value;
    /// with return maps, maps in the place of vectors. Rows that are ordered, or may repeat (after
    /// a pull, or after `:with` without an aggregate), come in a vector. No row is nil for a tuple or a scalar.
    #[must_use]
    pub fn to_edn(&self) -> Edn {
        match self.shape {
            AnswerShape::Relation => {
                let rows = self.rows.iter().map(|row| Form::from(self.row_edn(row))).collect();
                let set = self.set && self.keys.is_none();
                if set { Edn::Set(rows) } else { Edn::Vector(rows) }
            }
            AnswerShape::Collection => {
                Edn::Vector(self.rows.cells().iter().cloned().map(Form::from).collect())
            }
            AnswerShape::Tuple => self.rows.first().map_or(Edn::Nil, |row| self.row_edn(row)),
            AnswerShape::Scalar => {
                self.rows.first().and_then(|row| row.first()).cloned().unwrap_or(Edn::Nil)
            }
        }
    }

    fn row_edn(&self, row: &[Edn]) -> Edn {
        let cells = row.iter().cloned().map(Form::from);
        match &self.keys {
            Some(keys) => Edn::Map(keys.iter().cloned().map(Form::from).zip(cells).collect()),
            None => Edn::Vector(cells.collect()),
        }
    }

    /// The rows as values of a type: a struct by the names of the columns, a tuple by position, or
    /// from a single column the value itself.
    ///
    /// # Errors
    /// When a row does not suit the type.
    pub fn rows_as<T: DeserializeOwned>(&self) -> Result<Vec<T>, FromEdnError> {
        self.rows.iter().map(|row| from_row(&self.columns, row)).collect()
    }
}

impl From<ast::Shape> for AnswerShape {
    fn from(shape: ast::Shape) -> Self {
        match shape {
            ast::Shape::Relation => Self::Relation,
            ast::Shape::Collection => Self::Collection,
            ast::Shape::Tuple => Self::Tuple,
            ast::Shape::Scalar => Self::Scalar,
        }
    }
}
