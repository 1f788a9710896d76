//! The place of a record in an order, without what it says.

use std::cmp::Ordering;

use duramen_model::{AttributeId, EntityId, Order, T};

use crate::value_ref::ValueRef;
use crate::{Layer, Record, State};

/// A borrowed place: of a record in memory, in a leaf, or of a separator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) e: EntityId,
    pub(crate) a: AttributeId,
    pub(crate) v: ValueRef<'a>,
    pub(crate) added: T,
    /// What closed the fact; in the current layer the first transaction, as nothing did.
    pub(crate) closed: T,
}

/// A place whose parts are read when they are needed: the first ones mostly tell.
pub(crate) trait Place<'a> {
    fn e(&self) -> EntityId;
    fn a(&self) -> AttributeId;
    fn v(&self) -> ValueRef<'a>;
}

impl<'a> Place<'a> for KeyRef<'a> {
    fn e(&self) -> EntityId {
        self.e
    }

    fn a(&self) -> AttributeId {
        self.a
    }

    fn v(&self) -> ValueRef<'a> {
        self.v
    }
}

impl KeyRef<'_> {
    /// The record that stands here, with what it says.
    pub(crate) fn to_record(self, state: State) -> Record {
        Record { e: self.e, a: self.a, v: self.v.to_value(), added: self.added, state }
    }

    /// Compares two places as [`Record::compare`] does.
    pub(crate) fn compare(&self, other: &KeyRef<'_>, order: Order, layer: Layer) -> Ordering {
        if is_by_time(order, layer) {
            let closed = || self.closed.cmp(&other.closed);
            let rest = || self.v.cmp(&other.v).then_with(|| self.added.cmp(&other.added));
            return self
                .compare_entity_and_attribute(other, order)
                .then_with(closed)
                .then_with(rest);
        }
        match layer {
            Layer::Current => self.compare_facts(other, order),
            Layer::History => {
                self.compare_facts(other, order).then_with(|| self.added.cmp(&other.added))
            }
        }
    }

    /// Compares by entity, attribute and value alone, as [`Order::compare`] does.
    pub(crate) fn compare_facts(&self, other: &KeyRef<'_>, order: Order) -> Ordering {
        let v = || self.v.cmp(&other.v);
        match order {
            Order::Eavt | Order::Aevt => {
                self.compare_entity_and_attribute(other, order).then_with(v)
            }
            Order::Avet => self.a.cmp(&other.a).then_with(v).then_with(|| self.e.cmp(&other.e)),
            Order::Vaet => v().then_with(|| (self.a, self.e).cmp(&(other.a, other.e))),
        }
    }

    fn compare_entity_and_attribute(&self, other: &KeyRef<'_>, order: Order) -> Ordering {
        match order {
            Order::Eavt => (self.e, self.a).cmp(&(other.e, other.a)),
            _ => (self.a, self.e).cmp(&(other.a, other.e)),
        }
    }
}

/// Whether facts are sorted by what closed them before their values: then the values that an
/// attribute had at one time stand together, however long its past.
pub(crate) const fn is_by_time(order: Order, layer: Layer) -> bool {
    matches!((order, layer), (Order::Eavt | Order::Aevt, Layer::History))
}

impl<'a> From<&'a Record> for KeyRef<'a> {
    fn from(record: &'a Record) -> Self {
        let closed = if let State::Closed(t) = record.state { t } else { T::GENESIS };
        let Record { e, a, ref v, added, .. } = *record;
        Self { e, a, v: ValueRef::from(v), added, closed }
    }
}
