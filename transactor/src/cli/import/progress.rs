//! How far an import is, shown to people only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, if that is a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start(bytes: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(bytes);
        let template = "{bar:40} {percent:>3}%  {bytes_per_sec}  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The file is loaded up to a byte.
    pub(crate) fn reached(&self, byte: u64, rows: u64) {
        // Batches end out of order.
        self.0.set_position(self.0.position().max(byte));
        self.0.set_message(format!("{rows} rows"));
    }

    /// The file is read; so much of what is to be built is built.
    pub(crate) fn building(&self, built: u64, to_build: u64) {
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}  {eta} left")
        {
            self.0.set_style(style);
        }
        self.0.set_length(to_build.max(built));
        self.0.set_position(built);
        self.0.set_message("building the indexes");
    }

    /// Prints a line above the bar.
    pub(crate) fn note(&self, text: &str) {
        self.0.suspend(|| crate::cli::output::note(text));
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
