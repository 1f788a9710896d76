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

/// All `.proto` files as an encoded `FileDescriptorSet`, for gRPC's reflection service.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
