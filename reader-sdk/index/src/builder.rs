//! Builds a tree from below: records and whole subtrees, in order, become nodes in packs.
//!
//! A level holds back what may still become a node, up to a quarter more than a node can have. So
//! full nodes come out of a long sequence, and no node is smaller than a quarter, except where
//! the tree ends or a subtree was attached.

use std::cmp::Ordering;

use bytes::Bytes;
use duramen_model::Order;

use crate::branch::{Child, Separator};
use crate::key::KeyRef;
use crate::live::LiveBytes;
use crate::node::{self, NodeError, Summary};
use crate::options::NodeOptions;
use crate::pack::PackWriter;
use crate::{IndexError, Layer, MergedRun, NodeHash, Pointer, Record, Tree, separator, values};

/// How large the long values of one record may be, in bytes.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// How many bytes of branches are kept at hand.
const BRANCHES_BYTES_MAX: usize = 2 << 20;

/// The branches that were written, as far as they are kept: the higher, the longer.
#[derive(Debug, Default)]
struct KeptBranches {
    kept: Vec<(usize, NodeHash, Bytes)>,
    bytes: usize,
    level_min: usize,
}

impl KeptBranches {
    fn keep(&mut self, level: usize, hash: NodeHash, bytes: &Bytes) {
        if level < self.level_min {
            return;
        }
        self.kept.push((level, hash, bytes.clone()));
        self.bytes += bytes.len();
        while self.bytes > BRANCHES_BYTES_MAX && !self.kept.is_empty() {
            self.level_min += 1;
            self.kept.retain(|(level, ..)| *level >= self.level_min);
            self.bytes = self.kept.iter().map(|(.., bytes)| bytes.len()).sum();
        }
    }
}

/// Builds a tree of one order and layer, out of records that come sorted.
#[derive(Debug)]
pub struct TreeBuilder<'a> {
    order: Order,
    layer: Layer,
    options: NodeOptions,
    writer: &'a mut PackWriter,
    leaf: PendingLeaf,
    /// The children of the branches to come: `levels[0]` are leaves.
    levels: Vec<PendingBranch>,
    /// The node that was written last, with its bytes: it may turn out to be the highest.
    last: Option<(Pointer, Bytes)>,
    written: LiveBytes,
    dissolved: LiveBytes,
    branches: KeptBranches,
}

#[derive(Debug, Default)]
struct PendingLeaf {
    records: Vec<Record>,
    bytes: usize,
    /// Where the leaf's place begins, if that is known.
    begins: Option<Separator>,
    /// The record before, if it is known.
    before: Option<Record>,
}

#[derive(Debug, Default)]
struct PendingBranch {
    children: Vec<Child>,
    bytes: usize,
}

impl<'a> TreeBuilder<'a> {
    /// A tree whose nodes go to a writer.
    pub fn new(
        order: Order,
        layer: Layer,
        options: &NodeOptions,
        writer: &'a mut PackWriter,
    ) -> Self {
        Self {
            order,
            layer,
            options: options.within_limits(),
            writer,
            leaf: PendingLeaf::default(),
            levels: Vec::new(),
            last: None,
            written: LiveBytes::default(),
            dissolved: LiveBytes::default(),
            branches: KeptBranches::default(),
        }
    }

    /// Takes note that a node of an input will not be part of the tree.
    pub(crate) fn dissolve(&mut self, pointer: &Pointer) {
        self.dissolved.add_node(pointer);
    }

    /// Says that the records to come are above a separator, and all before were below it.
    pub(crate) fn begin(&mut self, separator: KeyRef<'_>) {
        if self.leaf.records.is_empty() && self.leaf.before.is_none() {
            self.leaf.begins = Some(separator.into());
        }
    }

    /// Adds a record that is above all before.
    ///
    /// # Errors
    /// When the record cannot be stored, or is not above the one before.
    pub fn push(&mut self, record: Record) -> Result<(), IndexError> {
        values::check_storable(&record.v).map_err(|reason| self.unstorable(reason))?;
        let bytes = values::plain_bytes(&record.v);
        if bytes > RECORD_BYTES_MAX {
            let reason =
                format!("a value of {bytes} bytes, at most {RECORD_BYTES_MAX} is possible");
            return Err(self.unstorable(reason));
        }
        self.leaf.records.push(record);
        self.leaf.bytes += bytes;
        let max = self.options.leaf_records_max;
        if self.leaf.bytes >= self.options.leaf_bytes_target {
            self.flush_leaf()?;
        } else if self.leaf.records.len() >= max + least(max) {
            self.cut_leaf(max)?;
        }
        Ok(())
    }

    /// Whether a subtree can be attached without leaving a node before it that is too small.
    pub(crate) fn can_attach(&self, level: u8) -> bool {
        let leaf = self.leaf.records.len();
        let mut pending = usize::from(leaf > 0);
        let mut settled = leaf == 0 || leaf >= least(self.options.leaf_records_max);
        for branch in self.levels.iter().take(usize::from(level)) {
            pending += branch.children.len();
            settled &= pending == 0 || pending >= least(self.options.branch_children_max);
            pending = pending.min(1);
        }
        settled
    }

    /// Adds a subtree whose highest node is on a level, and whose keys are above all before.
    pub(crate) fn attach(
        &mut self,
        level: u8,
        separator: KeyRef<'_>,
        pointer: &Pointer,
    ) -> Result<(), IndexError> {
        self.flush_leaf()?;
        for below in 0..level {
            self.flush_branch(usize::from(below))?;
        }
        self.leaf.before = None;
        self.leaf.begins = None;
        let child = Child { separator: separator.into(), pointer: pointer.clone() };
        self.add_child(usize::from(level), child)
    }

    /// Writes the packs that are full. Whoever adds many records calls it now and then.
    ///
    /// # Errors
    /// When the store refuses a pack.
    pub async fn write_full(&mut self) -> Result<(), IndexError> {
        self.writer.write_full().await
    }

    /// Writes what is left. The packs of the tree are complete only when the writer has finished.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub fn finish(mut self) -> Result<MergedRun, IndexError> {
        let tree = self.complete()?;
        let (written, dissolved) = (self.written, self.dissolved);
        let branches = self.branches.kept.into_iter().map(|(_, hash, bytes)| (hash, bytes));
        Ok(MergedRun { tree, written, dissolved, branches: branches.collect() })
    }

    fn complete(&mut self) -> Result<Option<Tree>, IndexError> {
        self.flush_leaf()?;
        let mut level = 0;
        while level < self.levels.len() {
            let is_highest = level + 1 == self.levels.len();
            if is_highest && self.levels[level].children.len() <= 1 {
                let top = self.levels[level].children.pop();
                return Ok(top.map(|top| self.tree(level, top.pointer)));
            }
            self.flush_branch(level)?;
            level += 1;
        }
        Ok(None)
    }

    fn tree(&self, level: usize, top: Pointer) -> Tree {
        let carried = self
            .last
            .as_ref()
            .filter(|(last, bytes)| *last == top && bytes.len() <= self.options.top_bytes_max);
        Tree {
            order: self.order,
            layer: self.layer,
            top_bytes: carried.map(|(_, bytes)| bytes.clone()),
            height: level as u8,
            records: top.records,
            net: top.net,
            t_min: top.t_min,
            t_max: top.t_max,
            top,
        }
    }

    /// Writes what is left of the leaf to come: one leaf, or two halves.
    fn flush_leaf(&mut self) -> Result<(), IndexError> {
        let count = self.leaf.records.len();
        if count > self.options.leaf_records_max {
            self.cut_leaf(count.div_ceil(2))?;
        }
        self.cut_leaf(self.leaf.records.len())
    }

    /// Writes a leaf of the first records to come, at most so many.
    fn cut_leaf(&mut self, count: usize) -> Result<(), IndexError> {
        let rest = self.leaf.records.split_off(count.min(self.leaf.records.len()));
        let records = std::mem::replace(&mut self.leaf.records, rest);
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        self.leaf.bytes = self.leaf.records.iter().map(|r| values::plain_bytes(&r.v)).sum();
        let separator = self.place_of(first);
        self.leaf.begins = None;
        self.leaf.before = Some(last.clone());
        let storing = self.writer.add_large_values(&records);
        let bytes = node::encode_leaf(self.order, self.layer, &records, storing);
        let bytes = bytes.map_err(|error| self.invalid(error))?;
        let summary = Summary::of(records.iter().map(|record| (record.added, record.state)));
        let pointer = self.write(bytes, summary);
        self.add_child(0, Child { separator, pointer })
    }

    /// Where the place of a leaf with this first record begins.
    fn place_of(&self, first: &Record) -> Separator {
        let first_key = KeyRef::from(first);
        match (&self.leaf.before, &self.leaf.begins) {
            (Some(before), _) => {
                separator::between(KeyRef::from(before), first_key, self.order, self.layer)
            }
            (None, Some(begins))
                if begins.key().compare(&first_key, self.order, self.layer)
                    != Ordering::Greater =>
            {
                begins.clone()
            }
            // Nothing is before the first leaf of a tree, so records can begin below its place.
            _ => separator::below(first_key),
        }
    }

    fn add_child(&mut self, level: usize, child: Child) -> Result<(), IndexError> {
        while self.levels.len() <= level {
            self.levels.push(PendingBranch::default());
        }
        let pending = &mut self.levels[level];
        pending.bytes += values::plain_bytes(&child.separator.v);
        pending.children.push(child);
        let max = self.options.branch_children_max;
        let (count, bytes) = (pending.children.len(), pending.bytes);
        if bytes >= self.options.branch_bytes_target && count >= 2 {
            self.flush_branch(level)
        } else if count >= max + least(max) {
            self.cut_branch(level, max)
        } else {
            Ok(())
        }
    }

    /// Writes what is left of the branch to come: one branch, or two halves.
    fn flush_branch(&mut self, level: usize) -> Result<(), IndexError> {
        let count = self.levels.get(level).map_or(0, |pending| pending.children.len());
        if count > self.options.branch_children_max {
            self.cut_branch(level, count.div_ceil(2))?;
        }
        self.cut_branch(level, count)
    }

    fn cut_branch(&mut self, level: usize, count: usize) -> Result<(), IndexError> {
        let Some(pending) = self.levels.get_mut(level) else { return Ok(()) };
        let rest = pending.children.split_off(count.min(pending.children.len()));
        let children = std::mem::replace(&mut pending.children, rest);
        let Some(first) = children.first() else { return Ok(()) };
        pending.bytes = pending.children.iter().map(|c| values::plain_bytes(&c.separator.v)).sum();
        let separator = first.separator.clone();
        let above = u8::try_from(level + 1).map_err(|_| self.invalid(NodeError::Count))?;
        let bytes = node::encode_branch(self.order, self.layer, above, &children);
        let bytes = bytes.map_err(|error| self.invalid(error))?;
        let summary = Summary::sum(children.iter().map(|child| Summary::from(&child.pointer)));
        let summary = summary.ok_or_else(|| self.invalid(NodeError::Count))?;
        let pointer = self.write(bytes, summary);
        if let Some((last, bytes)) = &self.last {
            self.branches.keep(level + 1, last.hash, bytes);
        }
        self.add_child(level + 1, Child { separator, pointer })
    }

    fn write(&mut self, bytes: Vec<u8>, summary: Summary) -> Pointer {
        let place = self.writer.add(&bytes);
        let pointer = Pointer {
            pack: place.pack,
            offset: place.offset,
            length: place.length,
            hash: place.hash,
            records: summary.records,
            net: summary.net,
            t_min: summary.t_min,
            t_max: summary.t_max,
        };
        self.written.add_node(&pointer);
        self.last = Some((pointer.clone(), bytes.into()));
        pointer
    }

    fn invalid(&self, error: NodeError) -> IndexError {
        let reason = match error {
            NodeError::Count => "too many, or none, for a node",
            NodeError::Sequence => "their keys do not ascend",
            NodeError::States => "their states belong to the other layer",
            NodeError::Bytes => "their node would be too large",
        };
        self.unstorable(reason.to_owned())
    }

    fn unstorable(&self, reason: String) -> IndexError {
        IndexError::Unstorable { order: self.order, layer: self.layer, reason }
    }
}

/// The least that a node should have, of what it can have.
const fn least(max: usize) -> usize {
    if max < 4 { 1 } else { max / 4 }
}
