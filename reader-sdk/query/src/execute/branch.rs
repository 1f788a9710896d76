//! `or` and `not`.

use duramen_model::Span;

use super::Run;
use super::column::hashes;
use super::relation::{Relation, probe};
use super::row_index::RowIndex;
use crate::error::QueryError;
use crate::plan::{Either, Without};

impl Run<'_> {
    /// Joins with the union of what the branches give for the distinct rows of the seed.
    pub(super) async fn either(
        &mut self,
        either: &Either,
        input: &Relation,
        span: Span,
    ) -> Result<Relation, QueryError> {
        let seed = input.project(&either.seed);
        let mut union = Relation::empty(either.outputs.clone());
        for branch in &either.branches {
            let rows = self.steps(branch, seed.clone()).await?;
            union.append(&rows.project(&either.outputs));
            self.check_rows(union.len(), span)?;
        }
        input.joined(&union.distinct(), self.meter())
    }

    /// Keeps the rows for which the inner conjunction has no answer.
    pub(super) async fn without(
        &mut self,
        without: &Without,
        input: Relation,
    ) -> Result<Relation, QueryError> {
        let seed = input.project(&without.seed);
        let found = self.steps(&without.steps, seed).await?.project(&without.seed);
        let found_columns = found.columns_of(&without.seed);
        let index = RowIndex::of_hashes(&hashes(&found_columns, found.len()));
        let columns = input.columns_of(&without.seed);
        let meter = self.meter();
        let (removed, _) = probe(&index, &found_columns, &columns, input.len(), meter)?;
        let mut stays = vec![true; input.len()];
        removed.into_iter().for_each(|row| stays[row] = false);
        let rows: Vec<usize> = (0..input.len()).filter(|&row| stays[row]).collect();
        Ok(input.gather(&rows))
    }
}
