//! Duramen's Datalog and pull.
//!
//! This crate knows the query language and how to answer it from database values and plain
//! relations. It refuses to know where facts are kept: it reads through `duramen_db::Db` alone,
//! and cannot name a node, a run or an object. Query text reaches nothing but the documented
//! functions and those that the host program registers.
//!
//! Reading order: `ast` (what a query is), `parse` (from EDN), `plan` (in which order),
//! `execute` (from relations to rows), [`functions`] (what may be called), [`pull`] (trees of what
//! is known of entities), [`query`](mod@query) (all of it together).

mod ast;
mod cell;
mod error;
mod execute;
pub mod functions;
mod limits;
mod parse;
mod plan;
pub mod pull;
pub mod query;
mod source;

pub use ast::Query;
pub use error::{QueryError, QueryErrorKind};
pub use functions::registry::{self, Registry};
pub use limits::Limits;
pub use plan::Plan;
pub use query::answer::Answer;
pub use query::{Input, QueryOptions, explain, q, q_with};
