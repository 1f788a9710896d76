//! Times that stand beside one another: taken in turns, so that what else the machine does hits
//! all.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::question::Asked;
use crate::bench::measure::Effort;

/// Rounds, in each of which every one is timed once.
const ROUNDS: u64 = 21;
/// Runs that are timed together take about so long.
const BATCH: Duration = Duration::from_millis(10);
/// As long does it run before it counts.
const WARM: Duration = Duration::from_millis(200);

/// Times of two questions.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// What each found.
    pub found: [usize; 2],
    /// The median of each.
    pub seconds: [f64; 2],
    /// The median of the second's share of the first, round by round.
    pub ratio: f64,
}

/// Times two questions in turns.
///
/// # Errors
/// When one is not answered, or not always the same.
pub async fn compare(questions: [&Asked; 2], effort: Effort) -> Result<Compared> {
    let [first, second] = questions;
    let (a, b) = (Timed::warm(first, effort).await?, Timed::warm(second, effort).await?);
    let mut times = [Vec::new(), Vec::new()];
    let mut ratios = Vec::new();
    for round in 0..effort.choose(ROUNDS, 1) {
        // Another one begins each time.
        let (of_a, of_b) = if round % 2 == 0 {
            let of_a = a.once().await?;
            (of_a, b.once().await?)
        } else {
            let of_b = b.once().await?;
            (a.once().await?, of_b)
        };
        times[0].push(of_a);
        times[1].push(of_b);
        ratios.push(of_b / of_a);
    }
    let [a_times, b_times] = times;
    Ok(Compared {
        found: [a.found, b.found],
        seconds: [median(a_times), median(b_times)],
        ratio: median(ratios),
    })
}

/// The median and the least time of one run of something, in seconds.
///
/// # Errors
/// When it fails.
pub async fn repeat(effort: Effort, run: impl AsyncFn() -> Result<()>) -> Result<(f64, f64)> {
    let started = Instant::now();
    let mut runs = 0_u32;
    while runs == 0 || effort == Effort::Full && started.elapsed() < WARM {
        run().await?;
        runs += 1;
    }
    let batch = batch_of(started.elapsed() / runs);
    let mut times = Vec::new();
    for _ in 0..effort.choose(ROUNDS, 1) {
        let started = Instant::now();
        for _ in 0..batch {
            run().await?;
        }
        times.push(started.elapsed().as_secs_f64() / f64::from(batch));
    }
    let least = times.iter().copied().fold(f64::MAX, f64::min);
    Ok((median(times), least))
}

struct Timed<'a> {
    asked: &'a Asked,
    found: usize,
    batch: u32,
}

impl<'a> Timed<'a> {
    /// Runs until everything is in memory.
    async fn warm(asked: &'a Asked, effort: Effort) -> Result<Self> {
        let (started, mut least, mut found) = (Instant::now(), Duration::MAX, None);
        while found.is_none() || effort == Effort::Full && started.elapsed() < WARM {
            let started = Instant::now();
            found = Some(asked.run().await?);
            least = least.min(started.elapsed());
        }
        Ok(Self { asked, found: found.unwrap_or_default(), batch: batch_of(least) })
    }

    /// Seconds of one run.
    async fn once(&self) -> Result<f64> {
        let started = Instant::now();
        for _ in 0..self.batch {
            let found = self.asked.run().await?;
            ensure!(found == self.found, "found {found}, not {}", self.found);
        }
        Ok(started.elapsed().as_secs_f64() / f64::from(self.batch))
    }
}

fn batch_of(run: Duration) -> u32 {
    let runs = BATCH.as_secs_f64() / run.as_secs_f64().max(1e-7);
    // The cast saturates.
    (runs.ceil() as u32).max(1)
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
