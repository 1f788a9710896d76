//! How a command fails: a message, and an exit code by what the caller does next.

use std::error::Error;
use std::fmt;

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

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Address { .. } => Exit::Usage,
            ClientError::Unreachable { .. } => Exit::Unavailable,
            ClientError::Incomplete(_) => Exit::Unknown,
            ClientError::Status(status) => of_status(status.code()),
        };
        let reason = error.info().map(|(reason, _)| format!(" ({reason})")).unwrap_or_default();
        Self::new(exit, format!("{}{reason}", chain(&error)))
    }
}

fn of_status(code: Code) -> Exit {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Exit::Invalid,
        Code::NotFound => Exit::NotFound,
        Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => Exit::Conflict,
        Code::ResourceExhausted | Code::Unavailable => Exit::Unavailable,
        Code::DataLoss => Exit::Corrupt,
        Code::Unimplemented => Exit::TooNew,
        Code::PermissionDenied | Code::Unauthenticated => Exit::Denied,
        _ => Exit::Unknown,
    }
}
