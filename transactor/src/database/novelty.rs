//! How much the log has and the indexes have not.

use std::collections::VecDeque;

use duramen_model::T;

use crate::settings::{NoveltyLimits, Settings};
use crate::status::Novelty;

/// The sizes of the transactions that are not merged yet.
#[derive(Debug, Default)]
pub(crate) struct NoveltyGauge {
    sizes: VecDeque<Size>,
    datoms: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Size {
    t: T,
    datoms: u64,
    bytes: u64,
}

impl NoveltyGauge {
    /// Adds a transaction, newer than all others.
    pub(crate) fn push(&mut self, t: T, datoms: usize, bytes: usize) {
        let size = Size { t, datoms: datoms as u64, bytes: bytes as u64 };
        self.datoms += size.datoms;
        self.bytes += size.bytes;
        self.sizes.push_back(size);
    }

    /// Takes out the transactions up to `t`: they are merged.
    pub(crate) fn merged(&mut self, t: T) {
        while self.sizes.front().is_some_and(|size| size.t <= t) {
            let size = self.sizes.pop_front();
            self.subtract(size);
        }
    }

    /// Takes out the transactions after `t`: they were never published.
    pub(crate) fn take_back(&mut self, t: T) {
        while self.sizes.back().is_some_and(|size| size.t > t) {
            let size = self.sizes.pop_back();
            self.subtract(size);
        }
    }

    fn subtract(&mut self, size: Option<Size>) {
        if let Some(size) = size {
            self.datoms -= size.datoms;
            self.bytes -= size.bytes;
        }
    }

    /// What there is, with a number of segments.
    pub(crate) fn total(&self, segments: usize) -> Novelty {
        Novelty {
            transactions: self.sizes.len() as u64,
            datoms: self.datoms,
            bytes: self.bytes,
            segments: segments as u64,
        }
    }
}

impl Novelty {
    /// How near the hard limit is, from 0 (half-way from the soft limit) to 1 (there).
    pub(crate) fn pressure(&self, settings: &Settings) -> f64 {
        let (soft, hard) = (&settings.novelty_soft, &settings.novelty_hard);
        let near = |found: u64, soft: u64, hard: u64| {
            let half = soft + (hard - soft.min(hard)) / 2;
            let span = (hard.saturating_sub(half)).max(1) as f64;
            (found.saturating_sub(half) as f64 / span).min(1.0)
        };
        near(self.datoms, soft.datoms, hard.datoms)
            .max(near(self.bytes, soft.bytes, hard.bytes))
            .max(near(self.segments, soft.segments, hard.segments))
    }

    /// Which limit is reached, in words.
    pub(crate) fn over(&self, limits: &NoveltyLimits) -> Option<String> {
        let counted = [
            (self.datoms, limits.datoms, "datoms"),
            (self.bytes, limits.bytes, "bytes of log"),
            (self.segments, limits.segments, "segments"),
        ];
        let reached = counted.into_iter().find(|(found, limit, _)| found >= limit);
        reached.map(|(found, _, what)| format!("{found} {what} are not merged yet"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_and_unpublished_transactions_do_not_count() {
        let mut gauge = NoveltyGauge::default();
        (1..=5).for_each(|t| gauge.push(T::new(t).unwrap(), 3, 100));
        let all = gauge.total(2);
        gauge.merged(T::new(2).unwrap());
        gauge.take_back(T::new(4).unwrap());
        let rest = gauge.total(1);
        assert_eq!((all.transactions, rest.transactions), (5, 2));
        assert_eq!(rest.datoms * 5, all.datoms * 2);
        gauge.take_back(T::GENESIS);
        assert_eq!(gauge.total(0), Novelty::default());
    }

    #[test]
    fn pressure_begins_half_way_to_the_hard_limit() {
        let limits = |n| NoveltyLimits { datoms: n, bytes: n, segments: n };
        let (novelty_soft, novelty_hard) = (limits(100), limits(300));
        let settings = Settings { novelty_soft, novelty_hard, ..Settings::default() };
        let pressure = |datoms| Novelty { datoms, ..Novelty::default() }.pressure(&settings);
        let found = [0, 100, 200, 250, 300, 900].map(pressure);
        assert_eq!(found, [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn the_limit_that_is_reached_is_named() {
        let limits = NoveltyLimits { datoms: 10, bytes: 100, segments: 3 };
        let novelty = Novelty { transactions: 1, datoms: 9, bytes: 99, segments: 2 };
        assert_eq!(novelty.over(&limits), None);
        let novelty = Novelty { segments: 3, ..novelty };
        assert_eq!(novelty.over(&limits).as_deref(), Some("3 segments are not merged yet"));
    }
}
