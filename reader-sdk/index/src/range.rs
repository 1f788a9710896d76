//! What is asked of an index: a stretch of one order.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use duramen_model::{AttributeId, EntityId, Order, T, Value, ValueType};

use crate::Layer;
use crate::key::{KeyRef, Place, is_by_time};
use crate::value_ref::ValueRef;

/// A stretch of an order: a prefix of its components, and bounds on the component after it when
/// that is the value.
///
/// Of `e`, `a` and `v`, those that are set must come first in the order: `a` alone is a prefix of
/// AEVT and AVET, `a` and `v` of AVET, `v` alone of VAET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The order that the stretch is of.
    pub order: Order,
    /// The entity.
    pub e: Option<EntityId>,
    /// The attribute.
    pub a: Option<AttributeId>,
    /// The value, or a range of values, which only AVET (after `a`) and EAVT (after `e` and `a`)
    /// can have.
    pub v: (Bound<Value>, Bound<Value>),
}

impl KeyRange {
    /// Everything in an order.
    #[must_use]
    pub fn all(order: Order) -> Self {
        Self { order, e: None, a: None, v: (Bound::Unbounded, Bound::Unbounded) }
    }

    /// The facts of an entity, in EAVT.
    #[must_use]
    pub fn entity(e: EntityId) -> Self {
        Self { e: Some(e), ..Self::all(Order::Eavt) }
    }

    /// The same with an entity.
    #[must_use]
    pub fn with_e(self, e: EntityId) -> Self {
        Self { e: Some(e), ..self }
    }

    /// The same with an attribute.
    #[must_use]
    pub fn with_a(self, a: AttributeId) -> Self {
        Self { a: Some(a), ..self }
    }

    /// The same with one value.
    #[must_use]
    pub fn with_v(self, v: Value) -> Self {
        Self { v: (Bound::Included(v.clone()), Bound::Included(v)), ..self }
    }

    /// Where a fact stands: before the stretch (`Less`), in it, or after it.
    #[must_use]
    pub fn position(&self, e: EntityId, a: AttributeId, v: &Value) -> Ordering {
        let (added, closed) = (T::GENESIS, T::GENESIS);
        self.position_of(&KeyRef { e, a, v: ValueRef::from(v), added, closed })
    }

    /// Where a place stands.
    pub(crate) fn position_of<'a>(&self, place: &impl Place<'a>) -> Ordering {
        let e = || self.e.map_or(Ordering::Equal, |e| place.e().cmp(&e));
        let a = || self.a.map_or(Ordering::Equal, |a| place.a().cmp(&a));
        let v = || match self.is_bounded() {
            true => self.value(place.v()),
            false => Ordering::Equal,
        };
        match self.order {
            Order::Eavt => e().then_with(a).then_with(v),
            Order::Aevt => a().then_with(e).then_with(v),
            Order::Avet => a().then_with(v).then_with(e),
            Order::Vaet => v().then_with(a).then_with(e),
        }
    }

    /// Whether there are bounds on the value.
    pub(crate) const fn is_bounded(&self) -> bool {
        !matches!(self.v, (Bound::Unbounded, Bound::Unbounded))
    }

    /// Where a value stands to the bounds.
    pub(crate) fn value(&self, v: ValueRef<'_>) -> Ordering {
        match self.is_below(v) {
            true => Ordering::Less,
            false if self.is_above(v) => Ordering::Greater,
            false => Ordering::Equal,
        }
    }

    /// The string or the URI that the value must be, if it must be one.
    pub(crate) fn only_text(&self) -> Option<(ValueType, &str)> {
        match &self.v {
            (Bound::Included(Value::String(low)), Bound::Included(Value::String(high)))
                if low == high =>
            {
                Some((ValueType::String, low))
            }
            (Bound::Included(Value::Uri(low)), Bound::Included(Value::Uri(high)))
                if low == high =>
            {
                Some((ValueType::Uri, low))
            }
            _ => None,
        }
    }

    /// Whether a value is below the bounds.
    pub(crate) fn is_below(&self, v: ValueRef<'_>) -> bool {
        match &self.v.0 {
            Bound::Included(low) => v < ValueRef::from(low),
            Bound::Excluded(low) => v <= ValueRef::from(low),
            Bound::Unbounded => false,
        }
    }

    /// Whether a value is above the bounds.
    pub(crate) fn is_above(&self, v: ValueRef<'_>) -> bool {
        match &self.v.1 {
            Bound::Included(high) => v > ValueRef::from(high),
            Bound::Excluded(high) => v >= ValueRef::from(high),
            Bound::Unbounded => false,
        }
    }

    /// The stretch that holds the range in a layer, and what is left to check of each fact in it:
    /// where facts are sorted by time before their values, bounds on the value say nothing about
    /// where they stand.
    pub(crate) fn in_layer(&self, layer: Layer) -> (Self, Option<ValueBounds>) {
        if !self.is_bounded() || !is_by_time(self.order, layer) {
            return (self.clone(), None);
        }
        let v = (Bound::Unbounded, Bound::Unbounded);
        (Self { v, ..self.clone() }, Some(ValueBounds(Arc::new(self.clone()))))
    }
}

/// Bounds on values that the place of a fact says nothing about.
#[derive(Debug, Clone)]
pub(crate) struct ValueBounds(Arc<KeyRange>);

impl ValueBounds {
    pub(crate) fn contain(&self, v: ValueRef<'_>) -> bool {
        self.0.value(v).is_eq()
    }
}
