//! A pattern against a schema: names resolved, what can be decided beforehand decided.

use std::sync::Arc;

use duramen_model::edn::Edn;
use duramen_model::{Attribute, AttributeId, Cardinality, Keyword, Schema, Symbol, ValueType};

use super::pattern::{self, AttributeSpec, LIMIT_DEFAULT, PullPattern};
use super::{PullError, PullErrorKind};
use crate::functions::registry::{HostFunction, Registry};

/// The place of a plan among [`Plans`].
pub(super) type PlanId = usize;

/// The plan that shows all of a component: every attribute, and components within it likewise.
pub(super) const EXPANSION: PlanId = 0;

/// A pattern and the patterns within it.
pub(super) struct Plans {
    plans: Vec<Plan>,
    /// The plan of the whole pattern.
    pub(super) top: PlanId,
}

/// What to show of one entity.
#[derive(Default)]
pub(super) struct Plan {
    /// Whether all attributes are shown.
    pub(super) wildcard: bool,
    /// What the id of the entity is called, as often as it is asked for.
    pub(super) id_keys: Vec<Edn>,
    /// The attributes asked for by name. Their keys are distinct.
    pub(super) entries: Vec<Entry>,
    /// How many times each recursion of the pattern may be followed.
    pub(super) levels: Arc<[u32]>,
    /// The attributes whose values are asked for by name; ascending.
    pub(super) forward: Arc<[AttributeId]>,
    /// Those that are followed backwards.
    pub(super) backward: Vec<AttributeId>,
    /// Whether no two keys of a result can be the same.
    pub(super) distinct: bool,
    /// Whether nothing but values of attributes by name is shown, as they are.
    pub(super) is_flat: bool,
}

/// An attribute to show.
pub(super) struct Entry {
    /// What it is called in the result.
    pub(super) key: Edn,
    /// Where the values are.
    pub(super) place: Place,
    /// The place of the attribute among those of the plan whose values are asked for by name.
    pub(super) slot: usize,
    /// Whether another entry shows the same values.
    pub(super) is_shared: bool,
    /// Whether values come in a vector.
    pub(super) many: bool,
    /// How many values are shown at most.
    pub(super) limit: usize,
    /// What is shown when there is nothing.
    pub(super) default: Option<Edn>,
    /// The function that what is shown goes through, and its name.
    pub(super) transform: Option<(Symbol, Arc<HostFunction>)>,
    /// What is shown of a value.
    pub(super) show: Show,
}

/// Where the values of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Values that the entity has for an attribute.
    Forward(AttributeId),
    /// Entities that refer to the entity by an attribute.
    Reverse(AttributeId),
    /// The database has no such attribute.
    Nowhere,
}

/// What is shown of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// The value.
    Value,
    /// The id of the entity that it refers to.
    Id,
    /// What a plan says of the entity that it refers to.
    Plan(PlanId),
    /// What [`EXPANSION`] says; an entity met before is not expanded again.
    Expansion,
    /// What the plan of the entry itself says, as often as the recursion with this number may be
    /// followed; an entity met before is not shown again.
    Recursion(usize),
}

impl Plans {
    /// Resolves a pattern.
    pub(super) fn new(
        pattern: &PullPattern,
        schema: &Schema,
        registry: &Registry,
    ) -> Result<Self, PullError> {
        let expansion =
            Plan { wildcard: true, id_keys: vec![id_key()], distinct: true, ..Plan::default() };
        let mut plans = Self { plans: vec![expansion], top: EXPANSION };
        plans.top = plans.add(pattern, schema, registry)?;
        Ok(plans)
    }

    pub(super) fn plan(&self, id: PlanId) -> &Plan {
        &self.plans[id]
    }

    /// Whether functions of the application are called.
    pub(super) fn call(&self) -> bool {
        let mut entries = self.plans.iter().flat_map(|plan| &plan.entries);
        entries.any(|entry| entry.transform.is_some())
    }

    pub(super) fn len(&self) -> usize {
        self.plans.len()
    }

    fn add(
        &mut self,
        pattern: &PullPattern,
        schema: &Schema,
        registry: &Registry,
    ) -> Result<PlanId, PullError> {
        let mut plan = Plan { wildcard: pattern.wildcard, ..Plan::default() };
        let mut bounds = Vec::new();
        for spec in &pattern.attributes {
            if spec.is_id() {
                plan.id_keys.push(spec.key.clone());
                continue;
            }
            let attribute = schema.attribute_named(&spec.name);
            let show = match &spec.next {
                _ if attribute.is_none() => Show::Value,
                pattern::Next::Pattern(next) => Show::Plan(self.add(next, schema, registry)?),
                pattern::Next::Recursion(levels) => {
                    bounds.push(levels.unwrap_or(u32::MAX));
                    Show::Recursion(bounds.len() - 1)
                }
                pattern::Next::Plain => plain(spec, attribute),
            };
            let entry = Entry::new(spec, attribute, show, registry)?;
            plan.entries.retain(|other| other.key != entry.key);
            plan.entries.push(entry);
        }
        if plan.wildcard && plan.id_keys.is_empty() {
            plan.id_keys.push(id_key());
        }
        plan.levels = bounds.into();
        plan.settle();
        self.plans.push(plan);
        Ok(self.plans.len() - 1)
    }
}

impl Plan {
    /// Notes what follows from the entries.
    fn settle(&mut self) {
        let place = |entry: &Entry| match entry.place {
            Place::Forward(a) => Some((Some(a), None)),
            Place::Reverse(a) => Some((None, Some(a))),
            Place::Nowhere => None,
        };
        let places: Vec<_> = self.entries.iter().filter_map(place).collect();
        let mut forward: Vec<AttributeId> = places.iter().filter_map(|(a, _)| *a).collect();
        forward.sort_unstable();
        forward.dedup();
        self.forward = forward.into();
        self.backward = places.iter().filter_map(|(_, a)| *a).collect();
        self.backward.sort_unstable();
        self.backward.dedup();
        for number in 0..self.entries.len() {
            let place = self.entries[number].place;
            let others = self.entries.iter().filter(|other| other.place == place);
            self.entries[number].is_shared = others.count() > 1;
            if let Place::Forward(a) = place {
                self.entries[number].slot = self.forward.partition_point(|own| *own < a);
            }
        }
        let is_id = |entry: &Entry| self.id_keys.contains(&entry.key);
        self.distinct = self.id_keys.len() < 2
            && (!self.wildcard || self.entries.is_empty())
            && !self.entries.iter().any(is_id);
        self.is_flat = self.distinct && !self.wildcard && self.entries.iter().all(Entry::is_flat);
    }
}

fn id_key() -> Edn {
    Edn::from(Keyword::new("db/id"))
}

/// What is shown of an attribute for which the pattern gives no pattern.
fn plain(spec: &AttributeSpec, attribute: Option<&Attribute>) -> Show {
    match attribute {
        Some(_) if spec.reverse => Show::Id,
        Some(attribute) => forward(attribute),
        None => Show::Value,
    }
}

fn forward(attribute: &Attribute) -> Show {
    match (attribute.value_type, attribute.component) {
        (ValueType::Ref, true) => Show::Expansion,
        (ValueType::Ref, false) => Show::Id,
        _ => Show::Value,
    }
}

impl Entry {
    fn new(
        spec: &AttributeSpec,
        attribute: Option<&Attribute>,
        show: Show,
        registry: &Registry,
    ) -> Result<Self, PullError> {
        let (place, many) = match attribute {
            None => (Place::Nowhere, false),
            // A component has one owner.
            Some(a) if spec.reverse => (Place::Reverse(a.id), !a.component),
            Some(a) => (Place::Forward(a.id), a.cardinality == Cardinality::Many),
        };
        let follows = spec.reverse || !matches!(spec.next, pattern::Next::Plain);
        if follows && attribute.is_some_and(|a| a.value_type != ValueType::Ref) {
            let message = format!("{} holds no references that could be followed", spec.name);
            return Err(PullError::at(PullErrorKind::NotAReference, spec.span, message));
        }
        Ok(Self {
            key: spec.key.clone(),
            place,
            slot: 0,
            is_shared: false,
            many,
            limit: spec.limit.unwrap_or(usize::MAX),
            default: spec.default.clone(),
            transform: transform(spec, registry)?,
            show,
        })
    }

    /// Whether values of the entity are shown as they are.
    const fn is_flat(&self) -> bool {
        let is_own = matches!(self.place, Place::Forward(_) | Place::Nowhere);
        is_own && matches!(self.show, Show::Value | Show::Id) && self.transform.is_none()
    }

    /// The entry of an attribute that a wildcard asks for.
    pub(super) fn wild(attribute: &Attribute) -> Self {
        Self {
            key: Edn::from(attribute.ident.clone()),
            place: Place::Forward(attribute.id),
            slot: 0,
            is_shared: false,
            many: attribute.cardinality == Cardinality::Many,
            limit: LIMIT_DEFAULT,
            default: None,
            transform: None,
            show: forward(attribute),
        }
    }
}

fn transform(
    spec: &AttributeSpec,
    registry: &Registry,
) -> Result<Option<(Symbol, Arc<HostFunction>)>, PullError> {
    let Some(name) = &spec.transform else { return Ok(None) };
    let refuse = |message| Err(PullError::at(PullErrorKind::UnknownFunction, spec.span, message));
    match registry.function(name) {
        None => refuse(format!("no function {name} is registered for :xform")),
        Some(function) if function.arguments() != 1 => {
            refuse(format!("{name} takes {} arguments; :xform gives it one", function.arguments()))
        }
        Some(function) => Ok(Some((name.clone(), function))),
    }
}
