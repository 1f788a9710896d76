//! A clock that the application lends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Time since whenever, by a clock that never goes back. Cheap to clone.
///
/// ```
/// # use std::time::Duration;
/// # use duramen_query::Clock;
/// let started = std::time::Instant::now();
/// let clock = Clock::new(move || started.elapsed());
/// assert!(clock.now() < Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// Makes a clock of a function that is called often and should be quick.
    #[must_use]
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
