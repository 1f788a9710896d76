//! Buckets of S3, Google Cloud Storage and Azure, and web servers, through `object_store`.
//!
//! Reading order: [`bucket`] (the store), [`answer`] (what an answer of the service means),
//! [`connect`](mod@connect) (clients and credentials), [`website`] (read-only), [`executor`] (where
//! the clients run), `tests` (every kind of answer, over a socket).

mod answer;
mod bucket;
mod connect;
mod executor;
#[cfg(test)]
mod tests;
mod website;

pub(crate) use connect::{Settings, connect, is_option};
pub(crate) use executor::Executor;

pub use connect::recognized_option;
