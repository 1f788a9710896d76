//! Large objects, verified piece by piece.

use duramen_store::envelope::{self, HEADER_BYTES, Kind, Pieces};
use duramen_store::{Key, ReadStore, StoreError};

/// How much is read at once, in bytes.
const PIECE_BYTES: u64 = 4 << 20;

/// Verifies an object without holding it whole. Its length.
pub(super) async fn check(store: &dyn ReadStore, kind: Kind, key: &Key) -> Result<u64, StoreError> {
    let missing = || StoreError::Missing { object: key.to_string() };
    let frame = store.get_range(key, 0..HEADER_BYTES as u64).await?.ok_or_else(missing)?;
    let mut pieces = Pieces::begin(kind, key, &frame)?;
    let end = pieces.object_bytes();
    let mut at = HEADER_BYTES as u64;
    while at < end {
        // Asks for a byte more than there should be, so that what is too long is found out too.
        let to = at.saturating_add(PIECE_BYTES).min(end.saturating_add(1));
        let piece = store.get_range(key, at..to).await?.ok_or_else(missing)?;
        pieces.add(&piece);
        if (piece.len() as u64) < to - at {
            break;
        }
        at = to;
    }
    pieces.finish()?;
    Ok(end)
}

/// How long an object says it is; 0 when it does not say.
pub(super) async fn length(store: &dyn ReadStore, key: &Key) -> Result<u64, StoreError> {
    let frame = store.get_range(key, 0..HEADER_BYTES as u64).await?;
    Ok(frame.and_then(|frame| envelope::object_bytes(&frame)).unwrap_or(0))
}
