//! Duramen's part in a comparison of databases on one workload.
//!
//! ```text
//! peer-bench [mem|rows] bench   DATA WORK OUT.json [--ops a,b,...]   times operations
//! peer-bench [mem|rows] bench   DATA WORK OUT.json --exactly N OP    runs one N times
//! peer-bench [mem|rows] serve   DATA WORK                            times operations that it is told
//! peer-bench            packages DATA                                exports the package index
//! peer-bench            load    DATA WORK OUT.json                   fills WORK/main
//! peer-bench            cold    DATA WORK OUT.json                   opens WORK/main, one point query
//! peer-bench            durable DATA WORK OUT.json                   one durable transaction after the other
//! ```
//!
//! `mem` keeps the people in memory, `rows` takes answers as rows and not as columns.
//!
//! `serve` reads lines of `OPERATION WARM BUDGET`, the times in milliseconds, and answers each with a
//! line of JSON; a first line says that the data are loaded. So one who asks several databases in
//! turn has them all measured under the same conditions. Where DATA holds the package index, it is
//! asked about that, and about people otherwise.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use duramen::{EntityRef, KeyRange, Keyword, Value};
use duramen_tests::bench::process::memory_peak;
use duramen_tests::peer::clock::Clock;
use duramen_tests::peer::operations::{GRAPHS, Operations, QUERIES, WRITES, names};
use duramen_tests::peer::packages::{self, Packages};
use duramen_tests::peer::results::Results;
use duramen_tests::peer::system::{Folder, State};
use duramen_tests::peer::workload::Workload;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

/// As in the program that users have: large answers come and go, and their memory is kept.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whose age is asked for after a cold start.
const POINT: u64 = 777;
/// How long durable transactions are counted.
const DURABLE: Duration = Duration::from_secs(5);
const USAGE: &str =
    "peer-bench [mem|rows] bench|load|cold|durable DATA WORK OUT.json [--ops a,b,...]
peer-bench [mem|rows] bench DATA WORK OUT.json --exactly TIMES OPERATION
peer-bench [mem|rows] serve DATA WORK
peer-bench packages DATA";

fn main() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut begins_with = |word: &str| {
        let begins = words.first().is_some_and(|first| first == word);
        words.drain(..usize::from(begins));
        begins
    };
    let in_memory = begins_with("mem");
    let results = if begins_with("rows") { Results::Rows } else { Results::Columns };
    if let [command, data] = &words[..]
        && command == "packages"
    {
        return Runtime::new()?.block_on(packages::export(Path::new(data)));
    }
    let [command, data, work, rest @ ..] = &words[..] else { bail!(USAGE) };
    let (out, options) = match (command.as_str(), rest) {
        ("serve", []) => ("", rest),
        (_, [out, options @ ..]) => (out.as_str(), options),
        _ => bail!(USAGE),
    };
    let run = Run {
        name: if in_memory { "duramen-mem" } else { "duramen" },
        in_memory,
        results,
        data: data.into(),
        work: work.into(),
        out: out.into(),
        runtime: Runtime::new()?,
    };
    std::fs::create_dir_all(&run.work)?;
    match (command.as_str(), options) {
        ("bench", []) => run.bench([&WRITES[..], &QUERIES, &GRAPHS].concat(), Clock::default()),
        ("bench", [_, ops]) => run.bench(ops.split(',').collect(), Clock::default()),
        ("bench", [_, times, op]) => {
            let exactly = Some(times.parse().context("how many times")?);
            run.bench(vec![op], Clock { exactly, ..Clock::default() })
        }
        ("serve", _) => run.serve(),
        ("load", _) => run.load(),
        ("cold", _) => run.cold(),
        ("durable", _) => run.durable(),
        _ => bail!(USAGE),
    }
}

struct Run {
    name: &'static str,
    in_memory: bool,
    results: Results,
    data: PathBuf,
    work: PathBuf,
    out: PathBuf,
    runtime: Runtime,
}

impl Run {
    fn bench(&self, ops: Vec<&str>, clock: Clock) -> Result<()> {
        if packages::are_in(&self.data) {
            let index = Packages::open(&self.runtime, &self.data)?;
            let rows: Result<Vec<Json>> =
                ops.iter().map(|op| index.run(op, self.results, clock)).collect();
            return self.save(&rows?);
        }
        let (workload, folder) = (Workload::read(&self.data)?, self.main());
        if !self.in_memory && !folder.is_loaded() {
            self.runtime.block_on(folder.load(&workload))?;
        }
        let place = (!self.in_memory).then_some(&folder);
        let mut operations = Operations::new(&self.runtime, &workload, place, self.results, clock);
        let mut rows = Vec::new();
        for op in ops {
            let row = match operations.run(op) {
                Ok(None) => continue,
                Ok(Some(row)) => row,
                Err(error) => json!({ "op": op, "error": format!("{error:#}") }),
            };
            rows.push(row);
            self.save(&rows)?;
        }
        rows.push(json!({ "op": "rss-mb", "value": memory_mib() }));
        self.save(&rows)
    }

    fn serve(&self) -> Result<()> {
        if packages::are_in(&self.data) {
            let index = Packages::open(&self.runtime, &self.data)?;
            return answer(|op, clock| index.run(op, self.results, clock).map(Some));
        }
        let (workload, folder) = (Workload::read(&self.data)?, self.main());
        if !self.in_memory && !folder.is_loaded() {
            self.runtime.block_on(folder.load(&workload))?;
        }
        let place = (!self.in_memory).then_some(&folder);
        let mut operations =
            Operations::new(&self.runtime, &workload, place, self.results, Clock::default());
        answer(|op, clock| {
            operations.set_clock(clock);
            operations.run(op)
        })
    }

    fn load(&self) -> Result<()> {
        let (workload, folder) = (Workload::read(&self.data)?, self.main());
        let begun = Instant::now();
        self.runtime.block_on(folder.load(&workload))?;
        let seconds = begun.elapsed().as_secs_f64();
        self.save(&[
            json!({ "op": "load-s", "value": seconds }),
            json!({ "op": "disk-bytes", "value": folder.bytes()? }),
            json!({ "op": "load-rss-mb", "value": memory_mib() }),
        ])
    }

    fn cold(&self) -> Result<()> {
        let begun = Instant::now();
        let state = self.runtime.block_on(self.main().open())?;
        let opened = begun.elapsed();
        let age = self.runtime.block_on(age(&state))?;
        self.save(&[
            json!({ "op": "open-ms", "value": opened.as_secs_f64() * 1e3 }),
            json!({ "op": "point-answer", "value": age }),
            json!({ "op": "open+point-ms", "value": begun.elapsed().as_secs_f64() * 1e3 }),
        ])
    }

    fn durable(&self) -> Result<()> {
        let people = Workload::read(&self.data)?.people;
        let folder = Folder::new(&std::path::absolute(&self.work)?, "durable");
        let (count, took, db) = self.runtime.block_on(folder.commit(&people, DURABLE))?;
        let all_there = self.runtime.block_on(names(&db))? == count as u64;
        let rate = count as f64 / took.as_secs_f64();
        self.save(&[
            json!({ "op": "durable-tx/s", "value": rate, "n": count, "all-there": all_there }),
        ])
    }

    fn main(&self) -> Folder {
        // Absolute, because it becomes a URL.
        let work = std::path::absolute(&self.work).unwrap_or_else(|_| self.work.clone());
        Folder::new(&work, "main")
    }

    fn save(&self, rows: &[Json]) -> Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let out = json!({ "peer": self.name, "version": version, "rows": rows });
        write(&self.out, &serde_json::to_string_pretty(&out)?)
    }
}

/// Answers the lines that it is told.
fn answer(mut run: impl FnMut(&str, Clock) -> Result<Option<Json>>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "ready": env!("CARGO_PKG_VERSION") }))?;
    for line in std::io::stdin().lock().lines() {
        let answer = told(&line?).and_then(|(op, clock)| run(&op, clock));
        let answer = match answer {
            Ok(row) => row.unwrap_or_else(|| json!({ "absent": true })),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

/// The operation of a line, and how it is to be timed.
fn told(line: &str) -> Result<(String, Clock)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [op, warm, budget] = words[..] else { bail!("not OPERATION WARM BUDGET: {line}") };
    let millis = |text: &str| anyhow::Ok(Duration::from_millis(text.parse()?));
    // There are other rounds, so one time will do in each.
    let clock = Clock { warm: millis(warm)?, budget: millis(budget)?, times: 1, exactly: None };
    Ok((op.to_owned(), clock))
}

async fn age(state: &State) -> Result<i64> {
    let a = state.db.attribute(&Keyword::new("age").into()).context("an attribute")?.id;
    let e = state.db.entity_of(&EntityRef::Id(state.entity(POINT)?)).await?.context("a person")?;
    let datoms = state.db.datoms(&KeyRange::entity(e).with_a(a)).await?;
    match datoms.first().map(|datom| &datom.v) {
        Some(Value::Long(age)) => Ok(*age),
        other => bail!("an age was expected, not {other:?}"),
    }
}

fn memory_mib() -> f64 {
    memory_peak().unwrap_or(0) as f64 / f64::from(1 << 20)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
