//! The pace of roots: when the next one departs.
//!
//! A root could depart as soon as the one before has landed. But those who were just answered
//! often have a next request, which arrives a moment later, and would then wait for two roots:
//! its predecessors' and its own. So the next root lingers for a small part of what a publish
//! takes, unless as many are on board as can be expected. When merges do not keep up, it waits
//! longer.

use std::time::Duration;

use tokio::time::Instant;

/// The part of a publish that the next root lingers.
const LINGER_PART: u32 = 10;
/// Shorter waits are longer than they are meant, because timers tick in milliseconds.
const LINGER_MIN: Duration = Duration::from_millis(1);
/// The longest that a root lingers.
const LINGER_MAX: Duration = Duration::from_millis(20);

/// When the next root departs.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What a publish takes, smoothed.
    publish: Duration,
    linger_until: Instant,
    /// Requests that may be on board when all come back who are expected.
    expected: usize,
    slow_until: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { publish: Duration::ZERO, linger_until: now, expected: 0, slow_until: now }
    }

    /// A root has landed after a time. So many were answered, and so many wait for the next.
    pub(crate) fn landed(&mut self, now: Instant, took: Duration, answered: usize, waiting: usize) {
        self.publish = if self.publish.is_zero() { took } else { (self.publish * 7 + took) / 8 };
        self.expected = answered + waiting;
        let linger = (self.publish / LINGER_PART).min(LINGER_MAX);
        self.linger_until = if linger < LINGER_MIN { now } else { now + linger };
    }

    /// The next root after the one that departs now waits for a time, whoever is on board.
    pub(crate) fn slow_down(&mut self, now: Instant, pause: Duration) {
        self.slow_until = now + pause;
    }

    /// Until when the next root waits, with so many on board; `None` when it need not.
    pub(crate) fn waits_until(&self, now: Instant, on_board: usize) -> Option<Instant> {
        let lingers = on_board < self.expected && self.linger_until > now;
        let until = if lingers { self.slow_until.max(self.linger_until) } else { self.slow_until };
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_root_lingers_for_those_who_were_answered() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.waits_until(now, 0), None);
        pace.landed(now, Duration::from_millis(60), 3, 2);
        let linger = now + Duration::from_millis(6);
        assert_eq!(pace.waits_until(now, 4), Some(linger));
        assert_eq!(pace.waits_until(now, 5), None);
        assert_eq!(pace.waits_until(linger, 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_store_is_not_waited_for() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.landed(now, Duration::from_millis(3), 3, 2);
        assert_eq!(pace.waits_until(now, 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn slowness_counts_whoever_is_on_board() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.slow_down(now, Duration::from_millis(100));
        let until = now + Duration::from_millis(100);
        assert_eq!(pace.waits_until(now, 1_000), Some(until));
        assert_eq!(pace.waits_until(until, 1), None);
    }
}
