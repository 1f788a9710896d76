//! Figures, and the tables that they make.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A figure of one measurement of one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// Its unit, as written behind it.
    pub unit: String,
    /// What it should be.
    pub aim: Option<Aim>,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Aim {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Aim {
    /// Whether a figure reaches it.
    #[must_use]
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Figure {
    /// A figure without an aim.
    #[must_use]
    pub fn new(what: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { what: what.into(), value, unit: unit.to_owned(), aim: None }
    }

    /// The same with a most that it should be.
    #[must_use]
    pub fn at_most(self, most: f64) -> Self {
        Self { aim: Some(Aim::AtMost(most)), ..self }
    }

    /// The same with a least that it should be.
    #[must_use]
    pub fn at_least(self, least: f64) -> Self {
        Self { aim: Some(Aim::AtLeast(least)), ..self }
    }
}

/// The figures of many measurements: by measurement, then by data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    measurements: BTreeMap<String, BTreeMap<String, Vec<Figure>>>,
}

impl Report {
    /// Reads what earlier runs have found; nothing when there was none.
    ///
    /// # Errors
    /// When the file is not a report.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| path.display().to_string()),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Keeps what was found.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?)
            .with_context(|| path.display().to_string())
    }

    /// Takes in a measurement, in place of an earlier one of the same data set.
    pub fn add(&mut self, measurement: &str, data: &str, figures: Vec<Figure>) {
        self.measurements
            .entry(measurement.to_owned())
            .or_default()
            .insert(data.to_owned(), figures);
    }

    /// A figure that was found.
    #[must_use]
    pub fn find(&self, measurement: &str, data: &str, what: &str) -> Option<f64> {
        let figures = self.measurements.get(measurement)?.get(data)?;
        figures.iter().find(|figure| figure.what == what).map(|figure| figure.value)
    }

    /// The tables, in Markdown: one for each measurement, with a column for each data set.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (measurement, columns) in &self.measurements {
            // Writing to a string cannot fail.
            let _ = write_table(&mut text, measurement, columns);
        }
        text
    }
}

fn write_table(
    text: &mut String,
    measurement: &str,
    columns: &BTreeMap<String, Vec<Figure>>,
) -> std::fmt::Result {
    let mut names: Vec<&String> = columns.keys().collect();
    names.sort_by_key(|name| by_size(name));
    writeln!(text, "\n## {measurement}\n")?;
    write!(text, "| | unit | aim |")?;
    names.iter().try_for_each(|name| write!(text, " {name} |"))?;
    write!(text, "\n|---|---|---|")?;
    names.iter().try_for_each(|_| write!(text, "---:|"))?;
    writeln!(text)?;
    for row in rows(columns) {
        write!(
            text,
            "| {} | {} | {} |",
            row.what,
            row.unit,
            row.aim.map(shown_aim).unwrap_or_default()
        )?;
        for name in &names {
            let found = columns[*name].iter().find(|figure| figure.what == row.what);
            write!(text, " {} |", found.map(shown).unwrap_or_default())?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// The figures that some column has, each once, in the order in which they were measured.
fn rows(columns: &BTreeMap<String, Vec<Figure>>) -> Vec<&Figure> {
    let mut rows: Vec<&Figure> = Vec::new();
    for figure in columns.values().flatten() {
        if !rows.iter().any(|row| row.what == figure.what) {
            rows.push(figure);
        }
    }
    rows
}

/// Sorts `people 10 M` behind `people 1 M`.
fn by_size(name: &str) -> (usize, String) {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(usize::MAX), name.to_owned())
}

fn shown_aim(aim: Aim) -> String {
    match aim {
        Aim::AtMost(most) => format!("≤ {}", number(most)),
        Aim::AtLeast(least) => format!("≥ {}", number(least)),
    }
}

/// A figure that misses its aim is printed in bold.
fn shown(figure: &Figure) -> String {
    let value = number(figure.value);
    match figure.aim {
        Some(aim) if !aim.is_met_by(figure.value) => format!("**{value}**"),
        _ => value,
    }
}

/// A number with three digits that count, or all before the point.
pub(super) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 100.0 || value == value.trunc() && magnitude < 1e15 {
        grouped(value.round() as i64)
    } else if magnitude >= 10.0 {
        format!("{value:.1}")
    } else if magnitude >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_column_for_each_data_set() {
        let mut report = Report::default();
        let figure = |value| vec![Figure::new("rounds", value, "").at_most(4.0)];
        report.add("lookup", "people 10 M", figure(5.0));
        report.add("lookup", "people 1 M", figure(1234.0));
        report.add("lookup", "people 1 M", figure(3.0));
        let expected = "\n## lookup\n\n| | unit | aim | people 1 M | people 10 M |\n\
                        |---|---|---|---:|---:|\n| rounds |  | ≤ 4 | 3 | **5** |\n";
        assert_eq!(report.to_markdown(), expected);
        assert_eq!(report.find("lookup", "people 10 M", "rounds"), Some(5.0));
    }

    #[test]
    fn numbers_are_short() {
        let shown = [1_234_567.0, 0.0, 12.34, 1.234, 0.05, -1234.5].map(number);
        assert_eq!(shown, ["1 234 567", "0", "12.3", "1.23", "0.0500", "-1 235"]);
    }
}
