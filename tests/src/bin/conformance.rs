//! Runs conformance cases: `conformance FOLDER [NAME-PREFIX] [--memory | --split SEED]`.
//!
//! Each case runs over databases in a temporary folder, written by a transactor and read by a
//! reader of their own; with `--memory` over databases in memory; with `--split` over databases that
//! are split between checkpoint, runs, segments and tail in another way for each case and seed.
//! Prints a line for each case and `N passed, N failed, N skipped` last; fails when a case does.
//!
//! A case that fails is passed over where `tests/conformance/deviations.txt` gives the reason why this
//! database does something else, by its documentation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use duramen_tests::bench::random::mix;
use duramen_tests::conformance::case::{Case, Suite};
use duramen_tests::conformance::place::Place;
use duramen_tests::conformance::run::{Verdict, run};

const USAGE: &str = "usage: conformance FOLDER [NAME-PREFIX] [--memory | --split SEED]";

/// Names of cases, and why they fail: `NAME: reason` on each line.
const DEVIATIONS: &str = include_str!("../../conformance/deviations.txt");

/// Where databases are kept.
enum Kind {
    Memory,
    Folder,
    Split(u64),
}

struct Arguments {
    folder: PathBuf,
    prefix: String,
    kind: Kind,
}

impl Arguments {
    fn read() -> Result<Self> {
        let (mut plain, mut kind) = (Vec::new(), Kind::Folder);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--memory" => kind = Kind::Memory,
                "--split" => {
                    let seed = arguments.next().context(USAGE)?;
                    kind = Kind::Split(seed.parse().context("the seed is a number")?);
                }
                other if other.starts_with("--") => bail!(USAGE),
                _ => plain.push(argument),
            }
        }
        let mut plain = plain.into_iter();
        let folder = PathBuf::from(plain.next().context(USAGE)?);
        Ok(Self { folder, prefix: plain.next().unwrap_or_default(), kind })
    }
}

fn deviations() -> BTreeMap<&'static str, &'static str> {
    let lines = DEVIATIONS.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": ")).collect()
}

/// How the cases came out.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a program that prints its report")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::read()?;
    let suite = Suite::read(&arguments.folder)?;
    let folder = tempfile::tempdir()?;
    let shared = match arguments.kind {
        Kind::Memory => Some(Place::Memory),
        Kind::Folder => Some(Place::folder(folder.path())?),
        Kind::Split(_) => None,
    };
    let mut count = Count::default();
    for (number, case) in suite.cases.iter().enumerate() {
        if !case.name.starts_with(&arguments.prefix) {
            continue;
        }
        let verdict = match (&shared, &arguments.kind) {
            (Some(place), _) => run(&suite, case, place).await,
            (None, Kind::Split(seed)) => split(&suite, case, folder.path(), *seed, number).await?,
            (None, _) => unreachable!("other kinds share a place"),
        };
        println!("{}", count.add(case, verdict));
    }
    let Count { passed, failed, skipped } = count;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a case in a folder of its own.
async fn split(
    suite: &Suite,
    case: &Case,
    folder: &Path,
    seed: u64,
    number: usize,
) -> Result<Verdict> {
    let folder = folder.join(number.to_string());
    std::fs::create_dir(&folder)?;
    let place = Place::split(&folder, mix(seed) ^ number as u64)?;
    let verdict = run(suite, case, &place).await;
    place.close().await;
    // What a merge still writes meanwhile goes with the folder around it.
    drop(std::fs::remove_dir_all(&folder));
    Ok(verdict)
}

impl Count {
    /// Counts a case; the line that says what came of it.
    fn add(&mut self, case: &Case, verdict: Verdict) -> String {
        let name = &case.name;
        match (verdict, deviations().get(name.as_str())) {
            (Verdict::Passed, _) => {
                self.passed += 1;
                format!("pass {name}")
            }
            (Verdict::Failed(_), Some(reason)) => {
                self.skipped += 1;
                format!("skip {name}: {reason}")
            }
            (Verdict::Failed(reason), None) => {
                self.failed += 1;
                format!("FAIL {name}: {reason}")
            }
            (Verdict::Skipped(reason), _) => {
                self.skipped += 1;
                format!("skip {name}: {reason}")
            }
        }
    }
}
