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

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use duramen_tests::bench::data_set::{DataSet, Place};
use duramen_tests::bench::measure::{Effort, Measurement};
use duramen_tests::bench::process;
use duramen_tests::bench::report::{Figure, Report};

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    if arguments.child {
        return measure(&arguments);
    }
    std::fs::create_dir_all(&arguments.folder)?;
    let results = arguments.folder.join("results.json");
    for &data in &arguments.data {
        for &measurement in &arguments.only {
            let place = Place::new(data, &arguments.folder);
            if measurement == Measurement::Load && place.is_loaded() && !arguments.again {
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
    match &arguments.out {
        Some(path) => std::fs::write(path, text).with_context(|| path.display().to_string()),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

struct Arguments {
    data: Vec<DataSet>,
    only: Vec<Measurement>,
    folder: PathBuf,
    out: Option<PathBuf>,
    /// Load what is loaded already.
    again: bool,
    /// Measure in this process and print the figures alone.
    child: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            data: vec![DataSet::People(1_000_000)],
            only: Measurement::ALL.to_vec(),
            folder: PathBuf::from("target/bench"),
            out: None,
            again: false,
            child: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--datoms" => arguments.data = list(&value()?)?,
                "--only" => arguments.only = list(&value()?)?,
                "--folder" => arguments.folder = value()?.into(),
                "--out" => arguments.out = Some(value()?.into()),
                "--again" => arguments.again = true,
                "--child" => arguments.child = true,
                _ => bail!("{word} is not expected: see the head of this file"),
            }
        }
        Ok(arguments)
    }
}

fn list<T: std::str::FromStr<Err = anyhow::Error>>(words: &str) -> Result<Vec<T>> {
    words.split(',').map(str::parse).collect()
}

/// One measurement, here.
fn measure(arguments: &Arguments) -> Result<()> {
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
