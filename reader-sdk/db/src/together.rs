//! Selections that are looked up together: those of one order and attribute that differ in the
//! entity alone, or in the value alone.

use std::collections::HashMap;
use std::ops::{Bound, Range};
use std::sync::Arc;

use duramen_index::{KeyRange, Keys};
use duramen_model::{AttributeId, Datom, EntityId, Order, Value};

use crate::selection::{Plan, Values};

/// What one walk looks up.
#[derive(Debug)]
pub(crate) struct Together {
    pub(crate) range: KeyRange,
    pub(crate) keys: Keys,
    /// The numbers of the selections.
    pub(crate) members: Vec<usize>,
}

/// What a selection has that others which are like it have not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Own {
    Entity(EntityId),
    Value(Value),
}

/// Finds selections that can be looked up together; the numbers of those that stand alone.
pub(crate) fn group(plans: &[Plan]) -> (Vec<Together>, Vec<usize>) {
    let mut alike: HashMap<(Order, Option<AttributeId>), Vec<usize>> = HashMap::new();
    let mut alone = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        match own(plan) {
            Some(_) => alike.entry((plan.range.order, plan.range.a)).or_default().push(number),
            None => alone.push(number),
        }
    }
    let mut together = Vec::new();
    for ((order, a), members) in alike {
        match members.as_slice() {
            [number] => alone.push(*number),
            _ => {
                let range = KeyRange { a, ..KeyRange::all(order) };
                together.push(Together { range, keys: keys(plans, &members), members });
            }
        }
    }
    (together, alone)
}

fn keys(plans: &[Plan], members: &[usize]) -> Keys {
    let mut own: Vec<Own> = members.iter().filter_map(|number| own(&plans[*number])).collect();
    own.sort_unstable();
    own.dedup();
    let entity = |own: &Own| match own {
        Own::Entity(e) | Own::Value(Value::Ref(e)) => Some(*e),
        Own::Value(_) => None,
    };
    // VAET is asked for by the entities that are referred to.
    let is_reference = members.iter().all(|number| plans[*number].range.order != Order::Avet);
    match is_reference {
        true => Keys::Entities(own.iter().filter_map(entity).collect()),
        false => Keys::Values(own.into_iter().filter_map(Own::value).collect::<Arc<[Value]>>()),
    }
}

impl Own {
    fn value(self) -> Option<Value> {
        match self {
            Self::Value(v) => Some(v),
            Self::Entity(_) => None,
        }
    }
}

/// What a selection asks for beside the order and the attribute, if it is one key.
fn own(plan: &Plan) -> Option<Own> {
    if plan.residual != Values::Any {
        return None;
    }
    let KeyRange { order, e, a, v } = &plan.range;
    match (order, e, a, v) {
        (Order::Eavt, Some(e), _, (Bound::Unbounded, Bound::Unbounded)) => Some(Own::Entity(*e)),
        (Order::Avet, None, Some(_), (Bound::Included(low), Bound::Included(high)))
        | (Order::Vaet, None, _, (Bound::Included(low), Bound::Included(high)))
            if low == high =>
        {
            Some(Own::Value(low.clone())).filter(|_| *order == Order::Avet || is_ref(low))
        }
        _ => None,
    }
}

fn is_ref(v: &Value) -> bool {
    matches!(v, Value::Ref(_))
}

/// The datoms among those that were found together that a selection asks for.
pub(crate) fn answer(plan: &Plan, found: &[Datom]) -> Vec<Datom> {
    let Range { start, end } = match own(plan) {
        Some(Own::Entity(e)) => stretch(found, |datom| datom.e.cmp(&e)),
        Some(Own::Value(v)) => stretch(found, |datom| datom.v.cmp(&v)),
        None => 0..0,
    };
    found[start..end].to_vec()
}

fn stretch(found: &[Datom], compare: impl Fn(&Datom) -> std::cmp::Ordering) -> Range<usize> {
    let start = found.partition_point(|datom| compare(datom).is_lt());
    start..start + found[start..].partition_point(|datom| compare(datom).is_eq())
}
