//! How a query can be refused.

use std::fmt;

use duramen_model::Span;

use crate::budget::Budget;
use crate::pull::PullErrorKind;

/// What is wrong with a query, by what its author does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// It does not follow the grammar.
    Malformed,
    /// A variable or a source that nothing binds where it is needed.
    Unbound,
    /// Branches of an `or` that use different variables.
    OrVariables,
    /// No rule of that name.
    UnknownRule,
    /// The heads or a call of a rule have differing numbers of arguments.
    RuleArity,
    /// A rule that depends on its own negation.
    Unstratified,
    /// No function, predicate or aggregate of that name.
    UnknownFunction,
    /// A function is called with a number of arguments that it does not take.
    FunctionArity,
    /// Arguments too few, too many, or of the wrong shape.
    Inputs,
    /// A pattern names an attribute that is not installed.
    UnknownAttribute,
    /// A function fails on its arguments.
    FunctionError,
    /// The query went over one of its [limits](crate::Limits).
    Limit(Budget),
    /// The query was called off.
    Cancelled,
    /// A pull in `:find` that was refused, or failed.
    Pull(PullErrorKind),
    /// The database could not be read.
    Unavailable,
}

impl QueryErrorKind {
    /// The name of the kind, as in `query/malformed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "query/malformed",
            Self::Unbound => "query/unbound",
            Self::OrVariables => "query/or-variables",
            Self::UnknownRule => "query/unknown-rule",
            Self::RuleArity => "query/rule-arity",
            Self::Unstratified => "query/unstratified",
            Self::UnknownFunction => "query/unknown-function",
            Self::FunctionArity => "query/function-arity",
            Self::Inputs => "query/inputs",
            Self::UnknownAttribute => "query/unknown-attribute",
            Self::FunctionError => "query/function-error",
            Self::Limit(_) => "query/limit",
            Self::Cancelled => "query/cancelled",
            Self::Pull(kind) => kind.code(),
            Self::Unavailable => "query/unavailable",
        }
    }
}

/// The text in which an error has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryText {
    /// The query.
    Query,
    /// The rules that it was given.
    Rules,
}

/// Set in the places of rules, which are those of another text than the query's.
const OF_RULES: u32 = 1 << 31;

/// A place in the rules, as distinct from the same place in the query.
pub(crate) const fn span_of_rules(span: Span) -> Span {
    Span { start: span.start | OF_RULES, end: span.end | OF_RULES }
}

/// A query that was refused, or failed while it ran.
#[derive(Debug)]
pub struct QueryError {
    /// What is wrong.
    pub kind: QueryErrorKind,
    /// The text that is at fault.
    pub text: QueryText,
    /// Where in that text; empty at 0 when it was not read from text.
    pub span: Span,
    /// What is wrong, in words.
    pub message: String,
    /// The failure underneath, when there is one.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl QueryError {
    pub(crate) fn new(kind: QueryErrorKind, span: Span, message: impl Into<String>) -> Self {
        let text = if span.start & OF_RULES == 0 { QueryText::Query } else { QueryText::Rules };
        let span = Span { start: span.start & !OF_RULES, end: span.end & !OF_RULES };
        Self { kind, text, span, message: message.into(), source: None }
    }

    pub(crate) fn malformed(span: Span, message: impl Into<String>) -> Self {
        Self::new(QueryErrorKind::Malformed, span, message)
    }

    pub(crate) fn unbound(span: Span, message: impl Into<String>) -> Self {
        Self::new(QueryErrorKind::Unbound, span, message)
    }

    pub(crate) fn inputs(span: Span, message: impl Into<String>) -> Self {
        Self::new(QueryErrorKind::Inputs, span, message)
    }

    pub(crate) fn caused_by(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The name of the kind, as in `query/malformed`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Line and column, both from 1 and the column in characters, of the place in the text that
    /// is at fault (see [`Self::text`]); `None` when the error has no place in it.
    #[must_use]
    pub fn line_and_column(&self, text: &str) -> Option<(usize, usize)> {
        if self.span.end == 0 {
            return None;
        }
        let before = text.get(..usize::try_from(self.span.start).ok()?)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)?;
        match self.text {
            QueryText::Query => Ok(()),
            QueryText::Rules => f.write_str(" (in the rules)"),
        }
    }
}

impl std::error::Error for QueryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
