//! Duramen's Datalog and pull.
//!
//! This crate knows the query language and how to answer it from database values and plain
//! relations. It refuses to know where facts are kept: it reads through `duramen_db::Db` alone,
//! and cannot name a node, a run or an object. Query text reaches nothing but the documented
//! functions and those that the host program registers.
//!
//! Reading order: `ast` (what a query is), `parse` (from EDN), `plan` (in which order),
//! `execute` (from relations to rows), `find` (from rows to an answer), [`functions`] (what may be called), [`pull`] (trees of what
//! is known of entities), [`query`](mod@query) (all of it together).

/// The examples of the page are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../LANGUAGE.md")]
struct Language;

mod ast;
mod budget;
mod cell;
mod error;
mod execute;
mod explain;
mod find;
pub mod functions;
mod parse;
mod plan;
pub mod pull;
pub mod query;
mod source;

pub use ast::Query;
pub use budget::{Budget, CancelToken, Clock, Limits};
pub use error::{QueryError, QueryErrorKind, QueryText};
pub use explain::{Cost, ExplainedRule, ExplainedStep, Explanation};
pub use functions::registry::{self, Registry};
pub use query::answer::Answer;
pub use query::answer_column::{AnswerCells, AnswerColumn, AnswerTexts};
pub use query::answer_rows::AnswerRows;
pub use query::{
    Input, PlanCache, PlanCacheStats, Prepared, QueryOptions, Rows, RowsError, explain,
    explain_analyze, q, q_with, rows,
};
