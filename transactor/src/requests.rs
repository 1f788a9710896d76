//! The memory of requests: what makes a transaction apply exactly once.
//!
//! The log holds the request id of every transaction, but only the ids of the newest transactions
//! are kept at hand. Ids hold the time at which they were made (UUID version 7), so of an id that
//! is not at hand it can be told whether it *may* have been used by a transaction that is no
//! longer remembered: it may, if it is not newer than the newest id that was forgotten. Such an id
//! is refused, and never taken as new. No clock takes part in that decision.
//!
//! What is remembered is part of every root, so a writer that takes over remembers at least as
//! much as the one before it.

use std::collections::{HashMap, VecDeque};

use duramen_db::{RequestWindow, TxRecord};
use duramen_model::{Instant, T};
use uuid::{Uuid, Version};

/// BLAKE3 of what a request asked for.
pub type Digest = [u8; 32];

/// What an id says of itself, and what is remembered of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was not used before.
    New,
    /// It was used for the same content, by this transaction.
    Repeated(T),
    /// It was used for other content, by this transaction.
    Reused(T),
    /// It is so old that this cannot be told.
    Expired {
        /// Ids made at this time or earlier are not accepted any more.
        horizon: Instant,
    },
}

/// The requests of the newest transactions, by id.
#[derive(Debug)]
pub struct Requests {
    by_id: HashMap<Uuid, (T, Digest)>,
    in_order: VecDeque<(T, Uuid)>,
    window: RequestWindow,
    transactions_max: u64,
}

/// The time that a request id was made, or `None` when it is no UUID of version 7.
#[must_use]
pub fn time_of(id: Uuid) -> Option<Instant> {
    if id.get_version() != Some(Version::SortRand) {
        return None;
    }
    let millis = id.as_u128() >> 80;
    Some(Instant::from_millis(i64::try_from(millis).ok()?))
}

impl Requests {
    /// Remembers nothing yet of a window that a root states.
    #[must_use]
    pub fn new(window: RequestWindow, transactions_max: u64) -> Self {
        Self { by_id: HashMap::new(), in_order: VecDeque::new(), window, transactions_max }
    }

    /// What is remembered.
    #[must_use]
    pub const fn window(&self) -> RequestWindow {
        self.window
    }

    /// Judges an id, made at `time`, that comes with a request.
    #[must_use]
    pub fn judge(&self, id: Uuid, time: Instant, digest: &Digest) -> Verdict {
        match (self.by_id.get(&id), self.window.horizon) {
            (Some((t, first)), _) if first == digest => Verdict::Repeated(*t),
            (Some((t, _)), _) => Verdict::Reused(*t),
            (None, Some(horizon)) if time <= horizon => Verdict::Expired { horizon },
            (None, _) => Verdict::New,
        }
    }

    /// Remembers the request of a transaction, if it had an id. Transactions come in order.
    pub fn remember(&mut self, record: &TxRecord) {
        if let Some(id) = record.request_id {
            self.by_id.insert(id, (record.t, record.digest));
            self.in_order.push_back((record.t, id));
        }
    }

    /// Forgets the transactions after `t`: they were never published.
    pub fn take_back(&mut self, t: T) {
        while let Some(&(last, id)) = self.in_order.back() {
            if last <= t {
                break;
            }
            self.in_order.pop_back();
            self.by_id.remove(&id);
        }
    }

    /// Forgets what is too long ago, seen from the published transaction `t`.
    pub fn forget(&mut self, t: T) {
        let since = t.get().saturating_sub(self.transactions_max.saturating_sub(1));
        let Some(since) = T::new(since).filter(|since| *since > self.window.since) else { return };
        self.window.since = since;
        while let Some(&(first, id)) = self.in_order.front() {
            if first >= since {
                break;
            }
            self.in_order.pop_front();
            self.by_id.remove(&id);
            self.window.horizon = self.window.horizon.max(time_of(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(t: u64) -> T {
        T::new(t).expect("small")
    }

    fn id(millis: u64, n: u8) -> Uuid {
        let mut random = [0; 10];
        random[9] = n;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    const ALL: RequestWindow = RequestWindow { since: T::GENESIS, horizon: None };

    fn record(n: u64, id: Uuid) -> TxRecord {
        TxRecord { t: t(n), request_id: Some(id), digest: [1; 32], ..TxRecord::genesis() }
    }

    fn judge(requests: &Requests, id: Uuid) -> Verdict {
        requests.judge(id, time_of(id).expect("version 7"), &[1; 32])
    }

    #[test]
    fn the_time_of_an_id_is_its_first_48_bits() {
        assert_eq!(
            time_of(id(1_700_000_000_123, 0)),
            Some(Instant::from_millis(1_700_000_000_123))
        );
        assert_eq!(time_of(Uuid::from_u128(0x6ba7b810_9dad_41d1_80b4_00c04fd430c8)), None);
    }

    #[test]
    fn an_id_used_before_is_known_with_its_transaction() {
        let mut requests = Requests::new(ALL, 10);
        requests.remember(&record(1, id(5, 1)));
        assert_eq!(judge(&requests, id(5, 1)), Verdict::Repeated(t(1)));
        assert_eq!(judge(&requests, id(5, 2)), Verdict::New);
        let other = requests.judge(id(5, 1), Instant::from_millis(5), &[2; 32]);
        assert_eq!(other, Verdict::Reused(t(1)));
    }

    #[test]
    fn a_forgotten_id_is_never_taken_as_new() {
        let mut requests = Requests::new(ALL, 2);
        // The clocks of clients disagree: times are not in the order of transactions.
        for (n, millis) in [(1, 50), (2, 20), (3, 30), (4, 40)] {
            requests.remember(&record(n, id(millis, 0)));
            requests.forget(t(n));
        }
        assert_eq!(requests.window().since, t(3));
        let horizon = Instant::from_millis(50);
        for millis in [50, 20, 49] {
            assert_eq!(judge(&requests, id(millis, 0)), Verdict::Expired { horizon });
        }
        assert_eq!(judge(&requests, id(30, 0)), Verdict::Repeated(t(3)));
        assert_eq!(judge(&requests, id(51, 0)), Verdict::New);
    }

    #[test]
    fn what_was_not_published_can_be_asked_for_again() {
        let mut requests = Requests::new(ALL, 10);
        for n in 1..=4 {
            requests.remember(&record(n, id(n, 0)));
        }
        requests.take_back(t(2));
        assert_eq!(judge(&requests, id(2, 0)), Verdict::Repeated(t(2)));
        assert_eq!(judge(&requests, id(3, 0)), Verdict::New);
    }
}
