//! Asking: a query and its inputs go in, an answer comes out.

pub mod answer;
pub mod answer_column;
pub mod answer_rows;
mod asking;
mod cache;
mod memo;
mod planned;
mod prepared;
mod rows;

use duramen_db::Db;
use duramen_model::{Edn, Form, Instant, Keyword, Symbol, Value};
use uuid::Uuid;

use crate::ast::Query;
use crate::budget::{CancelToken, Clock, Limits};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::explain::Explanation;
use crate::functions::registry::Registry;
use crate::pull::PullLimits;
use answer::Answer;

pub(crate) use asking::answer_of;
pub use cache::{PlanCache, PlanCacheStats};
pub(crate) use memo::Memo;
pub(crate) use planned::Planned;
pub use prepared::Prepared;
pub use rows::{Rows, RowsError};

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

/// What a query may use beyond its inputs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// Functions and aggregates that the host program lends, functions to `:xform` in pulls too.
    pub registry: Registry,
    /// How far the query may go.
    pub limits: Limits,
    /// How far each pull in `:find` may go.
    pub pull: PullLimits,
    /// The clock for limits of time, and for the times in explanations.
    pub clock: Option<Clock>,
    /// What calls the query off.
    pub cancel: Option<CancelToken>,
    /// What `rand` and `sample` draw from: the same seed gives the same answer.
    pub seed: Option<u64>,
    /// Where plans are kept for the next time.
    pub plans: Option<PlanCache>,
}

/// What was given for each plain `?x` of `:in`: a few, found by going through them.
#[derive(Debug, Default)]
pub(crate) struct Scalars(Vec<(Symbol, Cell)>);

impl Scalars {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn insert(&mut self, name: Symbol, cell: Cell) {
        self.0.push((name, cell));
    }

    /// What was given last for a name.
    pub(crate) fn get(&self, name: &Symbol) -> Option<&Cell> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, cell)| cell)
    }
}

/// Answers a query.
///
/// A [`Query`] remembers how it was answered last: asked again, of the same database or of a later
/// value of it, it is not planned anew unless counts have changed much.
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
/// When the query, with these inputs, is refused, goes over a limit, is called off, or fails.
pub async fn q_with(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Answer, QueryError> {
    rows(query, inputs, options).await?.into_answer().await
}

/// Answers a query up to the point where its rows are shown: those come in batches, and what is
/// pulled of them is read batch by batch.
///
/// # Errors
/// As [`q_with`].
pub async fn rows(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Rows, QueryError> {
    asking::ask(query, inputs, options, None).await
}

/// Shows the order in which a query would be answered, without answering it.
///
/// # Errors
/// When the query, with these inputs, is refused.
pub async fn explain(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<Explanation, QueryError> {
    asking::explain(query, inputs, options).await
}

/// Answers a query, and shows in which order it was and what each step has cost: times, where
/// there is a clock in the options, and what was fetched.
///
/// # Errors
/// As [`q_with`].
pub async fn explain_analyze(
    query: &Query,
    inputs: Vec<Input>,
    options: &QueryOptions,
) -> Result<(Answer, Explanation), QueryError> {
    asking::explain_analyze(query, inputs, options).await
}
