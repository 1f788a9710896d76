//! What has been read of the database so far, in few rounds: with one walk for all entities of a
//! level that have the same plan.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use duramen_db::Db;
use duramen_db::columns::{KeyRange, Keys};
use duramen_model::{Datom, EntityId, Order, Value};
use foldhash::fast::FixedState;
use futures_util::future::try_join_all;

use super::PullError;
use super::plan::{Place, Plan, PlanId, Plans};

/// What has been read. Nothing is read twice for one plan.
pub(super) struct Facts {
    /// What each plan needs.
    plans: Vec<PlanFacts>,
}

/// What has been read for one plan.
#[derive(Default)]
struct PlanFacts {
    /// What entities have.
    forward: Table,
    /// What refers to them, by the plan's attributes that are followed backwards.
    backward: Vec<Table>,
}

/// Facts by entity.
#[derive(Default)]
struct Table {
    datoms: Vec<Datom>,
    places: HashMap<EntityId, Range<usize>, FixedState>,
}

/// What has been read of one entity.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    /// All that the plan needs of what the entity has, by attribute.
    pub(super) forward: &'a [Datom],
    facts: &'a PlanFacts,
    plan: &'a Plan,
    e: EntityId,
}

impl Facts {
    /// Nothing yet.
    pub(super) fn new(plans: &Plans) -> Self {
        Self { plans: (0..plans.len()).map(|_| PlanFacts::default()).collect() }
    }

    /// Reads what the plans need of their entities, all of it in one round.
    pub(super) async fn read(
        &mut self,
        db: &Db,
        plans: &Plans,
        wanted: impl Iterator<Item = (EntityId, PlanId)>,
    ) -> Result<(), PullError> {
        let mut missing: Vec<Vec<EntityId>> = vec![Vec::new(); self.plans.len()];
        for (e, plan) in wanted {
            if !self.plans[plan].forward.places.contains_key(&e) {
                missing[plan].push(e);
            }
        }
        let mut walks = Vec::new();
        for (id, mut entities) in missing.into_iter().enumerate().filter(|(_, e)| !e.is_empty()) {
            entities.sort_unstable();
            entities.dedup();
            let entities: Arc<[EntityId]> = entities.into();
            walks.extend(asked(plans.plan(id), &entities).map(|asked| (id, asked)));
        }
        // Mostly there is one.
        let found = match walks.as_slice() {
            [(_, one)] => vec![one.read(db).await?],
            _ => try_join_all(walks.iter().map(|(_, asked)| asked.read(db))).await?,
        };
        for ((id, asked), datoms) in walks.iter().zip(found) {
            self.plans[*id].take(asked, datoms);
        }
        Ok(())
    }

    /// What has been read of an entity for a plan.
    pub(super) fn of<'a>(&'a self, e: EntityId, (id, plan): (PlanId, &'a Plan)) -> Own<'a> {
        let facts = &self.plans[id];
        Own { forward: facts.forward.of(e), facts, plan, e }
    }
}

/// Of which table something is.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Forward,
    Backward(usize),
}

/// What has to be read of some entities.
struct Asked {
    slot: Slot,
    entities: Arc<[EntityId]>,
    range: KeyRange,
    /// `None` where nothing is needed but that they were asked for.
    keys: Option<Keys>,
}

impl Asked {
    async fn read(&self, db: &Db) -> Result<Vec<Datom>, PullError> {
        match &self.keys {
            Some(keys) => Ok(db.datoms_among(&self.range, keys.clone()).await?),
            None => Ok(Vec::new()),
        }
    }
}

/// What a plan needs to know of entities: what they have, and what refers to them by each of some
/// attributes.
fn asked(plan: &Plan, entities: &Arc<[EntityId]>) -> impl Iterator<Item = Asked> {
    let own = match plan.wildcard {
        true => Some(Keys::Entities(Arc::clone(entities))),
        false if plan.forward.is_empty() => None,
        false => Some(Keys::Facts(Arc::clone(entities), Arc::clone(&plan.forward))),
    };
    let asked = |slot, range, keys| Asked { slot, entities: Arc::clone(entities), range, keys };
    let forward = asked(Slot::Forward, KeyRange::all(Order::Eavt), own);
    let backward = plan.backward.iter().enumerate().map(move |(slot, a)| {
        let range = KeyRange::all(Order::Vaet).with_a(*a);
        asked(Slot::Backward(slot), range, Some(Keys::Entities(Arc::clone(entities))))
    });
    std::iter::once(forward).chain(backward)
}

impl PlanFacts {
    fn take(&mut self, Asked { slot, entities, .. }: &Asked, datoms: Vec<Datom>) {
        match *slot {
            Slot::Forward => self.forward.take(entities, datoms, |datom| Some(datom.e)),
            Slot::Backward(slot) => {
                if self.backward.len() <= slot {
                    self.backward.resize_with(slot + 1, Table::default);
                }
                self.backward[slot].take(entities, datoms, |datom| match datom.v {
                    Value::Ref(e) => Some(e),
                    _ => None,
                });
            }
        }
    }
}

impl Table {
    /// Takes the datoms of some entities, in the order of these.
    fn take(
        &mut self,
        entities: &[EntityId],
        mut datoms: Vec<Datom>,
        of: impl Fn(&Datom) -> Option<EntityId>,
    ) {
        let mut next = self.datoms.len();
        self.datoms.append(&mut datoms);
        self.places.reserve(entities.len());
        for e in entities {
            let start = next;
            while self.datoms.get(next).is_some_and(|datom| of(datom) == Some(*e)) {
                next += 1;
            }
            self.places.insert(*e, start..next);
        }
    }

    fn of(&self, e: EntityId) -> &[Datom] {
        self.places.get(&e).map_or(&[], |range| &self.datoms[range.clone()])
    }
}

impl<'a> Own<'a> {
    /// The facts that an entry shows.
    pub(super) fn at(&self, place: Place) -> &'a [Datom] {
        match place {
            Place::Nowhere => &[],
            Place::Forward(a) => {
                let start = self.forward.partition_point(|datom| datom.a < a);
                let own = &self.forward[start..];
                // Nearly always one.
                &own[..own.iter().take_while(|datom| datom.a == a).count()]
            }
            Place::Reverse(a) => {
                let slot = self.plan.backward.iter().position(|own| *own == a);
                let table = slot.and_then(|slot| self.facts.backward.get(slot));
                table.map_or(&[], |table| table.of(self.e))
            }
        }
    }
}
