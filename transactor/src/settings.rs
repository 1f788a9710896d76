//! Settings: the numbers that one can write in a file. Objects (a store, a clock) are
//! [components](crate::transactor::Components) instead.

use duramen_db::limits::{ROOT_SEGMENTS_MAX, TAIL_BYTES_MAX};
use duramen_db::log::ENTRIES_TARGET;
use duramen_db::merge::INLINED_BYTES_MAX;
use serde::{Deserialize, Serialize};

use crate::publish::PublishLimits;

/// The numbers that a transactor runs by. Each name ends with its unit or its bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address at which clients reach this transactor, as roots state it for those who find
    /// another one in its place; may be empty.
    pub address: String,
    /// Bytes of one gRPC message. A larger request is refused before it is read.
    pub message_bytes_max: usize,
    /// Bytes of log that one transaction may take.
    pub transaction_bytes_max: usize,
    /// Requests that wait for one database. When there are more, the next is refused at once.
    pub queue_requests_max: usize,
    /// Bytes of the requests that wait, over all databases; as above.
    pub queue_bytes_max: usize,
    /// Transactions that one root makes visible.
    pub batch_transactions_max: usize,
    /// Bytes of a root. A batch that would make it larger is cut; a transaction that would alone
    /// goes to a segment first.
    pub root_bytes_max: usize,
    /// Bytes of log in the tail of a root from which on it is spilled to a segment.
    pub tail_bytes_target: usize,
    /// When a merge starts.
    pub novelty_soft: NoveltyLimits,
    /// When transactions are refused until a merge is done.
    pub novelty_hard: NoveltyLimits,
    /// The longest pause between two roots when merges do not keep up, in milliseconds. It grows
    /// from nothing, half-way between the two limits above, to this at the hard one.
    pub slow_ms_max: u64,
    /// How long a merge that failed is left alone, in milliseconds.
    pub merge_pause_ms: u64,
    /// How many runs that are alike make a merge of runs.
    pub merge_runs_min: usize,
    /// How many merges of runs may run at once.
    pub merges_at_once_max: usize,
    /// Bytes of index nodes that a checkpoint carries along, so that who opens it need not fetch
    /// them.
    pub inlined_bytes_max: u64,
    /// References to the log that a checkpoint lists itself, at most.
    pub log_entries_max: usize,
    /// Records of a leaf of the index.
    pub leaf_records_max: usize,
    /// Children of a branch of the index.
    pub branch_children_max: usize,
    /// Transactions whose request ids are remembered.
    pub requests_remembered: u64,
    /// How far ahead of this machine's clock the time in a request id may be, in milliseconds.
    pub request_ahead_ms_max: u64,
    /// The shortest time between two writings of the `HEAD` hint, in milliseconds.
    pub head_pause_ms: u64,
    /// How often a claim that another writer was faster with is tried.
    pub claim_tries_max: u32,
    /// How long requests are referred to the transactor that took over, in milliseconds. After
    /// that the next request makes this one claim the database again.
    pub fenced_pause_ms: u64,
    /// Bytes of decoded nodes in memory, over all databases.
    pub cache_bytes_max: u64,
    /// How long requests may take after the signal to stop, in milliseconds.
    pub drain_ms_max: u64,
    /// How long a publish is tried.
    pub publish: PublishLimits,
}

/// A limit on what the log has and the indexes have not. The first number that is reached counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoveltyLimits {
    /// Facts.
    pub datoms: u64,
    /// Bytes of log.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
}

/// What a reader takes from one log index.
const LOG_ENTRIES_MAX: u64 = 4_096;
/// Some segments are named after the limit is reached; a root names no more than its format allows.
const NOVELTY_SEGMENTS_MAX: u64 = (ROOT_SEGMENTS_MAX - 64) as u64;
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: String::new(),
            message_bytes_max: 32 * MIB,
            transaction_bytes_max: 16 * MIB,
            queue_requests_max: 4_096,
            queue_bytes_max: 256 * MIB,
            batch_transactions_max: 4_096,
            root_bytes_max: 256 * KIB,
            tail_bytes_target: 64 * KIB,
            novelty_soft: NoveltyLimits { datoms: 100_000, bytes: 4 << 20, segments: 64 },
            novelty_hard: NoveltyLimits { datoms: 2_000_000, bytes: 128 << 20, segments: 512 },
            slow_ms_max: 1_000,
            merge_pause_ms: 10_000,
            merge_runs_min: 4,
            merges_at_once_max: 3,
            inlined_bytes_max: INLINED_BYTES_MAX,
            log_entries_max: ENTRIES_TARGET,
            leaf_records_max: 4_096,
            branch_children_max: 256,
            requests_remembered: 100_000,
            request_ahead_ms_max: 300_000,
            head_pause_ms: 1_000,
            claim_tries_max: 8,
            fenced_pause_ms: 5_000,
            cache_bytes_max: 256 << 20,
            drain_ms_max: 25_000,
            publish: PublishLimits::default(),
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}: {reason}")]
pub struct SettingsError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What it must be.
    pub reason: String,
}

impl Settings {
    /// Checks that the numbers make sense together.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let (soft, hard) = (self.novelty_soft, self.novelty_hard);
        at_least("queue_requests_max", self.queue_requests_max, 1)?;
        at_least("queue_bytes_max", self.queue_bytes_max, self.message_bytes_max)?;
        at_least("batch_transactions_max", self.batch_transactions_max, 1)?;
        at_least("tail_bytes_target", self.tail_bytes_target, 1)?;
        at_least("root_bytes_max", self.root_bytes_max, 4 * KIB)?;
        at_least("root_bytes_max", self.root_bytes_max, 2 * self.tail_bytes_target)?;
        at_least("merge_runs_min", self.merge_runs_min, 2)?;
        at_least("merges_at_once_max", self.merges_at_once_max, 1)?;
        at_least("leaf_records_max", self.leaf_records_max, 2)?;
        at_least("branch_children_max", self.branch_children_max, 2)?;
        at_least("novelty_hard.datoms", hard.datoms, soft.datoms)?;
        at_least("novelty_hard.bytes", hard.bytes, soft.bytes)?;
        at_least("novelty_hard.segments", hard.segments, soft.segments)?;
        at_most("novelty_hard.segments", hard.segments, NOVELTY_SEGMENTS_MAX)?;
        at_most("root_bytes_max", self.root_bytes_max as u64, TAIL_BYTES_MAX as u64)?;
        at_least("log_entries_max", self.log_entries_max, 2)?;
        at_most("log_entries_max", self.log_entries_max as u64, LOG_ENTRIES_MAX)?;
        at_least("requests_remembered", self.requests_remembered, 1)?;
        at_least("claim_tries_max", u64::from(self.claim_tries_max), 1)?;
        at_least("publish.tries_max", u64::from(self.publish.tries_max), 1)
    }
}

fn at_least<N: TryInto<u64>>(name: &'static str, value: N, least: N) -> Result<(), SettingsError> {
    let number = |n: N| n.try_into().unwrap_or(u64::MAX);
    let (value, least) = (number(value), number(least));
    if value >= least {
        return Ok(());
    }
    Err(SettingsError { name, value, reason: format!("it must be at least {least}") })
}

fn at_most(name: &'static str, value: u64, most: u64) -> Result<(), SettingsError> {
    if value <= most {
        return Ok(());
    }
    Err(SettingsError { name, value, reason: format!("it must be at most {most}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let settings = Settings { root_bytes_max: 100 * KIB, ..Settings::default() };
        let error = settings.check().unwrap_err();
        assert_eq!(error.to_string(), "root_bytes_max is 102400: it must be at least 131072");
    }

    #[test]
    fn settings_are_read_from_a_file() {
        let settings: Settings =
            toml::from_str("queue_requests_max = 9\n[publish]\ntries_max = 3\n").unwrap();
        assert_eq!((settings.queue_requests_max, settings.publish.tries_max), (9, 3));
        assert!(toml::from_str::<Settings>("queue_request_max = 9").is_err());
    }
}
