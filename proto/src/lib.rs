//! What crosses a boundary as protobuf: the messages stored in a bucket, and the gRPC service.
//!
//! This crate knows how messages are laid out. It refuses to know what they mean: whoever decodes
//! one validates it.
//!
//! The code in `src/generated` is made from the `.proto` files by `tests/generated.rs`, which
//! also proves that the two agree. Start reading at `duramen/stored/v1/root.proto`.

/// The stored messages, package `duramen.stored.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::missing_errors_doc)]
pub mod stored {
    include!("generated/duramen.stored.v1.rs");
}

/// The gRPC service and what it speaks of, package `duramen.v1`.
#[cfg(feature = "service")]
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
#[allow(clippy::missing_errors_doc, clippy::large_futures, rustdoc::all)]
pub mod v1 {
    include!("generated/duramen.v1.rs");
}

/// All `.proto` files as an encoded `FileDescriptorSet`, for gRPC's reflection service.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
