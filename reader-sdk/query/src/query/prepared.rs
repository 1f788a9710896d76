//! Queries that are parsed and planned once and asked many times.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::answer::Answer;
use super::asking::{self, Plans};
use super::planned::{Fit, Planned};
use super::rows::Rows;
use super::{Input, QueryOptions};
use crate::ast::Query;
use crate::error::QueryError;
use crate::execute::Inputs;

/// A query that is planned already: made by [`Query::prepare`], and shared by reference.
///
/// A run with other values of the inputs takes the plan as it is. A run with another value of a
/// database (a newer one, say) looks the names in the query up again and compares counts; only
/// when those have changed much, or the inputs have far more or fewer rows, are the steps ordered
/// anew. Other rules or other functions make another plan.
///
/// ```
/// # use duramen_db::Db;
/// # use duramen_query::{Input, Query, QueryOptions};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let db = Db::genesis();
/// let query = Query::parse("[:find ?doc . :in $ ?i :where [?e :db/ident ?i] [?e :db/doc ?doc]]")?;
/// let like = vec![Input::from(&db), Input::from("db/ident")];
/// let prepared = query.prepare(like, &QueryOptions::default()).await?;
/// for ident in ["db/ident", "db/doc"] {
///     let inputs = vec![Input::from(&db), duramen_model::Keyword::new(ident).into()];
///     assert_eq!(prepared.run(inputs).await?.rows().len(), 1);
/// }
/// assert_eq!(prepared.orders_made(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Prepared {
    query: Query,
    options: QueryOptions,
    plan: KeptPlan,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("query", &self.query.parts.text)
            .field("orders_made", &self.orders_made())
            .finish_non_exhaustive()
    }
}

impl Query {
    /// Plans the query for inputs like these: the same databases or later values of them, the same
    /// rules, and about as many rows. Their values do not matter.
    ///
    /// # Errors
    /// When the query, with these inputs, is refused.
    pub async fn prepare(
        &self,
        like: Vec<Input>,
        options: &QueryOptions,
    ) -> Result<Prepared, QueryError> {
        let plan = KeptPlan { last: RwLock::new(None), ordered: AtomicU64::new(0) };
        asking::plan(self, like, options, &plan).await?;
        Ok(Prepared { query: self.clone(), options: options.clone(), plan })
    }
}

impl Prepared {
    /// Answers the query.
    ///
    /// # Errors
    /// As [`q_with`](crate::q_with).
    pub async fn run(&self, inputs: Vec<Input>) -> Result<Answer, QueryError> {
        self.rows(inputs).await?.into_answer().await
    }

    /// Answers the query in batches.
    ///
    /// # Errors
    /// As [`rows`](crate::rows()).
    pub async fn rows(&self, inputs: Vec<Input>) -> Result<Rows, QueryError> {
        asking::ask(&self.query, inputs, &self.options, Some(&self.plan)).await
    }

    /// How often steps have been ordered so far.
    #[must_use]
    pub fn orders_made(&self) -> u64 {
        self.plan.ordered.load(Ordering::Relaxed)
    }
}

/// The plan that a prepared query used last.
struct KeptPlan {
    last: RwLock<Option<Arc<Planned>>>,
    ordered: AtomicU64,
}

impl Plans for KeptPlan {
    fn best(
        &self,
        _: &Query,
        inputs: &Inputs,
        options: &QueryOptions,
    ) -> Option<(Arc<Planned>, Fit)> {
        // A plan is whole or not there, whatever panicked elsewhere.
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let fit = last.fit(inputs, options);
        Some((last, fit))
    }

    fn keep(&self, _: &Query, _: &Inputs, planned: &Arc<Planned>, ordered: bool) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(planned));
        self.ordered.fetch_add(u64::from(ordered), Ordering::Relaxed);
    }
}
