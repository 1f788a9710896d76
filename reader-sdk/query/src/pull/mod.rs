//! Pull: a map of what is known of an entity, shaped by a pattern.
//!
//! Knows patterns and the database value; knows nothing of queries. A pull reads level by level:
//! everything that a level of nesting needs, of all entities, is asked for in one round, so that
//! a thousand entities wait no longer than one.
//!
//! Where Datomic's documentation leaves a choice, the choices are these.
//!
//! - What is not there is left out: an attribute without values, one that the database does not
//!   have, an entity of which a nested pattern shows nothing. If nothing remains, the result is
//!   nil.
//! - Recursion, and the expansion of components, stops at an entity that it has met on its way:
//!   that entity is shown as `{:db/id n}`.
//! - `:default` takes the place of whatever would be left out.
//! - Recursion into a part of a result that is deeper or larger than the options allow is an
//!   error. Only limits cut, and only where the pattern or the documented default says so.
//!
//! Reading order: `pattern` (what is asked), `parse` (how it is written), `plan` (against a
//! schema), `facts` (what is read), `tree` (how the result grows), `flat` (where there is
//! no nesting); `along` (entities in the order of an index).

mod along;
mod error;
mod facts;
mod flat;
mod parse;
mod pattern;
mod plan;
mod tree;

#[cfg(test)]
mod tests;

use duramen_db::{Db, EntityRef};
use duramen_model::EntityId;
use duramen_model::edn::Edn;

pub use along::{Along, IndexPull, index_pull};
pub use error::{PullError, PullErrorKind};
pub use pattern::PullPattern;

use crate::functions::registry::Registry;
use tree::Tree;

/// What a pull may use, and how far it may go.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// The functions that `:xform` can name: those of one argument. They get the value, or the
    /// vector of values of an attribute that has many, after the limit, and are not called when
    /// there is nothing. What they give is shown instead; nil counts as nothing.
    pub registry: Registry,
    /// How far the pull may go.
    pub limits: PullLimits,
}

/// How far a pull may go before it is stopped with an error. Nothing is ever cut off silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullLimits {
    /// Entities within entities.
    pub depth_max: usize,
    /// Entities in the result, wherever they stand and however often.
    pub entities_max: usize,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self { depth_max: 500, entities_max: 1_000_000 }
    }
}

/// Shows one entity; nil when there is no such entity or nothing to show of it.
///
/// # Errors
/// When the pattern does not suit the database, the result is too large, or the database cannot
/// be read.
pub async fn pull(db: &Db, pattern: &PullPattern, e: &EntityRef) -> Result<Edn, PullError> {
    pull_with(db, pattern, e, &PullOptions::default()).await
}

/// Shows one entity, with options.
///
/// # Errors
/// As [`pull()`].
pub async fn pull_with(
    db: &Db,
    pattern: &PullPattern,
    e: &EntityRef,
    options: &PullOptions,
) -> Result<Edn, PullError> {
    let Some(e) = db.entity_of(e).await? else { return Ok(Edn::Nil) };
    let mut shown = pull_many_with(db, pattern, &[e], options).await?;
    Ok(shown.pop().unwrap_or(Edn::Nil))
}

/// Shows many entities, in their order. Takes no more rounds than one of them would.
///
/// # Errors
/// As [`pull()`].
pub async fn pull_many(
    db: &Db,
    pattern: &PullPattern,
    entities: &[EntityId],
) -> Result<Vec<Edn>, PullError> {
    pull_many_with(db, pattern, entities, &PullOptions::default()).await
}

/// Shows many entities, with options.
///
/// # Errors
/// As [`pull()`].
pub async fn pull_many_with(
    db: &Db,
    pattern: &PullPattern,
    entities: &[EntityId],
    options: &PullOptions,
) -> Result<Vec<Edn>, PullError> {
    if db.is_history() {
        let message = "a pull shows the state of an entity, and the history has no one state";
        return Err(PullError::of(PullErrorKind::History, message));
    }
    let plans = pattern.plans(db.shared_schema(), &options.registry)?;
    let plan = plans.plan(plans.top);
    if plan.is_flat {
        return flat::show(db, plan, entities, options.limits).await;
    }
    // Boxed, so that what is flat does not pay for the room.
    let tree = Tree::grow(db, &plans, db.schema(), entities, options.limits);
    let tree = Box::pin(tree).await?;
    tree.fold(entities.len())
}
