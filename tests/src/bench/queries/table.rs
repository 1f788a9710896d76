//! A table of questions.

use std::fmt::Write as _;

/// A table with a question in each line.
#[derive(Debug)]
pub struct Table {
    text: String,
}

impl Table {
    /// A table under a heading, with a sentence about it.
    #[must_use]
    pub fn new(heading: &str, about: &str, heads: &[&str]) -> Self {
        let (names, rule) = (heads.join(" | "), "---:|".repeat(heads.len()));
        let text = format!("\n## {heading}\n\n{about}\n\n| | {names} |\n|---|{rule}\n");
        Self { text }
    }

    /// A line.
    pub fn add(&mut self, what: &str, cells: &[String]) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "| {what} | {} |", cells.join(" | "));
    }

    /// The table in Markdown.
    #[must_use]
    pub fn into_markdown(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_question() {
        let mut table = Table::new("People", "In ms.", &["now", "then"]);
        table.add("all", &["1".to_owned(), "2".to_owned()]);
        let expected =
            "\n## People\n\nIn ms.\n\n| | now | then |\n|---|---:|---:|\n| all | 1 | 2 |\n";
        assert_eq!(table.into_markdown(), expected);
    }
}
