//! The newest value of something that many ask for at once.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::lock::Mutex;

/// Keeps the newest value, and lets those who ask for it at the same time share one look.
///
/// A look that began before a caller asked may miss what the caller knows to be there, so it does
/// not count for that caller; one that began afterwards does, whoever began it.
#[derive(Debug)]
pub(crate) struct Latest<V, E> {
    /// Looks that have begun.
    begun: AtomicU64,
    /// The last look that ended; locked during a look.
    look: Mutex<Look<V, E>>,
    value: RwLock<V>,
}

#[derive(Debug)]
struct Look<V, E> {
    /// Its number, from 1; 0 before there was one.
    number: u64,
    /// What came of it.
    outcome: Result<V, Arc<E>>,
}

impl<V: Clone, E> Latest<V, E> {
    /// Starts from a value.
    pub(crate) fn new(value: V) -> Self {
        let look = Look { number: 0, outcome: Ok(value.clone()) };
        Self { begun: AtomicU64::new(0), look: Mutex::new(look), value: RwLock::new(value) }
    }

    /// The newest value that a look has found, without a look.
    pub(crate) fn last(&self) -> V {
        // A value is whole or not there, so a panic elsewhere leaves nothing torn.
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest value: looks, given the value before, or takes what someone else finds in the
    /// meantime. A look that fails leaves the value as it was.
    pub(crate) async fn refresh<F>(&self, look: impl FnOnce(V) -> F) -> Result<V, Arc<E>>
    where
        F: Future<Output = Result<V, E>>,
    {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut last = self.look.lock().await;
        if last.number > begun {
            return last.outcome.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let outcome = look(self.last()).await.map_err(Arc::new);
        if let Ok(value) = &outcome {
            *self.value.write().unwrap_or_else(PoisonError::into_inner) = value.clone();
        }
        *last = Look { number, outcome: outcome.clone() };
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::{join_all, pending};
    use futures_util::{FutureExt, poll};

    use super::*;

    /// A look that yields once, counts itself and gives its number.
    async fn look(looks: &AtomicUsize) -> Result<usize, &'static str> {
        tokio::task::yield_now().await;
        Ok(looks.fetch_add(1, Ordering::SeqCst) + 1)
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_a_look() {
        let (latest, looks) = (Latest::new(0), AtomicUsize::new(0));
        let values = join_all((0..100).map(|_| latest.refresh(|_| look(&looks)))).await;
        // The first look began before the others asked, except that all asked before it ended.
        assert!(looks.load(Ordering::SeqCst) <= 2, "{looks:?}");
        assert!(values.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_look_that_began_earlier_does_not_count() {
        let (latest, looks) = (Latest::new(0), AtomicUsize::new(0));
        let mut first = Box::pin(latest.refresh(|_| look(&looks)));
        assert!(poll!(&mut first).is_pending());
        let mut second = Box::pin(latest.refresh(|_| look(&looks)));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(first.await, Ok(1));
        assert_eq!(second.await, Ok(2));
    }

    #[tokio::test]
    async fn a_look_that_is_dropped_holds_nobody_up() {
        let (latest, looks) = (Latest::new(0), AtomicUsize::new(0));
        let never = latest.refresh(|_| pending());
        assert!(never.now_or_never().is_none());
        assert_eq!(latest.refresh(|_| look(&looks)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_failure_keeps_the_value() {
        let latest = Latest::new(7);
        let failed = latest.refresh(|_| async { Err("no answer") }).await;
        assert_eq!(failed, Err(Arc::new("no answer")));
        let kept = latest.refresh(|value| async move { Ok(value) }).await;
        assert_eq!((kept, latest.last()), (Ok(7), 7));
    }
}
