//! What is looked for in an order: a range, and perhaps only some keys in it.

use std::cmp::Ordering;
use std::ops::{Bound, Range};
use std::sync::Arc;

use duramen_model::{AttributeId, EntityId, Order, Value};

use crate::KeyRange;
use crate::key::Place;
use crate::leaf::EntityBounds;
use crate::picks::{Picks, gallop};
use crate::value_ref::ValueRef;

/// Where there are more keys than one for so many places, the places are not picked: whoever reads
/// passes over the few others faster than they can be left out.
const SPARSE_PLACES: usize = 4;

/// What facts are to have, of what a range leaves open. Each list ascends and its members are
/// distinct.
///
/// Which keys suit an order, and what the range must have set then:
///
/// ```text
/// EAVT   Entities   perhaps the attribute, and bounds on the value
/// EAVT   Facts      nothing
/// AEVT   Entities   the attribute
/// AEVT   Facts      nothing
/// AVET   Values     the attribute
/// VAET   Entities   perhaps the attribute: the entities that are referred to
/// ```
#[derive(Debug, Clone)]
pub enum Keys {
    /// One of some entities: as the entity of a fact, or in VAET as its value.
    Entities(Arc<[EntityId]>),
    /// One of some values.
    Values(Arc<[Value]>),
    /// One of some entities, and one of some attributes.
    Facts(Arc<[EntityId]>, Arc<[AttributeId]>),
}

impl Keys {
    fn len(&self) -> usize {
        match self {
            Self::Entities(entities) => entities.len(),
            Self::Values(values) => values.len(),
            Self::Facts(entities, attributes) => entities.len().saturating_mul(attributes.len()),
        }
    }

    /// Whether facts that have a key stand together in a range.
    fn suit(&self, KeyRange { order, e, a, v }: &KeyRange) -> bool {
        let free_v = matches!(v, (Bound::Unbounded, Bound::Unbounded));
        match (order, self) {
            (Order::Eavt, Self::Entities(_)) => e.is_none() && (a.is_some() || free_v),
            (Order::Aevt, Self::Entities(_)) => e.is_none() && a.is_some() && free_v,
            (Order::Eavt | Order::Aevt, Self::Facts(..)) => e.is_none() && a.is_none() && free_v,
            (Order::Avet, Self::Values(_)) => a.is_some() && e.is_none() && free_v,
            (Order::Vaet, Self::Entities(_)) => e.is_none() && free_v,
            _ => false,
        }
    }

    /// The part of a range that has the n-th key.
    fn part(&self, range: &KeyRange, index: usize) -> KeyRange {
        let range = range.clone();
        // The value itself is shared.
        if let Self::Values(values) = self {
            return range.with_v(values[index].clone());
        }
        let Key { e, a, v } = self.get(range.order, index);
        let range = KeyRange { e: e.or(range.e), a: a.or(range.a), ..range };
        match v {
            Some(v) => range.with_v(v.to_value()),
            None => range,
        }
    }

    /// What the n-th key sets; in the sequence of an order.
    fn get(&self, order: Order, index: usize) -> Key<'_> {
        let none = Key { e: None, a: None, v: None };
        match (self, order) {
            (Self::Entities(entities), Order::Vaet) => {
                Key { v: Some(ValueRef::Ref(entities[index])), ..none }
            }
            (Self::Entities(entities), _) => Key { e: Some(entities[index]), ..none },
            (Self::Values(values), _) => Key { v: Some(ValueRef::from(&values[index])), ..none },
            (Self::Facts(entities, attributes), Order::Eavt) => {
                let (e, a) = match entities.len() {
                    1 => (0, index),
                    _ => (index / attributes.len(), index % attributes.len()),
                };
                Key { e: Some(entities[e]), a: Some(attributes[a]), v: None }
            }
            (Self::Facts(entities, attributes), _) => {
                let (a, e) = (index / entities.len(), index % entities.len());
                Key { e: Some(entities[e]), a: Some(attributes[a]), v: None }
            }
        }
    }
}

/// What a key sets.
#[derive(Debug, Clone, Copy)]
struct Key<'a> {
    e: Option<EntityId>,
    a: Option<AttributeId>,
    v: Option<ValueRef<'a>>,
}

/// A range, and perhaps only some keys in it.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    pub(crate) range: KeyRange,
    keys: Option<Keys>,
    /// What holds all that is sought: where keys come before other parts of the range, those
    /// parts do not make a stretch by themselves.
    pub(crate) around: KeyRange,
    /// Whether nothing but facts with the keys is wanted.
    is_exact: bool,
}

impl Sought {
    /// All of a range.
    pub(crate) fn all(range: KeyRange) -> Self {
        Self { around: range.clone(), range, keys: None, is_exact: true }
    }

    /// Some keys in a range. All of the range where facts with a key do not stand together.
    pub(crate) fn among(range: KeyRange, keys: Keys, is_exact: bool) -> Self {
        if !keys.suit(&range) {
            return Self::all(range);
        }
        // One key is a stretch, which is found faster.
        if keys.len() == 1 {
            return Self::all(keys.part(&range, 0));
        }
        Self::with_keys(range, keys, is_exact)
    }

    fn with_keys(range: KeyRange, keys: Keys, is_exact: bool) -> Self {
        let all = KeyRange::all(range.order);
        let around = match (range.order, &keys) {
            (Order::Eavt, Keys::Entities(entities) | Keys::Facts(entities, _))
                if entities.len() == 1 =>
            {
                all.with_e(entities[0])
            }
            (Order::Eavt | Order::Vaet, _) => all,
            (Order::Aevt | Order::Avet, _) => KeyRange { a: range.a, ..all },
        };
        // What lies between keys lies in the range only if it has all of that.
        let is_exact = is_exact || around != range;
        Self { range, keys: Some(keys), around, is_exact }
    }

    /// The keys, unless all of the range is sought.
    pub(crate) const fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// The stretch of each key, if there are keys, and at most so many.
    pub(crate) fn ranges(&self, keys_max: usize) -> Option<impl Iterator<Item = KeyRange>> {
        let keys = self.keys.as_ref().filter(|keys| keys.len() <= keys_max)?;
        Some((0..keys.len()).map(|index| keys.part(&self.range, index)))
    }

    /// Whether what lies around, and has one of some entities as a key, is sought.
    pub(crate) const fn is_by_key_alone(&self) -> bool {
        !self.range.is_bounded() && (self.range.a.is_none() || self.around.a.is_some())
    }

    /// Whether values have to be looked at.
    pub(crate) const fn looks_at_values(&self) -> bool {
        matches!(self.range.order, Order::Avet | Order::Vaet) || self.range.is_bounded()
    }

    /// Which of some places in the range have one of the keys. A few others may be among them, if
    /// that is allowed.
    pub(crate) fn pick<'a, P: Place<'a>>(
        &self,
        places: Range<usize>,
        place: impl Fn(usize) -> P,
    ) -> Picks {
        let Some(keys) = &self.keys else { return places.into() };
        self.pick_by(places, keys.len(), |index, key| self.position(&place(index), keys, key))
    }

    /// The same, given how many keys there are, and where a place stands to one.
    pub(crate) fn pick_by(
        &self,
        places: Range<usize>,
        count: usize,
        position: impl Fn(usize, usize) -> Ordering,
    ) -> Picks {
        let Some(last) = places.end.checked_sub(1).filter(|_| !places.is_empty()) else {
            return places.into();
        };
        let start = gallop(0..count, |key| position(places.start, key).is_gt());
        let end = gallop(start..count, |key| position(last, key).is_ge());
        if !self.is_exact && (end - start).saturating_mul(SPARSE_PLACES) >= places.len() {
            return places.into();
        }
        pick(places, start..end, position).into()
    }

    /// Which of some places in the range have one of some entities. A few others may be among them,
    /// if that is allowed. The entities of the places ascend, and so do those that are sought.
    pub(crate) fn pick_entities(
        &self,
        places: Range<usize>,
        entities: &[EntityId],
        own: &[EntityId],
    ) -> Picks {
        let of = &entities[places.clone()];
        let (Some(first), Some(last)) = (of.first(), of.last()) else { return places.into() };
        let own = &own[own.partition_point(|e| e < first)..];
        let own = &own[..own.partition_point(|e| e <= last)];
        if !self.is_exact && own.len().saturating_mul(SPARSE_PLACES) >= places.len() {
            return places.into();
        }
        let mut picked = Vec::new();
        let is_dense = own.len().saturating_mul(own.len()) > of.len();
        let mut end = 0;
        for e in own {
            let start = match is_dense {
                true => gallop(end..of.len(), |place| of[place] < *e),
                false => end + of[end..].partition_point(|found| found < e),
            };
            end = gallop(start..of.len(), |place| of[place] == *e);
            if own.len() == 1 {
                return (places.start + start..places.start + end).into();
            }
            picked.extend(places.start + start..places.start + end);
        }
        picked.into()
    }

    /// Which of a branch's children can hold one of the keys in EAVT, given the entities that they
    /// begin with; `None` where one begins amid the facts of an entity that is sought.
    pub(crate) fn pick_entity_children(&self, begins: &[EntityId]) -> Option<Picks> {
        let own = match (&self.keys, &self.range.e) {
            (Some(Keys::Entities(own) | Keys::Facts(own, _)), _) => &**own,
            (None, Some(e)) => std::slice::from_ref(e),
            (Some(Keys::Values(_)) | None, _) => return None,
        };
        if self.range.order != Order::Eavt || own.len() > begins.len() {
            return None;
        }
        let child = |e: &EntityId| {
            let next = begins.partition_point(|begin| begin < e);
            (begins.get(next) != Some(e)).then(|| next.checked_sub(1))
        };
        if let [e] = own {
            return Some(child(e)?.map_or(0..0, |child| child..child + 1).into());
        }
        let mut picked = Vec::with_capacity(own.len());
        for e in own {
            if let Some(child) = child(e)?
                && picked.last() != Some(&child)
            {
                picked.push(child);
            }
        }
        Some(picked.into())
    }

    /// Whether a leaf in EAVT, given the entity that it begins with at the lowest, has nothing of
    /// what is sought.
    pub(crate) fn misses(&self, begin: EntityId, bounds: &EntityBounds) -> bool {
        if self.range.order != Order::Eavt {
            return false;
        }
        let has_attribute = match (&self.keys, self.range.a) {
            (Some(Keys::Facts(_, attributes)), _) => attributes.iter().any(|a| bounds.may_have(*a)),
            (_, Some(a)) => bounds.may_have(a),
            (_, None) => true,
        };
        let has_entity = |own: &[EntityId]| {
            let next = own.get(own.partition_point(|e| *e < begin));
            next.is_some_and(|e| *e <= bounds.last)
        };
        let has_entity = match (&self.keys, &self.range.e) {
            (Some(Keys::Entities(own) | Keys::Facts(own, _)), _) => has_entity(own),
            (None, Some(e)) => has_entity(std::slice::from_ref(e)),
            (Some(Keys::Values(_)) | None, _) => true,
        };
        !(has_attribute && has_entity)
    }

    /// Which of a branch's children can hold one of the keys, given where each begins.
    pub(crate) fn pick_children<'a, P: Place<'a>>(
        &self,
        children: Range<usize>,
        count: usize,
        begin: impl Fn(usize) -> P,
    ) -> Picks {
        let Some(keys) = &self.keys else { return children.into() };
        let position = |child: usize, key: usize| self.position(&begin(child), keys, key);
        let ends_before =
            |child: usize, key: usize| child + 1 < count && position(child + 1, key).is_lt();
        let mut picked = Vec::new();
        let (mut child, mut key) = (children.start, 0);
        while child < children.end && key < keys.len() {
            if position(child, key).is_gt() {
                key = gallop(key + 1..keys.len(), |key| position(child, key).is_gt());
            } else if ends_before(child, key) {
                child = gallop(child + 1..children.end, |child| ends_before(child, key));
            } else {
                picked.push(child);
                child += 1;
            }
        }
        picked.into()
    }

    /// Where a place stands to those with a key.
    fn position<'a>(&self, place: &impl Place<'a>, keys: &Keys, key: usize) -> Ordering {
        let range = &self.range;
        let key = keys.get(range.order, key);
        let e = || key.e.or(range.e).map_or(Ordering::Equal, |e| place.e().cmp(&e));
        let a = || key.a.or(range.a).map_or(Ordering::Equal, |a| place.a().cmp(&a));
        let v = || match key.v {
            Some(v) => place.v().cmp(&v),
            None if self.looks_at_values() => range.value(place.v()),
            None => Ordering::Equal,
        };
        match range.order {
            Order::Eavt => e().then_with(a).then_with(v),
            Order::Aevt => a().then_with(e).then_with(v),
            Order::Avet => a().then_with(v).then_with(e),
            Order::Vaet => v().then_with(a).then_with(e),
        }
    }
}

/// The places that have one of the keys: both ascend, and each is searched near where the other
/// stands.
fn pick(
    places: Range<usize>,
    keys: Range<usize>,
    position: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut picked = Vec::new();
    let (mut place, mut key) = (places.start, keys.start);
    while place < places.end && key < keys.end {
        match position(place, key) {
            Ordering::Less => {
                place = gallop(place + 1..places.end, |place| position(place, key).is_lt());
            }
            Ordering::Greater => {
                key = gallop(key + 1..keys.end, |key| position(place, key).is_gt());
            }
            Ordering::Equal => {
                let end = gallop(place + 1..places.end, |place| position(place, key).is_eq());
                picked.extend(place..end);
                place = end;
                key += 1;
            }
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use duramen_model::{T, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::key::KeyRef;

    fn e(e: &u64) -> EntityId {
        EntityId::new(*e).unwrap()
    }

    /// Places that have some entities, and a value that is their number.
    fn place<'a>(entities: &[EntityId], values: &'a [Value], place: usize) -> KeyRef<'a> {
        let (a, v) = (AttributeId::FIRST_USER, ValueRef::from(&values[place]));
        KeyRef { e: entities[place], a, v, added: T::GENESIS, closed: T::GENESIS }
    }

    proptest! {
        #[test]
        fn entities_are_picked_as_any_keys_are(
            mut of in prop::collection::vec(0_u64..60, 0..80),
            own in prop::collection::btree_set(0_u64..60, 0..30),
            (start, is_exact) in (0_usize..4, any::<bool>()),
        ) {
            of.sort_unstable();
            let (of, own): (Vec<_>, Vec<_>) = (of.iter().map(e).collect(), own.iter().map(e).collect());
            let range = KeyRange::all(Order::Eavt);
            let sought = Sought::with_keys(range, Keys::Entities(own.clone().into()), is_exact);
            let values: Vec<Value> = (0..of.len() as i64).map(Value::Long).collect();
            let places = start.min(of.len())..of.len();
            let expected = sought.pick(places.clone(), |at| place(&of, &values, at));
            let found = sought.pick_entities(places, &of, &own);
            prop_assert!(found.iter().eq(expected.iter()), "{:?} {:?}", found, expected);
        }

        #[test]
        fn children_are_picked_as_for_any_keys(
            begins in prop::collection::btree_set(0_u64..60, 1..20),
            own in prop::collection::btree_set(0_u64..70, 0..12),
            attribute in any::<bool>(),
        ) {
            let begins: Vec<EntityId> = begins.iter().map(e).collect();
            let own: Arc<[EntityId]> = own.iter().map(e).collect();
            let mut range = KeyRange::all(Order::Eavt);
            range.a = attribute.then_some(AttributeId::FIRST_USER);
            let sought = Sought::with_keys(range, Keys::Entities(own.clone()), true);
            let values: Vec<Value> = (0..begins.len() as i64).map(Value::Long).collect();
            let expected = sought.pick_children(0..begins.len(), begins.len(), |at| {
                place(&begins, &values, at)
            });
            match sought.pick_entity_children(&begins) {
                None => prop_assert!(
                    own.len() > begins.len() || own.iter().any(|e| begins.contains(e))
                ),
                Some(found) => prop_assert!(found.iter().eq(expected.iter())),
            }
        }
    }
}
