//! The benchmarks of queries. Loads data sets where they are missing, asks about them, and prints
//! the tables; see tests/RESULTS.md.
//!
//! ```text
//! queries [--datoms 1M[,10M,…][,packages]] [--only NAME[,NAME…]] [--folder DIR] [--out FILE]
//! ```
//!
//! The names are rounds, ratios and points. The data sets are those of the benchmarks of storage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what this program does")]

use anyhow::Result;
use duramen_tests::bench::arguments::Arguments;
use duramen_tests::bench::data_set::Place;
use duramen_tests::bench::measure::Effort;
use duramen_tests::bench::process;
use duramen_tests::bench::queries::Part;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1), &Part::ALL, |_| false)?;
    std::fs::create_dir_all(&arguments.folder)?;
    let mut text = format!("On {}.\n", process::machine());
    for part in &arguments.only {
        for data in &arguments.data {
            eprintln!("{data} {part}");
            let place = Place::new(*data, &arguments.folder);
            text += &part.measure(&place, Effort::Full).await?;
        }
    }
    if let Some(text) = arguments.publish(text)? {
        println!("{text}");
    }
    Ok(())
}
