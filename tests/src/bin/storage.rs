//! The benchmarks of storage. Loads data sets where they are missing, measures them, and prints
//! the tables; see tests/RESULTS.md.
//!
//! ```text
//! storage [--datoms 1M[,10M,…][,packages]] [--only NAME[,NAME…]] [--folder DIR] [--out FILE]
//! ```
//!
//! The names are load, size, lookup, scan, reader, verify, steady and day. What earlier runs have found is
//! kept in the folder, and is in the tables until it is measured again.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what this program does")]

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use duramen_tests::bench::arguments::Arguments;
use duramen_tests::bench::data_set::{DataSet, Place};
use duramen_tests::bench::measure::{Effort, Measurement};
use duramen_tests::bench::process;
use duramen_tests::bench::report::{Figure, Report};

fn main() -> Result<()> {
    // Load what is loaded already; measure in this process and print the figures alone.
    let (mut again, mut child) = (false, false);
    let arguments = Arguments::parse(std::env::args().skip(1), &Measurement::ALL, |word| {
        let flag = match word {
            "--again" => &mut again,
            "--child" => &mut child,
            _ => return false,
        };
        *flag = true;
        true
    })?;
    if child {
        return measure(&arguments);
    }
    std::fs::create_dir_all(&arguments.folder)?;
    let results = arguments.folder.join("results.json");
    for &data in &arguments.data {
        for &measurement in &arguments.only {
            let place = Place::new(data, &arguments.folder);
            if measurement == Measurement::Load && place.is_loaded() && !again {
                continue;
            }
            eprintln!("{data} {measurement}");
            let figures = in_a_process(data, measurement, &arguments.folder)?;
            let mut report = Report::read(&results)?;
            report.add(measurement.title(), &data.title(), figures);
            report.write(&results)?;
        }
    }
    let text = format!("On {}.\n{}", process::machine(), Report::read(&results)?.to_markdown());
    if let Some(text) = arguments.publish(text)? {
        println!("{text}");
    }
    Ok(())
}

/// One measurement, here.
fn measure(arguments: &Arguments<Measurement>) -> Result<()> {
    let ([data], [measurement]) = (&arguments.data[..], &arguments.only[..]) else {
        bail!("a child makes one measurement");
    };
    let place = Place::new(*data, &arguments.folder);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(async { measurement.make(&place, Effort::Full).await })?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// One measurement, by a process of its own.
fn in_a_process(data: DataSet, measurement: Measurement, folder: &Path) -> Result<Vec<Figure>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", "--datoms", &data.to_string(), "--only", &measurement.to_string()]);
    let output = command.arg("--folder").arg(folder).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{data} {measurement} failed: {}", output.status);
    serde_json::from_slice(&output.stdout).context("the figures of a child")
}
