//! Tests that need more than one part of the crate.

mod bucket;
mod codec;
mod loading;
mod runs;
