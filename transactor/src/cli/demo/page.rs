//! What the demo prints.

use std::fmt::Display;
use std::io::IsTerminal;

use crate::cli::exit::Failure;
use crate::cli::output;

/// Prints to standard output; a terminal gets headings in bold.
pub(super) struct Page {
    bold: bool,
}

impl Page {
    pub(super) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { bold: std::io::stdout().is_terminal() && !plain }
    }

    pub(super) fn title(&self, text: &str) -> Result<(), Failure> {
        output::line(format_args!("\n{}\n", self.strong(text)))
    }

    pub(super) fn line(&self, text: impl Display) -> Result<(), Failure> {
        output::line(format_args!("  {text}"))
    }

    pub(super) fn lines(&self, text: &str) -> Result<(), Failure> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// A command as it is typed, on several lines where it has several.
    pub(super) fn command(&self, text: &str) -> Result<(), Failure> {
        let mut lines = text.lines();
        self.line(self.strong(&format!("$ {}", lines.next().unwrap_or_default())))?;
        lines.try_for_each(|line| self.line(self.strong(&format!("    {line}"))))
    }

    fn strong(&self, text: &str) -> String {
        if self.bold { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
