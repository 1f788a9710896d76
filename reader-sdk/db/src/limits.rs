//! How large the objects of a database can be. Readers refuse what is larger, so writers must not
//! write it.

/// Bytes of encoded transactions in the tail of a root.
pub const TAIL_BYTES_MAX: usize = 256 * 1024;

/// Segments that a root names.
pub const ROOT_SEGMENTS_MAX: usize = 1024;

/// Bytes of the address of a writer.
pub const ADDRESS_BYTES_MAX: usize = 1024;

/// References in a log index.
pub const LOG_INDEX_ENTRIES_MAX: usize = 4096;

/// The level of a log index: enough for any log, as each has two references or more.
pub const LOG_INDEX_LEVEL_MAX: u8 = 48;
