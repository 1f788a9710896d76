//! (skeleton)

pub mod pull;
