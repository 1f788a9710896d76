//! Queries within queries: asked once for each different row of arguments.

use std::sync::Arc;

use duramen_model::Symbol;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::column::{Column, hashes, rows_equal};
use super::compute::failed;
use super::distinct::distinct_rows;
use super::inputs::{Given, rows_source};
use super::relation::Relation;
use super::row_index::RowIndex;
use super::{Context, Run, StepFuture};
use crate::ast::{InputBinding, Query};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::functions::check_levels;
use crate::plan::{Argument, Compute, Step, Var};
use crate::query::{Planned, Scalars, answer_of};
use crate::source::Source;

/// Nested queries that run at the same time: while one waits for a fetch, the others go on.
const AT_ONCE: usize = 16;

/// What the query within is given for one row of arguments.
struct Asked {
    planned: Arc<Planned>,
    sources: Vec<Source>,
    given: Vec<Given>,
    scalars: Scalars,
}

impl Run<'_> {
    /// The answer to the query within for every row.
    pub(super) async fn nested(
        &mut self,
        query: &Query,
        compute: &Compute,
        input: &Relation,
        step: &Step,
    ) -> Result<Vec<Cell>, QueryError> {
        let vars: Vec<Var> = compute.arguments.iter().filter_map(Argument::var).collect();
        let columns = input.columns_of(&vars);
        let first = distinct_rows(&columns, input.len());
        let mut asked = Vec::with_capacity(first.len());
        for &row in &first {
            asked.push(self.asked(query, compute, input, row, step).await?);
        }
        let context = Context { trace: None, ..self.context };
        let answers: Vec<Cell> = stream::iter(asked)
            .map(|asked| answered(asked, context))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        // A rule could put each answer into the next.
        for answer in &answers {
            check_levels(answer).map_err(|message| failed(compute, step.span, message))?;
        }
        self.meter().at(step.span);
        let distinct: Vec<Column> = columns.iter().map(|column| column.gather(&first)).collect();
        let distinct: Vec<&Column> = distinct.iter().collect();
        let index = RowIndex::of_hashes(&hashes(&distinct, first.len()));
        let answer = |(row, hash): (usize, u64)| {
            let equal = |at: &usize| rows_equal(&columns, row, &distinct, *at);
            let at = index.candidates(hash).find(equal);
            answers[at.expect("every row equals a distinct one")].clone()
        };
        Ok(hashes(&columns, input.len()).into_iter().enumerate().map(answer).collect())
    }

    async fn asked(
        &mut self,
        query: &Query,
        compute: &Compute,
        input: &Relation,
        row: usize,
        step: &Step,
    ) -> Result<Asked, QueryError> {
        let (mut sources, mut given, mut scalars) = (Vec::new(), Vec::new(), Scalars::new());
        for (place, argument) in query.parts.inputs.iter().zip(&compute.arguments) {
            let cell = match argument {
                Argument::Source(source) => {
                    sources.push(self.sources[*source].clone());
                    continue;
                }
                Argument::Rules => continue,
                Argument::Constant(cell) => cell.clone(),
                Argument::Var(var) => input.columns_of(&[*var])[0].get(row),
            };
            match place {
                InputBinding::Value(binding, _) => {
                    if let crate::ast::Binding::Scalar(variable) = binding {
                        scalars.insert(variable.name.clone(), cell.clone());
                    }
                    given.push(Given::of(binding, &cell, step.span, self.meter())?);
                }
                InputBinding::Source(_) => sources.push(rows_source(&cell, step.span)?),
                InputBinding::Rules(_) | InputBinding::Pattern(_) => {}
            }
        }
        let planned = self.planned(query, compute, &sources, &given, step).await?;
        Ok(Asked { planned, sources, given, scalars })
    }

    /// The plan of the query within: one for all rows, unless the sources are among the arguments.
    async fn planned(
        &mut self,
        query: &Query,
        compute: &Compute,
        sources: &[Source],
        given: &[Given],
        step: &Step,
    ) -> Result<Arc<Planned>, QueryError> {
        let places = query.parts.inputs.iter().zip(&compute.arguments);
        let same = !places.into_iter().any(|(place, argument)| {
            matches!(place, InputBinding::Source(_)) && !matches!(argument, Argument::Source(_))
        });
        if let Some(planned) = self.nested.get(&step.id).filter(|_| same) {
            return Ok(Arc::clone(planned));
        }
        let names: Vec<Symbol> = query.source_names();
        let sources: Vec<(Symbol, Source)> =
            names.into_iter().zip(sources.iter().cloned()).collect();
        let planned = Planned::nested(query, &sources, given, &self.context).await?;
        let planned = Arc::new(planned);
        self.nested.insert(step.id, Arc::clone(&planned));
        Ok(planned)
    }
}

/// Runs the query within. Boxed, since it may have queries within it, too.
fn answered(asked: Asked, context: Context<'_>) -> StepFuture<'_, Cell> {
    Box::pin(async move {
        let Asked { planned, sources, given, scalars } = asked;
        let answer = answer_of(&planned, &sources, given, &scalars, context).await?;
        Ok(Cell::from_edn(&answer.to_edn()))
    })
}

impl Argument {
    const fn var(&self) -> Option<Var> {
        match self {
            Self::Var(var) => Some(*var),
            Self::Constant(_) | Self::Source(_) | Self::Rules => None,
        }
    }
}
