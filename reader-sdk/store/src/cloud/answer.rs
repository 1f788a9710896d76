//! What an answer of a service means to the caller.
//!
//! `object_store` tells its reasons in words only, beyond a few kinds; `super::tests` sends real
//! answers over a socket, so that a release which words them otherwise is noticed. Words that are
//! not understood make an attempt to create [`Creation::Unknown`], which is always safe.

use std::error::Error as _;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use crate::{Creation, StoreError};

/// Long enough for any reason, short enough for a line of a log.
const REASON_CHARS_MAX: usize = 400;

/// A cloud, and what is particular about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    S3,
    Gcs,
    Azure,
    Website,
}

impl Service {
    /// Where credentials come from.
    pub(super) const fn credentials(self) -> &'static str {
        match self {
            Self::S3 => {
                "set aws_access_key_id and aws_secret_access_key (and aws_session_token, \
                 aws_region, aws_endpoint where needed) as store options, or AWS_ACCESS_KEY_ID and \
                 so on in the environment of the command; a role of the machine, container or pod \
                 works too, profiles in ~/.aws do not"
            }
            Self::Gcs => {
                "set google_service_account to the path of a key file as a store option, or \
                 GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS in the environment of the \
                 command; a role of the machine or pod works too"
            }
            Self::Azure => {
                "set azure_storage_account_name and azure_storage_account_key (or \
                 azure_storage_sas_token) as store options, or AZURE_STORAGE_ACCOUNT_NAME and so on \
                 in the environment of the command; a managed identity works too"
            }
            Self::Website => "the web server must let anyone read",
        }
    }
}

/// A question that was put to a service.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) service: Service,
    pub(super) place: &'a str,
    /// The object, with its place.
    pub(super) object: String,
}

impl Asked<'_> {
    /// What an answer to a read means.
    pub(super) fn read<T>(&self, answer: Result<T, Error>) -> Result<Option<T>, StoreError> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFound { source, .. }) if !names_place(&source.to_string()) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// What an answer to an attempt to create means. Only what is certain is an error.
    pub(super) fn created<T>(&self, answer: Result<T, Error>) -> Result<Creation, StoreError> {
        match answer {
            Ok(_) => Ok(Creation::Created),
            Err(Error::AlreadyExists { source, .. }) if in_flight(&source.to_string()) => {
                // S3 says so while another request for the name is under way: that one may fail.
                Ok(Creation::Unknown(
                    self.unavailable("another request for this name is under way"),
                ))
            }
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Creation::Exists),
            Err(error) if surely_not_done(&error) => Err(self.failed(&error)),
            Err(error) => Ok(Creation::Unknown(self.failed(&error))),
        }
    }

    /// What a failure means.
    pub(super) fn failed(&self, error: &Error) -> StoreError {
        let text = error.to_string();
        match error {
            Error::NotFound { .. } => self.no_place(),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => self.denied(&text),
            Error::NotImplemented { .. }
            | Error::NotSupported { .. }
            | Error::InvalidPath { .. } => {
                StoreError::Unsupported { place: self.object.clone(), reason: readable(&text) }
            }
            _ => self.failed_otherwise(&text),
        }
    }

    /// What a failure means of which there are only words: listings fail so.
    fn failed_otherwise(&self, text: &str) -> StoreError {
        match status(text) {
            _ if names_place(text) => self.no_place(),
            _ if names_credentials(text) => self.denied(text),
            Some(401 | 403) => self.denied(text),
            _ if is_redirect(text) => self.elsewhere(),
            _ => self.unavailable(&readable(text)),
        }
    }

    fn elsewhere(&self) -> StoreError {
        StoreError::Url {
            url: self.place.to_owned(),
            reason: "the bucket is somewhere else: set the option aws_region, or aws_endpoint"
                .to_owned(),
        }
    }

    pub(super) fn unavailable(&self, reason: &str) -> StoreError {
        StoreError::Unavailable { object: self.object.clone(), reason: reason.to_owned() }
    }

    fn no_place(&self) -> StoreError {
        StoreError::NoPlace { place: self.place.to_owned() }
    }

    fn denied(&self, text: &str) -> StoreError {
        StoreError::Denied {
            place: self.object.clone(),
            reason: format!("{}; {}", readable(text), self.service.credentials()),
        }
    }
}

/// A request for a stretch began beyond the end of the object.
pub(super) fn is_beyond_end(error: &Error) -> bool {
    let text = error.to_string();
    // The second when a service answers all the same.
    status(&text) == Some(416) || text.contains("Wanted range starting at")
}

/// A reason as one line of bounded length.
pub(super) fn readable(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// An error after which it is certain that nothing was written: the service refused, or the
/// request never left.
fn surely_not_done(error: &Error) -> bool {
    match error {
        Error::NotFound { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::NotImplemented { .. }
        | Error::NotSupported { .. }
        | Error::InvalidPath { .. } => true,
        _ if never_connected(error) => true,
        _ if is_redirect(&error.to_string()) => true,
        _ => match status(&error.to_string()) {
            // Timeout, conflict and throttling say nothing about what came of it.
            Some(408 | 409 | 429) | None => false,
            Some(status) => (400..500).contains(&status),
        },
    }
}

fn never_connected(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return error.kind() == HttpErrorKind::Connect;
        }
        cause = error.source();
    }
    false
}

/// The HTTP status that a text speaks of.
fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The bucket is at another address.
fn is_redirect(text: &str) -> bool {
    matches!(status(text), Some(301 | 307 | 308))
        || text.contains("Received redirect without LOCATION")
}

/// A 409 that is not about an object that exists.
fn in_flight(text: &str) -> bool {
    status(text) == Some(409) && !text.contains("BlobAlreadyExists")
}

/// A 404 about the bucket rather than the object.
fn names_place(text: &str) -> bool {
    ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]
        .iter()
        .any(|code| text.contains(code))
}

/// A 400 that is about credentials.
fn names_credentials(text: &str) -> bool {
    ["ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "InvalidAccessKeyId"]
        .iter()
        .any(|code| text.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(readable("a\n  b"), "a b");
        let long = readable(&"é".repeat(1000));
        assert_eq!(long.chars().count(), REASON_CHARS_MAX + 1);
    }
}
