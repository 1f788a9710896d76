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
        let Some(mut found) = self.find_at_hand(nodes, &sought, times)? else { return Ok(false) };
        let wanting = Wanting { values, times };
        let merging = self.merging(wanting);
        match merging.in_sequence(&mut found) {
            true => {
                for (_, chunk) in &mut found {
                    chunk.visit(&merging.wanting, &mut visit);
                }
            }
            false => merge(&merging, found, visit)?,
        }
        Ok(true)
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
