//! What is asked of a database, and what is answered.

use std::sync::Arc;

use duramen_db::resolve::TxData;
use duramen_db::{Db, TxRecord};
use duramen_model::Instant;
use uuid::Uuid;

use crate::error::TransactError;
use crate::requests::Digest;

/// A transaction that is asked for.
#[derive(Debug)]
pub struct TxRequest {
    /// What to do.
    pub data: TxData,
    /// How a repetition is told; `None` when the request will not be repeated.
    pub key: Option<RequestKey>,
    /// What it takes of memory while it waits, in bytes.
    pub bytes: usize,
}

/// How the repetition of a request is told from another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// A UUID of version 7, made by the client.
    pub id: Uuid,
    /// The time in it.
    pub time: Instant,
    /// BLAKE3 of what is asked for.
    pub digest: Digest,
}

/// A transaction that was applied and published.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// What it did.
    pub record: Arc<TxRecord>,
    /// The number of a root that it is in.
    pub root: u64,
    /// The database of that root, or of a later one.
    pub db: Db,
    /// The request had been applied before.
    pub replayed: bool,
}

/// What becomes of a request.
pub type Answer = Result<Receipt, TransactError>;
