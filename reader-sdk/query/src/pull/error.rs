//! How a pull can fail.

use duramen_db::DbError;
use duramen_model::Span;

/// A pull that was refused or could not be finished.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PullError {
    /// What the caller can do about it.
    pub kind: PullErrorKind,
    /// Where the pattern is at fault, in bytes of its text; empty when it was not read from text
    /// or is not at fault.
    pub span: Span,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Why the database could not be read.
    pub source: Option<Box<DbError>>,
}

/// The reasons for which a pull fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullErrorKind {
    /// Not a pull pattern: fix the pattern.
    Malformed,
    /// The pattern follows an attribute that holds no references: fix the pattern.
    NotAReference,
    /// The pattern names a function that is not registered: register it.
    UnknownFunction,
    /// A function of the pattern refused its argument.
    FunctionFailed,
    /// The result is nested deeper than allowed: bound the recursion.
    TooDeep,
    /// The result has more entities than allowed: set a limit, or bound the recursion.
    TooLarge,
    /// The database is the history, in which an entity has no one state: pull from another view.
    History,
    /// What was given names no entity, whatever the database holds: fix the request.
    NotAnEntity,
    /// The pull goes along the values of an attribute that is neither unique nor indexed: go along
    /// its entities, or index it.
    NotIndexed,
    /// The database could not be read; the source says why.
    Unreadable,
}

impl PullErrorKind {
    /// The name of the kind in reports, such as `pull/malformed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "pull/malformed",
            Self::NotAReference => "pull/not-a-reference",
            Self::UnknownFunction => "pull/unknown-function",
            Self::FunctionFailed => "pull/function-failed",
            Self::TooDeep => "pull/too-deep",
            Self::TooLarge => "pull/too-large",
            Self::History => "pull/history",
            Self::NotAnEntity => "pull/not-an-entity",
            Self::NotIndexed => "pull/not-indexed",
            Self::Unreadable => "pull/unreadable",
        }
    }
}

impl PullError {
    /// An error at a place of the pattern.
    pub(super) fn at(kind: PullErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self { kind, span, message: message.into(), source: None }
    }

    /// An error that no place of the pattern is to blame for.
    pub(super) fn of(kind: PullErrorKind, message: impl Into<String>) -> Self {
        Self::at(kind, Span::default(), message)
    }
}

impl From<DbError> for PullError {
    fn from(error: DbError) -> Self {
        if let DbError::NotUnique { .. } | DbError::UnknownAttribute { .. } = error {
            return Self::of(PullErrorKind::NotAnEntity, error.to_string());
        }
        Self {
            source: Some(Box::new(error)),
            ..Self::of(PullErrorKind::Unreadable, "the database could not be read")
        }
    }
}
