//! Compression of payloads, in pure Rust, so that browsers read what is compressed too.
//!
//! Measured on logs of people (eight facts each, with a request id and a digest for every
//! transaction) in segments of 64 KiB to 1 MiB, in bytes per datom:
//!
//! ```text
//! people in a transaction        1      10     500
//! not compressed              26.6    17.3    16.4
//! LZ4 (lz4_flex)              13.5     6.6     5.7
//! Zstandard (ruzstd)          12.8     6.3     5.4
//! Deflate (miniz_oxide, 3)    10.9     4.7     3.8
//! ```
//!
//! LZ4 is written and read an order of magnitude faster than the others, which counts where
//! a reader opens a database with a long tail of segments; and it is in leaves already. Of the
//! small transactions 5.3 bytes per datom are request ids and digests, which nothing makes smaller.

use bytes::Bytes;

/// How long a payload can be when it is decompressed, in bytes.
const PLAIN_BYTES_MAX: u64 = 256 << 20;
/// No LZ4 block decompresses to more than so many times its length.
const RATIO_MAX: u64 = 255;
/// One part in so many must be saved, or it is not worth it.
const SAVES_ONE_IN: usize = 8;

/// How a payload is compressed. The numbers are stored and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Compression {
    /// Not at all.
    None = 0,
    /// As one LZ4 block.
    Lz4 = 1,
}

impl Compression {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            _ => None,
        }
    }
}

/// Compresses a payload with LZ4; `None` where it is not worth it.
pub(crate) fn compress(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() as u64 > PLAIN_BYTES_MAX {
        return None;
    }
    let compressed = lz4_flex::block::compress(payload);
    let limit = payload.len() - payload.len() / SAVES_ONE_IN;
    (compressed.len() < payload.len() && compressed.len() <= limit).then_some(compressed)
}

/// Decompresses an LZ4 block that must come to so many bytes. What was expected and what was
/// found, if it does not. Allocates no more than the block could come to.
pub(crate) fn decompress(stored: &[u8], plain_bytes: u64) -> Result<Bytes, (String, String)> {
    let most = PLAIN_BYTES_MAX.min((stored.len() as u64).saturating_mul(RATIO_MAX));
    let length = usize::try_from(plain_bytes).ok().filter(|_| plain_bytes <= most);
    let length = length.ok_or_else(|| {
        let expected = format!("{most} bytes of plain payload at most");
        (expected, format!("{plain_bytes} bytes"))
    })?;
    let expected = || format!("{length} bytes in an LZ4 block");
    match lz4_flex::block::decompress(stored, length) {
        Ok(plain) if plain.len() == length => Ok(plain.into()),
        Ok(plain) => Err((expected(), format!("{} bytes", plain.len()))),
        Err(error) => Err((expected(), error.to_string())),
    }
}
