//! A walk through the leaves of a tree that lie in a range.
//!
//! The walk has a front, which is ahead of what has been given out: while leaves are read, those
//! behind them are on their way.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::branch::Branch;
use crate::leaf::Leaf;
use crate::load::Load;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::picks::Picks;
use crate::run::TreeRun;
use crate::sought::Sought;
use crate::{IndexError, Pointer, Times};

/// How many leaves a scan begins with, which is going to read them all.
pub(crate) const LEAVES_AT_ONCE: usize = 32;
/// How many leaves are ahead at most.
pub(crate) const LEAVES_AHEAD_MAX: usize = 1024;
/// How many branches are fetched at once, at most: of a stretch, and of those that hold keys.
const BRANCHES_AT_ONCE: usize = 8;
const BRANCHES_TARGETED_AT_ONCE: usize = 64;

/// Walks through the leaves of a tree, in order.
#[derive(Debug)]
pub(crate) struct Walk {
    run: TreeRun,
    is_oldest: bool,
    times: Times,
    begun: bool,
    is_regrouped: bool,
    /// Whether all that is sought is going to be read.
    is_targeted: bool,
    /// Branches at the front, the lowest last.
    path: Vec<Stop>,
    /// Branches without which the front cannot go on.
    branches: Option<Load>,
    /// Leaves that are under way, in order.
    leaves: VecDeque<Load>,
    /// Leaves that have come, with their lengths as stored.
    ready: VecDeque<(LeafRows, u64)>,
    ahead: Ahead,
    /// How many leaves may be ahead. Grows while the walk goes on.
    leaves_ahead_max: usize,
}

/// Some rows of a leaf.
#[derive(Debug)]
pub(crate) struct LeafRows {
    pub(crate) leaf: Arc<Leaf>,
    pub(crate) rows: Picks,
}

/// A branch on the way.
#[derive(Debug)]
struct Stop {
    branch: Arc<Branch>,
    /// The level of its children.
    level: u8,
    /// Those that are still to be visited.
    children: Picks,
}

/// Leaves that are under way or ready.
#[derive(Debug, Default)]
struct Ahead {
    leaves: usize,
    bytes: u64,
}

impl Ahead {
    fn add(&mut self, bytes: u64) {
        self.leaves += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: u64) {
        self.leaves -= 1;
        self.bytes -= bytes;
    }
}

impl Walk {
    /// A walk that fetches so many leaves at first, and more when it goes on.
    pub(crate) fn new(run: TreeRun, is_oldest: bool, times: Times, leaves_at_once: usize) -> Self {
        Self {
            run,
            is_oldest,
            times,
            begun: false,
            is_regrouped: false,
            is_targeted: leaves_at_once >= LEAVES_AHEAD_MAX,
            path: Vec::new(),
            branches: None,
            leaves: VecDeque::new(),
            ready: VecDeque::new(),
            ahead: Ahead::default(),
            leaves_ahead_max: leaves_at_once.max(1),
        }
    }

    /// Whether nothing can come any more.
    pub(crate) fn is_done(&self) -> bool {
        let nothing_ahead = self.ready.is_empty() && self.leaves.is_empty();
        self.begun && nothing_ahead && self.branches.is_none() && self.path.is_empty()
    }

    /// Whether the rows come in another sequence, and have to be regrouped. Known once there are
    /// some.
    pub(crate) const fn is_regrouped(&self) -> bool {
        self.is_regrouped
    }

    /// The next rows, at least one; `None` after the last. Can be dropped and called again, and
    /// after an error it tries again.
    pub(crate) async fn next(
        &mut self,
        nodes: &Nodes,
        sought: &Sought,
    ) -> Result<Option<LeafRows>, IndexError> {
        if !self.begun {
            let top = self.run.top(nodes).await?;
            self.is_regrouped = self.run.is_regrouped(nodes).await?;
            self.enter(&top, sought)?;
            self.begun = true;
        }
        self.enter_branches_that_came(nodes, sought)?;
        self.advance(nodes);
        loop {
            if let Some((rows, bytes)) = self.ready.pop_front() {
                self.ahead.remove(bytes);
                return Ok(Some(rows));
            }
            if !self.leaves.is_empty() {
                self.wait_for_leaves(nodes, sought).await?;
            } else if let Some(load) = &mut self.branches {
                let branches = load.wait(nodes).await?;
                self.enter_branches(&branches, sought)?;
            } else if self.path.is_empty() {
                return Ok(None);
            }
            if self.ready.is_empty() {
                self.advance(nodes);
            }
        }
    }

    async fn wait_for_leaves(&mut self, nodes: &Nodes, sought: &Sought) -> Result<(), IndexError> {
        let Some(load) = self.leaves.front_mut() else { return Ok(()) };
        let leaves = load.wait(nodes).await?;
        let lengths: Vec<u64> = load.pointers().iter().map(|p| u64::from(p.length)).collect();
        let rows: Vec<Option<LeafRows>> = leaves
            .iter()
            .map(|node| match &node.body {
                Body::Leaf(leaf) => self.rows_in(leaf, sought),
                Body::Branch(_) => Ok(None),
            })
            .collect::<Result<_, _>>()?;
        self.leaves.pop_front();
        self.leaves_ahead_max = LEAVES_AHEAD_MAX.min(self.leaves_ahead_max * 2);
        for (rows, bytes) in rows.into_iter().zip(lengths) {
            self.ahead.remove(bytes);
            self.push_ready(rows, bytes);
        }
        Ok(())
    }

    /// Goes on with the front, without waiting, if it can.
    fn enter_branches_that_came(
        &mut self,
        nodes: &Nodes,
        sought: &Sought,
    ) -> Result<(), IndexError> {
        let Some(load) = &mut self.branches else { return Ok(()) };
        // What failed is tried again when there is nothing to do but to wait for it.
        match load.wait(nodes).now_or_never() {
            Some(Ok(branches)) => self.enter_branches(&branches, sought),
            _ => Ok(()),
        }
    }

    fn enter_branches(
        &mut self,
        branches: &[Arc<Node>],
        sought: &Sought,
    ) -> Result<(), IndexError> {
        self.branches = None;
        // The last one that is entered is visited first.
        branches.iter().rev().try_for_each(|node| self.enter(node, sought))
    }

    /// Moves the front on, as far as there is room ahead. It goes in steps of half the room, so
    /// that neighbours are fetched together.
    fn advance(&mut self, nodes: &Nodes) {
        let bytes_max = nodes.ahead_bytes_max();
        while self.branches.is_none()
            && self.ahead.leaves <= self.leaves_ahead_max / 2
            && self.ahead.bytes <= bytes_max / 2
        {
            let Some(level) = self.path.last().map(|stop| stop.level) else { return };
            if level > 0 {
                let pointers = self.next_children(self.branches_at_once());
                self.branches = self.load(pointers, level, nodes);
            } else {
                let pointers = self.next_leaves(bytes_max);
                self.leaves.extend(self.load(pointers, 0, nodes));
            }
        }
    }

    fn branches_at_once(&self) -> usize {
        match self.is_targeted {
            true => BRANCHES_TARGETED_AT_ONCE,
            false => BRANCHES_AT_ONCE.min(self.leaves_ahead_max),
        }
    }

    fn load(&self, pointers: Vec<Pointer>, level: u8, nodes: &Nodes) -> Option<Load> {
        if pointers.is_empty() {
            return None;
        }
        let mut load = Load::new(pointers, self.run.shape(level));
        load.begin(nodes);
        Some(load)
    }

    /// Takes leaves at the front as long as there is room.
    fn next_leaves(&mut self, bytes_max: u64) -> Vec<Pointer> {
        let mut pointers: Vec<Pointer> = Vec::new();
        while self.path.last().is_some_and(|stop| stop.level == 0)
            && self.ahead.leaves < self.leaves_ahead_max
            && (self.ahead.bytes < bytes_max || pointers.is_empty())
        {
            for pointer in self.next_children(1) {
                self.ahead.add(u64::from(pointer.length));
                pointers.push(pointer);
            }
        }
        pointers
    }

    /// Takes the next children that matter of the lowest branches, which are on one level, at most
    /// so many.
    fn next_children(&mut self, at_once: usize) -> Vec<Pointer> {
        let layer = self.run.tree().layer;
        let mut pointers = Vec::new();
        let level = self.path.last().map(|stop| stop.level);
        while let Some(stop) = self.path.last_mut().filter(|stop| Some(stop.level) == level) {
            while pointers.len() < at_once
                && let Some(child) = stop.children.pop()
            {
                let pointer = &stop.branch.pointers()[child];
                if !self.times.miss(pointer, layer, self.is_oldest) {
                    pointers.push(pointer.clone());
                }
            }
            if !stop.children.is_empty() {
                break;
            }
            self.path.pop();
        }
        pointers
    }

    fn enter(&mut self, node: &Node, sought: &Sought) -> Result<(), IndexError> {
        match &node.body {
            Body::Leaf(leaf) => {
                let rows = self.rows_in(leaf, sought)?;
                self.push_ready(rows, 0);
            }
            Body::Branch(branch) => {
                let children = branch.pick(sought);
                if !children.is_empty() {
                    let level = node.header.level.saturating_sub(1);
                    self.path.push(Stop { branch: Arc::clone(branch), level, children });
                }
            }
        }
        Ok(())
    }

    /// The rows of a leaf that matter, if there are any.
    fn rows_in(&self, leaf: &Arc<Leaf>, sought: &Sought) -> Result<Option<LeafRows>, IndexError> {
        let rows = match self.is_regrouped {
            true => leaf.pick(sought)?,
            false => leaf.pick_within(sought, self.times)?,
        };
        Ok((!rows.is_empty()).then(|| LeafRows { leaf: Arc::clone(leaf), rows }))
    }

    fn push_ready(&mut self, rows: Option<LeafRows>, bytes: u64) {
        if let Some(rows) = rows {
            self.ahead.add(bytes);
            self.ready.push_back((rows, bytes));
        }
    }
}
