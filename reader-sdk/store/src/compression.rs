//! Compression of what is stored, in pure Rust, so that browsers read it too.
//!
//! LZ4 ([block format](https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)) is read at
//! gigabytes a second and finds what repeats; DEFLATE ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951))
//! also gives frequent bytes fewer bits, which digits, letters and small numbers are made of.
//! Measured on the logs (segments of about 1 MiB) and on the columns of leaves of a million facts
//! about people, and of a package index, whose facts are mostly text; bytes against those before:
//!
//! ```text
//!                       logs            columns      written   read
//!                  people packages  people packages   MB/s     MB/s
//! LZ4 (lz4_flex)    0.43    0.43     0.71    0.78      600    3,500
//! DEFLATE (zlib-rs, level 3)
//!                   0.33    0.30     0.59    0.66    70-140   450-700
//! Zstandard (libzstd, level 3, read by ruzstd)
//!                   0.31    0.30     0.59    0.66      300    290-330
//! ```
//!
//! All of them are written faster than a bucket takes them. DEFLATE is taken where it saves an
//! eighth of what LZ4 leaves, which pays as soon as a network is in between.

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

/// How hard DEFLATE looks for what repeats, of 9.
const LEVEL: u32 = 3;
/// Bytes in which DEFLATE stores what it cannot shrink are a little more.
const DEFLATE_SLACK_BYTES: usize = 256;
/// One part in so many must be saved, or it is not worth it.
const SAVES_ONE_IN: usize = 8;
/// Shorter payloads are left as they are, in bytes.
const BYTES_MIN: usize = 64;

/// How a payload is compressed. The numbers are stored in envelopes and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Compression {
    /// As one LZ4 block.
    Lz4 = 1,
    /// As one DEFLATE stream.
    Deflate = 2,
}

/// Something compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    /// How.
    pub compression: Compression,
    /// What it became.
    pub bytes: Vec<u8>,
}

/// Compressed bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct NotCompressed {
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Compression {
    /// The compression of this number; `None` where there is none that this software knows.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Lz4),
            2 => Some(Self::Deflate),
            _ => None,
        }
    }

    /// How many bytes one byte can stand for at most.
    const fn ratio_max(self) -> usize {
        match self {
            Self::Lz4 => 255,
            // Two bits for 258 bytes.
            Self::Deflate => 1032,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "an LZ4 block",
            Self::Deflate => "a DEFLATE stream",
        }
    }

    /// Compresses bytes, whether that makes them shorter or not. `None` when the library refuses.
    fn compress(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Lz4 => Some(lz4_flex::block::compress(bytes)),
            Self::Deflate => {
                let mut out =
                    Vec::with_capacity(bytes.len() + bytes.len() / 8 + DEFLATE_SLACK_BYTES);
                let mut deflate = Compress::new(flate2::Compression::new(LEVEL), false);
                let status = deflate.compress_vec(bytes, &mut out, FlushCompress::Finish);
                matches!(status, Ok(Status::StreamEnd)).then_some(out)
            }
        }
    }

    /// The bytes before, which must be exactly so many. Allocates no more than `stored` can
    /// become, so that nobody's word needs to be believed.
    ///
    /// # Errors
    /// When they are not.
    pub fn decompress(self, stored: &[u8], plain_bytes: usize) -> Result<Vec<u8>, NotCompressed> {
        let most = stored.len().saturating_mul(self.ratio_max());
        if plain_bytes > most {
            let expected = format!("{most} bytes of plain payload at most");
            return Err(NotCompressed { expected, found: format!("{plain_bytes} bytes") });
        }
        let found = match self.plain(stored, plain_bytes) {
            Ok(plain) if plain.len() == plain_bytes => return Ok(plain),
            Ok(plain) => format!("{} bytes", plain.len()),
            Err(error) => error,
        };
        Err(NotCompressed { expected: format!("{plain_bytes} bytes in {}", self.name()), found })
    }

    /// At most so many plain bytes, or what is wrong.
    fn plain(self, stored: &[u8], plain_bytes: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::Lz4 => {
                lz4_flex::block::decompress(stored, plain_bytes).map_err(|error| error.to_string())
            }
            Self::Deflate => inflate(stored, plain_bytes),
        }
    }
}

fn inflate(stored: &[u8], plain_bytes: usize) -> Result<Vec<u8>, String> {
    // A byte more: an end that comes right after the last byte is read only if there is room.
    let mut plain = Vec::with_capacity(plain_bytes + 1);
    let mut inflate = Decompress::new(false);
    match inflate.decompress_vec(stored, &mut plain, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) if inflate.total_in() == stored.len() as u64 => Ok(plain),
        Ok(Status::StreamEnd) => Err(format!("an end after {} bytes", inflate.total_in())),
        Ok(Status::Ok | Status::BufError) => Err("no end".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Compresses bytes as it pays: with LZ4 where that saves an eighth, with DEFLATE where that saves
/// an eighth of what is left. `None` where neither does.
#[must_use]
pub fn compress(bytes: &[u8]) -> Option<Compressed> {
    let quick = compress_quickly(bytes);
    let best = quick.as_ref().map_or(bytes.len(), |quick| quick.bytes.len());
    if bytes.len() < BYTES_MIN || (quick.is_none() && !has_frequent_bytes(bytes)) {
        return quick;
    }
    shorter(Compression::Deflate, bytes, best).or(quick)
}

/// Compresses bytes with LZ4 where that saves an eighth: for what is written while somebody waits.
#[must_use]
pub fn compress_quickly(bytes: &[u8]) -> Option<Compressed> {
    match bytes.len() {
        0..BYTES_MIN => None,
        length => shorter(Compression::Lz4, bytes, length),
    }
}

/// What bytes are compressed to, if that saves an eighth of a length.
fn shorter(compression: Compression, bytes: &[u8], length: usize) -> Option<Compressed> {
    let compressed = compression.compress(bytes)?;
    (compressed.len() <= length - length / SAVES_ONE_IN)
        .then_some(Compressed { compression, bytes: compressed })
}

/// Whether fewer bits for frequent bytes would save an eighth, by their entropy. What is packed,
/// hashed or random has none, and most columns are: no time is spent on them.
fn has_frequent_bytes(bytes: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let bits = |count: u32| f64::from(count) * (total / f64::from(count)).log2();
    let bits: f64 = counts.into_iter().filter(|count| *count > 0).map(bits).sum();
    bits <= (8 - 8 / SAVES_ONE_IN) as f64 * total
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_deflated_and_repetitions_left_to_lz4() {
        let digits: Vec<u8> = (0..4000_u64)
            .flat_map(|number| {
                (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).to_string().into_bytes()
            })
            .collect();
        assert_eq!(compress(&digits).unwrap().compression, Compression::Deflate);
        let noise = noise(16 << 10);
        assert_eq!(compress(&noise), None);
        let twice = [noise.as_slice(), &noise].concat();
        assert_eq!(compress(&twice).unwrap().compression, Compression::Lz4);
    }

    fn noise(bytes: usize) -> Vec<u8> {
        let mut reader = blake3::Hasher::new().update(b"noise").finalize_xof();
        let mut noise = vec![0; bytes];
        reader.fill(&mut noise);
        noise
    }

    #[test]
    fn what_comes_to_another_length_is_refused() {
        for compression in [Compression::Lz4, Compression::Deflate] {
            let stored = compression.compress(&[7; 1000]).unwrap();
            assert_eq!(compression.decompress(&stored, 1000).unwrap(), [7; 1000]);
            for length in [0, 1, 999, 1001, 2000, 1 << 20, usize::MAX] {
                compression.decompress(&stored, length).unwrap_err();
            }
            for end in 0..stored.len() {
                compression.decompress(&stored[..end], 1000).unwrap_err();
            }
            let longer = [stored.as_slice(), &[0]].concat();
            compression.decompress(&longer, 1000).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(bytes: Vec<u8>, times in 1..40_usize) {
            let bytes = bytes.repeat(times);
            for compression in [Compression::Lz4, Compression::Deflate] {
                let stored = compression.compress(&bytes).unwrap();
                prop_assert_eq!(&compression.decompress(&stored, bytes.len()).unwrap(), &bytes);
            }
            for compressed in [compress(&bytes), compress_quickly(&bytes)].into_iter().flatten() {
                prop_assert!(compressed.bytes.len() <= bytes.len() - bytes.len() / SAVES_ONE_IN);
                let plain = compressed.compression.decompress(&compressed.bytes, bytes.len());
                prop_assert_eq!(&plain.unwrap(), &bytes);
            }
        }

        #[test]
        fn any_bytes_are_decompressed_or_refused(stored: Vec<u8>, plain_bytes in 0..4000_usize) {
            for compression in [Compression::Lz4, Compression::Deflate] {
                if let Ok(plain) = compression.decompress(&stored, plain_bytes) {
                    prop_assert_eq!(plain.len(), plain_bytes);
                }
            }
        }
    }
}
