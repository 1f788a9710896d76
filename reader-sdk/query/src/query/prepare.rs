//! Everything before the first step: inputs taken, names resolved, the plan made.

use duramen_model::Symbol;

use super::{Input, QueryOptions};
use crate::ast::Query;
use crate::error::QueryError;
use crate::execute::{FindPlan, Inputs, Relation, take_inputs};
use crate::plan::{self, Plan};
use crate::source::Source;

/// A query that is ready to run.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) sources: Vec<Source>,
    pub(super) given: Vec<Relation>,
    pub(super) find: FindPlan,
}

impl Prepared {
    pub(super) async fn new(
        query: &Query,
        inputs: Vec<Input>,
        options: &QueryOptions,
    ) -> Result<Self, QueryError> {
        let Inputs { sources, given, rules, patterns } = take_inputs(query, inputs)?;
        let (names, sources): (Vec<Symbol>, Vec<Source>) = sources.into_iter().unzip();
        let shapes: Vec<_> = given.iter().map(plan::GivenInput::from).collect();
        let mut lowered = plan::lower(query, &rules, &names, &shapes, &options.registry)?;
        plan::check(&mut lowered)?;
        let find = FindPlan::new(query, &lowered, &names, &patterns)?;
        plan::resolve(&mut lowered, &sources).await?;
        let plan = plan::order(&lowered, &names, &find.vars());
        let given = given.into_iter().map(|given| given.relation(&lowered.scope)).collect();
        Ok(Self { plan, sources, given, find })
    }
}
