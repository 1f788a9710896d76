//! The plans that a query remembers by itself, so that asking it again costs no planning.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::QueryOptions;
use super::asking::Plans;
use super::planned::{Fit, Planned};
use crate::ast::Query;
use crate::execute::Inputs;

/// Plans for this many kinds of inputs: databases, views of them, sets of rules.
const PLANS_MAX: usize = 4;

/// The plans that were made last, the newest first. They hold no database: of those they know no
/// more than which they were.
#[derive(Default)]
pub(crate) struct Memo(RwLock<Vec<Arc<Planned>>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl Memo {
    /// The newest plan that fits.
    pub(super) fn find(&self, fits: impl Fn(&Planned) -> bool) -> Option<Arc<Planned>> {
        // Plans are whole or not there, whatever panicked elsewhere.
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        plans.iter().find(|planned| fits(planned)).map(Arc::clone)
    }

    pub(super) fn remember(&self, planned: &Arc<Planned>) {
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        plans.truncate(PLANS_MAX - 1);
        plans.insert(0, Arc::clone(planned));
    }
}

impl Plans for Memo {
    fn best(
        &self,
        _: &Query,
        inputs: &Inputs,
        options: &QueryOptions,
    ) -> Option<(Arc<Planned>, Fit)> {
        let fits = |wanted: Fit| {
            let found = self.find(|planned| planned.fit(inputs, options) == wanted);
            found.map(|planned| (planned, wanted))
        };
        fits(Fit::Same).or_else(|| fits(Fit::Moved))
    }

    fn keep(&self, _: &Query, _: &Inputs, planned: &Arc<Planned>, _: bool) {
        self.remember(planned);
    }
}
