//! Buckets of S3, Google Cloud Storage and Azure, and web servers, through `object_store`.
//!
//! Reading order: [`bucket`] (the store), [`answer`] (what an answer of the service means),
//! [`connect`](mod@connect) (clients and credentials), [`website`] (read-only), [`executor`] (where
//! the clients run).

mod answer;
mod bucket;
mod connect;
mod executor;
mod website;

pub(crate) use connect::{Settings, connect, is_option};
pub(crate) use executor::Executor;

pub use connect::recognized_option;
