//! Calling a query off from elsewhere.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Calls off the queries that it was given to. Clones call off the same queries.
///
/// A query that waits is woken and ends at once; one that computes looks at the token every few
/// thousand rows. Dropping the future of a query ends it, too, where it waits.
///
/// ```
/// # use duramen_query::CancelToken;
/// let token = CancelToken::new();
/// token.clone().cancel();
/// assert!(token.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl CancelToken {
    /// Makes a token that calls nothing off yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls off, once and for all.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// A place for a query to leave its waker.
    pub(crate) fn seat(&self) -> Seat {
        let mut waiting = self.waiting();
        waiting.next += 1;
        Seat { token: self.clone(), number: waiting.next }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A map of wakers is whole whatever panicked elsewhere.
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a query leaves its waker for as long as it runs.
#[derive(Debug)]
pub(crate) struct Seat {
    token: CancelToken,
    number: u64,
}

impl Seat {
    pub(crate) fn leave(&self, waker: &Waker) {
        self.token.waiting().wakers.insert(self.number, waker.clone());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.token.waiting().wakers.remove(&self.number);
    }
}
