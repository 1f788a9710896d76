//! The tree of entities that a pull shows: grown a level at a time, then folded into EDN.
//!
//! Neither growing nor folding recurses, so that depth costs no stack.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use duramen_db::Db;
use duramen_model::edn::Edn;
use duramen_model::{AttributeId, Datom, EntityId, Form, Keyword, Schema, Value};

use super::facts::Facts;
use super::plan::{EXPANSION, Entry, Place, Plan, PlanId, Plans, Show};
use super::{PullError, PullErrorKind, PullLimits};

/// The entities to show, those of a level after those of the level above.
pub(super) struct Tree<'a> {
    plans: &'a Plans,
    schema: &'a Schema,
    limits: PullLimits,
    nodes: Vec<Node>,
    /// The entries of attributes that wildcards found.
    wild: BTreeMap<AttributeId, Entry>,
}

/// An entity at one place of the result.
struct Node {
    e: EntityId,
    plan: PlanId,
    /// How it was met.
    origin: Origin,
    /// How many times each recursion of the plan may still be followed.
    levels: Arc<[u32]>,
    /// What was found for it.
    pieces: Vec<Piece>,
}

/// How an entity was met.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// By a pattern of its own.
    Pattern,
    /// By the recursion or expansion that its parent belongs to.
    Chain(usize),
    /// Likewise, but the entity is among its own ancestors there.
    Repeated,
}

/// What was found for an entry of a plan.
struct Piece {
    entry: EntryRef,
    found: Found,
}

#[derive(Debug, Clone, Copy)]
enum EntryRef {
    /// The entry of the plan with a number.
    Named(usize),
    /// An attribute that a wildcard found.
    Wild(AttributeId),
}

enum Found {
    Nothing,
    One(Edn),
    Many(Vec<Form>),
    Nodes(Range<usize>),
}

impl<'a> Tree<'a> {
    /// Reads all that is to be shown of some entities.
    pub(super) async fn grow(
        db: &Db,
        plans: &'a Plans,
        schema: &'a Schema,
        entities: &[EntityId],
        limits: PullLimits,
    ) -> Result<Self, PullError> {
        let mut tree = Self { plans, schema, limits, nodes: Vec::new(), wild: BTreeMap::new() };
        let levels = &plans.plan(plans.top).levels;
        tree.nodes.reserve(entities.len());
        for &e in entities {
            tree.push(Node::new(e, plans.top, Origin::Pattern, levels.clone()))?;
        }
        let mut facts = Facts::new(plans);
        let mut level = 0..tree.nodes.len();
        for depth in 0.. {
            if level.is_empty() {
                break;
            }
            if depth > limits.depth_max {
                return Err(tree.too_deep());
            }
            let wanted = tree.nodes[level.clone()].iter().filter(|node| !node.is_repeated());
            facts.read(db, plans, wanted.map(|node| (node.e, node.plan))).await?;
            let next = tree.nodes.len();
            for parent in level {
                tree.extend(parent, &facts)?;
            }
            level = next..tree.nodes.len();
        }
        Ok(tree)
    }

    /// Notes what was found for an entity, and puts what it refers to into the next level.
    fn extend(&mut self, parent: usize, facts: &Facts) -> Result<(), PullError> {
        let node = &self.nodes[parent];
        if node.is_repeated() {
            return Ok(());
        }
        let plan = self.plans.plan(node.plan);
        let own = facts.of(node.e, (node.plan, plan));
        let mut pieces = Vec::with_capacity(plan.entries.len());
        for (number, entry) in plan.entries.iter().enumerate() {
            let found = self.found(parent, entry, own.at(entry.place))?;
            if !found.is_nothing() || entry.default.is_some() {
                pieces.push(Piece { entry: EntryRef::Named(number), found });
            }
        }
        if plan.wildcard {
            for datoms in own.forward.chunk_by(|x, y| x.a == y.a) {
                let a = datoms[0].a;
                let Some(attribute) = self.schema.attribute(a) else { continue };
                if plan.names(a) {
                    continue;
                }
                let entry = self.wild.remove(&a).unwrap_or_else(|| Entry::wild(attribute));
                let found = self.found(parent, &entry, datoms);
                self.wild.insert(a, entry);
                pieces.push(Piece { entry: EntryRef::Wild(a), found: found? });
            }
        }
        self.nodes[parent].pieces = pieces;
        Ok(())
    }

    fn found(
        &mut self,
        parent: usize,
        entry: &Entry,
        datoms: &[Datom],
    ) -> Result<Found, PullError> {
        let limit = if entry.many { entry.limit } else { 1 };
        let mut targets = datoms.iter().take(limit).map(|datom| target(datom, entry.place));
        if datoms.is_empty() {
            return Ok(Found::Nothing);
        }
        let (plan, recursion) = match entry.show {
            Show::Value | Show::Id if entry.many => {
                return Ok(Found::Many(targets.map(|value| shown(value).into()).collect()));
            }
            Show::Value | Show::Id => {
                return Ok(targets.next().map_or(Found::Nothing, |value| Found::One(shown(value))));
            }
            Show::Plan(plan) => (plan, None),
            Show::Expansion => (EXPANSION, None),
            Show::Recursion(number) => (self.nodes[parent].plan, Some(number)),
        };
        let Some(levels) = self.levels_below(parent, plan, recursion) else {
            return Ok(Found::Nothing);
        };
        let start = self.nodes.len();
        for value in targets {
            let Value::Ref(e) = value else { continue };
            let origin = self.origin(parent, e, entry.show);
            self.push(Node::new(e, plan, origin, levels.clone()))?;
        }
        Ok(Found::Nodes(start..self.nodes.len()))
    }

    /// How many times each recursion may be followed below a node; `None` if the one being
    /// followed may not.
    fn levels_below(
        &self,
        parent: usize,
        plan: PlanId,
        recursion: Option<usize>,
    ) -> Option<Arc<[u32]>> {
        let Some(number) = recursion else {
            return Some(Arc::clone(&self.plans.plan(plan).levels));
        };
        let levels = &self.nodes[parent].levels;
        match levels[number] {
            0 => None,
            // Unbounded; the levels can be shared.
            u32::MAX => Some(levels.clone()),
            left => {
                let mut levels = levels.to_vec();
                levels[number] = left - 1;
                Some(levels.into())
            }
        }
    }

    fn origin(&self, parent: usize, e: EntityId, show: Show) -> Origin {
        if !matches!(show, Show::Expansion | Show::Recursion(_)) {
            return Origin::Pattern;
        }
        let mut ancestor = parent;
        loop {
            let node = &self.nodes[ancestor];
            match node.origin {
                _ if node.e == e => return Origin::Repeated,
                Origin::Chain(above) => ancestor = above,
                Origin::Pattern | Origin::Repeated => return Origin::Chain(parent),
            }
        }
    }

    fn push(&mut self, node: Node) -> Result<(), PullError> {
        if self.nodes.len() >= self.limits.entities_max {
            return Err(too_large(self.limits));
        }
        self.nodes.push(node);
        Ok(())
    }

    fn too_deep(&self) -> PullError {
        let most = self.limits.depth_max;
        let message =
            format!("the result is nested more than {most} levels deep: bound the recursion");
        PullError::of(PullErrorKind::TooDeep, message)
    }

    /// Folds the tree into what is shown of each of the first entities; nil where there is
    /// nothing.
    pub(super) fn fold(mut self, entities: usize) -> Result<Vec<Edn>, PullError> {
        let mut results: Vec<Option<Edn>> = Vec::new();
        results.resize_with(self.nodes.len(), || None);
        // What a node shows comes after it.
        for place in (0..self.nodes.len()).rev() {
            let pieces = std::mem::take(&mut self.nodes[place].pieces);
            results[place] = self.node(&self.nodes[place], pieces, &mut results)?;
        }
        results.truncate(entities);
        Ok(results.into_iter().map(|shown| shown.unwrap_or(Edn::Nil)).collect())
    }

    fn node(
        &self,
        node: &Node,
        pieces: Vec<Piece>,
        results: &mut [Option<Edn>],
    ) -> Result<Option<Edn>, PullError> {
        if node.is_repeated() {
            return Ok(Some(id_map(node.e)));
        }
        let plan = self.plans.plan(node.plan);
        let mut shown = Vec::with_capacity(plan.id_keys.len() + pieces.len());
        let put = if plan.distinct { add } else { put };
        for key in &plan.id_keys {
            put(&mut shown, key, id(node.e));
        }
        for piece in pieces {
            let entry = match piece.entry {
                EntryRef::Named(number) => &plan.entries[number],
                EntryRef::Wild(a) => &self.wild[&a],
            };
            let found = match piece.found {
                Found::Nothing => None,
                Found::One(value) => Some(value),
                Found::Many(values) => Some(Edn::Vector(values)),
                Found::Nodes(range) => {
                    let mut below = results[range].iter_mut().filter_map(Option::take);
                    match entry.many {
                        true => some(below.map(Form::from).collect()),
                        false => below.next(),
                    }
                }
            };
            if let Some(value) = entry.shown(found)? {
                put(&mut shown, &entry.key, value);
            }
        }
        Ok((!shown.is_empty()).then_some(Edn::Map(shown)))
    }
}

impl Found {
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Node {
    fn new(e: EntityId, plan: PlanId, origin: Origin, levels: Arc<[u32]>) -> Self {
        Self { e, plan, origin, levels, pieces: Vec::new() }
    }

    fn is_repeated(&self) -> bool {
        matches!(self.origin, Origin::Repeated)
    }
}

impl Plan {
    /// Whether the pattern asks for the values of an attribute by name.
    fn names(&self, a: AttributeId) -> bool {
        self.entries.iter().any(|entry| entry.place == Place::Forward(a))
    }
}

impl Entry {
    /// What is shown of what was found; `None` if the entry is left out.
    fn shown(&self, mut found: Option<Edn>) -> Result<Option<Edn>, PullError> {
        if let (Some(value), Some((name, function))) = (&found, &self.transform) {
            let shown = function.call(std::slice::from_ref(value)).map_err(|reason| {
                PullError::of(PullErrorKind::FunctionFailed, format!("{name}: {reason}"))
            })?;
            found = (shown != Edn::Nil).then_some(shown);
        }
        Ok(found.or_else(|| self.default.clone()))
    }
}

/// The error for a result of too many entities.
pub(super) fn too_large(limits: PullLimits) -> PullError {
    let most = limits.entities_max;
    let message = format!(
        "the result has more than {most} entities: set a :limit, bound the recursion, or allow more"
    );
    PullError::of(PullErrorKind::TooLarge, message)
}

/// What a fact says when it is read from an end.
fn target(datom: &Datom, place: Place) -> Value {
    match place {
        Place::Reverse(_) => Value::Ref(datom.e),
        Place::Forward(_) | Place::Nowhere => datom.v.clone(),
    }
}

/// A value as it is shown; of a reference the id.
pub(super) fn shown(value: Value) -> Edn {
    match value {
        Value::Ref(e) => id_map(e),
        other => Edn::from_value(other),
    }
}

fn id_map(e: EntityId) -> Edn {
    static ID_KEY: LazyLock<Edn> = LazyLock::new(|| Edn::from(Keyword::new("db/id")));
    Edn::Map(vec![(ID_KEY.clone().into(), id(e).into())])
}

pub(super) fn id(e: EntityId) -> Edn {
    Edn::from_value(Value::Ref(e))
}

fn some(values: Vec<Form>) -> Option<Edn> {
    (!values.is_empty()).then_some(Edn::Vector(values))
}

/// Adds a key that is not there yet.
fn add(shown: &mut Vec<(Form, Form)>, key: &Edn, value: Edn) {
    shown.push((key.clone().into(), value.into()));
}

fn put(shown: &mut Vec<(Form, Form)>, key: &Edn, value: Edn) {
    match shown.iter_mut().find(|(other, _)| other.edn == *key) {
        Some((_, old)) => old.edn = value,
        None => add(shown, key, value),
    }
}
