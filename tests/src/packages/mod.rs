//! The package index of a Debian machine, as real input: its text, the transactions made of it,
//! and the answers computed from the text alone.

pub mod answers;
pub mod index;
pub mod load;
pub mod questions;
pub mod transactions;

pub use index::{Package, PackageIndex};
