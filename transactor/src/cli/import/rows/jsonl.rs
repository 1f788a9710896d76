//! JSON Lines: an object a line.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{BadRow, ReadRow, Row};
use crate::cli::import::cell::Cell;

/// The longest line.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Reads rows. A null is no cell, an array is several.
pub(super) struct Reader {
    file: BufReader<File>,
    line: u64,
    end: u64,
    /// The names met so far, each kept once.
    columns: HashSet<Arc<str>>,
    failed: bool,
}

impl Reader {
    pub(super) fn new(file: File) -> Self {
        let file = BufReader::new(file);
        Self { file, line: 0, end: 0, columns: HashSet::new(), failed: false }
    }

    pub(super) fn read(&mut self) -> Option<ReadRow> {
        loop {
            let text = match self.next_line()? {
                Ok(text) => text,
                Err(message) => {
                    // Where the next line begins is not known.
                    self.failed = true;
                    return Some(Err(bad(self.line, None, message)));
                }
            };
            if !text.iter().all(u8::is_ascii_whitespace) {
                return Some(self.row(&text));
            }
        }
    }

    fn next_line(&mut self) -> Option<Result<Vec<u8>, String>> {
        if self.failed {
            return None;
        }
        self.line += 1;
        let mut text = Vec::new();
        match self.file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text) {
            Ok(0) => None,
            Ok(length) if length as u64 == LINE_BYTES_MAX => {
                Some(Err(format!("the line is longer than {LINE_BYTES_MAX} bytes")))
            }
            Ok(length) => {
                self.end += length as u64;
                Some(Ok(text))
            }
            Err(error) => Some(Err(error.to_string())),
        }
    }

    fn row(&mut self, text: &[u8]) -> ReadRow {
        let line = self.line;
        let object = object(text).map_err(|message| bad(line, None, message))?;
        let mut row =
            Row { line: self.line, end: self.end, cells: Vec::with_capacity(object.len()) };
        for (name, value) in object {
            let cells = cells(value).map_err(|message| bad(line, Some(&name), message))?;
            if !cells.is_empty() {
                row.cells.push((self.column(&name), cells));
            }
        }
        Ok(row)
    }

    fn column(&mut self, name: &str) -> Arc<str> {
        if let Some(column) = self.columns.get(name) {
            return Arc::clone(column);
        }
        let column = Arc::from(name);
        self.columns.insert(Arc::clone(&column));
        column
    }
}

fn bad(line: u64, column: Option<&str>, message: String) -> BadRow {
    BadRow { line, column: column.map(str::to_owned), message }
}

fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("expected an object, found {}", kind(&other))),
        // The error counts lines within this line.
        Err(error) => {
            let message = error.to_string();
            let cause = message.split(" at line ").next().unwrap_or_default();
            Err(format!("no JSON at character {}: {cause}", error.column()))
        }
    }
}

fn cells(value: Value) -> Result<Vec<Cell>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(members) => members.into_iter().map(cell).collect(),
        scalar => cell(scalar).map(|cell| vec![cell]),
    }
}

fn cell(value: Value) -> Result<Cell, String> {
    match value {
        Value::String(text) => Ok(Cell { text, quoted: true }),
        Value::Number(number) => Ok(Cell::bare(&number.to_string())),
        Value::Bool(flag) => Ok(Cell::bare(if flag { "true" } else { "false" })),
        other => Err(format!("{} is no value", kind(&other))),
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
