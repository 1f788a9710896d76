//! How a command fails: a message, and an exit code by what the caller does next.

use std::error::Error;
use std::fmt;

use duramen_transactor::TransactError;
use duramen_transactor::bulk::BulkError;
use duramen_transactor::client::ClientError;
use duramen_transactor::server::ServeError;
use tonic::Code;

/// Exit codes. They are documented in the help and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Wrong use of the command.
    Usage = 2,
    /// An invalid transaction, query, pattern or row.
    Invalid = 3,
    /// No such database or bucket.
    NotFound = 4,
    /// A conflict, or there already.
    Conflict = 5,
    /// Not available: nothing was applied.
    Unavailable = 6,
    /// It may have been applied.
    Unknown = 7,
    /// Damaged data.
    Corrupt = 8,
    /// Written by a newer version.
    TooNew = 9,
    /// Access denied.
    Denied = 10,
}

impl Exit {
    /// The code that the process ends with.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    /// Lines that show what is wrong.
    excerpt: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), excerpt: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, message)
    }

    /// The same, with where it was in front.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// The same, with what else there is to know behind.
    pub(crate) fn adding(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{}; {what}", self.message), ..self }
    }

    /// The same, with lines below the message that show what is wrong.
    pub(crate) fn with_excerpt(self, excerpt: String) -> Self {
        Self { excerpt: Some(excerpt), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Unavailable, error.to_string())
    }
}

impl From<duramen::Error> for Failure {
    fn from(error: duramen::Error) -> Self {
        use duramen::ErrorKind;
        let exit = match error.kind() {
            ErrorKind::Invalid => Exit::Invalid,
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::Denied => Exit::Denied,
            ErrorKind::Corrupt => Exit::Corrupt,
            ErrorKind::TooNew => Exit::TooNew,
            _ => Exit::Unavailable,
        };
        Self::new(exit, chain(&error))
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let exit = match &error {
            ServeError::Settings(_) => Exit::Usage,
            ServeError::Store(error) => return duramen::Error::from(error.clone()).into(),
            ServeError::Grpc(_) | ServeError::Reflection(_) | ServeError::Http(_) => {
                Exit::Unavailable
            }
        };
        Self::new(exit, chain(&error))
    }
}

impl From<BulkError> for Failure {
    fn from(error: BulkError) -> Self {
        let exit = match &error {
            BulkError::Transact(error) => return Self::from_transact(error),
            BulkError::Index(duramen_index::IndexError::Store(error)) => {
                return duramen::Error::from(error.clone()).into();
            }
            BulkError::Fact { .. }
            | BulkError::Conflict { .. }
            | BulkError::Dangling { .. }
            | BulkError::Schema { .. }
            | BulkError::TooMuchLater { .. }
            | BulkError::Index(_) => Exit::Invalid,
            BulkError::Savepoint { .. } => Exit::Corrupt,
            BulkError::Work { .. } | BulkError::Broken { .. } => Exit::Unavailable,
        };
        Self::new(exit, chain(&error))
    }
}

impl Failure {
    /// What a load fails with as transactions do. There is no database then, unless it is unknown.
    fn from_transact(error: &TransactError) -> Self {
        let exit = match error {
            TransactError::Store(error) => return duramen::Error::from(error.clone()).into(),
            TransactError::Tx(_)
            | TransactError::Invalid { .. }
            | TransactError::TooLarge { .. } => Exit::Invalid,
            TransactError::DatabaseExists { .. } => Exit::Conflict,
            TransactError::Unknown { .. } => Exit::Unknown,
            _ => Exit::Unavailable,
        };
        Self::new(exit, chain(error))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, message) = match &error {
            ClientError::Address { .. } => (Exit::Usage, error.to_string()),
            ClientError::Unreachable { .. } => (Exit::Unavailable, chain(&error)),
            ClientError::Incomplete(_) => (Exit::Unknown, error.to_string()),
            // The cause is the status, whose message this is already.
            ClientError::Status(status) => {
                let reason = error.info().map(|(reason, _)| reason);
                let exit = of_status(status.code(), reason.as_deref());
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                (exit, format!("{}{reason}", without_place(status.message())))
            }
        };
        Self::new(exit, message)
    }
}

/// The message of a status without the place in the request, which is shown in another way.
fn without_place(message: &str) -> &str {
    match message.split_once(": ") {
        Some((place, rest)) if place.starts_with("statement ") => rest,
        _ => message,
    }
}

/// Without a reason it was not the transactor that answered: a connection that broke reads as
/// "unavailable" too, whatever became of the request.
fn of_status(code: Code, reason: Option<&str>) -> Exit {
    match (code, reason) {
        (_, Some("store/url" | "store/unsupported")) => Exit::Usage,
        (_, Some("store/missing")) => Exit::Corrupt,
        (Code::InvalidArgument | Code::OutOfRange, _) => Exit::Invalid,
        (Code::NotFound, _) => Exit::NotFound,
        (Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists, _) => Exit::Conflict,
        (Code::ResourceExhausted, _) | (Code::Unavailable, Some(_)) => Exit::Unavailable,
        (Code::DataLoss, _) => Exit::Corrupt,
        (Code::Unimplemented, _) => Exit::TooNew,
        (Code::PermissionDenied | Code::Unauthenticated, _) => Exit::Denied,
        _ => Exit::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn the_outcome_is_unknown_unless_the_transactor_says() {
        let broken = Failure::from(ClientError::from(Status::unavailable("connection reset")));
        assert_eq!(broken.exit, Exit::Unknown);
        assert_eq!(of_status(Code::Unavailable, Some("not-applied")), Exit::Unavailable);
        assert_eq!(of_status(Code::Unknown, Some("unknown-outcome")), Exit::Unknown);
        assert_eq!(of_status(Code::Internal, None), Exit::Unknown);
    }

    #[test]
    fn a_message_does_not_repeat_the_place() {
        assert_eq!(without_place("statement 3, bytes 1-24: no attribute :a"), "no attribute :a");
        assert_eq!(without_place("database: no name"), "database: no name");
    }

    #[test]
    fn causes_stand_in_one_line() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Level(&'static str, #[source] Option<Box<Level>>);
        let error = Level("a", Some(Box::new(Level("in a", Some(Box::new(Level("b", None)))))));
        assert_eq!(chain(&error), "a: in a: b");
        let repeated = Level("a: b", Some(Box::new(Level("b", None))));
        assert_eq!(chain(&repeated), "a: b");
    }
}
