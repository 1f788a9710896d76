//! What the end-to-end, conformance and architecture tests share.

pub mod bench;
pub mod conformance;
pub mod daemon;
pub mod packages;
pub mod peer;
pub mod servers;
