//! Sorted facts: records, nodes, runs, cursors, merge.
//!
//! This crate knows how facts are kept sorted, in memory and as trees of nodes in packs. It
//! refuses to know the network (bytes come through a [`duramen_store::ReadStore`]), transactions
//! and time: what a tree is for is decided above.
//!
//! Reading order: [`record`] (what is kept), [`range`](mod@range) (what is asked for), [`run`]
//! (where it is kept), [`index`] (several runs as one).

pub mod error;
pub mod index;
pub mod range;
pub mod record;
pub mod run;

pub use error::IndexError;
pub use range::KeyRange;
pub use record::{Layer, Record, State};
