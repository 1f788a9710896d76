//! What each step of a running query has cost.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duramen_db::Db;
use duramen_model::Symbol;

use super::Cost;
use crate::budget::{Clock, Fetched};
use crate::source::Source;

/// Writes down what steps have cost.
#[derive(Debug)]
pub(crate) struct Trace {
    clock: Option<Clock>,
    /// The databases, one for each that counts what it fetches.
    dbs: Vec<Db>,
    begun: Moment,
    costs: Mutex<Costs>,
}

#[derive(Debug, Default)]
struct Costs {
    planning: Cost,
    showing: Cost,
    steps: Vec<Cost>,
}

/// What the clock and the counters said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    time: Option<Duration>,
    fetched: Fetched,
}

impl Trace {
    pub(crate) fn new(sources: &[(Symbol, Source)], clock: Option<&Clock>) -> Self {
        let mut dbs: Vec<Db> = Vec::new();
        for (_, source) in sources {
            if let Source::Db(db) = source
                && db.id().is_some()
                && !dbs.iter().any(|own| own.id() == db.id())
            {
                dbs.push(Db::clone(db));
            }
        }
        let begun = Moment { time: None, fetched: Fetched::default() };
        let mut trace = Self { clock: clock.cloned(), dbs, begun, costs: Mutex::default() };
        trace.begun = trace.now();
        trace
    }

    pub(crate) fn now(&self) -> Moment {
        let fetched = self.dbs.iter().map(Fetched::by).fold(Fetched::default(), Fetched::plus);
        Moment { time: self.clock.as_ref().map(Clock::now), fetched }
    }

    /// The plan, of so many steps, is made.
    pub(crate) fn planned(&mut self, steps: usize) {
        let begun = self.begun;
        self.add(0, 0, begun, |costs| {
            costs.steps.resize(steps, Cost::default());
            Some(&mut costs.planning)
        });
    }

    /// A step has run.
    pub(crate) fn record(&self, step: usize, rows_in: usize, rows: usize, before: Moment) {
        self.add(rows_in, rows, before, |costs| costs.steps.get_mut(step));
    }

    /// The rows of the answer are there.
    pub(crate) fn shown(&self, rows: usize, before: Moment) {
        self.add(rows, rows, before, |costs| Some(&mut costs.showing));
    }

    fn add(
        &self,
        rows_in: usize,
        rows: usize,
        before: Moment,
        cost: impl FnOnce(&mut Costs) -> Option<&mut Cost>,
    ) {
        let now = self.now();
        let time = now.time.zip(before.time).map(|(now, before)| now.saturating_sub(before));
        if let Some(cost) = cost(&mut self.costs()) {
            cost.add(rows_in, rows, time, now.fetched.minus(before.fetched));
        }
    }

    pub(super) fn planning(&self) -> Cost {
        self.costs().planning
    }

    pub(super) fn showing(&self) -> Cost {
        self.costs().showing
    }

    pub(super) fn of_step(&self, step: usize) -> Cost {
        self.costs().steps.get(step).copied().unwrap_or_default()
    }

    fn costs(&self) -> MutexGuard<'_, Costs> {
        // Numbers are whole whatever panicked elsewhere.
        self.costs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
