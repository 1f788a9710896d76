//! Tests that need more than one part of the crate.

mod bucket;
mod codec;
mod fetching;
mod loading;
mod runs;
