//! Keeps a running query within its limits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use duramen_db::Db;
use duramen_model::{Span, Symbol};

use super::{Budget, CancelToken, Clock, Limits};
use crate::error::{QueryError, QueryErrorKind};
use crate::source::Source;

/// Loops look at the clock once in so many turns: often enough that nobody waits, seldom enough
/// that it costs nothing.
pub(crate) const CHECK_EVERY: usize = 1 << 12;

/// What a running query has used, against what it may use.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    clock: Option<Clock>,
    ends: Option<Duration>,
    cancel: Option<CancelToken>,
    /// The databases that nodes are fetched from, with what had been fetched before.
    fetching: Vec<(Db, Fetched)>,
    /// The place in the query of what is being done.
    place: AtomicU64,
    /// Bytes held beside the relation that is being made.
    held: AtomicUsize,
}

/// What was fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) nodes: u64,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

impl Meter {
    /// Starts counting.
    ///
    /// # Errors
    /// When there is a limit of time and no clock to keep it by.
    pub(crate) fn start(
        limits: Limits,
        timeout: Option<Duration>,
        clock: Option<&Clock>,
        cancel: Option<&CancelToken>,
    ) -> Result<Self, QueryError> {
        let time_max = match (limits.time_max, timeout) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let ends = match (time_max, clock) {
            (None, _) => None,
            (Some(time_max), Some(clock)) => Some(clock.now().saturating_add(time_max)),
            (Some(_), None) => {
                let message = "a limit of time needs a clock: give one in the options";
                return Err(QueryError::inputs(Span::default(), message));
            }
        };
        Ok(Self {
            limits,
            clock: clock.cloned(),
            ends,
            cancel: cancel.cloned(),
            fetching: Vec::new(),
            place: AtomicU64::new(0),
            held: AtomicUsize::new(0),
        })
    }

    /// Counts what is fetched from these sources from now on.
    pub(crate) fn watch(&mut self, sources: &[(Symbol, Source)]) {
        let limited =
            self.limits.fetched_bytes_max < u64::MAX || self.limits.fetched_nodes_max < u64::MAX;
        for (_, source) in sources.iter().filter(|_| limited) {
            let Source::Db(db) = source else { continue };
            // Views of one database share their counters.
            if db.id().is_some() && !self.fetching.iter().any(|(own, _)| own.id() == db.id()) {
                self.fetching.push((Db::clone(db), Fetched::by(db)));
            }
        }
    }

    pub(crate) fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// Remembers what is being done, for errors that come up in the middle of it.
    pub(crate) fn at(&self, span: Span) {
        let place = u64::from(span.start) << 32 | u64::from(span.end);
        self.place.store(place, Ordering::Relaxed);
    }

    fn place(&self) -> Span {
        let place = self.place.load(Ordering::Relaxed);
        // The halves of what `at` put together.
        Span { start: (place >> 32) as u32, end: place as u32 }
    }

    /// Whether to go on: nobody called the query off, and there is time left.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
            let message = "the query was called off";
            return Err(QueryError::new(QueryErrorKind::Cancelled, self.place(), message));
        }
        match (&self.clock, self.ends) {
            (Some(clock), Some(ends)) if clock.now() >= ends => {
                Err(self.over(Budget::Time, "the time is over"))
            }
            _ => Ok(()),
        }
    }

    /// As [`Self::check`], in every turn of a loop; cheap.
    pub(crate) fn tick(&self, turn: usize) -> Result<(), QueryError> {
        if turn.is_multiple_of(CHECK_EVERY) { self.check() } else { Ok(()) }
    }

    fn check_fetched(&self) -> Result<(), QueryError> {
        if self.fetching.is_empty() {
            return Ok(());
        }
        let mut fetched = Fetched::default();
        for (db, before) in &self.fetching {
            fetched = fetched.plus(Fetched::by(db).minus(*before));
        }
        for (used, max, budget, what) in [
            (fetched.nodes, self.limits.fetched_nodes_max, Budget::FetchedNodes, "nodes"),
            (fetched.bytes, self.limits.fetched_bytes_max, Budget::FetchedBytes, "bytes"),
        ] {
            if used > max {
                return Err(self.over(budget, format!("{used} {what} fetched, of {max} allowed")));
            }
        }
        Ok(())
    }

    /// Refuses so many rows, of so many bytes each, beside what is held.
    pub(crate) fn check_rows(&self, rows: usize, row_bytes: usize) -> Result<(), QueryError> {
        let Limits { rows_max, memory_bytes_max, .. } = self.limits;
        if rows > rows_max {
            let message = format!("{rows} rows here, of {rows_max} allowed");
            return Err(self.over(Budget::Rows, message));
        }
        let held = self.held.load(Ordering::Relaxed);
        let bytes = held.saturating_add(rows.saturating_mul(row_bytes));
        if bytes > memory_bytes_max {
            let message = format!("about {bytes} bytes held here, of {memory_bytes_max} allowed");
            return Err(self.over(Budget::Memory, message));
        }
        Ok(())
    }

    /// Refuses so many bytes beside what is held.
    pub(crate) fn check_bytes(&self, bytes: usize) -> Result<(), QueryError> {
        self.check_rows(1, bytes)
    }

    /// Counts bytes that stay until the query ends.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), QueryError> {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.check_rows(0, 0)
    }

    /// The error for a budget that ran out.
    pub(crate) fn over(&self, budget: Budget, message: impl Into<String>) -> QueryError {
        let message = format!("{} ({budget})", message.into());
        QueryError::new(QueryErrorKind::Limit(budget), self.place(), message)
    }

    /// Runs a query: looks at what it has used whenever it comes back from waiting, and ends it
    /// when it is called off.
    pub(crate) async fn guard<T>(
        &self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let mut work = pin!(work);
        let seat = self.cancel.as_ref().map(CancelToken::seat);
        poll_fn(|context| {
            if let Some(seat) = &seat {
                seat.leave(context.waker());
            }
            if let Err(error) = self.check().and_then(|()| self.check_fetched()) {
                return Poll::Ready(Err(error));
            }
            work.as_mut().poll(context)
        })
        .await
    }
}

impl Fetched {
    /// What was fetched for a database, and for all that share its nodes, so far.
    pub(crate) fn by(db: &Db) -> Self {
        let stats = db.node_stats();
        Self { nodes: stats.loads, requests: stats.requests, bytes: stats.bytes }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            requests: self.requests + other.requests,
            bytes: self.bytes + other.bytes,
        }
    }

    /// Never below zero.
    pub(crate) const fn minus(self, earlier: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_sub(earlier.nodes),
            requests: self.requests.saturating_sub(earlier.requests),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}
