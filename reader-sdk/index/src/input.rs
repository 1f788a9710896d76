//! An input of a merge: what is left of one run, from a place on.
//!
//! A tree is a sequence of subtrees, each of which is a sequence of smaller ones, down to records.
//! What is left of it begins with a subtree, or with records once that had to be looked into.

use std::collections::VecDeque;
use std::sync::Arc;

use duramen_model::Order;

use crate::branch::{Branch, Separator};
use crate::key::KeyRef;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::run::{Run, TreeRun};
use crate::{IndexError, Layer, Pointer, Record, v1};

/// How many of a branch's children that a merge will need are fetched at once.
const CHILDREN_AT_ONCE: usize = 16;
/// How many records of a run in memory are at hand at once.
const RECORDS_AT_ONCE: usize = 4096;

/// What is left of a run.
#[derive(Debug)]
pub(crate) struct Input {
    place: (Order, Layer),
    run: Option<TreeRun>,
    /// What comes first.
    records: VecDeque<Record>,
    /// What comes after it, of a run in memory.
    memory: (Arc<[Record]>, usize),
    /// What comes after it, of a tree: branches, the lowest last. Each has a next child.
    path: Vec<Visit>,
    /// Nodes below the top that were read at the beginning.
    read: Vec<Pointer>,
}

/// A branch that is being visited.
#[derive(Debug)]
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

/// The subtree that comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subtree<'a> {
    /// The level of its highest node.
    pub(crate) level: u8,
    pub(crate) pointer: &'a Pointer,
    visit: &'a Visit,
}

impl<'a> Subtree<'a> {
    /// No key in it is below.
    pub(crate) fn begin(&self) -> KeyRef<'a> {
        self.visit.branch.separator(self.visit.next)
    }

    /// All keys in it are below; `None` when nothing comes after it.
    pub(crate) fn end(&self) -> Option<KeyRef<'a>> {
        self.visit.end_of(self.visit.next)
    }
}

impl Visit {
    fn end_of(&self, child: usize) -> Option<KeyRef<'_>> {
        if child + 1 < self.branch.len() {
            Some(self.branch.separator(child + 1))
        } else {
            self.end.as_ref().map(Separator::key)
        }
    }

    /// Loads the next child, and with it those after it that are wanted as well.
    async fn load(
        &mut self,
        run: &TreeRun,
        nodes: &Nodes,
        also: impl Fn(&Self, usize) -> bool,
    ) -> Result<Arc<Node>, IndexError> {
        let child = self.next;
        while self.ahead.front().is_some_and(|(index, _)| *index < child) {
            self.ahead.pop_front();
        }
        if self.ahead.front().is_none_or(|(index, _)| *index > child) {
            let after = (child + 1..self.branch.len()).take(2 * CHILDREN_AT_ONCE);
            let fetched = |index: &usize| self.ahead.iter().any(|(ahead, _)| ahead == index);
            let wanted = after.filter(|index| !fetched(index) && also(self, *index));
            let children: Vec<usize> =
                std::iter::once(child).chain(wanted).take(CHILDREN_AT_ONCE).collect();
            let pointer = |index: &usize| self.branch.pointers()[*index].clone();
            let pointers: Vec<Pointer> = children.iter().map(pointer).collect();
            let loaded = nodes.load_all(&pointers, run.shape(self.level)).await?;
            self.ahead.extend(children.into_iter().zip(loaded));
            self.ahead.make_contiguous().sort_by_key(|(index, _)| *index);
        }
        let (_, node) = self.ahead.pop_front().expect("the child itself was loaded just now");
        Ok(node)
    }
}

impl Input {
    /// All of a run. Reads the top of a tree.
    pub(crate) async fn open(
        run: &Run,
        nodes: &Nodes,
        place: (Order, Layer),
    ) -> Result<Self, IndexError> {
        let mut input = Self {
            place,
            run: None,
            records: VecDeque::new(),
            memory: (Arc::from([]), 0),
            path: Vec::new(),
            read: Vec::new(),
        };
        match run {
            Run::Memory(run) => input.memory.0 = run.shared(),
            // No subtree of it could be part of a new tree.
            Run::Tree(run) if run.is_regrouped(nodes).await? => {
                let (mut records, read) = v1::read_all(run, nodes).await?;
                records.sort_by(|x, y| x.compare(y, place.0, place.1));
                (input.memory.0, input.read) = (records.into(), read);
            }
            Run::Tree(run) => {
                input.run = Some(run.clone());
                let top = run.top(nodes).await?;
                input.enter(&top, None)?;
            }
        }
        input.settle();
        Ok(input)
    }

    /// Nodes below the top of a tree that were read at the beginning: no part of them will be
    /// handed over.
    pub(crate) fn read(&self) -> &[Pointer] {
        &self.read
    }

    /// No key that is left is below; `None` when nothing is left.
    pub(crate) fn begin(&self) -> Option<KeyRef<'_>> {
        match self.records.front() {
            Some(record) => Some(record.into()),
            None => self.subtree().map(|subtree| subtree.begin()),
        }
    }

    /// The subtree that comes first; `None` when a record does, or nothing is left.
    pub(crate) fn subtree(&self) -> Option<Subtree<'_>> {
        if !self.records.is_empty() {
            return None;
        }
        let visit = self.path.last()?;
        Some(Subtree { level: visit.level, pointer: &visit.branch.pointers()[visit.next], visit })
    }

    /// Passes over the subtree that comes first.
    pub(crate) fn pass(&mut self) {
        if let Some(visit) = self.path.last_mut() {
            visit.next += 1;
        }
        self.settle();
    }

    /// Looks into the subtree that comes first. Those after it that will be looked into `also` are
    /// fetched along with it: told by their pointers, where they begin, and where they end.
    pub(crate) async fn expand(
        &mut self,
        nodes: &Nodes,
        also: impl Fn(&Pointer, KeyRef<'_>, Option<KeyRef<'_>>) -> bool,
    ) -> Result<(), IndexError> {
        let (Some(visit), Some(run)) = (self.path.last_mut(), &self.run) else { return Ok(()) };
        let also = |visit: &Visit, child: usize| {
            let branch = &visit.branch;
            also(&branch.pointers()[child], branch.separator(child), visit.end_of(child))
        };
        let node = visit.load(run, nodes, also).await?;
        let end = visit.end_of(visit.next).map(Separator::from);
        visit.next += 1;
        self.enter(&node, end)?;
        self.settle();
        Ok(())
    }

    fn enter(&mut self, node: &Node, end: Option<Separator>) -> Result<(), IndexError> {
        match &node.body {
            Body::Leaf(leaf) => self.records = leaf.records(0..leaf.len())?.into(),
            Body::Branch(branch) => {
                let level = node.header.level.saturating_sub(1);
                let branch = Arc::clone(branch);
                self.path.push(Visit { branch, level, next: 0, end, ahead: VecDeque::new() });
            }
        }
        Ok(())
    }

    /// Sees to it that what comes first is at hand.
    fn settle(&mut self) {
        if !self.records.is_empty() {
            return;
        }
        let (memory, next) = &mut self.memory;
        let end = memory.len().min(*next + RECORDS_AT_ONCE);
        self.records.extend(memory[*next..end].iter().cloned());
        *next = end;
        while self.path.pop_if(|visit| visit.next >= visit.branch.len()).is_some() {}
    }

    /// How many of the records that come first are below a key.
    pub(crate) fn records_below(&self, bound: Option<KeyRef<'_>>) -> usize {
        let Some(bound) = bound else { return self.records.len() };
        let below = |record: &Record| self.compare(record.into(), bound).is_lt();
        // Mostly it is few.
        let mut high = 1;
        while self.records.get(high - 1).is_some_and(below) {
            high *= 2;
        }
        let (mut low, mut high) = (high / 2, (high - 1).min(self.records.len()));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.records.get(middle).is_some_and(below) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    /// Takes so many of the records that come first.
    pub(crate) fn take(&mut self, count: usize) -> VecDeque<Record> {
        let taken = self.records.drain(..count.min(self.records.len())).collect();
        self.settle();
        taken
    }

    /// Takes the record that comes first.
    pub(crate) fn take_one(&mut self) -> Option<Record> {
        let record = self.records.pop_front();
        self.settle();
        record
    }

    /// Whether something that is at hand begins in a place.
    pub(crate) fn begins_in(&self, begin: KeyRef<'_>, end: Option<KeyRef<'_>>) -> bool {
        let is_before_end = |key: KeyRef<'_>| end.is_none_or(|end| self.compare(key, end).is_lt());
        let from = self.records.partition_point(|r| self.compare(r.into(), begin).is_lt());
        if let Some(record) = self.records.get(from) {
            return is_before_end(record.into());
        }
        let Some(visit) = self.path.last() else { return false };
        let separators = visit.branch.separators();
        let from = separators.first(|key| !self.compare(key, begin).is_lt()).max(visit.next);
        from < visit.branch.len() && is_before_end(visit.branch.separator(from))
    }

    pub(crate) fn compare(&self, x: KeyRef<'_>, y: KeyRef<'_>) -> std::cmp::Ordering {
        x.compare(&y, self.place.0, self.place.1)
    }
}
