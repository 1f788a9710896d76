//! When runs are merged: a policy that keeps them few, and what is written small.
//!
//! Four or more neighbours, each hardly larger than all younger ones together, are folded into
//! one. So runs that were made alike are folded by fours, and again with what they became: their
//! sizes grow geometrically, and a record is written anew about every time that what is younger
//! than it has multiplied. The numbers are chosen by the model in the tests below; their outcome
//! is in ARCHITECTURE.md.

use std::ops::Range;

/// How runs are chosen for a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePolicy {
    /// How many runs a compaction folds at least; at least 2.
    pub runs_min: usize,
    /// How large a run that is folded may be, in percent of all younger ones that are folded with
    /// it.
    pub growth_percent: u64,
    /// A run of at most so many records goes into the next flush, whatever the size of that.
    pub small_records: u64,
    /// A run of at most this part of the records of a flush goes into it.
    pub absorbed_part: u64,
    /// A run leaves its sparse packs, without being folded with others, when so many percent of
    /// what it takes up are idle in them.
    pub idle_percent: u64,
    /// And so many bytes at least.
    pub idle_bytes_min: u64,
}

/// How many records a run has, and whether another merge is folding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunSize {
    pub(crate) records: u64,
    pub(crate) busy: bool,
}

impl Default for MergePolicy {
    fn default() -> Self {
        Self {
            runs_min: 4,
            growth_percent: 125,
            small_records: 4096,
            absorbed_part: 4,
            idle_percent: 20,
            idle_bytes_min: 1 << 20,
        }
    }
}

impl MergePolicy {
    /// Which neighbours to fold, of runs newest first: the youngest that are worth it.
    pub(crate) fn compaction(&self, runs: &[RunSize]) -> Option<Range<usize>> {
        let runs_min = self.runs_min.max(2);
        (0..runs.len())
            .map(|first| first..first + self.alike(&runs[first..]))
            .find(|alike| alike.len() >= runs_min)
    }

    /// Whether a run is to leave its sparse packs.
    pub(crate) fn is_idle(&self, live_bytes: u64, idle_bytes: u64) -> bool {
        let part = u128::from(live_bytes) * u128::from(self.idle_percent) / 100;
        idle_bytes >= self.idle_bytes_min.max(1) && u128::from(idle_bytes) >= part
    }

    /// How many runs from the first on are alike.
    fn alike(&self, runs: &[RunSize]) -> usize {
        let mut sum: u64 = 0;
        let fits = |run: &&RunSize| {
            let limit = u128::from(sum) * u128::from(self.growth_percent) / 100;
            let fits = !run.busy && (sum == 0 || u128::from(run.records) <= limit);
            sum = sum.saturating_add(run.records);
            fits
        };
        runs.iter().take_while(fits).count()
    }

    /// How many of the youngest runs go into a flush of so many records.
    pub(crate) fn absorbed(&self, records: u64, runs: &[RunSize]) -> usize {
        let mut sum = records;
        let fits = |run: &&RunSize| {
            let part = sum / self.absorbed_part.max(1);
            sum = sum.saturating_add(run.records);
            !run.busy && (run.records <= self.small_records || run.records <= part)
        };
        runs.iter().take_while(fits).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(records: u64) -> RunSize {
        RunSize { records, busy: false }
    }

    #[test]
    fn the_youngest_that_are_alike_are_folded() {
        let policy = MergePolicy::default();
        let runs = |sizes: &[u64]| sizes.iter().copied().map(idle).collect::<Vec<_>>();
        assert_eq!(policy.compaction(&runs(&[9, 9, 9])), None);
        assert_eq!(policy.compaction(&runs(&[9, 9, 9, 9, 90])), Some(0..4));
        assert_eq!(policy.compaction(&runs(&[9, 9, 9, 9, 40])), Some(0..5));
        assert_eq!(policy.compaction(&runs(&[1, 9, 9, 9, 9, 90])), Some(1..5));
        let mut busy = runs(&[9, 9, 9, 9, 9, 9, 9]);
        busy[2].busy = true;
        assert_eq!(policy.compaction(&busy), Some(3..7));
    }

    #[test]
    fn what_is_small_against_a_flush_goes_into_it() {
        let policy = MergePolicy { small_records: 10, ..MergePolicy::default() };
        assert_eq!(policy.absorbed(1, &[idle(10), idle(10), idle(11)]), 2);
        assert_eq!(policy.absorbed(100, &[idle(25), idle(31), idle(100)]), 2);
        assert_eq!(policy.absorbed(100, &[RunSize { records: 1, busy: true }]), 0);
    }

    #[test]
    fn a_run_that_holds_much_that_nobody_needs_leaves_it() {
        let policy = MergePolicy { idle_bytes_min: 50, ..MergePolicy::default() };
        assert!(policy.is_idle(1_000, 200) && policy.is_idle(0, 50));
        assert!(!policy.is_idle(1_000, 199) && !policy.is_idle(10, 49));
        let policy = MergePolicy { idle_percent: 0, idle_bytes_min: 0, ..policy };
        assert!(!policy.is_idle(1_000, 0), "what is not idle cannot be left");
    }

    /// What so many flushes come to.
    #[derive(Debug)]
    struct Model {
        /// Records written for each that was flushed.
        written: f64,
        runs_max: usize,
        runs_average: f64,
    }

    /// Flushes of random unique values, so that whatever is folded is written anew.
    fn model(policy: &MergePolicy, flushes: u64, size: impl Fn(u64) -> u64) -> Model {
        let mut runs: Vec<RunSize> = Vec::new();
        let (mut flushed, mut written, mut runs_max, mut runs_sum) = (0, 0, 0, 0);
        for flush in 0..flushes {
            let mut records = size(flush);
            flushed += records;
            let absorbed = policy.absorbed(records, &runs);
            records += runs.drain(..absorbed).map(|run| run.records).sum::<u64>();
            written += records;
            runs.insert(0, idle(records));
            while let Some(which) = policy.compaction(&runs) {
                let records = runs[which.clone()].iter().map(|run| run.records).sum();
                written += records;
                runs.splice(which, [idle(records)]);
            }
            runs_max = runs_max.max(runs.len());
            runs_sum += runs.len();
        }
        let runs_average = runs_sum as f64 / flushes as f64;
        Model { written: written as f64 / flushed as f64, runs_max, runs_average }
    }

    /// From 10 to 100 million datoms, in flushes of 100,000.
    #[test]
    fn what_is_written_grows_with_the_logarithm_of_the_size() {
        let policy = MergePolicy::default();
        let even: fn(u64) -> u64 = |_| 100_000;
        let uneven: fn(u64) -> u64 = |flush| {
            [50_000, 80_000, 100_000, 120_000, 150_000, 300_000][(flush * 7 % 13 % 6) as usize]
        };
        for size in [even, uneven] {
            let (ten, hundred) = (model(&policy, 100, size), model(&policy, 1_000, size));
            assert!(hundred.written < 5.2, "{hundred:?}");
            assert!(hundred.written / ten.written < 1.5, "{ten:?} {hundred:?}");
            assert!(hundred.runs_max <= 14 && hundred.runs_average < 6.5, "{hundred:?}");
        }
    }
}
