//! Randomness, handed in so that a test can repeat a run.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// A source of randomness, shared by whoever needs ids or jitter.
pub struct Random(Mutex<StdRng>);

impl Random {
    /// Randomness of the operating system: no two processes draw the same ids.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// Randomness that follows from a seed; for tests.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// 128 bits that name something.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        self.generator().fill_bytes(&mut id);
        id
    }

    /// A time between half of `duration` and all of it, so that those who failed together do not
    /// try again together.
    #[must_use]
    pub fn jitter(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.generator().random_range(0.5..=1.0))
    }

    fn generator(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Random").finish_non_exhaustive()
    }
}
