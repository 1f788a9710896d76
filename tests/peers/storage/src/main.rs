//! Duramen's storage beside SlateDB and SQLite: the same facts, loaded, looked up and scanned in
//! one run on one machine. See the README beside it.
//!
//!   duramen-peers-storage [--datoms 1M] [--folder DIR] [--out FILE]

mod duramen;
mod engine;
mod key;
mod slate;
mod sqlite;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use duramen_tests::bench::data_set::DataSet;
use duramen_tests::bench::process;
use duramen_tests::bench::report::{Figure, Report};

use crate::engine::Engine;

const ENGINES: [&str; 3] = [duramen::Duramen::NAME, slate::Slate::NAME, sqlite::Sqlite::NAME];

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    if let Some(engine) = &arguments.engine {
        return measure(engine, &arguments);
    }
    std::fs::create_dir_all(&arguments.folder)?;
    let mut report = Report::default();
    for data in &arguments.data {
        let mut figures = Vec::new();
        for engine in ENGINES {
            eprintln!("{data} {engine}");
            figures.push(in_a_process(engine, *data, &arguments.folder)?);
        }
        for (engine, of_engine) in ENGINES.into_iter().zip(&figures) {
            report.add(&data.title(), engine, of_engine.clone());
            if engine != ENGINES[0] {
                let name = format!("{engine} / {}", ENGINES[0]);
                report.add(&data.title(), &name, ratios(of_engine, &figures[0]));
            }
        }
    }
    let text = format!("On {}.\n{}", process::machine(), report.to_markdown());
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
    folder: PathBuf,
    out: Option<PathBuf>,
    /// Measure this one in this process, and print the figures alone.
    engine: Option<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            data: vec![DataSet::People(1_000_000)],
            folder: PathBuf::from("target/bench-peers"),
            out: None,
            engine: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--datoms" => {
                    arguments.data = value()?.split(',').map(str::parse).collect::<Result<_>>()?;
                }
                "--folder" => arguments.folder = value()?.into(),
                "--out" => arguments.out = Some(value()?.into()),
                "--engine" => arguments.engine = Some(value()?),
                _ => bail!("{word} is not expected: see the head of this file"),
            }
        }
        Ok(arguments)
    }
}

/// One engine, here.
fn measure(engine: &str, arguments: &Arguments) -> Result<()> {
    let [data] = arguments.data[..] else { bail!("an engine is measured with one data set") };
    let folder = arguments.folder.join(format!("{engine}-{data}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        match engine {
            duramen::Duramen::NAME => engine::measure::<duramen::Duramen>(&folder, data).await,
            slate::Slate::NAME => engine::measure::<slate::Slate>(&folder, data).await,
            sqlite::Sqlite::NAME => engine::measure::<sqlite::Sqlite>(&folder, data).await,
            _ => bail!("{engine} is not known"),
        }
    })?;
    std::fs::remove_dir_all(&folder)?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// One engine, by a process of its own.
fn in_a_process(engine: &str, data: DataSet, folder: &Path) -> Result<Vec<Figure>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--engine", engine, "--datoms", &data.to_string()]);
    let output = command.arg("--folder").arg(folder).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{engine} failed: {}", output.status);
    serde_json::from_slice(&output.stdout).context("the figures of a child")
}

/// Figures against those of Duramen.
fn ratios(figures: &[Figure], ours: &[Figure]) -> Vec<Figure> {
    let ratio = |(figure, own): (&Figure, &Figure)| Figure {
        value: figure.value / own.value,
        ..figure.clone()
    };
    figures.iter().zip(ours).map(ratio).collect()
}
