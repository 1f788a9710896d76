//! How operations are timed: as the other peers do it, so that the figures compare.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

/// A first run of more than this is the only one.
const ONCE: Duration = Duration::from_secs(20);
/// When the first run took so long, no more follow than must.
const FEW: Duration = Duration::from_secs(5);
const RUNS_MAX: usize = 15;
/// A batch of runs that are timed together takes about so long.
const BATCH: Duration = Duration::from_millis(20);
/// Transactions are timed for about so long.
const WRITES: Duration = Duration::from_secs(30);

/// How long an operation is repeated.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Before it counts.
    pub warm: Duration,
    /// While it counts.
    pub budget: Duration,
    /// As many times at least.
    pub times: usize,
    /// So many times and no more, for whoever counts instructions.
    pub exactly: Option<u32>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            warm: Duration::from_secs(1),
            budget: Duration::from_millis(2_500),
            times: 3,
            exactly: None,
        }
    }
}

impl Clock {
    /// Times an operation: the median of several runs after warming up. What it returns is
    /// compared with what is expected.
    ///
    /// # Errors
    /// When the operation fails.
    pub fn measure(&self, op: &str, mut run: impl FnMut() -> Result<Value>) -> Result<Value> {
        if let Some(times) = self.exactly {
            let (time, cpu, count) = timed(times, &mut run)?;
            return Ok(row(op, &mut [time], &mut [cpu], times, &count));
        }
        let (first, _, count) = timed(1, &mut run)?;
        if first > ONCE {
            return Ok(row(op, &mut [first], &mut [first], 1, &count));
        }
        let (mut best, mut spent) = (first, first);
        while spent < self.warm {
            let batch = batch_of(best);
            let (time, _, _) = timed(batch, &mut run)?;
            best = best.min(time);
            spent += time * batch;
        }
        let batch = batch_of(best);
        let (mut times, mut cpus, mut spent) = (Vec::new(), Vec::new(), Duration::ZERO);
        while times.len() < self.times || (spent < self.budget && times.len() < RUNS_MAX) {
            let (time, cpu, _) = timed(batch, &mut run)?;
            times.push(time);
            cpus.push(cpu);
            spent += time * batch;
            if first > FEW && times.len() >= self.times {
                break;
            }
        }
        Ok(row(op, &mut times, &mut cpus, batch, &count))
    }
}

/// Times so many transactions, on a fresh state each time; fewer, scaled up, when they are slow.
///
/// # Errors
/// When one of them fails.
pub fn measure_writes<S>(
    op: &str,
    n: usize,
    mut fresh: impl FnMut() -> Result<S>,
    mut step: impl FnMut(&mut S, usize) -> Result<()>,
    check: impl Fn(&S) -> Result<Value>,
) -> Result<Value> {
    let mut run = |steps: usize| -> Result<(Duration, Duration, S)> {
        let mut state = fresh()?;
        let (begun, cpu) = (Instant::now(), cpu_time());
        (0..steps).try_for_each(|index| step(&mut state, index))?;
        Ok((begun.elapsed(), cpu_time().saturating_sub(cpu), state))
    };
    let probe = n.min(300);
    let expected = run(probe)?.0.mul_f64(n as f64 / probe as f64);
    let steps = match expected <= WRITES {
        true => n,
        false => probe.max((n as f64 * WRITES.as_secs_f64() / expected.as_secs_f64()) as usize),
    };
    let rounds = if expected > WRITES / 2 { 1 } else { 3 };
    let (mut times, mut cpus, mut count) = (Vec::new(), Vec::new(), Value::Null);
    for _ in 0..rounds {
        let (time, cpu, state) = run(steps)?;
        times.push(time.mul_f64(n as f64 / steps as f64));
        cpus.push(cpu.mul_f64(n as f64 / steps as f64));
        count = check(&state)?;
    }
    let mut row = row(op, &mut times, &mut cpus, 1, &count);
    if steps < n {
        row["partial"] = json!(format!("{steps}/{n}"));
        row["count"] = Value::Null;
    }
    Ok(row)
}

fn timed(
    batch: u32,
    run: &mut impl FnMut() -> Result<Value>,
) -> Result<(Duration, Duration, Value)> {
    let (begun, cpu) = (Instant::now(), cpu_time());
    let mut count = Value::Null;
    for _ in 0..batch {
        count = run()?;
    }
    let (time, cpu) = (begun.elapsed(), cpu_time().saturating_sub(cpu));
    Ok((time / batch, cpu / batch, count))
}

fn batch_of(best: Duration) -> u32 {
    let runs = BATCH.as_secs_f64() / best.as_secs_f64().max(1e-7);
    runs.ceil().clamp(1.0, 1e6) as u32
}

/// What all threads of the process have run so far.
fn cpu_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn row(
    op: &str,
    times: &mut [Duration],
    cpus: &mut [Duration],
    batch: u32,
    count: &Value,
) -> Value {
    times.sort_unstable();
    cpus.sort_unstable();
    let millis = |times: &[Duration], at: usize| times[at].as_secs_f64() * 1e3;
    json!({
        "op": op,
        "ms": millis(times, times.len() / 2),
        "min_ms": millis(times, 0),
        "cpu_ms": millis(cpus, cpus.len() / 2),
        "runs": times.len() * batch as usize,
        "count": count,
    })
}
