//! Digests by which the reader finds a key or a member that is there twice.
//!
//! Comparing every pair would take time with the square of the size, and sorting by the order of
//! EDN would sort nested sets anew on every level. A digest is made once per form, from the
//! digests of its members, and equal forms have equal digests.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::Symbol;

use super::{Edn, Form, Span};

/// Equal for equal forms, and almost surely different for others.
pub(super) type Digest = u64;

fn digest(content: impl Hash) -> Digest {
    // Its keys are fixed: the same text is always read the same way.
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Of a form without members.
pub(super) fn scalar(edn: &Edn) -> Digest {
    match edn {
        Edn::Value(value) => digest(value),
        Edn::Character(c) => digest(("character", c)),
        _ => digest("nil"),
    }
}

pub(super) fn sequence(kind: &str, members: &[Digest]) -> Digest {
    digest((kind, members))
}

pub(super) fn tagged(tag: &Symbol, inner: Digest) -> Digest {
    digest(("tagged", tag, inner))
}

/// The same in whatever order the members stand.
pub(super) fn set(members: &[Digest]) -> Digest {
    let sum = members.iter().fold(0_u64, |sum, member| sum.wrapping_add(*member));
    digest(("set", members.len(), sum))
}

/// Takes keys and values in turn; the same in whatever order the entries stand.
pub(super) fn map(entries: &[Digest]) -> Digest {
    let (pairs, _) = entries.as_chunks::<2>();
    let sum = pairs.iter().fold(0_u64, |sum, pair| sum.wrapping_add(digest(pair)));
    digest(("map", pairs.len(), sum))
}

/// Where a form stands that is equal to an earlier one, if there is one.
pub(super) fn duplicate<'a>(digests: &[Digest], form: impl Fn(usize) -> &'a Form) -> Option<Span> {
    if digests.len() < 2 {
        return None;
    }
    let mut places: Vec<(Digest, usize)> =
        digests.iter().enumerate().map(|(place, digest)| (*digest, place)).collect();
    places.sort_unstable();
    let mut first: Option<usize> = None;
    for same in places.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        // Digests can be made to collide, so those that are the same are sorted in earnest.
        let mut same: Vec<usize> = same.iter().map(|(_, place)| *place).collect();
        same.sort_by(|a, b| form(*a).cmp(form(*b)));
        for pair in same.windows(2) {
            if form(pair[0]).cmp(form(pair[1])) == Ordering::Equal {
                first = Some(first.map_or(pair[1], |place| place.min(pair[1])));
            }
        }
    }
    first.map(|place| form(place).span)
}
