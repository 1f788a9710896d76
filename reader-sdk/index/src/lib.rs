//! Sorted facts: records, nodes, runs, cursors, merge.
//!
//! This crate knows how facts are kept sorted, in memory and as trees of nodes in packs. It
//! refuses to know the network (bytes come through a [`duramen_store::ReadStore`]), transactions
//! and time: what a tree is for is decided above.
//!
//! Reading order: [`record`] (what is kept), [`range`](mod@range) (what is asked for), [`run`]
//! (where it is kept), [`index`] (several runs as one).

mod chunk;
pub mod cursor;
pub mod error;
pub mod index;
mod key;
pub mod memory;
pub mod nodes;
pub mod pointer;
pub mod range;
pub mod record;
pub mod run;

pub use cursor::Cursor;
pub use error::IndexError;
pub use index::Index;
pub use memory::MemoryRun;
pub use nodes::Nodes;
pub use pointer::{NodeHash, Pointer, Tree};
pub use range::KeyRange;
pub use record::{Layer, Record, State};
pub use run::Run;
