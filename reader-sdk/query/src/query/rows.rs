//! The rows of an answer in batches.

use std::fmt;
use std::sync::Arc;

use duramen_model::edn::de::FromEdnError;
use duramen_model::edn::row::from_row;
use futures_util::{Stream, stream};
use serde::de::DeserializeOwned;

use super::QueryOptions;
use super::answer::{Answer, AnswerShape};
use super::answer_rows::AnswerRows;
use super::planned::Planned;
use crate::budget::Meter;
use crate::error::QueryError;
use crate::find::Found;
use crate::pull::PullOptions;
use crate::source::Source;

/// The rows of an answer, which come in batches: made by [`rows`](crate::rows()). What `:find`
/// pulls is read batch by batch, so that whoever stops early has not read the rest.
///
/// ```
/// # use duramen_query::{Input, Query, QueryOptions, rows};
/// # use duramen_model::edn;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let query = Query::parse("[:find [?x ...] :in [?x ...] :order-by ?x]")?;
/// let numbers = Input::Value(edn::read("[5 4 3 2 1]")?.edn);
/// let mut rows = rows(&query, vec![numbers], &QueryOptions::default()).await?;
/// assert_eq!(rows.next_batch_as::<i64>(2).await?, Some(vec![1, 2]));
/// assert_eq!(rows.rows_left(), 3);
/// assert_eq!(rows.next_batch_as::<i64>(9).await?, Some(vec![3, 4, 5]));
/// assert_eq!(rows.next_batch_as::<i64>(9).await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rows {
    planned: Arc<Planned>,
    sources: Vec<Source>,
    found: Found,
    /// The answer without its rows.
    answer: Answer,
    pull: PullOptions,
    meter: Meter,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("columns", &self.answer.columns)
            .field("rows_left", &self.rows_left())
            .finish_non_exhaustive()
    }
}

impl Rows {
    pub(super) fn new(
        planned: Arc<Planned>,
        sources: Vec<Source>,
        found: Found,
        options: &QueryOptions,
        meter: Meter,
    ) -> Self {
        let answer = planned.find.empty_answer();
        Self { planned, sources, found, answer, pull: options.pull_options(), meter }
    }

    /// What `:find` asked for.
    #[must_use]
    pub const fn shape(&self) -> AnswerShape {
        self.answer.shape()
    }

    /// The names of the columns: the keys of return maps, or else what stands in `:find`.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.answer.columns()
    }

    /// How many rows are still to come.
    #[must_use]
    pub fn rows_left(&self) -> usize {
        self.found.rows_left()
    }

    /// The next rows, at most so many and at least one; `None` after the last.
    ///
    /// # Errors
    /// When a pull fails, or the query goes over a limit or is called off.
    pub async fn next_batch(&mut self, rows_max: usize) -> Result<Option<AnswerRows>, QueryError> {
        if self.rows_left() == 0 {
            return Ok(None);
        }
        let (found, find) = (&mut self.found, &self.planned.find);
        let (sources, meter) = (&self.sources, &self.meter);
        let shown = find.show(found, rows_max.max(1), sources, &self.pull, meter);
        self.meter.guard(Box::pin(shown)).await.map(Some)
    }

    /// The next rows as values of a type; see [`Answer::rows_as`].
    ///
    /// # Errors
    /// As for [`Self::next_batch`], and when a row does not suit the type.
    pub async fn next_batch_as<T: DeserializeOwned>(
        &mut self,
        rows_max: usize,
    ) -> Result<Option<Vec<T>>, RowsError> {
        let Some(rows) = self.next_batch(rows_max).await? else { return Ok(None) };
        let typed = rows.iter().map(|row| from_row(&self.answer.columns, row));
        Ok(Some(typed.collect::<Result<_, _>>()?))
    }

    /// The batches as a stream, which ends after an error.
    pub fn into_stream(
        self,
        rows_max: usize,
    ) -> impl Stream<Item = Result<AnswerRows, QueryError>> {
        stream::try_unfold(self, move |mut rows| async move {
            let batch = rows.next_batch(rows_max).await?;
            Ok(batch.map(|batch| (batch, rows)))
        })
    }

    /// All that is still to come, at once.
    ///
    /// # Errors
    /// As for [`Self::next_batch`].
    pub async fn into_answer(mut self) -> Result<Answer, QueryError> {
        if let Some(rows) = self.next_batch(usize::MAX).await? {
            self.answer.rows = rows;
        }
        Ok(self.answer)
    }
}

/// Why a batch of typed rows did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The query could not be finished.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A row does not suit the type.
    #[error(transparent)]
    Type(#[from] FromEdnError),
}
