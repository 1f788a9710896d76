//! What an error becomes on the wire: a status that says what to do next, and an `ErrorInfo` that
//! says which error it is.
//!
//! | error | status | reason |
//! |---|---|---|
//! | the transaction | `INVALID_ARGUMENT`, `FAILED_PRECONDITION`, `ABORTED` | `tx/…` |
//! | another field | `INVALID_ARGUMENT` | `request/invalid` |
//! | EDN | `INVALID_ARGUMENT` | `edn/malformed` |
//! | too large | `INVALID_ARGUMENT` | `tx/too-large` |
//! | no database | `NOT_FOUND` | `database/not-found` |
//! | database exists | `ALREADY_EXISTS` | `database/exists` |
//! | request id reused | `ALREADY_EXISTS` | `request/reused` |
//! | request id too old | `OUT_OF_RANGE` | `request/expired` |
//! | too much to do | `RESOURCE_EXHAUSTED` | `busy` |
//! | not applied | `UNAVAILABLE` | `not-applied` |
//! | may be applied | `UNKNOWN` | `unknown-outcome` |
//! | taken over | `FAILED_PRECONDITION` | `database/elsewhere` |
//! | the store | see [`of_store`] | `store/…` |

use std::collections::HashMap;
use std::time::Duration;

use duramen_db::resolve::{TxError, TxErrorKind};
use duramen_model::edn::EdnError;
use duramen_store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::BadField;
use crate::error::TransactError;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "duramen";
/// How long a client that is told to wait should wait.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

type Metadata = HashMap<String, String>;

/// What an error becomes.
pub(crate) fn of(error: &TransactError) -> Status {
    use TransactError as E;
    let message = error.to_string();
    let plain = |code, reason| status(code, reason, &message, Metadata::new());
    match error {
        E::Tx(error) => of_tx(error),
        E::Invalid { field, reason } => of_field(&BadField::new(field, reason)),
        E::TooLarge { .. } => plain(Code::InvalidArgument, "tx/too-large"),
        E::NoDatabase { .. } => plain(Code::NotFound, "database/not-found"),
        E::DatabaseExists { .. } => plain(Code::AlreadyExists, "database/exists"),
        E::RequestReused { t } => {
            let metadata = Metadata::from([("t".to_owned(), t.to_string())]);
            status(Code::AlreadyExists, "request/reused", &message, metadata)
        }
        E::RequestExpired { .. } => plain(Code::OutOfRange, "request/expired"),
        E::Busy { .. } => busy(&message),
        E::NotApplied { .. } => plain(Code::Unavailable, "not-applied"),
        E::Unknown { .. } => plain(Code::Unknown, "unknown-outcome"),
        E::Elsewhere { address } => {
            let metadata = Metadata::from([("address".to_owned(), address.clone())]);
            status(Code::FailedPrecondition, "database/elsewhere", &message, metadata)
        }
        E::Store(error) => of_store(error),
    }
}

/// What an error in EDN text becomes.
pub(crate) fn of_edn(error: &EdnError) -> Status {
    let metadata = Metadata::from([
        ("offset".to_owned(), error.offset.to_string()),
        ("line".to_owned(), error.line.to_string()),
        ("column".to_owned(), error.column.to_string()),
    ]);
    status(Code::InvalidArgument, "edn/malformed", &error.to_string(), metadata)
}

/// What a field that is wrong becomes.
pub(crate) fn of_field(bad: &BadField) -> Status {
    let message = format!("{}: {}", bad.field, bad.message);
    let mut details = info("request/invalid", Metadata::new());
    details.add_bad_request_violation(&bad.field, &bad.message);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// What a refused transaction becomes.
fn of_tx(error: &TxError) -> Status {
    let mut metadata = Metadata::new();
    if let Some(statement) = error.statement {
        metadata.insert("statement".to_owned(), statement.to_string());
    }
    if let Some(span) = error.span {
        metadata.insert("start".to_owned(), span.start.to_string());
        metadata.insert("end".to_owned(), span.end.to_string());
    }
    status(code_of(error.kind), error.code(), &error.to_string(), metadata)
}

/// A transaction that would be right in another state of the database is told from one that is
/// wrong in any.
const fn code_of(kind: TxErrorKind) -> Code {
    match kind {
        TxErrorKind::CasFailed => Code::Aborted,
        TxErrorKind::UniqueConflict
        | TxErrorKind::UpsertConflict
        | TxErrorKind::UnresolvedEntity
        | TxErrorKind::PastInstant
        | TxErrorKind::FutureInstant => Code::FailedPrecondition,
        TxErrorKind::WrongType
        | TxErrorKind::Tuple
        | TxErrorKind::UnknownAttribute
        | TxErrorKind::NotUniqueLookup
        | TxErrorKind::DatomsConflict
        | TxErrorKind::NilValue
        | TxErrorKind::TempidNotAnEntity
        | TxErrorKind::NestedMap
        | TxErrorKind::Malformed
        | TxErrorKind::Schema => Code::InvalidArgument,
        // Nothing was applied; the cause may pass.
        TxErrorKind::Unreadable => Code::Unavailable,
    }
}

/// What an error of the store becomes.
pub(crate) fn of_store(error: &StoreError) -> Status {
    let (code, reason, object) = match error {
        StoreError::Url { url, .. } => (Code::InvalidArgument, "store/url", url),
        StoreError::Denied { place, .. } => (Code::PermissionDenied, "store/denied", place),
        StoreError::NoPlace { place } => (Code::NotFound, "store/no-place", place),
        StoreError::Unavailable { object, .. } => (Code::Unavailable, "store/unavailable", object),
        StoreError::Unsupported { place, .. } => (Code::Unimplemented, "store/unsupported", place),
        StoreError::Corrupt { object, .. } => (Code::DataLoss, "store/corrupt", object),
        StoreError::Missing { object } => (Code::DataLoss, "store/missing", object),
        StoreError::TooNew { object, .. } => (Code::Unimplemented, "store/too-new", object),
    };
    let metadata = Metadata::from([("object".to_owned(), object.clone())]);
    status(code, reason, &error.to_string(), metadata)
}

fn busy(message: &str) -> Status {
    let mut details = info("busy", Metadata::new());
    details.set_retry_info(Some(BUSY_PAUSE));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

fn status(code: Code, reason: &str, message: &str, metadata: Metadata) -> Status {
    Status::with_error_details(code, message, info(reason, metadata))
}

fn info(reason: &str, metadata: Metadata) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}
