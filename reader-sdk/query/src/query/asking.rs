//! The way of a query: inputs taken, planned, run, shown.

use std::sync::Arc;

use super::answer::Answer;
use super::cache::PlanCache;
use super::planned::{Fit, Planned};
use super::rows::Rows;
use super::{Input, QueryOptions, Scalars};
use crate::ast::Query;
use crate::budget::Meter;
use crate::error::QueryError;
use crate::execute::{Context, Given, Inputs, Relation, Run, take_inputs};
use crate::explain::{Explanation, Trace};
use crate::find::Found;
use crate::pull::PullOptions;
use crate::source::Source;

/// What several threads may use at once. In a browser there is but one, and futures stay on it.
#[cfg(not(target_arch = "wasm32"))]
pub(super) trait Shared: Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Sync> Shared for T {}
/// What several threads may use at once. In a browser there is but one, and futures stay on it.
#[cfg(target_arch = "wasm32")]
pub(super) trait Shared {}
#[cfg(target_arch = "wasm32")]
impl<T> Shared for T {}

/// Where the plan comes from when it is not made for the occasion.
pub(super) trait Plans: Shared {
    /// The plan that suits best of those that are kept, and whether it still holds.
    fn best(
        &self,
        query: &Query,
        inputs: &Inputs,
        options: &QueryOptions,
    ) -> Option<(Arc<Planned>, Fit)>;

    /// Keeps a plan for the next time; says whether its steps were ordered for it.
    fn keep(&self, query: &Query, inputs: &Inputs, planned: &Arc<Planned>, ordered: bool);
}

/// Runs a query as far as its rows are found.
pub(super) async fn ask(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
    plans: Option<&dyn Plans>,
) -> Result<Rows, QueryError> {
    let (meter, inputs) = begin(query, inputs, options)?;
    let work = async {
        let planned = planned(query, &inputs, options, plans).await?;
        let (sources, given, scalars) = taken(inputs);
        let context = Context { meter: &meter, options, rules: &planned.rules, trace: None };
        let found = found(&planned, &sources, given, &scalars, context).await?;
        Ok((Arc::clone(&planned), sources, found))
    };
    let (planned, sources, found) = meter.guard(Box::pin(work)).await?;
    Ok(Rows::new(planned, sources, found, options, meter))
}

/// Plans a query and keeps the plan.
pub(super) async fn plan(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
    plans: &dyn Plans,
) -> Result<(), QueryError> {
    let (meter, inputs) = begin(query, inputs, options)?;
    meter.guard(Box::pin(planned(query, &inputs, options, Some(plans)))).await.map(drop)
}

/// The order of steps, without running them.
pub(super) async fn explain(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Explanation, QueryError> {
    let (meter, inputs) = begin(query, inputs, options)?;
    let planned = meter.guard(Box::pin(Planned::new(query, &inputs, options))).await?;
    Ok(Explanation::of(&planned.plan, None))
}

/// The order of steps, and what each has cost.
pub(super) async fn explain_analyze(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<(Answer, Explanation), QueryError> {
    let (meter, inputs) = begin(query, inputs, options)?;
    let mut trace = Trace::new(&inputs.sources, meter.clock());
    let planned = meter.guard(Box::pin(Planned::new(query, &inputs, options))).await?;
    trace.planned(planned.plan.steps_len);
    let (sources, given, scalars) = taken(inputs);
    let planned = Arc::new(planned);
    let rules = &planned.rules;
    let context = Context { meter: &meter, options, rules, trace: Some(&trace) };
    let work = found(&planned, &sources, given, &scalars, context);
    let found = meter.guard(Box::pin(work)).await?;
    let before = trace.now();
    let rows = Rows::new(Arc::clone(&planned), sources, found, options, meter);
    let answer = rows.into_answer().await?;
    trace.shown(answer.rows().len(), before);
    let explanation = Explanation::of(&planned.plan, Some(&trace));
    Ok((answer, explanation))
}

fn begin(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<(Meter, Inputs), QueryError> {
    let (clock, cancel) = (options.clock.as_ref(), options.cancel.as_ref());
    let mut meter = Meter::start(options.limits, query.parts.timeout, clock, cancel)?;
    let inputs = take_inputs(query, inputs, &meter)?;
    meter.watch(&inputs.sources);
    Ok((meter, inputs))
}

fn taken(inputs: Inputs) -> (Vec<Source>, Vec<Given>, Scalars) {
    let sources = inputs.sources.into_iter().map(|(_, source)| source).collect();
    (sources, inputs.given, inputs.scalars)
}

async fn planned(
    query: &Query,
    inputs: &Inputs,
    options: &QueryOptions,
    plans: Option<&dyn Plans>,
) -> Result<Arc<Planned>, QueryError> {
    let cache = options.plans.as_ref().map(|cache: &PlanCache| cache as &dyn Plans);
    let plans = plans.or(cache).unwrap_or(&query.parts.memo);
    let (planned, ordered) = match plans.best(query, inputs, options) {
        Some((best, Fit::Same)) => return Ok(best),
        // Boxed, so that who has a plan does not pay for the room.
        Some((best, Fit::Moved)) => Box::pin(best.moved(inputs)).await?,
        Some((_, Fit::Other)) | None => {
            (Box::pin(Planned::new(query, inputs, options)).await?, true)
        }
    };
    let planned = Arc::new(planned);
    plans.keep(query, inputs, &planned, ordered);
    Ok(planned)
}

/// Runs a plan as far as the rows of its answer are found.
async fn found(
    planned: &Planned,
    sources: &[Source],
    given: Vec<Given>,
    scalars: &Scalars,
    context: Context<'_>,
) -> Result<Found, QueryError> {
    let scope = planned.scope();
    let given: Vec<Relation> = given.into_iter().map(|given| given.relation(scope)).collect();
    let mut run = Run::new(&planned.plan, sources, &given, context);
    let rows = match planned.find.rows_wanted(scalars)? {
        Some(wanted) => run.some_rows(wanted, &planned.find.vars()).await?,
        None => run.rows().await?,
    };
    planned.find.found(rows, scalars, context.options.seed, context.meter)
}

/// The whole answer of a plan.
pub(crate) async fn answer_of(
    planned: &Planned,
    sources: &[Source],
    given: Vec<Given>,
    scalars: &Scalars,
    context: Context<'_>,
) -> Result<Answer, QueryError> {
    let context = Context { rules: &planned.rules, ..context };
    let mut found = found(planned, sources, given, scalars, context).await?;
    let mut answer = planned.find.empty_answer();
    let pull = context.options.pull_options();
    answer.rows = planned.find.show(&mut found, usize::MAX, sources, &pull, context.meter).await?;
    Ok(answer)
}

impl QueryOptions {
    pub(super) fn pull_options(&self) -> PullOptions {
        PullOptions { registry: self.registry.clone(), limits: self.pull }
    }
}
