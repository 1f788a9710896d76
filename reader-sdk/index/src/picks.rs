//! Some places of a sequence.

use std::ops::Range;
use std::sync::Arc;

/// Some places of a sequence, ascending: rows of a leaf, records of a run, children of a branch.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Picks {
    /// `None` where they are all from one to another.
    places: Option<Arc<[usize]>>,
    /// Of the sequence, or of the places.
    range: Range<usize>,
}

impl Picks {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.range.end - self.range.start
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.range.end == self.range.start
    }

    /// One of the places.
    ///
    /// # Panics
    /// When there are not so many, at the latest where the place is used.
    #[must_use]
    pub fn get(&self, index: usize) -> usize {
        let index = self.range.start + index;
        self.places.as_ref().map_or(index, |places| places[index])
    }

    /// The places, if they are all from one to another.
    #[must_use]
    pub fn range(&self) -> Option<Range<usize>> {
        self.places.is_none().then(|| self.range.clone())
    }

    /// The places one by one.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// From the first place up to behind the last.
    pub(crate) fn bounds(&self) -> Range<usize> {
        match self.len().checked_sub(1) {
            Some(last) => self.get(0)..self.get(last) + 1,
            None => 0..0,
        }
    }

    /// The places, unless they are all from one to another.
    pub(crate) fn listed(&self) -> Option<&[usize]> {
        self.places.as_ref().map(|places| &places[self.range.clone()])
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        let first = (!self.is_empty()).then(|| self.get(0))?;
        self.range.start += 1;
        Some(first)
    }

    /// Takes so many off the front, if there are so many.
    pub(crate) fn split_front(&mut self, count: usize) -> Self {
        let middle = self.range.start + count.min(self.len());
        let front = Self { places: self.places.clone(), range: self.range.start..middle };
        self.range.start = middle;
        front
    }

    /// Takes those below a place off the front.
    pub(crate) fn split_below(&mut self, place: usize) -> Self {
        let count = match self.listed() {
            Some(places) => places.partition_point(|own| *own < place),
            None => place.saturating_sub(self.range.start),
        };
        self.split_front(count)
    }

    /// The places, counted from one that none is below.
    pub(crate) fn counted_from(&self, start: usize) -> Self {
        match self.listed() {
            Some(places) => Self::from(places.iter().map(|own| own - start).collect::<Vec<_>>()),
            None => Self::from(self.range.start - start..self.range.end - start),
        }
    }
}

impl From<Range<usize>> for Picks {
    fn from(range: Range<usize>) -> Self {
        Self { places: None, range: range.start..range.end.max(range.start) }
    }
}

impl From<Vec<usize>> for Picks {
    /// Takes places that ascend.
    fn from(places: Vec<usize>) -> Self {
        match (places.first(), places.last()) {
            (Some(first), Some(last)) if last - first + 1 > places.len() => {
                Self { range: 0..places.len(), places: Some(places.into()) }
            }
            (Some(first), Some(last)) => Self::from(*first..last + 1),
            _ => Self::from(0..0),
        }
    }
}

/// The first place in a range for which a predicate does not hold that holds for a prefix; the end
/// if there is none. Looks near the beginning first.
pub(crate) fn gallop(range: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let length = range.len();
    let mut high = 1;
    while high <= length && holds(range.start + high - 1) {
        high *= 2;
    }
    let (mut low, mut high) = (high / 2, (high - 1).min(length));
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(range.start + middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    range.start + low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_without_gaps_are_a_range() {
        assert_eq!(Picks::from(vec![3, 4, 5]).range(), Some(3..6));
        let mut picks = Picks::from(vec![3, 4, 7, 9]);
        assert_eq!(picks.range(), None);
        assert_eq!(picks.bounds(), 3..10);
        assert_eq!(picks.split_below(7).iter().collect::<Vec<_>>(), [3, 4]);
        assert_eq!(picks.counted_from(7).iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!((picks.pop(), picks.pop(), picks.pop()), (Some(7), Some(9), None));
        assert!(Picks::from(Vec::new()).is_empty());
    }

    #[test]
    fn a_gallop_finds_the_end_of_every_prefix() {
        for length in 0..40 {
            for end in 0..=length {
                assert_eq!(gallop(7..7 + length, |place| place < 7 + end), 7 + end);
            }
        }
    }
}
