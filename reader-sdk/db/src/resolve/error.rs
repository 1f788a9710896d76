//! Why a transaction was refused.

use std::fmt;

use duramen_model::Span;

use crate::DbError;

/// Why a transaction was refused. Nothing of it took effect.
#[derive(Debug)]
pub struct TxError {
    /// What kind of fault it is.
    pub kind: TxErrorKind,
    /// Which statement of the transaction is at fault, counted from 0, where one can be named.
    pub statement: Option<usize>,
    /// Where the fault stands in the text of the transaction, if it was read from text.
    pub span: Option<Span>,
    /// What is wrong, with which entity, attribute and value, and what to do.
    pub message: String,
    cause: Option<Box<DbError>>,
}

/// The kinds of faults, by what is wrong with the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TxErrorKind {
    /// A unique value belongs to another entity, or is claimed twice.
    UniqueConflict,
    /// One entity of the transaction resolves to two existing ones.
    UpsertConflict,
    /// The old value is not the one given to `:db/cas`.
    CasFailed,
    /// A value does not suit its attribute.
    WrongType,
    /// A tuple has the wrong length, or a member of the wrong type.
    Tuple,
    /// There is no such attribute.
    UnknownAttribute,
    /// An id, an ident or a lookup ref leads nowhere.
    UnresolvedEntity,
    /// A lookup ref uses an attribute that is not unique.
    NotUniqueLookup,
    /// The transaction contradicts itself.
    DatomsConflict,
    /// A value is nil.
    NilValue,
    /// A temporary id is referred to, but no fact is asserted of it.
    TempidNotAnEntity,
    /// A nested map is neither below a component attribute nor has a unique attribute.
    NestedMap,
    /// The form is not transaction data.
    Malformed,
    /// A definition of an attribute is incomplete, or an alteration of one is not allowed.
    Schema,
    /// A `:db/txInstant` is before that of an earlier transaction.
    PastInstant,
    /// A `:db/txInstant` is later than the present.
    FutureInstant,
    /// The database could not be read. The transaction itself may be in order: the cause says
    /// whether trying again makes sense.
    Unreadable,
}

impl TxErrorKind {
    /// The name of the kind as messages and statuses carry it. Names never change.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UniqueConflict => "tx/unique-conflict",
            Self::UpsertConflict => "tx/upsert-conflict",
            Self::CasFailed => "tx/cas-failed",
            Self::WrongType => "tx/wrong-type",
            Self::Tuple => "tx/tuple",
            Self::UnknownAttribute => "tx/unknown-attribute",
            Self::UnresolvedEntity => "tx/unresolved-entity",
            Self::NotUniqueLookup => "tx/not-unique-lookup",
            Self::DatomsConflict => "tx/datoms-conflict",
            Self::NilValue => "tx/nil-value",
            Self::TempidNotAnEntity => "tx/tempid-not-an-entity",
            Self::NestedMap => "tx/nested-map",
            Self::Malformed => "tx/malformed",
            Self::Schema => "tx/schema",
            Self::PastInstant => "tx/past-instant",
            Self::FutureInstant => "tx/future-instant",
            Self::Unreadable => "tx/unreadable",
        }
    }
}

impl TxError {
    /// Makes an error of which no part of the transaction can be named yet.
    pub(crate) fn new(kind: TxErrorKind, message: impl Into<String>) -> Self {
        Self { kind, statement: None, span: None, message: message.into(), cause: None }
    }

    /// The same, at a statement, unless one is named already.
    pub(crate) fn at(mut self, statement: usize, span: Span) -> Self {
        self.statement.get_or_insert(statement);
        self.within(span)
    }

    /// The same, at a statement.
    pub(crate) fn in_statement(self, statement: usize) -> Self {
        Self { statement: Some(statement), ..self }
    }

    /// The same, of another kind.
    pub(crate) fn of_kind(self, kind: TxErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, at a place in the text, unless a closer one is named already.
    pub(crate) fn within(mut self, span: Span) -> Self {
        if span.start != span.end {
            self.span.get_or_insert(span);
        }
        self
    }

    /// The name of the kind, such as `tx/unique-conflict`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl From<DbError> for TxError {
    fn from(cause: DbError) -> Self {
        let message = "the database could not be read while resolving the transaction";
        Self { cause: Some(Box::new(cause)), ..Self::new(TxErrorKind::Unreadable, message) }
    }
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.statement, self.span) {
            (Some(statement), Some(Span { start, end })) => {
                write!(f, "statement {statement}, bytes {start}-{end}: {}", self.message)
            }
            (Some(statement), None) => write!(f, "statement {statement}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for TxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
