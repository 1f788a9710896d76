//! A plan, with what it was made for, so that the next run knows whether it still holds.

use std::collections::HashMap;
use std::sync::Arc;

use duramen_db::{Db, DbIdentity};
use duramen_model::{Form, Span, Symbol};

use super::QueryOptions;
use crate::ast::{self, Query, Rules};
use crate::budget::Budget;
use crate::error::{QueryError, QueryErrorKind};
use crate::execute::{Context, Given, Inputs, read_rules};
use crate::find::FindPlan;
use crate::plan::{self, GivenInput, Lowered, Plan};
use crate::registry::Registry;
use crate::source::Source;

/// A query that is ready to run. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    lowered: Arc<Lowered>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) find: Arc<FindPlan>,
    pub(crate) rules: Arc<Rules>,
    made_for: MadeFor,
}

/// What a plan was made for, the values of inputs apart.
#[derive(Debug, Clone)]
struct MadeFor {
    rules: Arc<[(Form, Span)]>,
    patterns: Arc<HashMap<Symbol, Form>>,
    registry: Registry,
    /// Clauses, with those of the rules.
    clauses: usize,
    sources: Vec<SourceIdentity>,
    given_rows: Vec<usize>,
}

#[derive(Debug, Clone)]
enum SourceIdentity {
    Db(DbIdentity),
    Rows(usize),
}

/// Whether a plan still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As it is.
    Same,
    /// The databases have moved on: names are resolved again, and the order of steps stays unless
    /// counts have changed much.
    Moved,
    /// It is for something else.
    Other,
}

impl Planned {
    /// Plans a query for its inputs.
    pub(crate) async fn new(
        query: &Query,
        inputs: &Inputs,
        options: &QueryOptions,
    ) -> Result<Self, QueryError> {
        let rules = read_rules(&inputs.rules)?;
        let made_for = MadeFor {
            rules: inputs.rules.as_slice().into(),
            patterns: Arc::new(inputs.patterns.clone()),
            registry: options.registry.clone(),
            clauses: checked_clauses(query, &rules, options)?,
            sources: identities(&inputs.sources),
            given_rows: inputs.given.iter().map(Given::rows).collect(),
        };
        let given = inputs.given.iter().map(GivenInput::from).collect();
        Self::made(query, &inputs.sources, given, Arc::new(rules), made_for).await
    }

    /// Plans a query within a query.
    pub(crate) async fn nested(
        query: &Query,
        sources: &[(Symbol, Source)],
        given: &[Given],
        context: &Context<'_>,
    ) -> Result<Self, QueryError> {
        let memo = (!query.takes_rules()).then_some(&query.parts.memo);
        let registry = &context.options.registry;
        let fits = |planned: &Self| planned.fits_nested(sources, registry);
        if let Some(planned) = memo.and_then(|memo| memo.find(fits)) {
            return Ok((*planned).clone());
        }
        let rules = if query.takes_rules() { context.rules.clone() } else { Rules::default() };
        let made_for = MadeFor {
            rules: Arc::default(),
            patterns: Arc::default(),
            registry: registry.clone(),
            clauses: 0,
            sources: identities(sources),
            given_rows: Vec::new(),
        };
        let given = given.iter().map(GivenInput::from).collect();
        let planned = Self::made(query, sources, given, Arc::new(rules), made_for).await?;
        if let Some(memo) = memo {
            memo.remember(&Arc::new(planned.clone()));
        }
        Ok(planned)
    }

    async fn made(
        query: &Query,
        sources: &[(Symbol, Source)],
        given: Vec<GivenInput>,
        rules: Arc<Rules>,
        made_for: MadeFor,
    ) -> Result<Self, QueryError> {
        let (names, sources): (Vec<Symbol>, Vec<Source>) = sources.iter().cloned().unzip();
        let mut lowered = plan::lower(query, &rules, &names, &given, &made_for.registry)?;
        plan::check(&mut lowered)?;
        let (patterns, registry) = (&made_for.patterns, &made_for.registry);
        let find = Arc::new(FindPlan::new(query, &lowered, &names, patterns, registry)?);
        plan::resolve(&mut lowered, &sources).await?;
        let plan = Arc::new(plan::order(&lowered, &names, &find.vars()));
        Ok(Self { lowered: Arc::new(lowered), plan, find, rules, made_for })
    }

    /// Whether the plan of a query within a query holds for other sources.
    fn fits_nested(&self, sources: &[(Symbol, Source)], registry: &Registry) -> bool {
        let same =
            |(own, (_, source)): (&SourceIdentity, &(Symbol, Source))| own.fit(source) == Fit::Same;
        self.made_for.registry.is_same(registry)
            && self.made_for.sources.len() == sources.len()
            && self.made_for.sources.iter().zip(sources).all(same)
    }

    /// Whether the plan holds for other inputs.
    pub(crate) fn fit(&self, inputs: &Inputs, options: &QueryOptions) -> Fit {
        let made_for = &self.made_for;
        let same = made_for.rules.iter().zip(&inputs.rules).all(|(own, new)| own.0 == new.0)
            && *made_for.patterns == inputs.patterns
            && made_for.clauses <= options.limits.clauses_max
            && made_for.registry.is_same(&options.registry)
            && made_for.sources.len() == inputs.sources.len();
        if !same {
            return Fit::Other;
        }
        let given = made_for.given_rows.iter().zip(&inputs.given);
        let mut fit = match given.into_iter().all(|(own, new)| similar(*own, new.rows())) {
            true => Fit::Same,
            false => Fit::Moved,
        };
        for (own, (_, source)) in made_for.sources.iter().zip(&inputs.sources) {
            match own.fit(source) {
                Fit::Same => {}
                Fit::Moved => fit = Fit::Moved,
                Fit::Other => return Fit::Other,
            }
        }
        fit
    }

    /// The plan for databases that have moved on, and whether its steps had to be ordered anew.
    pub(crate) async fn moved(&self, inputs: &Inputs) -> Result<(Self, bool), QueryError> {
        let (names, sources): (Vec<Symbol>, Vec<Source>) = inputs.sources.iter().cloned().unzip();
        let mut lowered = (*self.lowered).clone();
        let given_rows: Vec<usize> = inputs.given.iter().map(Given::rows).collect();
        lowered.set_given(&given_rows);
        plan::resolve(&mut lowered, &sources).await?;
        let mut plan = (*self.plan).clone();
        let given = self.made_for.given_rows.iter().zip(&given_rows);
        let stays = given.into_iter().all(|(own, new)| similar(*own, *new))
            && plan.take_facts(&lowered, |own, new| similar(own as usize, new as usize));
        if !stays {
            plan = plan::order(&lowered, &names, &self.find.vars());
        }
        let made_for =
            MadeFor { sources: identities(&inputs.sources), given_rows, ..self.made_for.clone() };
        let (find, rules) = (Arc::clone(&self.find), Arc::clone(&self.rules));
        let (lowered, plan) = (Arc::new(lowered), Arc::new(plan));
        Ok((Self { lowered, plan, find, rules, made_for }, !stays))
    }

    /// The variables of the query, by name.
    pub(crate) fn scope(&self) -> &HashMap<Symbol, plan::Var> {
        &self.lowered.scope
    }
}

impl SourceIdentity {
    fn fit(&self, source: &Source) -> Fit {
        match (self, source) {
            (Self::Db(own), Source::Db(db)) if own.is(db) => Fit::Same,
            (Self::Rows(own), Source::Rows(rows)) if similar(*own, rows.len()) => Fit::Same,
            (Self::Db(_), Source::Db(_)) | (Self::Rows(_), Source::Rows(_)) => Fit::Moved,
            _ => Fit::Other,
        }
    }
}

/// Whether two counts are so near each other that a plan for one is good for the other.
const fn similar(own: usize, new: usize) -> bool {
    const TIMES: usize = 4;
    /// Among few it makes no difference.
    const FEW: usize = 64;
    let (low, high) = if own < new { (own, new) } else { (new, own) };
    high <= low.saturating_add(FEW).saturating_mul(TIMES)
}

fn identities(sources: &[(Symbol, Source)]) -> Vec<SourceIdentity> {
    let identity = |(_, source): &(Symbol, Source)| match source {
        Source::Db(db) => SourceIdentity::Db(Db::identity(db)),
        Source::Rows(rows) => SourceIdentity::Rows(rows.len()),
    };
    sources.iter().map(identity).collect()
}

/// How many clauses there are. Refuses too many before time is spent on them.
fn checked_clauses(
    query: &Query,
    rules: &Rules,
    options: &QueryOptions,
) -> Result<usize, QueryError> {
    let max = options.limits.clauses_max;
    let mut clauses = rules.clauses();
    let mut span = Span::default();
    for clause in &query.parts.clauses {
        clauses += ast::count(std::slice::from_ref(clause));
        if clauses > max {
            span = clause.span();
            break;
        }
    }
    if clauses <= max {
        return Ok(clauses);
    }
    let message = format!("more than {max} clauses, with those of the rules ({})", Budget::Clauses);
    Err(QueryError::new(QueryErrorKind::Limit(Budget::Clauses), span, message))
}
