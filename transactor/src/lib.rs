//! The transactor: the one process that writes to the databases of a store.
//!
//! ```text
//! request -> resolve -> datoms -> batch -> publish root n+1 -> answer
//! ```
//!
//! This crate knows who may write, in which order, and when a transaction counts. It refuses to
//! know how facts are kept and how transactions are resolved (that is the reader's library, which
//! it uses like everyone) and it keeps nothing of its own: what is not in the bucket does not
//! exist.
//!
//! Reading order: [`publish`] (how a root comes to be), [`requests`] (how a request is applied
//! once), [`transactor`] and `database` (the tasks that do it), `catalog` (which databases there
//! are), [`bulk`] (how one is made without a transactor); then the outside: [`api`] (gRPC), [`http`], [`server`] (both, on listeners), [`client`]
//! (the other side); and [`settings`] (the numbers) and [`instruments`] (what is measured).

pub mod api;
pub mod bulk;
pub mod client;
pub mod clock;
pub mod error;
pub mod http;
pub mod instruments;
pub mod publish;
pub mod random;
pub mod request;
pub mod requests;
pub mod server;
pub mod settings;
pub mod status;
pub mod transactor;

mod catalog;
mod database;
#[cfg(test)]
mod flaky;
#[cfg(test)]
mod simulation;

pub use error::TransactError;
pub use server::{Listeners, ServeError, serve};
pub use settings::Settings;
pub use transactor::{Components, Transactor};
