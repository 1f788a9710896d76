//! Text that is not EDN: what was expected, what stands there, and where.

/// Text that is not EDN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
pub struct EdnError {
    /// Byte offset in the text.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What would have been right.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// An error that does not know its line yet: lines are counted only once something is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Fault {
    pub(super) fn new(
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { offset, expected: expected.into(), found: found.into() }
    }

    /// Counts the lines of the text that the fault is in.
    pub(super) fn locate(self, text: &str) -> EdnError {
        let (line, column) = position(text, self.offset);
        let Self { offset, expected, found } = self;
        EdnError { offset, line, column, expected, found }
    }
}

/// Line and column, both from 1, of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Quotes a piece of the text for a message, cut short when it is long.
pub(super) fn quote(piece: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let mut shown = String::from("`");
    for c in piece.chars().take(SHOWN_CHARS_MAX) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if piece.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}
