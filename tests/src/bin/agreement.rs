//! Asks the query engine and a naive evaluator the same, in parallel, until there have been enough
//! queries or enough minutes:
//!
//! ```text
//! agreement [--queries N] [--minutes M] [--seed S] [--jobs J]
//! agreement --seed S --world W [--query Q]
//! ```
//!
//! Prints the seed, now and then how far it is, and the first query on which the two differ, with as
//! little data as still shows it; fails when there is one. With a seed everything happens again;
//! with the number of a world only that one is asked.

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

#[path = "../../../reader-sdk/query/tests/agreement/check/mod.rs"]
mod check;

use check::case::{Tally, ask_world};

/// Building a world takes as long as a few dozen queries.
const QUERIES_PER_WORLD: u64 = 40;
const REPORT_EVERY: Duration = Duration::from_secs(10);

struct Arguments {
    seed: u64,
    queries: u64,
    until: Option<Duration>,
    jobs: usize,
    world: Option<u64>,
    query: Option<u64>,
}

impl Arguments {
    fn read() -> Result<Self> {
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut read = Self {
            seed: (nanos % 1_000_000_007) as u64,
            queries: u64::MAX,
            until: None,
            jobs,
            world: None,
            query: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{name} takes a number"))?;
            let number: u64 = value.parse().with_context(|| format!("{name} {value}"))?;
            match name.as_str() {
                "--seed" => read.seed = number,
                "--queries" => read.queries = number,
                "--minutes" => read.until = Some(Duration::from_secs(60 * number)),
                "--jobs" => read.jobs = usize::try_from(number)?.max(1),
                "--world" => read.world = Some(number),
                "--query" => read.query = Some(number),
                _ => bail!("no option {name}: see the top of agreement.rs"),
            }
        }
        if read.until.is_none() && read.queries == u64::MAX {
            read.queries = 200_000;
        }
        Ok(read)
    }

    fn queries_of_world(&self) -> Range<u64> {
        self.query.map_or(0..QUERIES_PER_WORLD, |query| query..query + 1)
    }
}

/// What the workers share.
struct Progress {
    started: Instant,
    next: AtomicU64,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    asked: u64,
    reported: Instant,
    difference: Option<String>,
}

impl Progress {
    /// The world to ask next; none when it is enough.
    fn world(&self, arguments: &Arguments) -> Option<u64> {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let enough = state.difference.is_some()
            || state.asked >= arguments.queries
            || arguments.until.is_some_and(|until| self.started.elapsed() >= until);
        (!enough).then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }

    #[allow(clippy::print_stdout, reason = "a program that prints its report")]
    fn add(&self, tally: Tally, asked: u64, difference: Option<String>) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.tally = state.tally + tally;
        state.asked += asked;
        if state.difference.is_none() {
            state.difference = difference;
        }
        if state.reported.elapsed() >= REPORT_EVERY {
            state.reported = Instant::now();
            println!("{:5} s: {}", self.started.elapsed().as_secs(), state.tally);
        }
    }
}

fn work(arguments: &Arguments, progress: &Progress) {
    while let Some(world) = progress.world(arguments) {
        let queries = arguments.queries_of_world();
        let asked = queries.end - queries.start;
        let mut tally = Tally::default();
        let difference = ask_world(arguments.seed, world, queries, &mut tally);
        progress.add(tally, asked, difference);
    }
}

#[allow(clippy::print_stdout, reason = "a program that prints its report")]
fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::read()?;
    println!("seed {}", arguments.seed);
    if arguments.world.is_some() {
        (arguments.queries, arguments.jobs) = (1, 1);
    }
    let started = Instant::now();
    let state = State { tally: Tally::default(), asked: 0, reported: started, difference: None };
    let next = AtomicU64::new(arguments.world.unwrap_or(0));
    let progress = Progress { started, next, state: Mutex::new(state) };
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| work(&arguments, &progress));
        }
    });
    let state = progress.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{} in {} s, seed {}", state.tally, started.elapsed().as_secs(), arguments.seed);
    match state.difference {
        None => Ok(ExitCode::SUCCESS),
        Some(difference) => {
            println!("\nthe two differ:\n{difference}");
            Ok(ExitCode::FAILURE)
        }
    }
}
