//! The time, handed in so that a test can decide it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use duramen_model::Instant;

/// Tells the time of day. Nobody's safety depends on it: it dates transactions.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place of the transactor that looks at a wall clock.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Instant {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Instant::from_millis(millis)
    }
}
