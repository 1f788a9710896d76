//! What can be asked of a database value.

use std::borrow::Cow;
use std::time::Duration;

use duramen_db::{Db, EntityRef};
use duramen_model::edn::Edn;
use duramen_model::{Datom, EntityId, Form, Order};
use duramen_query::pull::{self, Along, IndexPull, PullOptions, PullPattern};
use duramen_query::{Answer, Explanation, Input, Prepared, Query, QueryOptions, Rows};

use crate::{Entity, Error, components, timer};

/// A query as text, as a form that was read already, or parsed.
///
/// Parsing takes a few microseconds, and a parsed query remembers how it was answered last, so that
/// it is not planned anew: parse once what is asked often.
pub trait AsQuery {
    /// The parsed query.
    ///
    /// # Errors
    /// When it is no query.
    fn as_query(&self) -> Result<Cow<'_, Query>, Error>;
}

impl AsQuery for str {
    fn as_query(&self) -> Result<Cow<'_, Query>, Error> {
        Ok(Cow::Owned(Query::parse(self)?))
    }
}

impl AsQuery for String {
    fn as_query(&self) -> Result<Cow<'_, Query>, Error> {
        self.as_str().as_query()
    }
}

impl AsQuery for Form {
    fn as_query(&self) -> Result<Cow<'_, Query>, Error> {
        Ok(Cow::Owned(Query::from_form(self)?))
    }
}

impl AsQuery for Query {
    fn as_query(&self) -> Result<Cow<'_, Query>, Error> {
        Ok(Cow::Borrowed(self))
    }
}

/// A pull pattern as text, as a form that was read already, or parsed.
pub trait AsPattern {
    /// The parsed pattern.
    ///
    /// # Errors
    /// When it is no pattern.
    fn as_pattern(&self) -> Result<Cow<'_, PullPattern>, Error>;
}

impl AsPattern for str {
    fn as_pattern(&self) -> Result<Cow<'_, PullPattern>, Error> {
        Ok(Cow::Owned(PullPattern::parse(self)?))
    }
}

impl AsPattern for String {
    fn as_pattern(&self) -> Result<Cow<'_, PullPattern>, Error> {
        self.as_str().as_pattern()
    }
}

impl AsPattern for Form {
    fn as_pattern(&self) -> Result<Cow<'_, PullPattern>, Error> {
        Ok(Cow::Owned(PullPattern::from_form(self)?))
    }
}

impl AsPattern for PullPattern {
    fn as_pattern(&self) -> Result<Cow<'_, PullPattern>, Error> {
        Ok(Cow::Borrowed(self))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for duramen_db::Db {}
}

/// What can be asked of a [`Db`]: a database at one moment, which never changes.
///
/// The futures are `Send` wherever the platform's are.
#[allow(async_fn_in_trait, reason = "there is one implementation, so callers see what is Send")]
pub trait DbExt: sealed::Sealed {
    /// Answers a query over this database, which is its first input; further inputs follow.
    ///
    /// # Errors
    /// When the query is refused, goes over its limits, or the database cannot be read.
    async fn q(
        &self,
        query: &(impl AsQuery + ?Sized),
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Answer, Error>;

    /// Shows what a pattern asks for of an entity: a map, or nil when there is nothing.
    ///
    /// # Errors
    /// When the pattern is refused, or the database cannot be read.
    async fn pull(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        e: impl Into<EntityRef>,
    ) -> Result<Edn, Error>;

    /// Shows what a pattern asks for of many entities, in the rounds that one would take.
    ///
    /// # Errors
    /// When the pattern is refused, or the database cannot be read.
    async fn pull_many(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        entities: &[EntityId],
    ) -> Result<Vec<Edn>, Error>;

    /// Shows what a pattern asks for of the entities that have an attribute, in the order of its
    /// values or of the entities, from the first or from the last: batch by batch, as far as is
    /// asked for.
    ///
    /// ```
    /// # use duramen::{Along, Db, DbExt, Keyword};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = Db::genesis();
    /// let by_name = Along::values(Keyword::new("db/ident")).reversed();
    /// let mut pull = db.index_pull("[:db/ident]", &by_name)?;
    /// while let Some(batch) = pull.next_batch().await? {
    ///     assert!(!batch.is_empty());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the pattern is refused, or there is no such order.
    fn index_pull(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        along: &Along,
    ) -> Result<IndexPull, Error>;

    /// What is known of an entity; `None` when nothing is.
    ///
    /// # Errors
    /// When the database cannot be read, or is a history.
    async fn entity(&self, e: impl Into<EntityRef>) -> Result<Option<Entity>, Error>;

    /// The datoms that begin with some components of an order, sorted in it. Entities and
    /// attributes may be named as in queries.
    ///
    /// # Errors
    /// When a component does not suit the order, or the database cannot be read.
    async fn datoms_at(&self, order: Order, components: &[Edn]) -> Result<Vec<Datom>, Error>;
}

impl DbExt for Db {
    async fn q(
        &self,
        query: &(impl AsQuery + ?Sized),
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Answer, Error> {
        let own = Input::Db(self.clone());
        q(query, [own].into_iter().chain(inputs)).await
    }

    async fn pull(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        e: impl Into<EntityRef>,
    ) -> Result<Edn, Error> {
        Ok(pull::pull(self, &*pattern.as_pattern()?, &e.into()).await?)
    }

    async fn pull_many(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        entities: &[EntityId],
    ) -> Result<Vec<Edn>, Error> {
        let options = PullOptions::default();
        Ok(pull::pull_many_with(self, &*pattern.as_pattern()?, entities, &options).await?)
    }

    fn index_pull(
        &self,
        pattern: &(impl AsPattern + ?Sized),
        along: &Along,
    ) -> Result<IndexPull, Error> {
        let options = PullOptions::default();
        Ok(pull::index_pull(self, &*pattern.as_pattern()?, along, &options)?)
    }

    async fn entity(&self, e: impl Into<EntityRef>) -> Result<Option<Entity>, Error> {
        Entity::read(self, &e.into()).await
    }

    async fn datoms_at(&self, order: Order, components: &[Edn]) -> Result<Vec<Datom>, Error> {
        match components::range(self, order, components).await? {
            Some(range) => Ok(self.datoms(&range).await?),
            None => Ok(Vec::new()),
        }
    }
}

/// Answers a query over any number of sources: databases, other times of them, other stores,
/// plain relations. Inputs stand in the order of the query's `:in`.
///
/// ```
/// # use duramen::{Db, Input, q};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (shop, stock) = (Db::genesis(), Db::genesis());
/// let both = "[:find ?name :in $shop $stock ?doc
///              :where [$shop ?a :db/ident ?name] [$stock ?b :db/ident ?name] [$stock ?b :db/doc ?doc]]";
/// let answer = q(both, [shop.into(), stock.into(), Input::from("The name of an entity.")]).await?;
/// assert_eq!(answer.rows_as::<String>()?, ["db/ident"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the query is refused, goes over its limits, or a database cannot be read.
pub async fn q(
    query: &(impl AsQuery + ?Sized),
    inputs: impl IntoIterator<Item = Input>,
) -> Result<Answer, Error> {
    q_with(query, inputs, &QueryOptions::default()).await
}

/// Answers a query as [`q`] does, with functions of the application's own and other limits.
///
/// # Errors
/// As [`q`].
pub async fn q_with(
    query: &(impl AsQuery + ?Sized),
    inputs: impl IntoIterator<Item = Input>,
    options: &QueryOptions,
) -> Result<Answer, Error> {
    let query = query.as_query()?;
    let options = timed(&query, options);
    let inputs = inputs.into_iter().collect();
    let time_max = shorter(options.limits.time_max, query.timeout());
    Ok(timer::woken(duramen_query::q_with(&query, inputs, &options), time_max).await?)
}

/// Answers a query as [`q_with`] does, up to the point where its rows are shown: they come in
/// batches, and what is pulled of them is read batch by batch.
///
/// # Errors
/// As [`q`].
pub async fn rows(
    query: &(impl AsQuery + ?Sized),
    inputs: impl IntoIterator<Item = Input>,
    options: &QueryOptions,
) -> Result<Rows, Error> {
    let query = query.as_query()?;
    let options = timed(&query, options);
    let inputs = inputs.into_iter().collect();
    let time_max = shorter(options.limits.time_max, query.timeout());
    Ok(timer::woken(duramen_query::rows(&query, inputs, &options), time_max).await?)
}

/// Parses and plans a query once, to be asked many times: for inputs like these, whose values do
/// not matter.
///
/// # Errors
/// When the query is refused, or a database cannot be read.
pub async fn prepare(
    query: &(impl AsQuery + ?Sized),
    like: impl IntoIterator<Item = Input>,
    options: &QueryOptions,
) -> Result<Prepared, Error> {
    let query = query.as_query()?;
    let options = timed(&query, options);
    Ok(query.prepare(like.into_iter().collect(), &options).await?)
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The options with a clock, where a limit of time needs one and there is none yet.
fn timed<'o>(query: &Query, options: &'o QueryOptions) -> Cow<'o, QueryOptions> {
    let limited = query.timeout().is_some() || options.limits.time_max.is_some();
    match timer::clock() {
        Some(clock) if limited && options.clock.is_none() => {
            Cow::Owned(QueryOptions { clock: Some(clock), ..options.clone() })
        }
        _ => Cow::Borrowed(options),
    }
}

/// Shows the order in which [`q_with`] would answer a query.
///
/// # Errors
/// When the query is refused.
pub async fn explain(
    query: &(impl AsQuery + ?Sized),
    inputs: impl IntoIterator<Item = Input>,
    options: &QueryOptions,
) -> Result<Explanation, Error> {
    let query = query.as_query()?;
    let options = timed(&query, options);
    Ok(duramen_query::explain(&query, inputs.into_iter().collect(), &options).await?)
}

/// Answers a query as [`q_with`] does, and shows in which order it was and what each step has
/// cost.
///
/// # Errors
/// As [`q`].
pub async fn explain_analyze(
    query: &(impl AsQuery + ?Sized),
    inputs: impl IntoIterator<Item = Input>,
    options: &QueryOptions,
) -> Result<(Answer, Explanation), Error> {
    let query = query.as_query()?;
    let clock = options.clock.clone().or_else(timer::clock);
    let options = QueryOptions { clock, ..options.clone() };
    Ok(duramen_query::explain_analyze(&query, inputs.into_iter().collect(), &options).await?)
}
