//! Segments: stretches of the log, spilled out of the tail.

use bytes::Bytes;
use duramen_model::T;
use duramen_proto::stored;
use duramen_store::envelope::{self, ContentHash, Kind};
use duramen_store::layout::{DatabaseId, ObjectName};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::LoggedTx;
use crate::logged_tx::parse_stretch;
use crate::malformed::{self, Malformed, fixed};

/// A reference to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRef {
    /// What the object is called.
    pub name: ObjectName,
    /// The first transaction in it.
    pub t_first: T,
    /// The last transaction in it.
    pub t_last: T,
    /// The length of the object.
    pub bytes: u64,
    /// The hash of the object.
    pub hash: ContentHash,
}

/// A segment that is to be written before anything refers to it.
#[derive(Debug)]
#[must_use]
pub struct UnpublishedSegment {
    /// How to refer to it.
    pub reference: SegmentRef,
    /// The object.
    pub object: Bytes,
}

/// Makes a segment of consecutive transactions; `None` when there are none.
#[must_use]
pub fn seal(id: DatabaseId, name: ObjectName, txs: &[LoggedTx]) -> Option<UnpublishedSegment> {
    let (t_first, t_last) = (txs.first()?.t(), txs.last()?.t());
    let message = stored::Segment {
        database_id: id.0.to_vec().into(),
        t_first: t_first.get(),
        t_last: t_last.get(),
        records: txs.iter().map(|tx| tx.bytes().clone()).collect(),
    };
    let object = envelope::seal_compressed(Kind::Segment, &message.encode_to_vec());
    let (bytes, hash) = (object.len() as u64, envelope::hash_of(&object)?);
    let reference = SegmentRef { name, t_first, t_last, bytes, hash };
    Some(UnpublishedSegment { reference, object })
}

/// Takes the transactions out of a segment that was fetched.
///
/// # Errors
/// `Corrupt` when it is not what the reference says, `TooNew` when newer software wrote it.
pub fn open(
    id: DatabaseId,
    reference: &SegmentRef,
    key: &Key,
    object: Bytes,
) -> Result<Vec<LoggedTx>, StoreError> {
    let bytes = object.len();
    let payload = envelope::open(Kind::Segment, key, object)?;
    let corrupt = |malformed: Malformed| malformed.within(key);
    malformed::same_hash(payload.hash, reference.hash).map_err(corrupt)?;
    malformed::same_length(bytes, reference.bytes).map_err(corrupt)?;
    parse(id, reference, payload.bytes).map_err(corrupt)
}

fn parse(
    id: DatabaseId,
    reference: &SegmentRef,
    payload: Bytes,
) -> Result<Vec<LoggedTx>, Malformed> {
    let message = stored::Segment::decode(payload)?;
    malformed::same_database(&message.database_id, id)?;
    let txs = parse_stretch(message.records)?;
    let ends = txs.first().zip(txs.last()).map(|(first, last)| (first.t(), last.t()));
    let expected = (reference.t_first, reference.t_last);
    if ends != Some(expected)
        || (message.t_first, message.t_last) != (expected.0.get(), expected.1.get())
    {
        let expected = format!("transactions {} to {}", expected.0, expected.1);
        let found = format!("{} to {}", message.t_first, message.t_last);
        return Err(Malformed::new(expected, found));
    }
    Ok(txs)
}

impl SegmentRef {
    pub(crate) fn to_stored(self) -> stored::SegmentRef {
        stored::SegmentRef {
            name: self.name.to_string(),
            t_first: self.t_first.get(),
            t_last: self.t_last.get(),
            bytes: self.bytes,
            hash: self.hash.0.to_vec().into(),
        }
    }

    pub(crate) fn parse(message: &stored::SegmentRef) -> Result<Self, Malformed> {
        let (t_first, t_last) = malformed::stretch(message.t_first, message.t_last)?;
        Ok(Self {
            name: malformed::name(&message.name)?,
            t_first,
            t_last,
            bytes: message.bytes,
            hash: ContentHash(fixed(&message.hash, "a hash")?),
        })
    }
}

/// The first transaction after a stretch of the log that begins at `next`. Overlap is allowed:
/// who begins earlier is read from where it is needed.
pub(crate) fn after(next: u64, segments: &[SegmentRef]) -> Result<u64, Malformed> {
    segments.iter().try_fold(next, |next, segment| {
        if segment.t_first.get() > next {
            let found = format!("a segment from {} on", segment.t_first);
            return Err(Malformed::new(format!("transaction {next}"), found));
        }
        Ok(next.max(segment.t_last.get() + 1))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, ID, flips, mutate, tx};

    fn key() -> Key {
        Key::new("cat/segment")
    }

    #[test]
    fn segments_round_trip() {
        let txs = [tx(3), tx(4)];
        let sealed = seal(ID, fixtures::name(1), &txs).unwrap();
        let SegmentRef { t_first, t_last, .. } = sealed.reference;
        assert_eq!((t_first.get(), t_last.get()), (3, 4));
        let opened = open(ID, &sealed.reference, &key(), sealed.object.clone()).unwrap();
        assert_eq!(opened, txs);

        let other = SegmentRef { t_first: t_last, ..sealed.reference };
        assert!(open(ID, &other, &key(), sealed.object.clone()).is_err());
        let other = SegmentRef { hash: ContentHash([1; 32]), ..sealed.reference };
        assert!(open(ID, &other, &key(), sealed.object.clone()).is_err());
        assert!(open(DatabaseId([1; 16]), &sealed.reference, &key(), sealed.object).is_err());
        assert!(seal(ID, fixtures::name(1), &[]).is_none());
    }

    proptest! {
        #[test]
        fn mutated_segments_decode_or_are_refused(flips in flips()) {
            let sealed = seal(ID, fixtures::name(1), &[tx(3), tx(4)]).unwrap();
            let payload = envelope::open(Kind::Segment, "x", sealed.object).unwrap().bytes;
            if let Ok(txs) = parse(ID, &sealed.reference, mutate(payload.to_vec(), flips)) {
                prop_assert_eq!((txs[0].t(), txs[1].t()), (tx(3).t(), tx(4).t()));
            }
        }
    }
}
