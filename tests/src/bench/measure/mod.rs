//! The measurements. Each is made by a process of its own, so that what it takes of memory is
//! known.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use super::data_set::Place;
use super::process;
use super::report::Figure;

mod day;
mod load;
mod lookup;
mod reader;
mod scan;
mod size;
mod steady;
mod verify;

pub use scan::sum_of;

/// What a measurement may take of memory beside the budget of its cache.
const MEMORY_BESIDE_CACHE: u64 = 256 << 20;

/// One of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measurement {
    /// Loading the data set; the others need it.
    Load,
    /// Bytes for each datom.
    Size,
    /// Looking something up in a bucket that is far away.
    Lookup,
    /// Reading all values of one attribute.
    Scan,
    /// The memory of a reader.
    Reader,
    /// Proving that the database is whole.
    Verify,
    /// Transactions, and what they write.
    Steady,
    /// What a day of small commits leaves in the bucket.
    Day,
}

impl Measurement {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Load,
        Self::Size,
        Self::Lookup,
        Self::Scan,
        Self::Reader,
        Self::Verify,
        Self::Steady,
        Self::Day,
    ];

    /// What tables call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Load => "1. Load",
            Self::Size => "2. Size",
            Self::Lookup => "3. Cold lookup",
            Self::Scan => "4. Scan of one attribute",
            Self::Reader => "5. Reader",
            Self::Verify => "6. Verify",
            Self::Steady => "7. Steady transactions",
            Self::Day => "8. A day of small commits",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Size => "size",
            Self::Lookup => "lookup",
            Self::Scan => "scan",
            Self::Reader => "reader",
            Self::Verify => "verify",
            Self::Steady => "steady",
            Self::Day => "day",
        }
    }

    /// Makes the measurement.
    ///
    /// # Errors
    /// When the data set cannot be used, or does not answer as it should.
    pub async fn make(self, place: &Place, effort: Effort) -> Result<Vec<Figure>> {
        match self {
            Self::Load => load::measure(place).await,
            Self::Size => size::measure(place).await,
            Self::Lookup => lookup::measure(place).await,
            Self::Scan => scan::measure(place).await,
            Self::Reader => reader::measure(place, effort).await,
            Self::Verify => verify::measure(place).await,
            Self::Steady => steady::measure(place, effort).await,
            Self::Day => day::measure(place, effort).await,
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Measurement {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|measurement| measurement.name() == name);
        found.ok_or_else(|| anyhow!("{name} is no measurement"))
    }
}

/// How long measurements may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Long enough for figures.
    Full,
    /// Only as long as it takes to see that they work.
    Smoke,
}

impl Effort {
    /// One of two numbers.
    pub(super) const fn choose(self, full: u64, smoke: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }
}

/// The most memory that this process has had, which may be a cache's budget and some more.
fn memory(cache_bytes: u64) -> Option<Figure> {
    let most = mebibytes(cache_bytes + MEMORY_BESIDE_CACHE);
    let peak = process::memory_peak()?;
    Some(Figure::new("memory, at most", mebibytes(peak), "MiB").at_most(most))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn per(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
