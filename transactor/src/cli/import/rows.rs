//! The rows of a file.

mod csv;
mod jsonl;

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::cell::Cell;
use crate::cli::arguments::ImportFormat;
use crate::cli::exit::Failure;

/// A row: the columns that it has, each with its cells. Only JSON has more than one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line that it begins in, from 1.
    pub(crate) line: u64,
    /// Where it ends, in bytes of the file.
    pub(crate) end: u64,
    pub(crate) cells: Vec<(Arc<str>, Vec<Cell>)>,
}

/// A row that cannot be loaded. Those after it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) line: u64,
    /// The column in question, if it is one.
    pub(crate) column: Option<String>,
    pub(crate) message: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column:?}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What a row is read as.
pub(crate) type ReadRow = Result<Row, BadRow>;

/// The rows of a file, in order.
pub(crate) struct Rows {
    bytes: u64,
    /// Rows that were looked at already.
    sampled: VecDeque<ReadRow>,
    columns: Vec<Arc<str>>,
    reader: Reader,
}

enum Reader {
    Csv(csv::Reader),
    Jsonl(jsonl::Reader),
}

impl Rows {
    /// Opens a file, and reads the header if it has one.
    pub(crate) fn open(path: &Path, format: Option<ImportFormat>) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| Failure::usage(format!("{name}: {error}"));
        let format = format.or_else(|| of_name(path)).ok_or_else(|| {
            Failure::usage(format!("{name}: neither .csv nor .jsonl: give --format"))
        })?;
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let (reader, columns) = match format {
            ImportFormat::Csv => {
                let wrong = |message| Failure::invalid(format!("{name}: {message}"));
                let (reader, columns) = csv::Reader::new(file).map_err(wrong)?;
                (Reader::Csv(reader), columns)
            }
            ImportFormat::Jsonl => (Reader::Jsonl(jsonl::Reader::new(file)), Vec::new()),
        };
        Ok(Self { bytes, sampled: VecDeque::new(), columns, reader })
    }

    /// The length of the file.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The columns of the header, or else of the sample, in the order in which they were met.
    pub(crate) fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// Looks at the first rows that can be read. They come again.
    pub(crate) fn sample(&mut self, rows_max: usize) -> Vec<Row> {
        while self.sampled.len() < rows_max {
            let Some(row) = self.read() else { break };
            self.sampled.push_back(row);
        }
        let rows: Vec<Row> = self.sampled.iter().filter_map(|row| row.clone().ok()).collect();
        if let Reader::Jsonl(_) = self.reader {
            for (column, _) in rows.iter().flat_map(|row| &row.cells) {
                if !self.columns.contains(column) {
                    self.columns.push(Arc::clone(column));
                }
            }
        }
        rows
    }

    fn read(&mut self) -> Option<ReadRow> {
        match &mut self.reader {
            Reader::Csv(reader) => reader.read(),
            Reader::Jsonl(reader) => reader.read(),
        }
    }
}

impl Iterator for Rows {
    type Item = ReadRow;

    fn next(&mut self) -> Option<ReadRow> {
        self.sampled.pop_front().or_else(|| self.read())
    }
}

fn of_name(path: &Path) -> Option<ImportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, content: &str) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut rows = Rows::open(&path, None).unwrap();
        rows.sample(2);
        let columns = rows.columns().iter().map(ToString::to_string).collect();
        (columns, rows.map(shown).collect())
    }

    fn shown(row: ReadRow) -> String {
        let cell = |cell: &Cell| format!("{}{}", cell.text, if cell.quoted { "'" } else { "" });
        match row {
            Ok(row) => {
                let cells = row.cells.iter().map(|(column, cells)| {
                    format!("{column}={}", cells.iter().map(cell).collect::<Vec<_>>().join("|"))
                });
                format!("{}: {}", row.line, cells.collect::<Vec<_>>().join(" "))
            }
            Err(bad) => bad.to_string(),
        }
    }

    #[test]
    fn rows_of_csv_have_the_columns_of_the_header() {
        let text = "id,name\n1,\"Ann\nBee\"\n2,\n3\n4,d\n";
        let (columns, rows) = rows("a.csv", text);
        assert_eq!(columns, ["id", "name"]);
        let expected =
            ["2: id=1 name=Ann\nBee", "4: id=2", "line 5: 1 cells in place of 2", "6: id=4 name=d"];
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_of_json_lines_have_columns_of_their_own() {
        let text = "{\"id\":1,\"tags\":[\"a\",\"b\"]}\n\n{\"id\":\"2\",\"on\":true,\"none\":null}\n{\"a\":}\n[]\n{\"o\":{}}";
        let (columns, rows) = rows("a.jsonl", text);
        assert_eq!(columns, ["id", "tags", "on"]);
        assert_eq!(rows[..2], ["1: id=1 tags=a'|b'", "3: id=2' on=true"]);
        assert!(rows[2].starts_with("line 4: "), "{}", rows[2]);
        assert_eq!(rows[3], "line 5: expected an object, found an array");
        assert_eq!(rows[4], "line 6, column \"o\": an object is no value");
    }

    #[test]
    fn a_file_of_unknown_kind_is_refused() {
        assert!(Rows::open(Path::new("a.txt"), None).is_err());
    }
}
