//! Runs conformance cases: `conformance FOLDER [NAME-PREFIX]`.
//!
//! Prints a line for each case and `N passed, N failed, N skipped` last; fails when a case does.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use duramen_tests::conformance::case::Suite;
use duramen_tests::conformance::run::{Verdict, run};

#[allow(clippy::print_stdout, reason = "a program that prints its report")]
fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("usage: conformance FOLDER [NAME-PREFIX]")?;
    let prefix = arguments.next().unwrap_or_default();
    let suite = Suite::read(&PathBuf::from(folder))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in suite.cases.iter().filter(|case| case.name.starts_with(&prefix)) {
        match runtime.block_on(run(&suite, case)) {
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
