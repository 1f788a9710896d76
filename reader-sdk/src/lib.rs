//! Duramen's reader: a database as an immutable value, straight from a bucket.
//!
//! This crate is what an application links. It wires the layers beneath it together and adds no
//! knowledge of its own: stores and caches are set up by a [`Client`], a [`Connection`] gives the
//! newest [`Db`], and a `Db` answers, by [`DbExt`]. No service runs, and nothing is asked of the
//! transactor: the bucket is the database.
//!
//! Reading order: [`connect`] and [`Client`] (how to get there), [`Connection`] (the newest
//! snapshot), [`DbExt`] (what can be asked of it), [`Error`] (what can go wrong).
//!
//! ```
//! use duramen::{Db, DbExt, Keyword, TxData, edn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schema = edn::read(
//!     "[{:db/ident :person/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
//!       {:db/ident :person/knows :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]",
//! )?;
//! let people = edn::read(r#"[{:db/ident :ann :person/name "Ann" :person/knows "bo"}
//!                            {:db/id "bo" :person/name "Bo"}]"#)?;
//! let now = duramen::Instant::from_millis(0);
//! // A database in memory; one in a bucket comes from a `Connection`.
//! let (db, _) = Db::genesis().with(&TxData::from_form(&schema)?, now).await?;
//! let (db, _) = db.with(&TxData::from_form(&people)?, now).await?;
//!
//! #[derive(Debug, PartialEq, serde::Deserialize)]
//! struct Acquaintance {
//!     who: String,
//!     whom: String,
//! }
//! let query = "[:find ?who ?whom
//!               :where [?a :person/knows ?b] [?a :person/name ?who] [?b :person/name ?whom]]";
//! let rows: Vec<Acquaintance> = db.q(query, []).await?.rows_as()?;
//! assert_eq!(rows, [Acquaintance { who: "Ann".into(), whom: "Bo".into() }]);
//!
//! let ann = db.pull("[:person/name {:person/knows [:person/name]}]", Keyword::new("ann")).await?;
//! let bo = edn::read(r#"{:person/name "Ann" :person/knows [{:person/name "Bo"}]}"#)?;
//! assert_eq!(ann, bo.edn);
//! # Ok(())
//! # }
//! ```

mod client;
mod components;
mod connection;
mod database;
mod entity;
mod error;
mod latest;
mod place;
mod stats;
mod timer;

pub use client::{Client, ClientBuilder, connect, options_from_env};
pub use connection::Connection;
pub use database::{AsPattern, AsQuery, DbExt, explain, explain_analyze, prepare, q, q_with, rows};
pub use entity::Entity;
pub use error::{Error, ErrorKind};
pub use stats::Stats;
pub use timer::Sleep;

pub use duramen_db::columns::{Attributes, ByteStrings, Slice, Texts, ValueColumn, ValueRef};
pub use duramen_db::resolve::{TxData, TxError, TxErrorKind};
pub use duramen_db::{
    AttributeRef, Change, ColumnCursor, Columns, Db, DbError, EntityRef, LogCursor, Selection,
    TxRecord, Values,
};
pub use duramen_index::{Fetching, KeyRange};
pub use duramen_model::{
    Attribute, AttributeId, Cardinality, Datom, Edn, EntityId, Form, Instant, Keyword, Order,
    Schema, Span, Symbol, T, Unique, Value, ValueType, edn,
};
pub use duramen_query::pull::{
    Along, IndexPull, PullError, PullErrorKind, PullLimits, PullOptions, PullPattern, index_pull,
    pull_many_with, pull_with,
};
pub use duramen_query::{
    Answer, AnswerCells, AnswerColumn, AnswerRows, AnswerTexts, Budget, CancelToken, Clock, Cost,
    ExplainedRule, ExplainedStep, Explanation, Input, Limits, PlanCache, PlanCacheStats, Prepared,
    Query, QueryError, QueryErrorKind, QueryOptions, QueryText, Registry, Rows, RowsError,
};
pub use duramen_store::envelope::ContentHash;
pub use duramen_store::raw_cache::{RawCache, Wanted};
pub use duramen_store::{StoreError, Stores};

/// The README's example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
