//! What is asked of a database: facts, by what is known of them.

use std::ops::{Bound, RangeBounds};

use duramen_index::KeyRange;
use duramen_model::{AttributeId, Datom, EntityId, Order, Value};

/// Facts, by what is known of them. The database picks the order that finds them.
///
/// ```
/// # use duramen_db::Selection;
/// # use duramen_model::{Keyword, builtin};
/// let named = Selection::all().with_a(builtin::IDENT).with_v(Keyword::new("db/ident"));
/// # assert_eq!(named.e, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The entity, where known.
    pub e: Option<EntityId>,
    /// The attribute, where known.
    pub a: Option<AttributeId>,
    /// What is known of the value.
    pub v: Values,
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Values {
    /// Nothing.
    #[default]
    Any,
    /// It is this one.
    Is(Value),
    /// It lies between two bounds. Values of other types lie before or after, in the order of
    /// the types.
    Within(Bound<Value>, Bound<Value>),
}

impl Selection {
    /// Every fact.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
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
    pub fn with_v(self, v: impl Into<Value>) -> Self {
        Self { v: Values::Is(v.into()), ..self }
    }

    /// The same with bounds on the value.
    #[must_use]
    pub fn within(self, bounds: impl RangeBounds<Value>) -> Self {
        let v = Values::Within(bounds.start_bound().cloned(), bounds.end_bound().cloned());
        Self { v, ..self }
    }

    /// How to find the facts, given which attributes AVET is complete for.
    pub(crate) fn plan(&self, avet_has: impl Fn(AttributeId) -> bool) -> Plan {
        let range = KeyRange { e: self.e, a: self.a, ..KeyRange::all(self.order(avet_has)) };
        let valued = match range.order {
            Order::Eavt => self.e.is_some() && self.a.is_some(),
            Order::Aevt => false,
            Order::Avet | Order::Vaet => true,
        };
        if valued {
            Plan { range: KeyRange { v: self.v.bounds(), ..range }, residual: Values::Any }
        } else {
            Plan { range, residual: self.v.clone() }
        }
    }

    fn order(&self, avet_has: impl Fn(AttributeId) -> bool) -> Order {
        match (self.e, self.a, &self.v) {
            (Some(_), _, _) => Order::Eavt,
            (None, Some(_), Values::Any) => Order::Aevt,
            (None, Some(a), _) if avet_has(a) => Order::Avet,
            (None, _, Values::Is(Value::Ref(_))) => Order::Vaet,
            (None, Some(_), _) => Order::Aevt,
            (None, None, _) => Order::Eavt,
        }
    }
}

impl Values {
    /// Whether a value is among them.
    #[must_use]
    pub fn contains(&self, v: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Is(one) => one == v,
            Self::Within(low, high) => (low.as_ref(), high.as_ref()).contains(v),
        }
    }

    fn bounds(&self) -> (Bound<Value>, Bound<Value>) {
        match self {
            Self::Any => (Bound::Unbounded, Bound::Unbounded),
            Self::Is(v) => (Bound::Included(v.clone()), Bound::Included(v.clone())),
            Self::Within(low, high) => (low.clone(), high.clone()),
        }
    }
}

/// A stretch of an order, and what the order could not take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) range: KeyRange,
    pub(crate) residual: Values,
}

impl Plan {
    pub(crate) fn filter(&self, datoms: &mut Vec<Datom>) {
        if self.residual != Values::Any {
            datoms.retain(|datom| self.residual.contains(&datom.v));
        }
    }
}

#[cfg(test)]
mod tests {
    use duramen_model::builtin;

    use super::*;

    fn order(selection: &Selection, avet: bool) -> (Order, bool) {
        let plan = selection.plan(|_| avet);
        (plan.range.order, plan.residual == Values::Any)
    }

    #[test]
    fn the_order_follows_from_what_is_known() {
        let all = Selection::all();
        let (e, a) = (EntityId::constant(1), builtin::DOC);
        let entity = Value::Ref(e);
        assert_eq!(order(&all, true), (Order::Eavt, true));
        assert_eq!(order(&all.clone().with_e(e).with_a(a).with_v("x"), true), (Order::Eavt, true));
        assert_eq!(order(&all.clone().with_e(e).with_v("x"), true), (Order::Eavt, false));
        assert_eq!(order(&all.clone().with_a(a), true), (Order::Aevt, true));
        assert_eq!(order(&all.clone().with_a(a).with_v("x"), true), (Order::Avet, true));
        assert_eq!(order(&all.clone().with_a(a).with_v("x"), false), (Order::Aevt, false));
        let low = Value::string("b");
        assert_eq!(order(&all.clone().with_a(a).within(low..), true), (Order::Avet, true));
        assert_eq!(
            order(&all.clone().with_a(a).with_v(entity.clone()), false),
            (Order::Vaet, true)
        );
        assert_eq!(order(&all.clone().with_v(entity), true), (Order::Vaet, true));
        assert_eq!(order(&all.with_v("x"), true), (Order::Eavt, false));
    }
}
