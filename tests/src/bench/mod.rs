//! The benchmarks of storage and of queries: seeded data, measurements, tables.
//!
//! Reading order: [`people`] (the data), [`transactions`] (the same for a transactor),
//! [`data_set`] (what is measured and where it is kept), [`measure`] (what is measured about it),
//! [`report`] (what comes out), [`queries`] (what is asked of the same data); and what they work
//! with: [`bucket`], [`far`], [`overlay`], [`importer`], [`writer`], [`process`], [`arguments`].

pub mod arguments;
pub mod bucket;
pub mod data_set;
pub mod far;
pub mod importer;
pub mod measure;
pub mod overlay;
pub mod people;
pub mod process;
pub mod queries;
pub mod random;
pub mod report;
pub mod schema;
pub mod transactions;
pub mod words;
pub mod writer;
