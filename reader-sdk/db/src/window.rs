//! The window of time that a view looks through.

use std::cmp::Ordering;

use duramen_index::{Layer, Record, State, Times};
use duramen_model::{Datom, Order, T};

use crate::columns::passing;

/// Which transactions a view sees: those after `since`, up to `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) as_of: Option<T>,
    pub(crate) since: Option<T>,
    pub(crate) history: bool,
}

impl Window {
    /// Narrows the window: what an earlier view hides stays hidden.
    pub(crate) fn as_of(self, t: T) -> Self {
        Self { as_of: Some(self.as_of.map_or(t, |own| own.min(t))), ..self }
    }

    pub(crate) fn since(self, t: T) -> Self {
        Self { since: Some(self.since.map_or(t, |own| own.max(t))), ..self }
    }

    pub(crate) fn history(self) -> Self {
        Self { history: true, ..self }
    }

    /// Whether closed facts matter.
    pub(crate) fn needs_history(self, basis: T) -> bool {
        self.history || self.as_of.is_some_and(|t| t < basis)
    }

    /// The datoms that the view sees of an open or closed fact, in the order of time.
    pub(crate) fn see(self, record: Record, into: &mut Vec<Datom>) {
        let closed = match record.state {
            State::Inserted | State::Replaced => None,
            State::Closed(t) => Some(t),
            State::Removed => return,
        };
        let Record { e, a, v, added, .. } = record;
        if self.history {
            if self.contains(added) {
                into.push(Datom { e, a, v: v.clone(), t: added, added: true });
            }
            if let Some(t) = closed.filter(|&t| self.contains(t)) {
                into.push(Datom { e, a, v, t, added: false });
            }
        } else if self.contains(added) && closed.is_none_or(|t| self.is_before(t)) {
            into.push(Datom { e, a, v, t: added, added: true });
        }
    }

    /// Which transactions matter in a layer, so that trees without them are not read.
    pub(crate) fn times(self, layer: Layer) -> Times {
        let after = match layer {
            // What was closed within the view is not seen at its end.
            Layer::History if !self.history => self.since.max(self.as_of),
            Layer::History | Layer::Current => self.since,
        };
        Times { after, up_to: self.as_of }
    }

    /// The datoms that the view sees of the records of a layer, in the sequence of the records.
    /// The intervals of one `(e a v)` do not overlap, so theirs come in the order of time.
    pub(crate) fn datoms(self, records: Vec<Record>) -> Vec<Datom> {
        let mut datoms = Vec::with_capacity(records.len());
        for record in records {
            self.see(record, &mut datoms);
        }
        datoms
    }

    /// The places of the open facts that it shows, by when they were asserted; `None` for all.
    pub(crate) fn open(self, added: &[T]) -> Option<Vec<usize>> {
        if self.as_of.is_none() && self.since.is_none() {
            return None;
        }
        passing(added.len(), |at| self.contains(added[at]))
    }

    /// The places of the closed facts whose assertions it shows; `None` for all.
    pub(crate) fn closed(self, added: &[T], closed: &[T]) -> Option<Vec<usize>> {
        if self.history {
            return self.open(added);
        }
        passing(added.len(), |at| self.contains(added[at]) & self.is_before(closed[at]))
    }

    pub(crate) fn contains(self, t: T) -> bool {
        self.since.is_none_or(|since| since < t) & !self.is_before(t)
    }

    /// Whether the window ends before `t`.
    fn is_before(self, t: T) -> bool {
        self.as_of.is_some_and(|as_of| as_of < t)
    }
}

/// The order of datoms in a view: that of the index, and among datoms of one `(e a v)` that of
/// time.
pub(crate) fn compare(order: Order, a: &Datom, b: &Datom) -> Ordering {
    order.compare((a.e, a.a, &a.v), (b.e, b.a, &b.v)).then_with(|| a.t.cmp(&b.t))
}

/// Whether closed facts come in the order of time within an entity and attribute, and not in that
/// of the view.
pub(crate) const fn is_by_time(order: Order) -> bool {
    matches!(order, Order::Eavt | Order::Aevt)
}

/// Brings datoms into the order of the view.
pub(crate) fn sort(order: Order, datoms: &mut [Datom]) {
    datoms.sort_by(|a, b| compare(order, a, b));
}

/// Merges the datoms of the two layers.
pub(crate) fn merge(order: Order, a: Vec<Datom>, b: Vec<Datom>) -> Vec<Datom> {
    if a.is_empty() {
        return b;
    }
    if b.is_empty() {
        return a;
    }
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let first = if compare(order, x, y).is_le() { a.next() } else { b.next() };
        merged.extend(first);
    }
    merged.extend(a);
    merged.extend(b);
    merged
}
