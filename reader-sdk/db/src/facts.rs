//! The facts of a database at its newest transaction: four orders, two layers, and the schema.

use std::collections::HashSet;
use std::sync::Arc;

use duramen_index::{Index, Layer, Nodes, Record, Run, State};
use duramen_model::{AttributeId, Datom, Instant, Order, Schema, T, Value, builtin};

use crate::recent::Recent;
use crate::source::Source;
use crate::{Change, Checkpoint, NextIds, TxRecord};

/// Everything a database is made of, without a view of it. Cheap to clone: parts are shared.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The newest transaction.
    pub(crate) basis: T,
    /// Its instant.
    pub(crate) instant: Instant,
    pub(crate) next_ids: NextIds,
    /// One for each order, in the order of [`Order::ALL`].
    current: [Index; 4],
    history: [Index; 4],
    /// What the trees are read through; `None` in memory.
    pub(crate) source: Option<Arc<Source>>,
    /// The same with the nodes at hand that the checkpoint carries along.
    nodes: Nodes,
    /// What the trees are; `None` when all is in memory.
    pub(crate) checkpoint: Option<Arc<Checkpoint>>,
    /// Of the newest transaction.
    pub(crate) schema: Arc<Schema>,
    /// Every datom that ever defined schema, in the order of `t`.
    pub(crate) schema_datoms: Arc<Vec<Datom>>,
    /// The attributes that AVET lacks facts of: the trees have them, but not in this order.
    pub(crate) avet_lacks: Arc<HashSet<AttributeId>>,
    /// The transactions that the trees do not have.
    pub(crate) recent: Recent,
}

impl Facts {
    /// What every database is born with, in memory.
    pub(crate) fn genesis() -> Self {
        let mut facts = Self::empty(None);
        facts.absorb(&[Arc::new(TxRecord::genesis())]);
        facts
    }

    /// Nothing yet: the first transaction makes it a database.
    pub(crate) fn empty(source: Option<Arc<Source>>) -> Self {
        let index = |layer| Order::ALL.map(|order| Index::new(order, layer));
        Self {
            basis: T::GENESIS,
            instant: Instant::from_millis(0),
            next_ids: NextIds::FIRST,
            current: index(Layer::Current),
            history: index(Layer::History),
            nodes: source.as_ref().map_or(Nodes::empty(), |source| source.nodes.clone()),
            source,
            checkpoint: None,
            schema: Arc::default(),
            schema_datoms: Arc::default(),
            avet_lacks: Arc::default(),
            recent: Recent::default(),
        }
    }

    /// What was merged. The next ids are those of the root.
    pub(crate) fn of_checkpoint(checkpoint: Arc<Checkpoint>, source: Arc<Source>) -> Self {
        let index = |order, layer| trees(&checkpoint, order, layer);
        let defined = checkpoint.schema.iter().filter(|datom| datom.a == builtin::VALUE_TYPE);
        let lacks = |a: &AttributeId| !checkpoint.avet_attributes.contains(a);
        Self {
            basis: checkpoint.t,
            instant: checkpoint.instant,
            current: Order::ALL.map(|order| index(order, Layer::Current)),
            history: Order::ALL.map(|order| index(order, Layer::History)),
            schema: Arc::new(Schema::fold(&checkpoint.schema)),
            schema_datoms: Arc::new(checkpoint.schema.clone()),
            avet_lacks: Arc::new(
                defined.map(|datom| AttributeId::from(datom.e)).filter(lacks).collect(),
            ),
            checkpoint: Some(Arc::clone(&checkpoint)),
            nodes: checkpoint.nodes(&source),
            ..Self::empty(Some(source))
        }
    }

    /// The same facts on top of a newer checkpoint: what it has is dropped from memory.
    pub(crate) fn rebase(&self, checkpoint: Arc<Checkpoint>, source: &Arc<Source>) -> Self {
        if self.checkpoint.as_ref().is_some_and(|before| before.t == checkpoint.t) {
            return self.on_other_trees(checkpoint, source);
        }
        let after = checkpoint.t.get() + 1;
        let mut facts = Self::of_checkpoint(checkpoint, Arc::clone(source));
        if let Some(after) = T::new(after) {
            facts.absorb(&self.recent.since(after).cloned().collect::<Vec<_>>());
        }
        facts.next_ids = self.next_ids;
        facts
    }

    /// The same facts on top of a checkpoint that has as much as the one they have: memory stays
    /// as it is.
    fn on_other_trees(&self, checkpoint: Arc<Checkpoint>, source: &Arc<Source>) -> Self {
        let index = |order, layer| {
            let memory = self.index(order, layer).runs().iter();
            let memory: Vec<_> = memory.filter(|run| matches!(run, Run::Memory(_))).collect();
            let trees = trees(&checkpoint, order, layer);
            memory.into_iter().rev().fold(trees, |index, run| index.with_run(run.clone()))
        };
        Self {
            current: Order::ALL.map(|order| index(order, Layer::Current)),
            history: Order::ALL.map(|order| index(order, Layer::History)),
            nodes: checkpoint.nodes(source),
            source: Some(Arc::clone(source)),
            checkpoint: Some(Arc::clone(&checkpoint)),
            ..self.clone()
        }
    }

    /// The facts of an earlier transaction, which is not older than the checkpoint.
    pub(crate) fn rewind(&self, t: T) -> Self {
        let mut facts = match (&self.checkpoint, &self.source) {
            (Some(checkpoint), Some(source)) => {
                Self::of_checkpoint(Arc::clone(checkpoint), Arc::clone(source))
            }
            _ => Self::empty(self.source.clone()),
        };
        let kept = self.recent.since(T::GENESIS).take_while(|record| record.t <= t);
        facts.absorb(&kept.cloned().collect::<Vec<_>>());
        facts.next_ids = self.next_ids;
        facts
    }

    /// What the trees are read through.
    pub(crate) const fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    pub(crate) fn index(&self, order: Order, layer: Layer) -> &Index {
        match layer {
            Layer::Current => &self.current[order as usize],
            Layer::History => &self.history[order as usize],
        }
    }

    /// Takes in transactions that follow the newest one, in their order. They have been checked.
    pub(crate) fn absorb(&mut self, records: &[Arc<TxRecord>]) {
        let mut novelty = Novelty::default();
        for record in records {
            self.extend_schema(record);
            novelty.add(record, &self.schema);
            self.next_ids = self.next_ids.after(record);
            self.basis = record.t;
            self.instant = record.instant;
        }
        self.recent.extend(records);
        for order in Order::ALL {
            let slot = order as usize;
            push(&mut self.current[slot], order, Layer::Current, novelty.current(order));
            push(&mut self.history[slot], order, Layer::History, novelty.history(order));
        }
    }

    fn extend_schema(&mut self, record: &TxRecord) {
        let defining = || record.datoms().filter(|datom| builtin::defines_schema(datom.a));
        if defining().next().is_some() {
            Arc::make_mut(&mut self.schema).apply(defining());
            Arc::make_mut(&mut self.schema_datoms).extend(defining().cloned());
        }
    }

    /// The schema as of a transaction.
    pub(crate) fn schema_at(&self, t: T) -> Arc<Schema> {
        let known = self.schema_datoms.partition_point(|datom| datom.t <= t);
        if known == self.schema_datoms.len() {
            return Arc::clone(&self.schema);
        }
        Arc::new(Schema::fold(&self.schema_datoms[..known]))
    }

    /// Whether AVET has every fact of an attribute. Memory has all of them, so one that is
    /// younger than the trees is complete too.
    pub(crate) fn avet_has(&self, a: AttributeId) -> bool {
        !self.avet_lacks.contains(&a)
    }
}

/// The trees of a checkpoint in one order and layer.
fn trees(checkpoint: &Checkpoint, order: Order, layer: Layer) -> Index {
    let oldest_first = checkpoint.runs_of(order, layer).rev();
    let runs = oldest_first.map(|run| Run::tree(run.tree.clone()));
    runs.fold(Index::new(order, layer), |index, run| index.with_run(run))
}

fn push(index: &mut Index, order: Order, layer: Layer, records: Vec<Record>) {
    if !records.is_empty() {
        *index = index.clone().with_run(Run::memory(order, layer, records));
    }
}

/// Transactions as records of both layers.
#[derive(Debug, Default)]
pub(crate) struct Novelty {
    current: Vec<Record>,
    history: Vec<Record>,
}

impl Novelty {
    /// Adds a transaction; `schema` is the one it leaves.
    pub(crate) fn add(&mut self, record: &TxRecord, schema: &Schema) {
        for Change { datom, closes } in &record.changes {
            let Datom { e, a, ref v, t, .. } = *datom;
            let step = if closes.is_none() { State::Inserted } else { State::Removed };
            self.current.push(Record { e, a, v: v.clone(), added: t, state: step });
            let forgotten = schema.attribute(a).is_some_and(|attribute| attribute.no_history);
            if let Some(added) = closes.filter(|_| !forgotten) {
                let state = State::Closed(t);
                self.history.push(Record { e, a, v: v.clone(), added, state });
            }
        }
    }

    pub(crate) fn current(&self, order: Order) -> Vec<Record> {
        in_order(&self.current, order)
    }

    pub(crate) fn history(&self, order: Order) -> Vec<Record> {
        in_order(&self.history, order)
    }
}

fn in_order(records: &[Record], order: Order) -> Vec<Record> {
    let kept = |record: &&Record| order != Order::Vaet || matches!(record.v, Value::Ref(_));
    records.iter().filter(kept).cloned().collect()
}
