//! Reading what is in memory at once, without a cursor: most reads are of one place, and everything
//! that they need has been read before.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chunk::{Chunk, Form, Merging, Wanting};
use crate::fetch;
use crate::leaf::Leaf;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::picks::Picks;
use crate::run::{Run, TreeRun};
use crate::sought::{Keys, Sought};
use crate::{Index, IndexError, KeyRange, Record, Stretch, Times, v1};

/// How many leaves are read at once, at most. What is longer is read with bounded memory.
const LEAVES_MAX: usize = 256;

/// What is at hand of a run, in order.
enum Found {
    /// Not everything.
    Missing,
    Leaves(Vec<(Arc<Leaf>, Picks)>),
}

/// A tree that is looked into.
struct Looking<'a> {
    run: &'a TreeRun,
    nodes: &'a Nodes,
    sought: &'a Sought,
    times: Times,
    is_oldest: bool,
    leaves: Vec<(Arc<Leaf>, Picks)>,
    hits: usize,
}

impl Index {
    /// Gives the facts in a range, or those of them that have one of some keys, if all nodes that
    /// hold them are in memory and not too many; otherwise gives nothing and says `false`. Reads
    /// what [`scan_within`](Self::scan_within) reads, and what an exact
    /// [`cursor_among`](Self::cursor_among) reads.
    ///
    /// # Errors
    /// When a node is damaged. Some facts may have been given then.
    pub fn visit_at_hand(
        &self,
        nodes: &Nodes,
        (range, keys): (&KeyRange, Option<Keys>),
        times: Times,
        mut visit: impl FnMut(Record),
    ) -> Result<bool, IndexError> {
        if range.order != self.order() {
            return Ok(true);
        }
        let (range, values) = range.in_layer(self.layer());
        let sought = match keys {
            Some(keys) => Sought::among(range, keys, true),
            None => Sought::all(range),
        };
        let mut stretches: Vec<VecDeque<Chunk>> = Vec::new();
        for (index, run) in self.runs().iter().enumerate() {
            let mut chunks = VecDeque::new();
            match run {
                Run::Memory(run) => chunks.push_back(run.chunk(&sought)),
                Run::Tree(run) => {
                    let is_oldest = index + 1 == self.runs().len();
                    match Looking::new(run, nodes, &sought, (times, is_oldest)).look()? {
                        Found::Missing => return Ok(false),
                        Found::Leaves(leaves) => {
                            for (leaf, rows) in leaves {
                                chunks.push_back(Chunk::rows(leaf, rows)?);
                            }
                        }
                    }
                }
            }
            chunks.retain(|chunk| !chunk.is_empty());
            if !chunks.is_empty() {
                stretches.push(chunks);
            }
        }
        let wanting = Wanting { values, times };
        match stretches.as_mut_slice() {
            [] => {}
            [alone] => alone.iter_mut().for_each(|chunk| chunk.visit(&wanting, &mut visit)),
            several => merge(&self.merging(wanting), several, visit)?,
        }
        Ok(true)
    }
}

/// Reads several runs as one.
fn merge(
    merging: &Merging,
    runs: &mut [VecDeque<Chunk>],
    mut visit: impl FnMut(Record),
) -> Result<(), IndexError> {
    let mut heads: Vec<Chunk> = runs.iter().map(|_| Chunk::none()).collect();
    loop {
        for (head, rest) in heads.iter_mut().zip(runs.iter_mut()) {
            if head.is_empty()
                && let Some(next) = rest.pop_front()
            {
                *head = next;
            }
        }
        if heads.iter().all(Chunk::is_empty) {
            return Ok(());
        }
        let mut merged = Vec::new();
        let has_more = |index: usize| !runs[index].is_empty();
        merging.run(&mut heads, has_more, Form::Records, &mut merged)?;
        for stretch in merged {
            match stretch {
                Stretch::Records(records) => records.into_iter().for_each(&mut visit),
                Stretch::Leaf { leaf, rows } => {
                    Chunk::rows(leaf, rows)?.visit(&merging.wanting, &mut visit);
                }
            }
        }
    }
}

impl<'a> Looking<'a> {
    const fn new(
        run: &'a TreeRun,
        nodes: &'a Nodes,
        sought: &'a Sought,
        (times, is_oldest): (Times, bool),
    ) -> Self {
        Self { run, nodes, sought, times, is_oldest, leaves: Vec::new(), hits: 0 }
    }

    fn look(mut self) -> Result<Found, IndexError> {
        let Some(top) = self.run.top_at_hand(self.nodes)? else { return Ok(Found::Missing) };
        // What has to be regrouped is left to a cursor.
        if top.header.version == v1::VERSION || !self.enter(&top)? {
            return Ok(Found::Missing);
        }
        if let Some(source) = self.nodes.source() {
            fetch::count(&source.counters.hits, self.hits);
        }
        Ok(Found::Leaves(self.leaves))
    }

    /// Takes what is at and below a node; whether all is there.
    fn enter(&mut self, node: &Node) -> Result<bool, IndexError> {
        match &node.body {
            Body::Leaf(leaf) => self.take(leaf),
            Body::Branch(branch) => {
                let layer = self.run.tree().layer;
                let shape = self.run.shape(node.header.level.saturating_sub(1));
                for child in branch.pick(self.sought).iter() {
                    let pointer = &branch.pointers()[child];
                    if self.times.miss(pointer, layer, self.is_oldest) {
                        continue;
                    }
                    let Some(node) = self.nodes.get_at_hand(pointer, shape)? else {
                        return Ok(false);
                    };
                    self.hits += 1;
                    if !self.enter(&node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    fn take(&mut self, leaf: &Arc<Leaf>) -> Result<bool, IndexError> {
        if leaf.is_incomplete() || self.leaves.len() >= LEAVES_MAX {
            return Ok(false);
        }
        let rows = leaf.pick_within(self.sought, self.times)?;
        if !rows.is_empty() {
            self.leaves.push((Arc::clone(leaf), rows));
        }
        Ok(true)
    }
}
