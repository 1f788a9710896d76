//! What goes wrong.

use std::fmt::{self, Display};

use serde::de;

use crate::edn::Span;

/// EDN that does not suit the type it was to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromEdnError {
    /// The way to the part in question: keys, and `[place]`s in sequences. Empty for the whole.
    pub path: String,
    /// Where the part was read, if it was read from text.
    pub span: Option<Span>,
    /// What is wrong with it.
    pub message: String,
}

impl FromEdnError {
    /// Puts a step before the path, on the way out.
    pub(in crate::edn) fn within(mut self, step: impl Display) -> Self {
        let space = if self.path.is_empty() { "" } else { " " };
        self.path = format!("{step}{space}{}", self.path);
        self
    }

    /// Adds the place of the innermost form that has one.
    pub(super) fn at(mut self, span: Option<Span>) -> Self {
        self.span = self.span.or(span.filter(|span| span.end > span.start));
        self
    }
}

impl Display for FromEdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at {}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for FromEdnError {}

impl de::Error for FromEdnError {
    fn custom<M: Display>(message: M) -> Self {
        Self { path: String::new(), span: None, message: message.to_string() }
    }
}
