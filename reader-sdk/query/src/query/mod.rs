//! Asking: a query and its inputs go in, an answer comes out.

pub mod answer;
mod prepare;

use duramen_db::Db;
use duramen_model::{Edn, Form, Instant, Keyword, Symbol, Value};
use uuid::Uuid;

use crate::ast::Query;
use crate::error::QueryError;
use crate::execute::Run;
use crate::functions::registry::Registry;
use crate::limits::Limits;
use crate::plan::Plan;
use crate::pull::{PullLimits, PullOptions};
use answer::Answer;
use prepare::Prepared;

/// An argument of a query, for one place of its `:in`.
#[derive(Debug, Clone)]
pub enum Input {
    /// A database, for a source such as `$`.
    Db(Db),
    /// A plain relation, for a source; patterns match its rows by position. Also the value of a
    /// relation binding `[[?a ?b]]`.
    Relation(Vec<Vec<Edn>>),
    /// A value, for a binding: `?x`, `[?x ?y]`, `[?x ...]`, `[[?x ?y]]`; or a pull pattern.
    Value(Edn),
    /// Rules, for `%`.
    Rules(Form),
}

impl From<Db> for Input {
    fn from(db: Db) -> Self {
        Self::Db(db)
    }
}

impl From<&Db> for Input {
    fn from(db: &Db) -> Self {
        Self::Db(db.clone())
    }
}

impl From<Edn> for Input {
    fn from(edn: Edn) -> Self {
        Self::Value(edn)
    }
}

macro_rules! from_value {
    ($($type:ty),*) => {$(
        impl From<$type> for Input {
            fn from(value: $type) -> Self {
                Self::Value(Edn::from(value))
            }
        }
    )*};
}

from_value!(bool, i64, f64, &str, String, Keyword, Symbol, Instant, Uuid, Value);

/// What a query may use beyond its inputs.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// Functions that the host program lends, to `:xform` in pulls too.
    pub registry: Registry,
    /// How far the query may go.
    pub limits: Limits,
    /// How far each pull in `:find` may go.
    pub pull: PullLimits,
}

/// Answers a query.
///
/// ```
/// # use duramen_model::edn;
/// # use duramen_query::{Input, Query, q};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let query = Query::parse("[:find ?n . :in [?x ...] :where [(* ?x ?x) ?n] [(> ?n 5)]]")?;
/// let numbers = Input::Value(edn::read("[1 2 3]")?.edn);
/// let answer = q(&query, vec![numbers]).await?;
/// assert_eq!(answer.to_edn().to_string(), "9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the query, with these inputs, is refused or fails.
pub async fn q(query: &Query, inputs: Vec<Input>) -> Result<Answer, QueryError> {
    q_with(query, inputs, &QueryOptions::default()).await
}

/// Answers a query, with options.
///
/// # Errors
/// When the query, with these inputs, is refused or fails.
pub async fn q_with(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Answer, QueryError> {
    let prepared = Prepared::new(query, inputs, options).await?;
    let mut run = Run::new(&prepared.plan, &prepared.sources, &prepared.given, options.limits);
    let rows = run.rows().await?;
    let pull = PullOptions { registry: options.registry.clone(), limits: options.pull };
    prepared.find.answer(rows, &prepared.sources, &pull).await
}

/// Shows the order in which a query would be answered.
///
/// # Errors
/// When the query, with these inputs, is refused.
pub async fn explain(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Plan, QueryError> {
    Prepared::new(query, inputs, options).await.map(|prepared| prepared.plan)
}
