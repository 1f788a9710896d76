//! The log index: a list of references to segments, or to such lists, as an object of its own.

use bytes::Bytes;
use duramen_model::T;
use duramen_proto::stored;
use duramen_store::envelope::{self, ContentHash, Kind};
use duramen_store::layout::{DatabaseId, ObjectName};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::limits::{LOG_INDEX_ENTRIES_MAX, LOG_INDEX_LEVEL_MAX};
use crate::malformed::{self, Malformed, fixed};
use crate::{SegmentRef, segment};

/// What a log index refers to, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogIndex {
    /// Segments: the index has level 0.
    Segments(Vec<SegmentRef>),
    /// Log indexes, all of one level, which is one lower.
    Indexes(Vec<LogIndexRef>),
}

/// A reference to a log index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogIndexRef {
    /// What the object is called.
    pub name: ObjectName,
    /// How many log indexes there are on the way from here to a segment, without this one.
    pub level: u8,
    /// The first transaction below it.
    pub t_first: T,
    /// The last transaction below it.
    pub t_last: T,
    /// The length of the object.
    pub bytes: u64,
    /// The hash of the object.
    pub hash: ContentHash,
}

/// A log index that is to be written before anything refers to it.
#[derive(Debug)]
#[must_use]
pub struct UnpublishedLogIndex {
    /// How to refer to it.
    pub reference: LogIndexRef,
    /// The object.
    pub object: Bytes,
}

impl LogIndex {
    /// Makes the object of a log index.
    ///
    /// # Errors
    /// When a reader would refuse it: there is nothing in it, or a gap, or too much.
    pub fn seal(
        &self,
        id: DatabaseId,
        name: ObjectName,
    ) -> Result<UnpublishedLogIndex, StoreError> {
        let corrupt = |malformed: Malformed| malformed.within(format!("log index {name}"));
        self.check().map_err(corrupt)?;
        let message = self.to_stored(id).map_err(corrupt)?;
        let object = envelope::seal_compressed(Kind::LogIndex, &message.encode_to_vec());
        let hash = envelope::hash_of(&object).expect("a sealed object has a frame");
        let (level, (t_first, t_last)) = (self.level(), self.ends().map_err(corrupt)?);
        let bytes = object.len() as u64;
        let reference = LogIndexRef { name, level, t_first, t_last, bytes, hash };
        Ok(UnpublishedLogIndex { reference, object })
    }

    /// Takes the references out of an object.
    ///
    /// # Errors
    /// `Corrupt` when it is not what the reference says, `TooNew` when newer software wrote it.
    pub fn open(
        id: DatabaseId,
        reference: &LogIndexRef,
        key: &Key,
        object: Bytes,
    ) -> Result<Self, StoreError> {
        let bytes = object.len();
        let payload = envelope::open(Kind::LogIndex, key, object)?;
        let corrupt = |malformed: Malformed| malformed.within(key);
        malformed::same_hash(payload.hash, reference.hash).map_err(corrupt)?;
        malformed::same_length(bytes, reference.bytes).map_err(corrupt)?;
        let index = Self::parse(id, payload.bytes).map_err(corrupt)?;
        let found = (index.level(), index.ends().map_err(corrupt)?);
        let expected = (reference.level, (reference.t_first, reference.t_last));
        match found == expected {
            true => Ok(index),
            false => Err(corrupt(Malformed::new(show(expected), show(found)))),
        }
    }

    fn to_stored(&self, id: DatabaseId) -> Result<stored::LogIndex, Malformed> {
        let (t_first, t_last) = self.ends()?;
        let (segments, indexes) = match self {
            Self::Segments(segments) => (&segments[..], &[][..]),
            Self::Indexes(indexes) => (&[][..], &indexes[..]),
        };
        Ok(stored::LogIndex {
            database_id: id.0.to_vec().into(),
            t_first: t_first.get(),
            t_last: t_last.get(),
            segments: segments.iter().map(|segment| segment.to_stored()).collect(),
            indexes: indexes.iter().map(|index| index.to_stored()).collect(),
        })
    }

    pub(crate) fn parse(id: DatabaseId, payload: Bytes) -> Result<Self, Malformed> {
        let message = stored::LogIndex::decode(payload)?;
        malformed::same_database(&message.database_id, id)?;
        let index = match message.indexes.is_empty() {
            true => Self::Segments(
                message.segments.iter().map(SegmentRef::parse).collect::<Result<_, _>>()?,
            ),
            false if message.segments.is_empty() => Self::Indexes(
                message.indexes.iter().map(LogIndexRef::parse).collect::<Result<_, _>>()?,
            ),
            false => return Err(Malformed::new("segments or log indexes", "both")),
        };
        index.check()?;
        let (t_first, t_last) = index.ends()?;
        match (message.t_first, message.t_last) == (t_first.get(), t_last.get()) {
            true => Ok(index),
            false => Err(Malformed::new(
                format!("transactions {} to {}", message.t_first, message.t_last),
                format!("{t_first} to {t_last}"),
            )),
        }
    }

    fn level(&self) -> u8 {
        match self {
            Self::Segments(_) => 0,
            Self::Indexes(indexes) => indexes.first().map_or(1, |index| index.level + 1),
        }
    }

    /// The first and the last transaction.
    fn ends(&self) -> Result<(T, T), Malformed> {
        let ends = match self {
            Self::Segments(segments) => segments
                .first()
                .map(|first| first.t_first)
                .zip(segments.iter().map(|segment| segment.t_last).max()),
            Self::Indexes(indexes) => indexes
                .first()
                .map(|first| first.t_first)
                .zip(indexes.iter().map(|index| index.t_last).max()),
        };
        ends.ok_or_else(|| Malformed::new("references", "none"))
    }

    fn check(&self) -> Result<(), Malformed> {
        let first = self.ends()?.0.get();
        let entries = match self {
            Self::Segments(segments) => {
                segment::after(first, segments)?;
                segments.len()
            }
            Self::Indexes(indexes) => {
                after(first, indexes)?;
                self.check_levels(indexes)?;
                indexes.len()
            }
        };
        if entries > LOG_INDEX_ENTRIES_MAX {
            let expected = format!("{LOG_INDEX_ENTRIES_MAX} references at most");
            return Err(Malformed::new(expected, entries));
        }
        Ok(())
    }

    fn check_levels(&self, indexes: &[LogIndexRef]) -> Result<(), Malformed> {
        let level = self.level();
        if level > LOG_INDEX_LEVEL_MAX {
            return Err(Malformed::new(format!("a level up to {LOG_INDEX_LEVEL_MAX}"), level));
        }
        match indexes.iter().find(|index| index.level + 1 != level) {
            Some(other) => Err(Malformed::new("log indexes of one level", other.level)),
            None => Ok(()),
        }
    }
}

fn show((level, (first, last)): (u8, (T, T))) -> String {
    format!("level {level} with transactions {first} to {last}")
}

impl LogIndexRef {
    pub(crate) fn to_stored(self) -> stored::LogIndexRef {
        stored::LogIndexRef {
            name: self.name.to_string(),
            level: self.level.into(),
            t_first: self.t_first.get(),
            t_last: self.t_last.get(),
            bytes: self.bytes,
            hash: self.hash.0.to_vec().into(),
        }
    }

    pub(crate) fn parse(message: &stored::LogIndexRef) -> Result<Self, Malformed> {
        let (t_first, t_last) = malformed::stretch(message.t_first, message.t_last)?;
        let level = u8::try_from(message.level).ok().filter(|level| *level <= LOG_INDEX_LEVEL_MAX);
        Ok(Self {
            name: malformed::name(&message.name)?,
            level: level.ok_or_else(|| {
                Malformed::new(format!("a level up to {LOG_INDEX_LEVEL_MAX}"), message.level)
            })?,
            t_first,
            t_last,
            bytes: message.bytes,
            hash: ContentHash(fixed(&message.hash, "a hash")?),
        })
    }
}

/// The first transaction after log indexes that begin at `next`, as [`segment::after`] has it.
pub(crate) fn after(next: u64, indexes: &[LogIndexRef]) -> Result<u64, Malformed> {
    indexes.iter().try_fold(next, |next, index| {
        if index.t_first.get() > next {
            let found = format!("a log index from {} on", index.t_first);
            return Err(Malformed::new(format!("transaction {next}"), found));
        }
        Ok(next.max(index.t_last.get() + 1))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, ID, flips, mutate};

    fn key() -> Key {
        Key::new("cat/log")
    }

    fn segments() -> LogIndex {
        LogIndex::Segments(fixtures::checkpoint().log)
    }

    fn indexes() -> LogIndex {
        let one = segments().seal(ID, fixtures::name(5)).unwrap().reference;
        let next = LogIndexRef { t_first: one.t_last.next().unwrap(), t_last: T::MAX, ..one };
        LogIndex::Indexes(vec![one, next])
    }

    #[test]
    fn log_indexes_round_trip() {
        for (level, index) in [(0, segments()), (1, indexes())] {
            let sealed = index.seal(ID, fixtures::name(6)).unwrap();
            let reference = sealed.reference;
            assert_eq!(reference.level, level);
            let open = |reference: &LogIndexRef| {
                LogIndex::open(ID, reference, &key(), sealed.object.clone())
            };
            assert_eq!(open(&reference).unwrap(), index);
            for other in [
                LogIndexRef { level: level + 1, ..reference },
                LogIndexRef { t_last: reference.t_first, ..reference },
                LogIndexRef { bytes: 7, ..reference },
                LogIndexRef { hash: ContentHash([1; 32]), ..reference },
            ] {
                let error = open(&other).unwrap_err().to_string();
                assert!(error.starts_with("cat/log: corrupt"), "{error}");
            }
        }
    }

    #[test]
    fn gaps_and_mixed_levels_are_refused() {
        assert!(LogIndex::Segments(Vec::new()).seal(ID, fixtures::name(1)).is_err());
        let LogIndex::Indexes(mut refs) = indexes() else { unreachable!() };
        refs[1].level = 1;
        assert!(LogIndex::Indexes(refs.clone()).seal(ID, fixtures::name(1)).is_err());
        refs[1] = LogIndexRef { level: 0, t_first: T::MAX, ..refs[1] };
        assert!(LogIndex::Indexes(refs).seal(ID, fixtures::name(1)).is_err());
    }

    proptest! {
        #[test]
        fn mutated_log_indexes_decode_or_are_refused(flips in flips(), deep: bool) {
            let index = if deep { indexes() } else { segments() };
            let payload = index.to_stored(ID).unwrap().encode_to_vec();
            if let Ok(index) = LogIndex::parse(ID, mutate(payload, flips)) {
                let payload = index.to_stored(ID).unwrap().encode_to_vec();
                prop_assert_eq!(LogIndex::parse(ID, payload.into()), Ok(index));
            }
        }
    }
}
