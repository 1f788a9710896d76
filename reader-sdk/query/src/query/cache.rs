//! Plans of queries that are asked again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duramen_db::Db;
use duramen_model::Symbol;

use super::QueryOptions;
use super::asking::Plans;
use super::planned::{Fit, Planned};
use crate::ast::Query;
use crate::execute::Inputs;
use crate::source::Source;

/// Keeps the plans of queries for the next time they are asked. Cheap to clone; clones share the
/// plans.
///
/// A plan is found by the text of its query and by the databases that it is asked of. It is taken
/// as it is, looked over, or made anew under the same conditions as a
/// [`Prepared`](crate::Prepared) query's. The plans that were not used for longest make room.
#[derive(Debug, Clone)]
pub struct PlanCache(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    plans_max: usize,
    plans: HashMap<PlanKey, Entry>,
    /// Counts uses.
    clock: u64,
    stats: PlanCacheStats,
}

#[derive(Debug)]
struct Entry {
    planned: Arc<Planned>,
    used: u64,
}

/// What a cache of plans has been asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanCacheStats {
    /// Plans that were there.
    pub hits: u64,
    /// Plans that were not there.
    pub misses: u64,
    /// How often steps were ordered, for plans that were not there or did not hold any more.
    pub orders_made: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    text: Arc<str>,
    sources: Vec<(Symbol, SourceKey)>,
}

/// A source, whatever its time: a database and how it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum SourceKey {
    Db { id: Option<[u8; 16]>, as_of: bool, since: bool, history: bool },
    Rows,
}

impl PlanCache {
    /// Makes a cache for so many plans.
    #[must_use]
    pub fn new(plans_max: usize) -> Self {
        let (plans, stats) = (HashMap::new(), PlanCacheStats::default());
        Self(Arc::new(Mutex::new(Kept { plans_max, plans, clock: 0, stats })))
    }

    /// What has been asked for so far.
    #[must_use]
    pub fn stats(&self) -> PlanCacheStats {
        self.kept().stats
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Entries are whole or not there, whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for PlanCache {
    /// A cache for 256 plans.
    fn default() -> Self {
        Self::new(256)
    }
}

impl Plans for PlanCache {
    fn best(
        &self,
        query: &Query,
        inputs: &Inputs,
        options: &QueryOptions,
    ) -> Option<(Arc<Planned>, Fit)> {
        let mut kept = self.kept();
        kept.clock += 1;
        let now = kept.clock;
        let found = kept.plans.get_mut(&PlanKey::of(query, inputs)).map(|entry| {
            entry.used = now;
            Arc::clone(&entry.planned)
        });
        match &found {
            Some(_) => kept.stats.hits += 1,
            None => kept.stats.misses += 1,
        }
        drop(kept);
        found.map(|planned| {
            let fit = planned.fit(inputs, options);
            (planned, fit)
        })
    }

    fn keep(&self, query: &Query, inputs: &Inputs, planned: &Arc<Planned>, ordered: bool) {
        let mut kept = self.kept();
        kept.stats.orders_made += u64::from(ordered);
        let (key, used) = (PlanKey::of(query, inputs), kept.clock);
        if !kept.plans.contains_key(&key) && kept.plans.len() >= kept.plans_max {
            let oldest = kept.plans.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.plans.remove(&oldest);
            }
        }
        if kept.plans_max > 0 {
            kept.plans.insert(key, Entry { planned: Arc::clone(planned), used });
        }
    }
}

impl PlanKey {
    fn of(query: &Query, inputs: &Inputs) -> Self {
        let source = |(name, source): &(Symbol, Source)| (name.clone(), SourceKey::of(source));
        let sources = inputs.sources.iter().map(source).collect();
        Self { text: Arc::clone(&query.parts.text), sources }
    }
}

impl SourceKey {
    fn of(source: &Source) -> Self {
        let of_db = |db: &Db| Self::Db {
            id: db.id().map(|id| id.0),
            as_of: db.as_of_t().is_some(),
            since: db.since_t().is_some(),
            history: db.is_history(),
        };
        match source {
            Source::Db(db) => of_db(db),
            Source::Rows(_) => Self::Rows,
        }
    }
}
