//! Waiting, without a runtime of our own.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use duramen_query::Clock;

/// A future that is ready after a while. `Send` except in browsers.
#[cfg(not(target_arch = "wasm32"))]
pub type Sleep = futures_util::future::BoxFuture<'static, ()>;
/// A future that is ready after a while. `Send` except in browsers.
#[cfg(target_arch = "wasm32")]
pub type Sleep = futures_util::future::LocalBoxFuture<'static, ()>;

/// A clock for limits of time; a browser has none that is not the application's.
#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::disallowed_methods, reason = "what is limited is real time")]
pub(crate) fn clock() -> Option<Clock> {
    let started = std::time::Instant::now();
    Some(Clock::new(move || started.elapsed()))
}

/// A clock for limits of time; a browser has none that is not the application's.
#[cfg(target_arch = "wasm32")]
pub(crate) fn clock() -> Option<Clock> {
    None
}

/// Wakes work that waits once more when its time is over, so that it sees so and ends.
pub(crate) async fn woken<T>(work: impl Future<Output = T>, time_max: Option<Duration>) -> T {
    /// The clock that the work ends by began after this one.
    const LATER: Duration = Duration::from_millis(1);
    let sleep = |time_max: Duration| Timer::default().sleep(time_max.saturating_add(LATER));
    let mut sleep = time_max.and_then(sleep);
    let mut work = pin!(work);
    poll_fn(|context| {
        if sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(context).is_ready()) {
            sleep = None;
        }
        work.as_mut().poll(context)
    })
    .await
}

/// A way to wait.
#[derive(Clone)]
pub(crate) struct Timer(Option<Arc<dyn Fn(Duration) -> Sleep + Send + Sync>>);

impl Timer {
    pub(crate) fn new(sleep: impl Fn(Duration) -> Sleep + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sleep)))
    }

    /// What waits for a while; `None` where there is no timer.
    pub(crate) fn sleep(&self, pause: Duration) -> Option<Sleep> {
        self.0.as_ref().map(|sleep| sleep(pause))
    }
}

impl Default for Timer {
    /// A timer that works under every runtime. A browser has none that is not its own: there the
    /// application brings it.
    fn default() -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        return Self::new(|pause| Box::pin(futures_timer::Delay::new(pause)));
        #[cfg(target_arch = "wasm32")]
        return Self(None);
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.is_some()).finish()
    }
}
