//! Merge: all runs of an index folded into one tree, which is the oldest run then.
//!
//! The oldest tree is walked from above. Where no younger run has a key in the place of a
//! subtree, the new tree points to it as it is; only the rest is read, merged and written.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::branch::{Branch, Separator};
use crate::builder::TreeBuilder;
use crate::chunk::{Chunk, Reading};
use crate::cursor::{Cursor, Wanted};
use crate::key::KeyRef;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::options::NodeOptions;
use crate::pack::PackWriter;
use crate::run::{Run, TreeRun};
use crate::{Index, IndexError, KeyRange, Pointer, Record, State, Times, Tree};

/// How many of a branch's children that a merge will need are fetched at once.
const CHILDREN_AT_ONCE: usize = 16;

/// Folds all runs of an index into one tree that is the oldest run: tombstones are gone, and what
/// was replaced counts as inserted. `None` if no fact is left.
///
/// The packs that the tree needs are complete only when the writer has finished.
///
/// # Errors
/// When a node cannot be loaded or is damaged, a pack cannot be written, or a record cannot be
/// stored.
pub async fn merge(
    index: &Index,
    nodes: &Nodes,
    writer: &mut PackWriter,
    options: &NodeOptions,
) -> Result<Option<Tree>, IndexError> {
    let (oldest, younger) = match index.runs().split_last() {
        Some((Run::Tree(oldest), younger)) => (Some(oldest), younger),
        _ => (None, index.runs()),
    };
    if let Some(oldest) = oldest.filter(|oldest| younger.is_empty() && has_only_facts(oldest)) {
        return Ok(Some(oldest.tree().clone()));
    }
    let mut merge = Merge {
        index,
        nodes,
        steps: Steps::new(index, younger, nodes),
        builder: TreeBuilder::new(index.order(), index.layer(), options, writer),
    };
    if let Some(oldest) = oldest {
        merge.tree(oldest).await?;
    }
    merge.records(Chunk::none(), None).await?;
    merge.builder.finish()
}

fn has_only_facts(run: &TreeRun) -> bool {
    u64::try_from(run.tree().net) == Ok(run.tree().records)
}

struct Merge<'a> {
    index: &'a Index,
    nodes: &'a Nodes,
    steps: Steps,
    builder: TreeBuilder<'a>,
}

impl Merge<'_> {
    /// Merges the oldest tree with the steps that come before its end.
    async fn tree(&mut self, run: &TreeRun) -> Result<(), IndexError> {
        let mut path = Vec::new();
        let top = run.top(self.nodes).await?;
        self.enter(&top, None, &mut path).await?;
        while let Some(visit) = path.last_mut() {
            let Some(child) = visit.next() else {
                path.pop();
                continue;
            };
            let (level, end) = (visit.level, visit.end_of(child));
            let branch = Arc::clone(&visit.branch);
            let pointer = &branch.pointers()[child];
            let touched = self.steps.reach(end.as_ref()).await? || !is_clean(pointer);
            if !touched && self.builder.can_attach(level) {
                self.builder.attach(level, branch.separator(child), pointer)?;
                continue;
            }
            if level == 0 {
                self.builder.begin(branch.separator(child));
            }
            let node = visit.load(child, run, self.nodes, &self.steps).await?;
            self.enter(&node, end, &mut path).await?;
        }
        Ok(())
    }

    /// Merges a leaf, or goes down into a branch.
    async fn enter(
        &mut self,
        node: &Node,
        end: Option<Separator>,
        path: &mut Vec<Visit>,
    ) -> Result<(), IndexError> {
        match &node.body {
            Body::Leaf(leaf) => {
                let leaf = Chunk::leaf(Arc::clone(leaf), &KeyRange::all(self.index.order()));
                self.records(leaf, end.as_ref()).await
            }
            Body::Branch(branch) => {
                let level = node.header.level.saturating_sub(1);
                let branch = Arc::clone(branch);
                path.push(Visit { branch, level, next: 0, end, ahead: VecDeque::new() });
                Ok(())
            }
        }
    }

    /// Merges records of the oldest run with the steps before an end; without one, all.
    async fn records(
        &mut self,
        mut base: Chunk,
        end: Option<&Separator>,
    ) -> Result<(), IndexError> {
        let (order, layer) = (self.index.order(), self.index.layer());
        while self.steps.reach(end).await? {
            for step in self.steps.take_before(end) {
                let key = KeyRef::from(&step);
                let before = base.gallop(|own| own.compare(&key, order, layer).is_lt());
                self.push_from(&mut base, before)?;
                if base.head().is_some_and(|own| own.compare(&key, order, layer).is_eq()) {
                    base.skip();
                }
                if step.is_fact() {
                    self.builder.push(as_fact(step))?;
                }
            }
            self.builder.write_full().await?;
        }
        let rest = base.len();
        self.push_from(&mut base, rest)?;
        self.builder.write_full().await
    }

    fn push_from(&mut self, base: &mut Chunk, count: usize) -> Result<(), IndexError> {
        let mut records = Vec::new();
        base.take(count, Reading::Facts, &mut records);
        records.into_iter().try_for_each(|record| self.builder.push(record))
    }
}

/// Whether there is nothing below a pointer that a merge would change.
fn is_clean(pointer: &Pointer) -> bool {
    u64::try_from(pointer.net) == Ok(pointer.records)
}

fn as_fact(record: Record) -> Record {
    match record.state {
        State::Replaced => Record { state: State::Inserted, ..record },
        _ => record,
    }
}

/// A branch of the oldest tree that is being visited.
struct Visit {
    branch: Arc<Branch>,
    /// The level of its children.
    level: u8,
    next: usize,
    /// Where the place of the branch ends.
    end: Option<Separator>,
    /// Children that were fetched ahead.
    ahead: VecDeque<(usize, Arc<Node>)>,
}

impl Visit {
    fn next(&mut self) -> Option<usize> {
        let child = self.next;
        self.next += 1;
        (child < self.branch.len()).then_some(child)
    }

    /// Where the place of a child ends.
    fn end_of(&self, child: usize) -> Option<Separator> {
        if child + 1 < self.branch.len() {
            Some(self.branch.separator(child + 1).into())
        } else {
            self.end.clone()
        }
    }

    /// Loads a child, and with it those after it that the steps at hand will touch.
    async fn load(
        &mut self,
        child: usize,
        run: &TreeRun,
        nodes: &Nodes,
        steps: &Steps,
    ) -> Result<Arc<Node>, IndexError> {
        while self.ahead.front().is_some_and(|(index, _)| *index < child) {
            self.ahead.pop_front();
        }
        let shape = run.shape(self.level);
        match self.ahead.front() {
            Some((index, _)) if *index > child => {
                return nodes.load(&self.branch.pointers()[child], shape).await;
            }
            Some(_) => {}
            None => {
                let children = self.touched_from(child, steps);
                let pointer = |index: &usize| self.branch.pointers()[*index].clone();
                let pointers: Vec<Pointer> = children.iter().map(pointer).collect();
                let loaded = nodes.load_all(&pointers, shape).await?;
                self.ahead = children.into_iter().zip(loaded).collect();
            }
        }
        let (_, node) = self.ahead.pop_front().expect("the child itself was loaded just now");
        Ok(node)
    }

    /// A child, and some after it that the steps at hand will touch.
    fn touched_from(&self, child: usize, steps: &Steps) -> Vec<usize> {
        let after = (child + 1..self.branch.len())
            .filter(|next| steps.touch(self.branch.separator(*next), self.end_of(*next).as_ref()));
        std::iter::once(child).chain(after).take(CHILDREN_AT_ONCE).collect()
    }
}

/// What the younger runs say, in order: the youngest record of each key.
struct Steps {
    cursor: Cursor,
    order: duramen_model::Order,
    layer: crate::Layer,
    batch: VecDeque<Record>,
}

impl Steps {
    fn new(index: &Index, younger: &[Run], nodes: &Nodes) -> Self {
        let range = KeyRange::all(index.order());
        let wanted = Wanted {
            range: &range,
            times: Times::default(),
            reading: Reading::Steps,
            leaves_at_once: CHILDREN_AT_ONCE,
        };
        let cursor = Cursor::new(index, younger, nodes, wanted);
        Self { cursor, order: index.order(), layer: index.layer(), batch: VecDeque::new() }
    }

    /// Whether there is a step before an end.
    async fn reach(&mut self, end: Option<&Separator>) -> Result<bool, IndexError> {
        if self.batch.is_empty() {
            self.batch = self.cursor.next_batch().await?.unwrap_or_default().into();
        }
        Ok(self.batch.front().is_some_and(|step| self.is_before(step, end)))
    }

    fn is_before(&self, step: &Record, end: Option<&Separator>) -> bool {
        end.is_none_or(|end| KeyRef::from(step).compare(&end.key(), self.order, self.layer).is_lt())
    }

    /// Takes the steps at hand that are before an end.
    fn take_before(&mut self, end: Option<&Separator>) -> VecDeque<Record> {
        let count = self.batch.partition_point(|step| self.is_before(step, end));
        let rest = self.batch.split_off(count);
        std::mem::replace(&mut self.batch, rest)
    }

    /// Whether one of the steps at hand lies in a place.
    fn touch(&self, begin: KeyRef<'_>, end: Option<&Separator>) -> bool {
        let begins = |step: &Record| KeyRef::from(step).compare(&begin, self.order, self.layer);
        let first = self.batch.partition_point(|step| begins(step).is_lt());
        self.batch.get(first).is_some_and(|step| self.is_before(step, end))
    }
}
