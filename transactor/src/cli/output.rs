//! How answers are printed.

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use duramen::{Answer, Edn, Value};

use super::arguments::Format;
use super::exit::Failure;

/// A line under the header and no other, so that rows can be cut and counted.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Columns that EDN is broken at.
const WIDTH_CHARS: usize = 100;

/// Prints an answer: a table unless another format was asked for.
pub(crate) fn answer(answer: &Answer, format: Format) -> Result<(), Failure> {
    line(answer_text(answer, format)?)
}

/// What is printed of an answer.
pub(crate) fn answer_text(answer: &Answer, format: Format) -> Result<String, Failure> {
    if format.edn {
        Ok(edn_text(&answer.to_edn()))
    } else if format.json {
        json_text(&answer.to_edn())
    } else {
        let rows: Vec<&[Edn]> = answer.rows().iter().collect();
        let table = table(answer.columns(), &rows).trim_fmt();
        let count = rows.len();
        Ok(format!("{table}\n{count} row{}", plural(count)))
    }
}

/// Prints EDN, broken into lines where it is long.
pub(crate) fn edn(edn: &Edn) -> Result<(), Failure> {
    line(edn_text(edn))
}

/// EDN, broken into lines where it is long.
pub(crate) fn edn_text(edn: &Edn) -> String {
    edn.pretty(WIDTH_CHARS).to_string()
}

/// Prints anything as one line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    line(json_text(value)?)
}

/// Anything as one line of JSON.
pub(crate) fn json_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::invalid(error.to_string()))
}

/// Prints a line. A reader that went away, such as `head`, is no failure.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Prints the lines of a text, for as long as they are wanted.
pub(crate) fn lines(text: &str, mut wanted: impl FnMut() -> bool) -> Result<(), Failure> {
    for text in text.split('\n') {
        if !wanted() || !more(text)? {
            break;
        }
    }
    Ok(())
}

/// Prints a line of many; false once nobody reads on.
pub(crate) fn more(text: impl std::fmt::Display) -> Result<bool, Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        result => Ok(result.map(|()| true)?),
    }
}

/// Prints a line for people, beside the answer.
pub(crate) fn note(text: impl std::fmt::Display) {
    // Nothing can be done when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// As in `12.3 ms`.
pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

/// What makes a noun plural.
pub(crate) const fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// Rows under the names of their columns, numbers to the right.
pub(crate) fn table(columns: &[String], rows: &[impl AsRef<[Edn]>]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    // A terminal that does not know how wide it is says 0.
    if table.width().is_some_and(|width| width > 0) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(columns);
    for row in rows {
        table.add_row(row.as_ref().iter().map(cell));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        if !rows.is_empty() && rows.iter().all(|row| row.as_ref().get(place).is_some_and(is_number))
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Strings without quotes, everything else as EDN, which shows what a terminal would act on.
fn cell(edn: &Edn) -> String {
    match edn.as_str() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => edn.to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
    }
}

fn is_number(edn: &Edn) -> bool {
    use Value::{BigDec, BigInt, Double, Float, Long};
    matches!(edn, Edn::Value(Long(_) | Double(_) | Float(_) | BigInt(_) | BigDec(_)))
}
