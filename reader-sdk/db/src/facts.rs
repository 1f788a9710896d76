//! The facts of a database at its newest transaction: four orders, two layers, and the schema.

use std::collections::HashSet;
use std::sync::Arc;

use duramen_index::{Index, Layer, Nodes, Record, Run, State};
use duramen_model::{AttributeId, Datom, Order, Schema, T, Value, builtin};

use crate::recent::Recent;
use crate::{Change, NextIds, TxRecord};

/// Everything a database is made of, without a view of it. Cheap to clone: parts are shared.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The newest transaction.
    pub(crate) basis: T,
    pub(crate) next_ids: NextIds,
    /// One for each order, in the order of [`Order::ALL`].
    current: [Index; 4],
    history: [Index; 4],
    pub(crate) nodes: Nodes,
    /// Of the newest transaction.
    pub(crate) schema: Arc<Schema>,
    /// Every datom that ever defined schema, in the order of `t`.
    pub(crate) schema_datoms: Arc<Vec<Datom>>,
    /// The attributes that the trees in AVET order are complete for; `None` when there are none,
    /// and memory has it all.
    pub(crate) avet: Option<Arc<HashSet<AttributeId>>>,
    /// The transactions that the trees do not have.
    pub(crate) recent: Recent,
}

impl Facts {
    /// What every database is born with.
    pub(crate) fn genesis() -> Self {
        let index = |layer| Order::ALL.map(|order| Index::new(order, layer));
        let mut facts = Self {
            basis: T::GENESIS,
            next_ids: NextIds::FIRST,
            current: index(Layer::Current),
            history: index(Layer::History),
            nodes: Nodes::empty(),
            schema: Arc::default(),
            schema_datoms: Arc::default(),
            avet: None,
            recent: Recent::default(),
        };
        facts.absorb(&[Arc::new(TxRecord::genesis())]);
        facts
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

    /// Whether AVET has every fact of an attribute. Memory has all of them, so an attribute that
    /// is younger than the trees is complete too.
    pub(crate) fn avet_has(&self, a: AttributeId) -> bool {
        self.avet.as_ref().is_none_or(|complete| complete.contains(&a))
    }
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
