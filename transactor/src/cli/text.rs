//! Text that a command is given, and where in it something is wrong.

use std::io::Read;
use std::path::Path;

use duramen::{Form, Span, edn};

use super::exit::Failure;

/// Characters of a line that are shown around what is wrong in it.
const SHOWN_CHARS_MAX: usize = 100;

/// Text, and what it is called in messages.
#[derive(Debug)]
pub(crate) struct Text {
    /// What precedes a position in a message, such as `query.edn: `.
    name: String,
    /// The text.
    pub(crate) content: String,
}

impl Text {
    /// Text that was typed, or standard input in the place of `-`.
    pub(crate) fn typed(name: &str, argument: &str) -> Result<Self, Failure> {
        if argument != "-" {
            return Ok(Self::new(name, argument));
        }
        let mut content = String::new();
        std::io::stdin().lock().read_to_string(&mut content)?;
        Ok(Self::new("standard input", content))
    }

    /// The text of a file.
    pub(crate) fn file(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let content = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        Ok(Self::new(&name, content))
    }

    /// What was typed, or else the file: the command line makes sure that there is one of them.
    pub(crate) fn given(
        name: &str,
        argument: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        match (argument, file) {
            (Some(argument), _) => Self::typed(name, argument),
            (None, Some(file)) => Self::file(file),
            (None, None) => Err(Failure::usage(format!("the {name} is missing"))),
        }
    }

    /// Text from elsewhere, and what it is called.
    pub(crate) fn new(name: &str, content: impl Into<String>) -> Self {
        Self { name: name.to_owned(), content: content.into() }
    }

    /// Reads the text as one form.
    pub(crate) fn form(&self) -> Result<Form, Failure> {
        edn::read(&self.content).map_err(|error| self.malformed(&error))
    }

    /// Reads the text as any number of forms.
    pub(crate) fn forms(&self) -> Result<Vec<Form>, Failure> {
        let limits = edn::Limits::default();
        edn::read_all(&self.content, limits).map_err(|error| self.malformed(&error))
    }

    fn malformed(&self, error: &edn::EdnError) -> Failure {
        let message = format!("expected {}, found {}", error.expected, error.found);
        self.wrong(Failure::invalid(message), error.offset, error.offset + 1)
    }

    /// A failure that is due to a part of the text. An empty span is of no part.
    pub(crate) fn wrong_at(&self, failure: Failure, span: Span) -> Failure {
        if span.end == 0 {
            return failure;
        }
        self.wrong(failure, span.start as usize, span.end as usize)
    }

    /// A failure that is due to the bytes from `start` to `end`.
    pub(crate) fn wrong(&self, failure: Failure, start: usize, end: usize) -> Failure {
        let place = Place::find(&self.content, start, end);
        let (line, column) = (place.line, place.column);
        let name = &self.name;
        failure
            .within(format_args!("{name}: line {line}, column {column}"))
            .with_excerpt(place.excerpt())
    }
}

/// The line that something is wrong in.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    text: &'a str,
    /// Characters that are wrong, at least one.
    length: usize,
}

impl<'a> Place<'a> {
    fn find(text: &'a str, start: usize, end: usize) -> Self {
        let start = floor(text, start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let end = floor(text, end).clamp(start, line_end);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: &text[line_start..line_end],
            length: text[start..end].chars().count().max(1),
        }
    }

    /// The line, and carets under what is wrong.
    fn excerpt(&self) -> String {
        let left = self.column.saturating_sub(SHOWN_CHARS_MAX / 2);
        let shown = self.text.chars().skip(left).take(SHOWN_CHARS_MAX);
        // A caret lines up only where every character is as wide as a space.
        let shown: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = self.column - 1 - left.min(self.column - 1);
        let carets = self.length.min(SHOWN_CHARS_MAX - indent);
        format!("  {shown}\n  {}{}", " ".repeat(indent), "^".repeat(carets))
    }
}

/// The nearest boundary of a character at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|offset| text.is_char_boundary(*offset)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn shown(content: &str, start: usize, end: usize) -> String {
        Text::new("query", content).wrong(Failure::invalid("no"), start, end).to_string()
    }

    #[test]
    fn a_caret_stands_under_what_is_wrong() {
        assert_eq!(
            shown("[:find ?e\n :where [?e :x]]", 22, 24),
            "query: line 2, column 13: no\n   :where [?e :x]]\n              ^^"
        );
        assert_eq!(shown("", 0, 1), "query: line 1, column 1: no\n  \n  ^");
        assert_eq!(shown("é]", 2, 3), "query: line 1, column 2: no\n  é]\n   ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = shown(&line, 500, 501);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "query: line 1, column 501: no");
        assert_eq!(lines[1].find('X'), lines[2].find('^'));
        assert!(lines[1].len() < 110);
    }

    #[test]
    fn any_offsets_are_taken() {
        for start in 0..12 {
            for end in 0..12 {
                assert!(shown("aé\nß\tc", start, end).contains("^"));
            }
        }
    }

    #[test]
    fn wrong_edn_is_shown_where_it_is() {
        let failure = Text::new("transaction", "[{:a 1]").form().unwrap_err();
        assert!(failure.to_string().starts_with("transaction: line 1, column "), "{failure}");
        assert_eq!(failure.exit, Exit::Invalid);
    }
}
