//! Prefetching: what a request will look up is read before its turn comes.
//!
//! Requests are resolved one after the other, so a node that is not in memory would hold up
//! everyone. So each request is resolved once beforehand, beside all others and for nothing but
//! its reads. That costs time of the processor, so it is done only while it finds something to
//! read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use duramen_db::Db;
use duramen_db::resolve::{TxData, resolve};
use duramen_model::Instant;

/// So many requests are resolved beforehand after one that had to read from the store.
const COLD_REQUESTS: u32 = 256;
/// Of the others one in so many, to notice that memory no longer has what is needed.
const SAMPLE: u32 = 16;

/// Knows whether prefetching is worth while. Shared by all who send to a database.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prefetch {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    loads: AtomicU64,
    cold: AtomicU32,
    requests: AtomicU32,
}

impl Prefetch {
    /// Reads what a transaction will look up, if that is worth while.
    pub(crate) async fn warm(&self, db: &Db, data: &TxData, now: Instant) {
        if db.checkpoint_t().is_some() && self.is_due(db.node_stats().loads) {
            // Whether it can be carried out is decided when its turn comes.
            let _ = resolve(db, data, now, db.next_ids()).await;
        }
    }

    /// The counters need not be exact: they decide on effort, not on outcome.
    fn is_due(&self, loads: u64) -> bool {
        let shared = &self.shared;
        if shared.loads.swap(loads, Ordering::Relaxed) != loads {
            shared.cold.store(COLD_REQUESTS, Ordering::Relaxed);
        }
        let less_one = |cold: u32| cold.checked_sub(1);
        let order = Ordering::Relaxed;
        shared.cold.fetch_update(order, order, less_one).is_ok()
            || shared.requests.fetch_add(1, order).is_multiple_of(SAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_there_is_nothing_to_read() {
        let prefetch = Prefetch::default();
        let due = |loads| (0..1_000).filter(|_| prefetch.is_due(loads)).count();
        assert_eq!(due(0), 1_000 / 16 + 1);
        assert_eq!(due(5), 256 + 744 / 16);
    }
}
