//! The frame around every object in the bucket.
//!
//! ```text
//! offset  bytes
//!      0      8  magic: 0x8D "DURAMEN"
//!      8      1  envelope version: 1
//!      9      1  kind of object
//!     10      2  format version of the payload; counts per kind
//!     12      1  compression of the payload: 0 none, 1 LZ4 block, 2 DEFLATE stream
//!     13      1  encryption of the payload: 0 none
//!     14      2  zero
//!     16      8  features that whoever reads must understand, a bit each
//!     24      8  features that whoever writes to the database must understand, a bit each
//!     32      8  length of the payload as stored
//!     40      8  length of the payload, decrypted and decompressed
//!     48     32  BLAKE3 of: bytes 0 to 48, length of the context (8 bytes), context, payload as stored
//!     80      …  payload as stored
//! ```
//!
//! Integers are little-endian. The context is not stored: it is what the object must be (a root: of
//! which database and branch, and its number), so that an object copied to another place is found
//! out. Other kinds have an empty one. The hash covers the header, so that a flipped bit is always
//! damage and never a wrong answer about versions. Envelope version 1 is for ever; the versions and
//! features inside it are how the format grows.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::StoreError;
use crate::compression::{self, Compressed, Compression};

const MAGIC: [u8; 8] = *b"\x8dDURAMEN";
const ENVELOPE_VERSION: u8 = 1;
const HASHED_HEADER_BYTES: usize = 48;

/// The length of the frame in front of the payload, in bytes.
pub const HEADER_BYTES: usize = 80;

/// How long a compressed payload can have been before, in bytes.
const PLAIN_BYTES_MAX: u64 = 256 << 20;

/// The features that this software understands when reading. None are defined yet.
const READ_FEATURES: u64 = 0;
/// The features that this software understands when writing. None are defined yet.
const WRITE_FEATURES: u64 = 0;

/// A BLAKE3 hash of stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an object is. The numbers are stored and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Says what a database name means.
    Claim = 1,
    /// Makes a batch of transactions visible.
    Root = 2,
    /// What a merge made.
    Checkpoint = 3,
    /// Index nodes.
    Pack = 4,
    /// A stretch of the log.
    Segment = 5,
    /// Hints at the newest root.
    Head = 6,
    /// Which packs runs are in.
    PackList = 7,
    /// References to segments of the log.
    LogIndex = 8,
}

impl Kind {
    /// The newest format of this kind that this software writes and reads.
    #[must_use]
    pub const fn version(self) -> u16 {
        match self {
            Self::Claim | Self::Root | Self::Checkpoint => 1,
            Self::Pack | Self::Segment | Self::Head | Self::PackList | Self::LogIndex => 1,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Root => "root",
            Self::Checkpoint => "checkpoint",
            Self::Pack => "pack",
            Self::Segment => "segment",
            Self::Head => "head",
            Self::PackList => "pack list",
            Self::LogIndex => "log index",
        }
    }
}

/// What an object holds, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The contents.
    pub bytes: Bytes,
    /// The hash by which other objects refer to this one.
    pub hash: ContentHash,
    /// The format version of the contents.
    pub version: u16,
    /// The features that whoever writes to the database must understand.
    pub write_features: u64,
}

impl Payload {
    /// Makes sure that this software may write to the database that the object belongs to.
    ///
    /// # Errors
    /// `TooNew` when it needs a feature that this software does not have.
    pub fn check_writable(&self, object: impl fmt::Display) -> Result<(), StoreError> {
        match self.write_features & !WRITE_FEATURES {
            0 => Ok(()),
            unknown => Err(StoreError::TooNew {
                object: object.to_string(),
                what: format!("what writing needs (features {unknown:#x})"),
            }),
        }
    }
}

/// Frames the contents of an object.
#[must_use]
pub fn seal(kind: Kind, payload: &[u8]) -> Bytes {
    seal_bound(kind, &[], payload)
}

/// Frames the contents of an object that is only right in one place; [`open_bound`] needs the same
/// context.
#[must_use]
pub fn seal_bound(kind: Kind, context: &[u8], payload: &[u8]) -> Bytes {
    Header::new(kind, payload.len()).seal(context, payload)
}

/// Frames the contents of an object, compressed where that saves an eighth.
#[must_use]
pub fn seal_compressed(kind: Kind, payload: &[u8]) -> Bytes {
    seal_as(kind, &[], payload, compression::compress(payload))
}

/// Frames the contents of an object that is only right in one place, compressed where that saves
/// an eighth and takes next to no time.
#[must_use]
pub fn seal_bound_compressed(kind: Kind, context: &[u8], payload: &[u8]) -> Bytes {
    seal_as(kind, context, payload, compression::compress_quickly(payload))
}

fn seal_as(kind: Kind, context: &[u8], payload: &[u8], compressed: Option<Compressed>) -> Bytes {
    let can_be_read = payload.len() as u64 <= PLAIN_BYTES_MAX;
    let Some(Compressed { compression, bytes }) = compressed.filter(|_| can_be_read) else {
        return seal_bound(kind, context, payload);
    };
    let header = Header {
        compression: compression as u8,
        plain_bytes: payload.len() as u64,
        ..Header::new(kind, bytes.len())
    };
    header.seal(context, &bytes)
}

/// The hash by which other objects refer to one that was just sealed; not verified. `None` when
/// there are too few bytes.
#[must_use]
pub fn hash_of(object: &[u8]) -> Option<ContentHash> {
    field(object, HASHED_HEADER_BYTES).map(ContentHash)
}

/// The length of a whole object, by its frame; not verified. `None` when it is no frame of ours.
#[must_use]
pub fn object_bytes(frame: &[u8]) -> Option<u64> {
    let header = Header::decode(frame).filter(|_| frame.starts_with(&MAGIC))?;
    header.stored_bytes.checked_add(HEADER_BYTES as u64)
}

/// Verifies an object and takes its frame off. `object` is its name, for errors.
///
/// # Errors
/// `Corrupt` when any bit is not as written, `TooNew` when newer software wrote it.
pub fn open(kind: Kind, object: impl fmt::Display, bytes: Bytes) -> Result<Payload, StoreError> {
    open_bound(kind, &[], object, bytes)
}

/// Verifies an object that was sealed with a context, and takes its frame off.
///
/// # Errors
/// `Corrupt` when any bit is not as written or the context is another, `TooNew` when newer software
/// wrote it.
pub fn open_bound(
    kind: Kind,
    context: &[u8],
    object: impl fmt::Display,
    bytes: Bytes,
) -> Result<Payload, StoreError> {
    Opening { kind, context, object: &object }.open(bytes)
}

/// The fields of the frame. Software writes only [`Header::new`]; the fields are open so that tests
/// can make objects of the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The version of the frame itself.
    pub envelope_version: u8,
    /// The number of a [`Kind`].
    pub kind: u8,
    /// The format version of the payload.
    pub version: u16,
    /// How the payload is compressed.
    pub compression: u8,
    /// How the payload is encrypted.
    pub encryption: u8,
    /// Features that whoever reads must understand.
    pub read_features: u64,
    /// Features that whoever writes to the database must understand.
    pub write_features: u64,
    /// The length of the payload as stored.
    pub stored_bytes: u64,
    /// The length of the payload, decrypted and decompressed.
    pub plain_bytes: u64,
}

impl Header {
    /// The frame that this software writes.
    #[must_use]
    pub fn new(kind: Kind, payload_bytes: usize) -> Self {
        Self {
            envelope_version: ENVELOPE_VERSION,
            kind: kind as u8,
            version: kind.version(),
            compression: 0,
            encryption: 0,
            read_features: 0,
            write_features: 0,
            stored_bytes: payload_bytes as u64,
            plain_bytes: payload_bytes as u64,
        }
    }

    /// Puts the frame around a payload.
    #[must_use]
    pub fn seal(&self, context: &[u8], payload: &[u8]) -> Bytes {
        let mut object = BytesMut::with_capacity(HEADER_BYTES + payload.len());
        object.put_slice(&MAGIC);
        object.put_u8(self.envelope_version);
        object.put_u8(self.kind);
        object.put_u16_le(self.version);
        object.put_u8(self.compression);
        object.put_u8(self.encryption);
        object.put_u16_le(0);
        object.put_u64_le(self.read_features);
        object.put_u64_le(self.write_features);
        object.put_u64_le(self.stored_bytes);
        object.put_u64_le(self.plain_bytes);
        let hash = hash(&object, context, payload);
        object.put_slice(&hash.0);
        object.put_slice(payload);
        object.freeze()
    }

    /// Reads the fields; `None` when there are too few bytes.
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            envelope_version: field::<1>(bytes, 8)?[0],
            kind: field::<1>(bytes, 9)?[0],
            version: u16::from_le_bytes(field(bytes, 10)?),
            compression: field::<1>(bytes, 12)?[0],
            encryption: field::<1>(bytes, 13)?[0],
            read_features: u64::from_le_bytes(field(bytes, 16)?),
            write_features: u64::from_le_bytes(field(bytes, 24)?),
            stored_bytes: u64::from_le_bytes(field(bytes, 32)?),
            plain_bytes: u64::from_le_bytes(field(bytes, 40)?),
        })
    }
}

fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset + N)?.try_into().ok()
}

fn hash(header: &[u8], context: &[u8], payload: &[u8]) -> ContentHash {
    ContentHash(*begin_hash(header, context).update(payload).finalize().as_bytes())
}

fn begin_hash(header: &[u8], context: &[u8]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header);
    hasher.update(&(context.len() as u64).to_le_bytes());
    hasher.update(context);
    hasher
}

/// What an object must be.
struct Opening<'a> {
    kind: Kind,
    context: &'a [u8],
    object: &'a dyn fmt::Display,
}

impl Opening<'_> {
    fn open(&self, bytes: Bytes) -> Result<Payload, StoreError> {
        let header = self.header(&bytes)?;
        let hash = self.verify(&header, &bytes)?;
        let compression = self.check_understood(&header)?;
        let stored = bytes.slice(HEADER_BYTES..);
        Ok(Payload {
            bytes: match compression {
                None => stored,
                Some(compression) => self.decompress(compression, &header, &stored)?,
            },
            hash,
            version: header.version,
            write_features: header.write_features,
        })
    }

    /// Reads the frame of an object that claims to be ours.
    fn header(&self, bytes: &[u8]) -> Result<Header, StoreError> {
        let found_magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(found_magic) {
            return Err(self.corrupt("an object of Duramen", "something else"));
        }
        let short = || self.corrupt("a frame of 80 bytes", format!("{} bytes", bytes.len()));
        let version = bytes.get(8).copied().ok_or_else(short)?;
        if version > ENVELOPE_VERSION {
            return Err(self.too_new(format!("envelope version {version}")));
        }
        let header = Header::decode(bytes).filter(|_| bytes.len() >= HEADER_BYTES);
        header.ok_or_else(short)
    }

    /// Compares lengths and hash. Comes before any other field is believed.
    fn verify(&self, header: &Header, bytes: &[u8]) -> Result<ContentHash, StoreError> {
        let payload = &bytes[HEADER_BYTES..];
        let stored = field(bytes, HASHED_HEADER_BYTES).map(ContentHash);
        let stored = stored.ok_or_else(|| self.corrupt("a hash", "none"))?;
        let actual = hash(&bytes[..HASHED_HEADER_BYTES], self.context, payload);
        self.compare(header, payload.len() as u64, stored, actual)?;
        Ok(stored)
    }

    fn compare(
        &self,
        header: &Header,
        payload_bytes: u64,
        stored: ContentHash,
        actual: ContentHash,
    ) -> Result<(), StoreError> {
        if header.stored_bytes != payload_bytes {
            return Err(self.corrupt(
                format!("{} bytes of payload", header.stored_bytes),
                format!("{payload_bytes} bytes"),
            ));
        }
        match stored == actual {
            true => Ok(()),
            false => Err(self.corrupt(format!("hash {stored}"), format!("hash {actual}"))),
        }
    }

    /// How the payload is compressed, if all that the frame says is understood.
    fn check_understood(&self, header: &Header) -> Result<Option<Compression>, StoreError> {
        if header.kind != self.kind as u8 {
            return Err(self.corrupt(
                format!("a {} (kind {})", self.kind.name(), self.kind as u8),
                format!("kind {}", header.kind),
            ));
        }
        let unknown = header.read_features & !READ_FEATURES;
        if unknown != 0 {
            return Err(self.too_new(format!("what reading needs (features {unknown:#x})")));
        }
        if header.version > self.kind.version() {
            return Err(self.too_new(format!("{} format {}", self.kind.name(), header.version)));
        }
        let compression = Compression::from_number(header.compression);
        if (compression.is_none() && header.compression != 0) || header.encryption != 0 {
            return Err(self.too_new(format!(
                "compression {} with encryption {}",
                header.compression, header.encryption
            )));
        }
        if header.compression == 0 && header.plain_bytes != header.stored_bytes {
            return Err(self.corrupt(
                format!("{} bytes of plain payload", header.plain_bytes),
                format!("{} bytes", header.stored_bytes),
            ));
        }
        Ok(compression)
    }

    fn decompress(
        &self,
        compression: Compression,
        header: &Header,
        stored: &[u8],
    ) -> Result<Bytes, StoreError> {
        let plain_bytes = Some(header.plain_bytes).filter(|bytes| *bytes <= PLAIN_BYTES_MAX);
        let plain_bytes =
            plain_bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| {
                self.corrupt(
                    format!("{PLAIN_BYTES_MAX} bytes of plain payload at most"),
                    format!("{} bytes", header.plain_bytes),
                )
            })?;
        let plain = compression.decompress(stored, plain_bytes);
        plain.map(Bytes::from).map_err(|wrong| self.corrupt(wrong.expected, wrong.found))
    }

    fn corrupt(&self, expected: impl Into<String>, found: impl Into<String>) -> StoreError {
        StoreError::Corrupt {
            object: self.object.to_string(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn too_new(&self, what: String) -> StoreError {
        StoreError::TooNew { object: self.object.to_string(), what }
    }
}

/// Verifies an object that is read piece by piece, without ever holding it whole.
#[derive(Debug)]
pub struct Pieces {
    kind: Kind,
    object: String,
    header: Header,
    stored: ContentHash,
    hasher: blake3::Hasher,
    payload_bytes: u64,
}

impl Pieces {
    /// Begins with the frame: the first [`HEADER_BYTES`] of the object, or all there is of it.
    ///
    /// # Errors
    /// `Corrupt` when it is no frame, `TooNew` when newer software wrote it.
    pub fn begin(kind: Kind, object: impl fmt::Display, frame: &[u8]) -> Result<Self, StoreError> {
        let object = object.to_string();
        let opening = Opening { kind, context: &[], object: &object };
        let header = opening.header(frame)?;
        let stored = field(frame, HASHED_HEADER_BYTES).map(ContentHash);
        let stored = stored.ok_or_else(|| opening.corrupt("a hash", "none"))?;
        let hasher = begin_hash(&frame[..HASHED_HEADER_BYTES], &[]);
        Ok(Self { kind, object, header, stored, hasher, payload_bytes: 0 })
    }

    /// How long the object is to be, in bytes.
    #[must_use]
    pub const fn object_bytes(&self) -> u64 {
        self.header.stored_bytes.saturating_add(HEADER_BYTES as u64)
    }

    /// Takes the next piece of the payload.
    pub fn add(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.payload_bytes = self.payload_bytes.saturating_add(piece.len() as u64);
    }

    /// Compares length and hash with what was written.
    ///
    /// # Errors
    /// As for [`open`].
    pub fn finish(self) -> Result<(), StoreError> {
        let opening = Opening { kind: self.kind, context: &[], object: &self.object };
        let actual = ContentHash(*self.hasher.finalize().as_bytes());
        opening.compare(&self.header, self.payload_bytes, self.stored, actual)?;
        opening.check_understood(&self.header).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OBJECT: &str = "cat/claim/0";

    fn too_new(header: Header) -> bool {
        let object = header.seal(&[], b"payload");
        matches!(open(Kind::Claim, OBJECT, object), Err(StoreError::TooNew { .. }))
    }

    /// A database written today opens for ever: these bytes never change.
    #[test]
    fn golden_bytes() {
        let object = seal_bound(Kind::Root, b"context", b"payload");
        let hex: String = object.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "8d445552414d454e01020100000000000000000000000000000000000000000007000000000000000700000000000000f454fdc9f4378605ea766d9d3ba41dcf37268facb7d2961b722b1084359eff717061796c6f6164"
        );
    }

    #[test]
    fn features_stop_those_who_lack_them() {
        let header = Header::new(Kind::Claim, 7);
        assert!(!too_new(header));
        assert!(too_new(Header { version: 2, ..header }));
        assert!(too_new(Header { read_features: 1, ..header }));
        assert!(too_new(Header { compression: 3, ..header }));
        assert!(too_new(Header { encryption: 1, ..header }));
        assert!(too_new(Header { envelope_version: 2, ..header }));

        let writing = Header { write_features: 1, ..header }.seal(&[], b"payload");
        let payload = open(Kind::Claim, OBJECT, writing).unwrap();
        assert!(matches!(payload.check_writable(OBJECT), Err(StoreError::TooNew { .. })));
    }

    /// A database written today opens for ever: these bytes never change.
    #[test]
    fn golden_bytes_of_a_compressed_payload() {
        let hex = "8d445552414d454e0105010001000000000000000000000000000000000000000c00000000000000400000\
                   00000000000e260c74196b8ee24f9b2e668475c9f28d5f8744e687b87fa8800b1e1ed09ced1f07010026\
                   60070707070707";
        let digits = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
        let object: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
        // Another compressor may find shorter bytes: only what they open to is for ever.
        let payload = open(Kind::Segment, OBJECT, object.into()).unwrap();
        assert_eq!(payload.bytes, vec![7; 64]);
    }

    #[test]
    fn a_length_that_is_not_that_of_the_contents_is_corrupt() {
        let object = seal_compressed(Kind::Segment, &[7; 1000]);
        let header = Header::decode(&object).unwrap();
        for plain_bytes in [0, 1, 999, 1001, 1 << 20, u64::MAX] {
            let other = Header { plain_bytes, ..header }.seal(&[], &object[HEADER_BYTES..]);
            let error = open(Kind::Segment, OBJECT, other).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{plain_bytes}: {error}");
        }
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        let noise: Vec<u8> = (0..100_u8).collect();
        assert_eq!(seal_compressed(Kind::Segment, &noise), seal(Kind::Segment, &noise));
        assert_eq!(seal_compressed(Kind::Segment, &[]), seal(Kind::Segment, &[]));
    }

    #[test]
    fn another_kind_and_another_context_are_found_out() {
        let object = seal_bound(Kind::Root, b"here", b"payload");
        open_bound(Kind::Root, b"here", OBJECT, object.clone()).unwrap();
        for opened in [
            open_bound(Kind::Root, b"there", OBJECT, object.clone()),
            open_bound(Kind::Segment, b"here", OBJECT, object.clone()),
            open(Kind::Root, OBJECT, object),
        ] {
            let error = opened.unwrap_err().to_string();
            assert!(error.starts_with("cat/claim/0: corrupt"), "{error}");
        }
    }

    #[test]
    fn every_shorter_object_is_corrupt() {
        let object = seal(Kind::Pack, &[7; 100]);
        for length in 0..object.len() {
            let error = open(Kind::Pack, OBJECT, object.slice(..length)).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{length}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(payload: Vec<u8>, context: Vec<u8>) {
            let object = seal_bound(Kind::Segment, &context, &payload);
            let opened = open_bound(Kind::Segment, &context, OBJECT, object.clone()).unwrap();
            prop_assert_eq!(opened.bytes, payload);
            prop_assert_eq!(hash_of(&object), Some(opened.hash));
        }

        #[test]
        fn what_is_compressed_is_opened(payload: Vec<u8>, times in 1..9_usize) {
            let payload = payload.repeat(times);
            let object = seal_compressed(Kind::Segment, &payload);
            prop_assert!(object.len() <= payload.len() + HEADER_BYTES);
            prop_assert_eq!(open(Kind::Segment, OBJECT, object).unwrap().bytes, payload);
        }

        #[test]
        fn any_compressed_bytes_are_opened_or_refused(
            stored: Vec<u8>,
            compression in 1..3_u8,
            plain_bytes in 0..600_u64,
        ) {
            let header = Header { compression, plain_bytes, ..Header::new(Kind::Segment, stored.len()) };
            if let Ok(payload) = open(Kind::Segment, OBJECT, header.seal(&[], &stored)) {
                prop_assert_eq!(payload.bytes.len() as u64, plain_bytes);
            }
        }

        #[test]
        fn a_flipped_bit_is_always_found(payload: Vec<u8>, place: prop::sample::Index, bit in 0..8u32) {
            let mut object = seal(Kind::Segment, &payload).to_vec();
            let place = place.index(object.len());
            object[place] ^= 1u8 << bit;
            match open(Kind::Segment, OBJECT, object.into()) {
                Err(StoreError::Corrupt { .. }) => {}
                Err(StoreError::TooNew { .. }) => prop_assert_eq!(place, 8),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes: Vec<u8>, magic: bool) {
            let mut object = if magic { MAGIC.to_vec() } else { Vec::new() };
            object.extend(bytes);
            prop_assert!(open(Kind::Root, OBJECT, object.into()).is_err());
        }
    }
}
