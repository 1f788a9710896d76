//! Reading what is in memory at once, without a cursor: most reads are of one place, and everything
//! that they need has been read before.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chunk::{Chunk, Form, Merging, Wanting};
use crate::fetch;
use crate::leaf::Leaf;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::run::{Run, TreeRun};
use crate::sought::{Keys, Sought};
use crate::{Index, IndexError, KeyRange, Record, Stretch, Times, v1};

/// How many leaves are read at once, at most. What is longer is read with bounded memory.
const LEAVES_MAX: usize = 256;

/// Facts that are in memory.
#[derive(Debug)]
pub struct AtHand {
    /// What each run has, with the number of the run.
    found: Vec<(usize, Chunk)>,
    merging: Merging,
}

impl AtHand {
    /// How many facts there are at most.
    #[must_use]
    pub fn facts_max(&self) -> usize {
        self.found.iter().map(|(_, chunk)| chunk.len()).sum()
    }

    /// Gives the facts one by one, in order.
    ///
    /// # Errors
    /// When a node is damaged. Some facts may have been given then.
    pub fn visit(mut self, mut visit: impl FnMut(Record)) -> Result<(), IndexError> {
        if !self.merging.in_sequence(&mut self.found) {
            return merge(&self.merging, self.found, visit);
        }
        for (_, chunk) in &mut self.found {
            chunk.visit(&self.merging.wanting, &mut visit);
        }
        Ok(())
    }
}

/// A tree that is looked into.
struct Looking<'a> {
    run: &'a TreeRun,
    nodes: &'a Nodes,
    sought: &'a Sought,
    times: Times,
    /// The number of the run.
    number: usize,
    is_oldest: bool,
    /// What was found, with the numbers of the runs that have it, which ascend.
    found: &'a mut Vec<(usize, Chunk)>,
    leaves: usize,
    hits: usize,
}

impl Index {
    /// The facts in a range, or those of them that have one of some keys, if all nodes that hold them
    /// are in memory and not too many. Has what [`scan_within`](Self::scan_within) reads, and what an
    /// exact [`cursor_among`](Self::cursor_among) reads.
    ///
    /// # Errors
    /// When a node is damaged.
    pub fn at_hand(
        &self,
        nodes: &Nodes,
        (range, keys): (&KeyRange, Option<Keys>),
        times: Times,
    ) -> Result<Option<AtHand>, IndexError> {
        if range.order != self.order() {
            return Ok(Some(AtHand {
                found: Vec::new(),
                merging: self.merging(Wanting::default()),
            }));
        }
        let (range, values) = range.in_layer(self.layer());
        let sought = match keys {
            Some(keys) => Sought::among(range, keys, true),
            None => Sought::all(range),
        };
        let found = self.find_at_hand(nodes, &sought, times)?;
        let merging = self.merging(Wanting { values, times });
        Ok(found.map(|found| AtHand { found, merging }))
    }

    /// What each run has of what is sought, with the number of the run; `None` if a node that
    /// holds some of it is not in memory.
    fn find_at_hand(
        &self,
        nodes: &Nodes,
        sought: &Sought,
        times: Times,
    ) -> Result<Option<Vec<(usize, Chunk)>>, IndexError> {
        let mut found = Vec::new();
        for (number, run) in self.runs().iter().enumerate() {
            match run {
                Run::Memory(run) => {
                    let picks = run.pick(sought);
                    if !picks.is_empty() {
                        found.push((number, run.chunk(picks)));
                    }
                }
                Run::Tree(run) => {
                    let is_oldest = number + 1 == self.runs().len();
                    let (found, leaves, hits) = (&mut found, 0, 0);
                    let looking = Looking {
                        run,
                        nodes,
                        sought,
                        times,
                        number,
                        is_oldest,
                        found,
                        leaves,
                        hits,
                    };
                    if !looking.look()? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(found))
    }
}

impl Merging {
    /// Brings stretches of several runs into sequence, if each ends before another begins: then
    /// nothing of one hides anything of another.
    fn in_sequence(&self, found: &mut [(usize, Chunk)]) -> bool {
        let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else {
            return true;
        };
        // Those of one run are in sequence.
        if first == last {
            return true;
        }
        found.sort_by(|(_, x), (_, y)| self.compare(x.key(0), y.key(0)));
        let is_apart = found.windows(2).all(|pair| {
            let [(_, before), (_, after)] = pair else { return true };
            self.compare(before.key(before.len() - 1), after.key(0)).is_lt()
        });
        if !is_apart {
            found.sort_by_key(|(number, _)| *number);
        }
        is_apart
    }
}

/// Reads several runs as one.
fn merge(
    merging: &Merging,
    found: Vec<(usize, Chunk)>,
    mut visit: impl FnMut(Record),
) -> Result<(), IndexError> {
    let mut runs: Vec<VecDeque<Chunk>> = Vec::new();
    let mut last = None;
    for (number, chunk) in found {
        match runs.last_mut().filter(|_| last == Some(number)) {
            Some(run) => run.push_back(chunk),
            None => runs.push(VecDeque::from([chunk])),
        }
        last = Some(number);
    }
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

impl Looking<'_> {
    /// Finds what is sought; whether all is there.
    fn look(mut self) -> Result<bool, IndexError> {
        let Some(top) = self.run.top_at_hand(self.nodes)? else { return Ok(false) };
        // What has to be regrouped is left to a cursor.
        if top.header.version == v1::VERSION || !self.enter(&top)? {
            return Ok(false);
        }
        if let Some(source) = self.nodes.source() {
            fetch::count(&source.counters.hits, self.hits);
        }
        Ok(true)
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
                    if self.times.miss(pointer, layer, self.is_oldest)
                        || branch.lacks(child, self.sought)
                    {
                        continue;
                    }
                    let Some(node) = self.nodes.get_at_hand(pointer, shape)? else {
                        return Ok(false);
                    };
                    self.hits += 1;
                    if !self.enter(&node)? {
                        return Ok(false);
                    }
                    if let Body::Leaf(leaf) = &node.body {
                        branch.learn(child, leaf);
                    }
                }
                Ok(true)
            }
        }
    }

    fn take(&mut self, leaf: &Arc<Leaf>) -> Result<bool, IndexError> {
        if leaf.is_incomplete() || self.leaves >= LEAVES_MAX {
            return Ok(false);
        }
        self.leaves += 1;
        let rows = leaf.pick_within(self.sought, self.times)?;
        if !rows.is_empty() {
            self.found.push((self.number, Chunk::rows(Arc::clone(leaf), rows)?));
        }
        Ok(true)
    }
}
