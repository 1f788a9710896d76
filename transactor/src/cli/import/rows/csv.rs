//! Comma-separated values (RFC 4180), with a header.

use std::fs::File;
use std::sync::Arc;

use csv::{Error, ErrorKind, StringRecord};

use super::{BadRow, ReadRow, Row};
use crate::cli::import::cell::Cell;

/// Reads rows. The text of a cell says nothing of its type; an empty cell is none.
pub(super) struct Reader {
    reader: csv::Reader<File>,
    columns: Vec<Arc<str>>,
    record: StringRecord,
}

impl Reader {
    /// Reads the header. The error is a message.
    pub(super) fn new(file: File) -> Result<(Self, Vec<Arc<str>>), String> {
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|error| error.to_string())?;
        // Spreadsheets mark UTF-8 with a byte order mark.
        let names = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim());
        let columns: Vec<Arc<str>> = names.map(Arc::from).collect();
        for (place, column) in columns.iter().enumerate() {
            if columns[..place].contains(column) {
                return Err(format!("line 1: there are two columns {column:?}"));
            }
        }
        Ok((Self { reader, columns: columns.clone(), record: StringRecord::new() }, columns))
    }

    pub(super) fn read(&mut self) -> Option<ReadRow> {
        let line = self.reader.position().line();
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(Ok(self.row(line))),
            Err(error) => Some(Err(bad(&error, line))),
        }
    }

    fn row(&self, line: u64) -> Row {
        let line = self.record.position().map_or(line, csv::Position::line);
        let filled = self.columns.iter().zip(&self.record).filter(|(_, text)| !text.is_empty());
        let cells = filled.map(|(column, text)| (Arc::clone(column), vec![Cell::bare(text)]));
        Row { line, end: self.reader.position().byte(), cells: cells.collect() }
    }
}

fn bad(error: &Error, line: u64) -> BadRow {
    let line = error.position().map_or(line, csv::Position::line);
    let message = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells in place of {expected_len}")
        }
        ErrorKind::Utf8 { err, .. } => format!("cell {} is not UTF-8", err.field() + 1),
        _ => error.to_string(),
    };
    BadRow { line, column: None, message }
}
