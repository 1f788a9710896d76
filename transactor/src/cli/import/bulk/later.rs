//! Rows whose key a row before has: they change an entity, which is left to transactions.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};

/// Rows that are set aside, in a temporary file.
#[derive(Debug)]
pub(super) struct LaterRows {
    file: BufWriter<File>,
    count: u64,
}

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LaterRow {
    /// The line that it begins in.
    pub(super) line: u64,
    /// Equal for rows about one entity.
    pub(super) key: u128,
    /// The entity, as an EDN map.
    pub(super) entity: String,
}

impl LaterRows {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0 })
    }

    pub(super) fn push(&mut self, row: &LaterRow) -> io::Result<()> {
        writeln!(self.file, "{} {} {}", row.line, row.key, row.entity.len())?;
        self.file.write_all(row.entity.as_bytes())?;
        self.count += 1;
        Ok(())
    }

    /// The rows, in the order in which they were set aside.
    pub(super) fn read(self) -> io::Result<impl Iterator<Item = io::Result<LaterRow>>> {
        let count = self.count;
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut reader = BufReader::new(file);
        Ok((0..count).map(move |_| read_row(&mut reader)))
    }
}

fn read_row(reader: &mut BufReader<File>) -> io::Result<LaterRow> {
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let (line, key, length) = parse(head.trim_end()).ok_or(io::ErrorKind::InvalidData)?;
    let mut entity = String::new();
    reader.by_ref().take(length).read_to_string(&mut entity)?;
    Ok(LaterRow { line, key, entity })
}

fn parse(head: &str) -> Option<(u64, u128, u64)> {
    let mut numbers = head.split(' ');
    let mut next = || numbers.next();
    Some((next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_set_aside_come_back_in_order() {
        let mut rows = LaterRows::new().unwrap();
        let texts = ["{:a \"x\ny\"}", "", "{:ä 1}"];
        let row =
            |(line, text): (u64, &str)| LaterRow { line, key: 7 << 70, entity: text.to_owned() };
        let expected: Vec<LaterRow> = (3..).zip(texts).map(row).collect();
        expected.iter().for_each(|row| rows.push(row).unwrap());
        assert_eq!(rows.read().unwrap().map(Result::unwrap).collect::<Vec<_>>(), expected);
    }
}
