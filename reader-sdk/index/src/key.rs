//! The place of a record in an order, without what it says.

use std::cmp::Ordering;

use duramen_model::{AttributeId, EntityId, Order, T, Value};

use crate::{KeyRange, Layer, Record};

/// A borrowed place: of a record in memory, in a leaf, or of a separator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) e: EntityId,
    pub(crate) a: AttributeId,
    pub(crate) v: &'a Value,
    pub(crate) added: T,
}

impl KeyRef<'_> {
    /// Compares two places as [`Record::compare`] does.
    pub(crate) fn compare(&self, other: &KeyRef<'_>, order: Order, layer: Layer) -> Ordering {
        let place = order.compare((self.e, self.a, self.v), (other.e, other.a, other.v));
        match layer {
            Layer::Current => place,
            Layer::History => place.then_with(|| self.added.cmp(&other.added)),
        }
    }

    /// Where the place stands to a range.
    pub(crate) fn position(&self, range: &KeyRange) -> Ordering {
        range.position(self.e, self.a, self.v)
    }
}

impl<'a> From<&'a Record> for KeyRef<'a> {
    fn from(record: &'a Record) -> Self {
        Self { e: record.e, a: record.a, v: &record.v, added: record.added }
    }
}
