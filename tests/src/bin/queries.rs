//! The benchmarks of queries. Loads data sets where they are missing, asks about them, and prints
//! the tables; see tests/RESULTS.md.
//!
//! ```text
//! queries [--datoms 1M[,10M,…][,packages]] [--only NAME[,NAME…]] [--folder DIR] [--out FILE]
//! ```
//!
//! The names are rounds, ratios and points. The data sets are those of the benchmarks of storage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what this program does")]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use duramen_tests::bench::data_set::{DataSet, Place};
use duramen_tests::bench::measure::Effort;
use duramen_tests::bench::process;
use duramen_tests::bench::queries::Part;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    std::fs::create_dir_all(&arguments.folder)?;
    let mut text = format!("On {}.\n", process::machine());
    for part in arguments.only {
        for data in &arguments.data {
            eprintln!("{data} {part}");
            let place = Place::new(*data, &arguments.folder);
            text += &part.measure(&place, Effort::Full).await?;
        }
    }
    match &arguments.out {
        Some(path) => write(path, &text),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

struct Arguments {
    data: Vec<DataSet>,
    only: Vec<Part>,
    folder: PathBuf,
    out: Option<PathBuf>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            data: vec![DataSet::People(1_000_000)],
            only: Part::ALL.to_vec(),
            folder: PathBuf::from("target/bench"),
            out: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--datoms" => arguments.data = list(&value()?)?,
                "--only" => arguments.only = list(&value()?)?,
                "--folder" => arguments.folder = value()?.into(),
                "--out" => arguments.out = Some(value()?.into()),
                _ => bail!("{word} is not expected: see the head of this file"),
            }
        }
        Ok(arguments)
    }
}

fn list<T: std::str::FromStr<Err = anyhow::Error>>(words: &str) -> Result<Vec<T>> {
    words.split(',').map(str::parse).collect()
}
