//! Patterns that ask for nothing but values: what is read is shown at once, without a tree.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use duramen_db::Db;
use duramen_db::columns::{KeyRange, Keys};
use duramen_model::edn::Edn;
use duramen_model::{Datom, EntityId, Form, Order, Value};

use super::plan::{Entry, Place, Plan};
use super::tree::{id, shown};
use super::{PullError, PullLimits, tree};

/// Shows entities, in their order, by a plan that is flat.
pub(super) async fn show(
    db: &Db,
    plan: &Plan,
    entities: &[EntityId],
    limits: PullLimits,
) -> Result<Vec<Edn>, PullError> {
    if entities.len() > limits.entities_max {
        return Err(tree::too_large(limits));
    }
    let wanted = ascending(entities);
    let mut datoms = match plan.forward.is_empty() {
        true => Vec::new(),
        false => {
            let keys = Keys::Facts(Arc::from(&*wanted), Arc::clone(&plan.forward));
            db.datoms_among(&KeyRange::all(Order::Eavt), keys).await?
        }
    };
    let stretches = stretches(&wanted, &datoms);
    let mut showing = Showing { plan, is_shown_once: wanted.len() == entities.len(), of: vec![] };
    let mut maps = Vec::with_capacity(entities.len());
    for (number, e) in entities.iter().enumerate() {
        let place = match &wanted {
            Cow::Borrowed(_) => number,
            Cow::Owned(wanted) => wanted.partition_point(|own| own < e),
        };
        maps.push(showing.map(*e, &mut datoms[stretches[place].clone()]));
    }
    Ok(maps)
}

/// The distinct entities.
fn ascending(entities: &[EntityId]) -> Cow<'_, [EntityId]> {
    if entities.is_sorted_by(|x, y| x < y) {
        return entities.into();
    }
    let mut entities = entities.to_vec();
    entities.sort_unstable();
    entities.dedup();
    entities.into()
}

/// Where the datoms of each entity are, in the same order.
fn stretches(entities: &[EntityId], datoms: &[Datom]) -> Vec<Range<usize>> {
    let mut end = 0;
    let stretch = |e: &EntityId| {
        let start = end;
        end += datoms[start..].iter().take_while(|datom| datom.e == *e).count();
        start..end
    };
    entities.iter().map(stretch).collect()
}

/// Makes maps of datoms.
struct Showing<'a> {
    plan: &'a Plan,
    /// Whether the values can be taken out of the datoms.
    is_shown_once: bool,
    /// Where the datoms of each of the plan's attributes are.
    of: Vec<Range<usize>>,
}

impl Showing<'_> {
    /// What is shown of an entity, of which these are all datoms that matter, by attribute.
    fn map(&mut self, e: EntityId, datoms: &mut [Datom]) -> Edn {
        self.place(datoms);
        let Plan { id_keys, entries, .. } = self.plan;
        let mut map = Vec::with_capacity(id_keys.len() + entries.len());
        map.extend(id_keys.iter().map(|key| (Form::from(key.clone()), Form::from(id(e)))));
        for entry in entries {
            if let Some(value) = self.value(entry, datoms) {
                map.push((Form::from(entry.key.clone()), Form::from(value)));
            }
        }
        if map.is_empty() { Edn::Nil } else { Edn::Map(map) }
    }

    /// Finds where the datoms of each attribute are.
    fn place(&mut self, datoms: &[Datom]) {
        self.of.clear();
        let mut end = 0;
        for a in &*self.plan.forward {
            let start = end;
            while datoms.get(end).is_some_and(|datom| datom.a == *a) {
                end += 1;
            }
            self.of.push(start..end);
        }
    }

    fn value(&self, entry: &Entry, datoms: &mut [Datom]) -> Option<Edn> {
        let own = match entry.place {
            Place::Forward(_) => &mut datoms[self.of[entry.slot].clone()],
            Place::Reverse(_) | Place::Nowhere => &mut [],
        };
        let taken = |datom: &mut Datom| match self.is_shown_once && !entry.is_shared {
            true => std::mem::replace(&mut datom.v, Value::Boolean(false)),
            false => datom.v.clone(),
        };
        match own {
            [] => entry.default.clone(),
            [first, ..] if !entry.many => Some(shown(taken(first))),
            own => {
                let values = own.iter_mut().take(entry.limit);
                Some(Edn::Vector(values.map(|datom| shown(taken(datom)).into()).collect()))
            }
        }
    }
}
