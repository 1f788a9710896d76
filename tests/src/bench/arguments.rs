//! What the programs of the benchmarks are told.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use super::data_set::DataSet;

/// What a program of the benchmarks is told. `P` is what it can be asked for by name.
#[derive(Debug)]
pub struct Arguments<P> {
    /// `--datoms`: the data sets.
    pub data: Vec<DataSet>,
    /// `--only`: what of all that it does.
    pub only: Vec<P>,
    /// `--folder`: where the data sets are kept.
    pub folder: PathBuf,
    /// `--out`: the file that the tables go to, and not to the terminal.
    pub out: Option<PathBuf>,
}

impl<P: FromStr<Err = Error> + Clone> Arguments<P> {
    /// Reads the words of a command line. `flag` takes those that only this program knows, and says
    /// whether it does.
    ///
    /// # Errors
    /// When a word is not known, or a value is missing or wrong.
    pub fn parse(
        mut words: impl Iterator<Item = String>,
        all: &[P],
        mut flag: impl FnMut(&str) -> bool,
    ) -> Result<Self> {
        let mut arguments = Self {
            data: vec![DataSet::People(1_000_000)],
            only: all.to_vec(),
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
                own if flag(own) => {}
                _ => bail!("{word} is not expected: see the head of this file"),
            }
        }
        Ok(arguments)
    }
}

impl<P> Arguments<P> {
    /// Writes the tables to where they are wanted; gives them back if that is the terminal.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, text: String) -> Result<Option<String>> {
        let Some(path) = &self.out else { return Ok(Some(text)) };
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
        Ok(None)
    }
}

fn list<T: FromStr<Err = Error>>(words: &str) -> Result<Vec<T>> {
    words.split(',').map(str::parse).collect()
}
