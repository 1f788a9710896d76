//! The package index of this machine as real input: loads it through a transactor, or asks about
//! it from the buckets alone, and prints what that took.
//!
//!   packages load SERVER PACKAGES_TEXT DATABASE
//!   packages load-later SERVER PACKAGES_TEXT DATABASE
//!   packages load-installed SERVER INSTALLED_JSON DATABASE
//!   packages ask PACKAGES_URL INSTALLED_URL PACKAGES_TEXT INSTALLED_JSON FIRST_LOAD_T
#![allow(clippy::print_stdout, reason = "printing is what this program does")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use duramen::{Client, Connection, Db, T};
use duramen_tests::packages::load::{Loaded, load};
use duramen_tests::packages::questions::{Asked, Question};
use duramen_tests::packages::{PackageIndex, transactions};

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["load", server, text, database] => {
            load(server, database, [transactions::SCHEMA.to_owned()].into_iter()).await?;
            let index = read_index(text)?;
            report(&load(server, database, transactions::of_index(&index)).await?)
        }
        ["load-later", server, text, database] => {
            let later = read_index(text)?.later();
            report(&load(server, database, transactions::of_index(&later)).await?)
        }
        ["load-installed", server, json, database] => {
            load(server, database, [transactions::INSTALLED_SCHEMA.to_owned()].into_iter()).await?;
            let all = transactions::of_installed(&read_installed(json)?);
            report(&load(server, database, all.into_iter()).await?)
        }
        ["ask", packages, installed, text, json, first_load] => {
            let before = read_index(text)?;
            let asked = Asked {
                after: &before.later(),
                before: &before,
                installed: &read_installed(json)?,
                first_load: first_load.parse().ok().and_then(T::new).context("FIRST_LOAD_T")?,
            };
            ask_all(packages, installed, &asked).await
        }
        _ => bail!("expected load, load-later, load-installed or ask: see the head of this file"),
    }
}

fn read_index(path: &str) -> Result<PackageIndex> {
    Ok(PackageIndex::parse(&fs::read_to_string(path).context(path.to_owned())?))
}

fn read_installed(path: &str) -> Result<BTreeMap<String, String>> {
    Ok(serde_json::from_str(&fs::read_to_string(path).context(path.to_owned())?)?)
}

fn report(loaded: &Loaded) -> Result<()> {
    let seconds = loaded.took.as_secs_f64();
    println!(
        "loaded transactions={} datoms={} seconds={seconds:.2} datoms-per-second={:.0} t={}",
        loaded.transactions,
        loaded.datoms,
        loaded.datoms as f64 / seconds,
        loaded.t
    );
    Ok(())
}

/// Asks each question twice: by a reader that has just opened the databases, and again.
async fn ask_all(packages: &str, installed: &str, asked: &Asked<'_>) -> Result<()> {
    println!("{:<15} {:>6}  cold: ms, GETs, KiB    warm: ms, GETs, KiB", "question", "rows");
    for question in Question::ALL {
        let client = Client::builder().options_from_env().build();
        let started = Instant::now();
        let (packages, installed) =
            (client.connect(packages).await?, client.connect(installed).await?);
        let (p, i) = (packages.db().await?, installed.db().await?);
        let rows = question.ask(&p, &i, asked).await.with_context(|| format!("{question:?}"))?;
        let cold = Cost::of(started.elapsed(), [&packages, &installed]);
        let warm = again(question, &p, &i, asked).await?;
        let warm = Cost::of(warm, [&packages, &installed]).after(&cold);
        println!("{:<15} {rows:>6}  {cold}    {warm}", format!("{question:?}"));
    }
    Ok(())
}

async fn again(
    question: Question,
    packages: &Db,
    installed: &Db,
    asked: &Asked<'_>,
) -> Result<Duration> {
    let started = Instant::now();
    question.ask(packages, installed, asked).await?;
    Ok(started.elapsed())
}

/// What an answer took, over all connections.
struct Cost {
    took: Duration,
    gets: u64,
    bytes: u64,
}

impl Cost {
    fn of(took: Duration, connections: [&Connection; 2]) -> Self {
        let stats = connections.map(Connection::stats);
        let total = |part: fn(&duramen::Stats) -> u64| stats.iter().map(part).sum();
        Self { took, gets: total(|stats| stats.gets), bytes: total(|stats| stats.bytes) }
    }

    fn after(self, earlier: &Self) -> Self {
        Self { took: self.took, gets: self.gets - earlier.gets, bytes: self.bytes - earlier.bytes }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (ms, kib) = (self.took.as_secs_f64() * 1e3, self.bytes / 1024);
        write!(f, "{ms:>8.1} {:>5} {kib:>7}", self.gets)
    }
}
