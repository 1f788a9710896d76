//! What the end-to-end, conformance and architecture tests share.

pub mod packages;
