//! The workload that databases of this kind are compared on: the people of DataScript's own
//! benchmark, with a graph between them.
//!
//! The data are made, the other databases run and the results set side by side by
//! `tests/peers/query`; this is Duramen's part in such a run. Reading order: [`workload`] (the
//! data), [`system`] (what answers), [`operations`] (what is asked), [`results`] (in which form),
//! [`clock`] (how it is timed).

pub mod clock;
pub mod operations;
pub mod packages;
pub mod results;
pub mod system;
pub mod workload;
