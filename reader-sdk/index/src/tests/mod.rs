//! Tests that need more than one part of the crate.

mod bucket;
pub(crate) mod codec;
mod fetching;
mod large;
mod loading;
mod runs;
