//! Tests that need more than one part of the crate.

mod among;
mod bucket;
pub(crate) mod codec;
mod fetching;
mod history;
mod large;
mod leaving;
mod loading;
mod runs;
mod unsorted;
mod v1_encoder;
