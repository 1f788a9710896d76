//! The benchmarks of queries: what a question takes from a bucket that is far away, and how fast
//! questions are beside one another.
//!
//! Reading order: [`question`] (what can be asked), [`people`] and [`packages`] (what is asked of
//! the data sets), [`constants`] (with which inputs), [`halves`] (one data set as two databases),
//! [`rounds`], [`ratios`] and [`points`] (what is measured); and what they work with: [`reader`],
//! [`clock`], [`table`].

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use super::data_set::{DataSet, Place};
use super::measure::{Effort, Measurement};
use constants::Constants;
use question::Question;

pub mod clock;
pub mod constants;
pub mod halves;
pub mod packages;
pub mod people;
pub mod points;
pub mod question;
pub mod ratios;
pub mod reader;
pub mod rounds;
pub mod table;

/// Keeps all that is asked for in memory, decoded.
const CACHE_BYTES: u64 = 2 << 30;

/// A part of what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rounds, requests and bytes from a bucket that is far away.
    Rounds,
    /// The past against now, and two databases against one.
    Ratios,
    /// Small questions, one after the other.
    Points,
}

impl Part {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Rounds, Self::Ratios, Self::Points];

    const fn name(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Ratios => "ratios",
            Self::Points => "points",
        }
    }

    /// Measures, and shows what was found as a table with its heading. Loads the data set when it
    /// is not there.
    ///
    /// # Errors
    /// When the data set cannot be loaded or read, or a question is not answered.
    pub async fn measure(self, place: &Place, effort: Effort) -> Result<String> {
        if !place.is_loaded() {
            Measurement::Load.make(place, effort).await?;
        }
        match self {
            Self::Rounds => rounds::measure(place, effort).await,
            Self::Ratios => ratios::measure(place, effort).await,
            Self::Points => points::measure(place, effort).await,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|part| part.name() == name);
        found.ok_or_else(|| anyhow!("{name} is nothing that is measured"))
    }
}

/// What is asked of a data set.
fn questions(data: DataSet) -> Result<Vec<Question>> {
    match data {
        DataSet::People(_) => people::questions(),
        DataSet::Packages => packages::questions(),
    }
}
