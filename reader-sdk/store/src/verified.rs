//! Reads that are checked before anyone decodes them.

use std::ops::Range;

use bytes::Bytes;

use crate::envelope::{self, ContentHash, Kind, Payload};
use crate::{Key, ReadStore, StoreError};

/// Reads an object that is referred to, and takes its frame off.
///
/// # Errors
/// `Missing` when it is not there, otherwise as [`envelope::open_bound`] and the store.
pub async fn read_object(
    store: &dyn ReadStore,
    kind: Kind,
    context: &[u8],
    key: &Key,
) -> Result<Payload, StoreError> {
    let object = find_object(store, kind, context, key).await?;
    object.ok_or_else(|| missing(store, key))
}

/// Reads an object that may or may not be there, and takes its frame off.
///
/// # Errors
/// As [`envelope::open_bound`] and the store.
pub async fn find_object(
    store: &dyn ReadStore,
    kind: Kind,
    context: &[u8],
    key: &Key,
) -> Result<Option<Payload>, StoreError> {
    let Some(bytes) = store.get(key).await? else {
        return Ok(None);
    };
    envelope::open_bound(kind, context, object_name(store, key), bytes).map(Some)
}

/// Reads a stretch of an object, such as a node in a pack, and compares it with the hash by which
/// it is referred to.
///
/// # Errors
/// `Missing` when there is no object, `Corrupt` when the stretch is short or is not what was
/// written, otherwise as the store.
pub async fn read_stretch(
    store: &dyn ReadStore,
    key: &Key,
    range: Range<u64>,
    hash: ContentHash,
) -> Result<Bytes, StoreError> {
    let stretch = store.get_range(key, range.clone()).await?;
    let bytes = stretch.ok_or_else(|| missing(store, key))?;
    let object = || format!("{} bytes {range:?}", object_name(store, key));
    let expected_bytes = range.end.saturating_sub(range.start);
    if bytes.len() as u64 != expected_bytes {
        return Err(StoreError::Corrupt {
            object: object(),
            expected: format!("{expected_bytes} bytes"),
            found: format!("{} bytes", bytes.len()),
        });
    }
    let actual = ContentHash::of(&bytes);
    if actual != hash {
        return Err(StoreError::Corrupt {
            object: object(),
            expected: format!("hash {hash}"),
            found: format!("hash {actual}"),
        });
    }
    Ok(bytes)
}

/// What an object is called in messages: where the store is, and the key.
#[must_use]
pub fn object_name(store: &dyn ReadStore, key: &Key) -> String {
    let place = store.place();
    format!("{}/{key}", place.trim_end_matches('/'))
}

fn missing(store: &dyn ReadStore, key: &Key) -> StoreError {
    StoreError::Missing { object: object_name(store, key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, WriteStore};

    #[tokio::test]
    async fn a_stretch_is_whole_and_right_or_an_error_that_names_it() {
        let store = MemoryStore::named("m");
        let key = Key::new("pack/1");
        let hash = ContentHash::of(b"cde");
        let missing = read_stretch(&store, &key, 2..5, hash).await.unwrap_err();
        assert_eq!(missing.to_string(), "memory://m/pack/1: missing, although it is referred to");

        store.put(&key, "abcdefg".into()).await.unwrap();
        assert_eq!(read_stretch(&store, &key, 2..5, hash).await.unwrap(), "cde");

        store.put(&key, "abcdxfg".into()).await.unwrap();
        let other = read_stretch(&store, &key, 2..5, hash).await.unwrap_err();
        assert!(other.to_string().starts_with("memory://m/pack/1 bytes 2..5: corrupt"));

        store.put(&key, "abcd".into()).await.unwrap();
        let short = read_stretch(&store, &key, 2..5, hash).await.unwrap_err();
        assert!(short.to_string().ends_with("expected 3 bytes, found 2 bytes"), "{short}");
    }

    #[tokio::test]
    async fn an_object_is_opened_or_named() {
        let store = MemoryStore::named("m");
        let key = Key::new("root/1");
        assert_eq!(find_object(&store, Kind::Root, b"1", &key).await.unwrap(), None);
        let missing = read_object(&store, Kind::Root, b"1", &key).await.unwrap_err();
        assert!(matches!(missing, StoreError::Missing { .. }));

        let object = envelope::seal_bound(Kind::Root, b"1", b"payload");
        store.put(&key, object).await.unwrap();
        let payload = read_object(&store, Kind::Root, b"1", &key).await.unwrap();
        assert_eq!(payload.bytes, "payload");
        let moved = read_object(&store, Kind::Root, b"2", &key).await.unwrap_err();
        assert!(moved.to_string().starts_with("memory://m/root/1: corrupt"), "{moved}");
    }
}
