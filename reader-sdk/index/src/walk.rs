//! A walk through the leaves of a tree that lie in a range.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::branch::Branch;
use crate::chunk::Chunk;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::run::TreeRun;
use crate::{IndexError, KeyRange, Pointer, Times};

/// How many leaves are fetched at once, at most.
pub(crate) const LEAVES_AT_ONCE: usize = 32;
/// How many branches are fetched at once, at most.
const BRANCHES_AT_ONCE: usize = 8;

/// Walks through the leaves of a tree, in order, some at once.
#[derive(Debug)]
pub(crate) struct Walk {
    run: TreeRun,
    is_oldest: bool,
    times: Times,
    begun: bool,
    /// Branches, the lowest last.
    path: Vec<Stop>,
    /// Leaves that have been fetched.
    ready: VecDeque<Chunk>,
    leaves_at_once: usize,
}

/// A branch on the way.
#[derive(Debug)]
struct Stop {
    branch: Arc<Branch>,
    /// The level of its children.
    level: u8,
    /// Those that are still to be visited.
    children: Range<usize>,
}

impl Walk {
    /// A walk that fetches so many leaves at first, and more when it goes on.
    pub(crate) fn new(run: TreeRun, is_oldest: bool, times: Times, leaves_at_once: usize) -> Self {
        Self {
            run,
            is_oldest,
            times,
            begun: false,
            path: Vec::new(),
            ready: VecDeque::new(),
            leaves_at_once,
        }
    }

    /// Whether nothing can come any more.
    pub(crate) fn is_done(&self) -> bool {
        self.begun && self.path.is_empty() && self.ready.is_empty()
    }

    /// The next records, at least one; `None` after the last.
    pub(crate) async fn next(
        &mut self,
        nodes: &Nodes,
        range: &KeyRange,
    ) -> Result<Option<Chunk>, IndexError> {
        if !self.begun {
            let top = self.run.top(nodes).await?;
            self.enter(&top, range);
            self.begun = true;
        }
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            let Some(stop) = self.path.last() else { return Ok(None) };
            let level = stop.level;
            let at_once = if level == 0 { self.leaves_at_once } else { BRANCHES_AT_ONCE };
            let (pointers, visited) = self.next_children(stop, at_once);
            let loaded = nodes.load_all(&pointers, self.run.shape(level)).await?;
            self.leave(visited);
            self.leaves_at_once = LEAVES_AT_ONCE.min(self.leaves_at_once * 2);
            // A branch that is entered later is visited earlier; leaves queue up.
            if level == 0 {
                loaded.iter().for_each(|node| self.enter(node, range));
            } else {
                loaded.iter().rev().for_each(|node| self.enter(node, range));
            }
        }
    }

    /// The next children that matter, at most so many, and where to go on after them.
    fn next_children(&self, stop: &Stop, at_once: usize) -> (Vec<Pointer>, usize) {
        let layer = self.run.tree().layer;
        let mut pointers = Vec::new();
        let mut next = stop.children.start;
        while next < stop.children.end && pointers.len() < at_once {
            let pointer = &stop.branch.pointers()[next];
            if !self.times.miss(pointer, layer, self.is_oldest) {
                pointers.push(pointer.clone());
            }
            next += 1;
        }
        (pointers, next)
    }

    fn enter(&mut self, node: &Node, range: &KeyRange) {
        match &node.body {
            Body::Leaf(leaf) => {
                let chunk = Chunk::leaf(Arc::clone(leaf), range);
                if !chunk.is_empty() {
                    self.ready.push_back(chunk);
                }
            }
            Body::Branch(branch) => {
                let children = branch.stretch(range);
                if !children.is_empty() {
                    let level = node.header.level.saturating_sub(1);
                    self.path.push(Stop { branch: Arc::clone(branch), level, children });
                }
            }
        }
    }

    /// Marks the children of the lowest branch as visited up to one.
    fn leave(&mut self, visited: usize) {
        if let Some(stop) = self.path.last_mut() {
            stop.children.start = visited;
            if stop.children.start >= stop.children.end {
                self.path.pop();
            }
        }
    }
}
