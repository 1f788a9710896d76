//! The gRPC service: the only place where wire messages and statuses are known.
//!
//! Reading order: [`service`] (what is served), `operations` and `values` (what a request says),
//! `status` (what an error becomes).

pub mod service;

pub(crate) mod operations;
pub(crate) mod status;
pub(crate) mod values;

/// A field of a request that does not hold what it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadField {
    /// Where, such as `operations[3].add.value`.
    pub(crate) field: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl BadField {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
