//! A stretch of a column, shared.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::picks::Picks;

/// A stretch of a column, shared with whoever else reads the column. Cheap to clone and to narrow.
pub struct Slice<T> {
    members: Arc<Vec<T>>,
    range: Range<usize>,
}

impl<T> Slice<T> {
    /// The part of the stretch that lies in a range, which counts from its beginning. What lies
    /// outside of the stretch is left out.
    #[must_use]
    pub fn narrow(&self, range: Range<usize>) -> Self {
        Self { members: Arc::clone(&self.members), range: inner(&self.range, range) }
    }

    /// The members at some places of the stretch: shared where they are all from one to another.
    ///
    /// # Panics
    /// When there is no such place.
    #[must_use]
    pub fn at(&self, places: &Picks) -> Self
    where
        T: Clone,
    {
        match places.listed() {
            None => self.narrow(places.bounds()),
            Some(places) => places.iter().map(|place| self[*place].clone()).collect(),
        }
    }
}

/// A range that counts from the beginning of another, cut to that.
pub(crate) fn inner(outer: &Range<usize>, range: Range<usize>) -> Range<usize> {
    let place = |index: usize| outer.start.saturating_add(index).min(outer.end);
    let start = place(range.start);
    start..place(range.end).max(start)
}

impl<T> From<Vec<T>> for Slice<T> {
    fn from(members: Vec<T>) -> Self {
        let range = 0..members.len();
        Self { members: Arc::new(members), range }
    }
}

impl<T> FromIterator<T> for Slice<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Vec::from_iter(members).into()
    }
}

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> Clone for Slice<T> {
    fn clone(&self) -> Self {
        Self { members: Arc::clone(&self.members), range: self.range.clone() }
    }
}

impl<T> Deref for Slice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.members[self.range.clone()]
    }
}

impl<T: PartialEq> PartialEq for Slice<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Slice<T> {}

impl<T: fmt::Debug> fmt::Debug for Slice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
