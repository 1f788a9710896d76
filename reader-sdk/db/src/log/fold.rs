//! Folding: moving full lists of references out into log indexes.

use duramen_store::StoreError;
use duramen_store::layout::{DatabaseId, ObjectName};

use super::{LogIndex, LogIndexRef, UnpublishedLogIndex};
use crate::SegmentRef;

/// References in a log index that is folded, where nothing else is wanted.
pub const ENTRIES_TARGET: usize = 1_000;

/// Moves full lists of `entries` references out of what a checkpoint lists: of segments into log
/// indexes, of these into higher ones. What is made must be written before the checkpoint is.
/// `name` gives names that were never used for a log index.
///
/// # Errors
/// When the lists have a gap.
pub fn fold(
    id: DatabaseId,
    indexes: &mut Vec<LogIndexRef>,
    segments: &mut Vec<SegmentRef>,
    entries: usize,
    mut name: impl FnMut() -> ObjectName,
) -> Result<Vec<UnpublishedLogIndex>, StoreError> {
    let entries = entries.max(2);
    let mut made = Vec::new();
    while segments.len() > entries {
        let full = LogIndex::Segments(segments.drain(..entries).collect());
        let sealed = full.seal(id, name())?;
        indexes.push(sealed.reference);
        made.push(sealed);
    }
    while let Some(start) = full_level(indexes, entries) {
        let full = LogIndex::Indexes(indexes[start..start + entries].to_vec());
        let sealed = full.seal(id, name())?;
        indexes.splice(start..start + entries, [sealed.reference]);
        made.push(sealed);
    }
    Ok(made)
}

/// Where more than so many references of one level begin, if they do. Levels fall with age.
fn full_level(indexes: &[LogIndexRef], entries: usize) -> Option<usize> {
    let mut start = 0;
    for level in indexes.chunk_by(|one, next| one.level == next.level) {
        if level.len() > entries {
            return Some(start);
        }
        start += level.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use duramen_model::T;
    use duramen_store::envelope::ContentHash;

    use super::*;
    use crate::tests::fixtures::{self, ID};

    #[test]
    fn lists_stay_short_however_long_the_log() {
        let (mut indexes, mut segments) = (Vec::new(), Vec::new());
        let mut seq = 0;
        let mut written = 0;
        for number in 0..500 {
            let t = T::new(number).unwrap();
            let hash = ContentHash([0; 32]);
            let name = fixtures::name(number);
            segments.push(SegmentRef { name, t_first: t, t_last: t, bytes: 1, hash });
            let made = fold(ID, &mut indexes, &mut segments, 4, || {
                seq += 1;
                fixtures::name(seq)
            });
            written += made.unwrap().len();
            assert!(segments.len() <= 4 && indexes.len() <= 5 * 4, "{}", indexes.len());
            assert!(indexes.is_sorted_by_key(|index| std::cmp::Reverse(index.level)));
            assert_eq!(
                super::super::index::after(0, &indexes).unwrap() + segments.len() as u64,
                number + 1
            );
        }
        assert_eq!(indexes.first().unwrap().level, 3);
        assert!(written < 500 / 3 + 1, "{written}");
    }
}
