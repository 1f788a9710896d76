//! Runs conformance cases: `conformance FOLDER [NAME-PREFIX] [--memory]`.
//!
//! Each case runs over databases in a temporary folder, written by a transactor and read by a
//! reader of their own; with `--memory` over databases in memory. Prints a line for each case and
//! `N passed, N failed, N skipped` last; fails when a case does.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use duramen_tests::conformance::case::Suite;
use duramen_tests::conformance::place::Place;
use duramen_tests::conformance::run::{Verdict, run};

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a program that prints its report")]
async fn main() -> Result<ExitCode> {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let usage = "usage: conformance FOLDER [NAME-PREFIX] [--memory]";
    let suite = Suite::read(&PathBuf::from(arguments.first().context(usage)?))?;
    let prefix = arguments.get(1).map_or("", String::as_str);
    let folder = tempfile::tempdir()?;
    let place = match flags.as_slice() {
        [] => Place::folder(folder.path())?,
        [memory] if memory == "--memory" => Place::Memory,
        _ => anyhow::bail!(usage),
    };
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in suite.cases.iter().filter(|case| case.name.starts_with(prefix)) {
        match run(&suite, case, &place).await {
            Verdict::Passed => {
                passed += 1;
                println!("pass {}", case.name);
            }
            Verdict::Failed(reason) => {
                failed += 1;
                println!("FAIL {}: {reason}", case.name);
            }
            Verdict::Skipped(reason) => {
                skipped += 1;
                println!("skip {}: {reason}", case.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
