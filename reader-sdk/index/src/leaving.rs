//! Leaving packs: which subtrees a merge has to look into, because something in them is in a pack
//! that is left.
//!
//! Pointers tell where a node is, but not where all that is below it is, so the branches of the
//! runs are read. They are few: one for some hundred leaves.

use std::collections::BTreeSet;

use crate::node::Body;
use crate::nodes::Nodes;
use crate::run::{Run, TreeRun};
use crate::{IndexError, NodeHash, Pointer};

/// How many branches are loaded at once.
const BRANCHES_AT_ONCE: usize = 16;

/// What has to be written anew.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    packs: BTreeSet<String>,
    /// Nodes with something below them that is in one of the packs.
    above: BTreeSet<NodeHash>,
}

/// Branches that are to be read.
struct Waiting {
    level: u8,
    pointers: Vec<Pointer>,
    /// All that they are below.
    above: Vec<NodeHash>,
}

impl Leaving {
    /// What of some runs is in packs.
    pub(crate) async fn find(
        runs: &[Run],
        nodes: &Nodes,
        packs: &BTreeSet<String>,
    ) -> Result<Self, IndexError> {
        let mut leaving = Self { packs: packs.clone(), above: BTreeSet::new() };
        if !packs.is_empty() {
            for run in runs {
                if let Run::Tree(run) = run {
                    leaving.find_in(run, nodes).await?;
                }
            }
        }
        Ok(leaving)
    }

    /// Whether a subtree may stay where it is.
    pub(crate) fn keeps(&self, pointer: &Pointer) -> bool {
        !self.packs.contains(&pointer.pack) && !self.above.contains(&pointer.hash)
    }

    async fn find_in(&mut self, run: &TreeRun, nodes: &Nodes) -> Result<(), IndexError> {
        let tree = run.tree();
        // Nothing of a tree of another sequence could stay.
        if run.is_regrouped(nodes).await? {
            return Ok(());
        }
        let mut waiting = Vec::new();
        if let Body::Branch(top) = &run.top(nodes).await?.body {
            let level = tree.height.saturating_sub(1);
            waiting.extend(self.meet(level, top.pointers(), vec![tree.top.hash]));
        }
        while let Some(Waiting { level, mut pointers, above }) = waiting.pop() {
            let some = pointers.split_off(pointers.len().saturating_sub(BRANCHES_AT_ONCE));
            if !pointers.is_empty() {
                waiting.push(Waiting { level, pointers, above: above.clone() });
            }
            let loaded = nodes.load_all(&some, run.shape(level)).await?;
            for (pointer, node) in some.iter().zip(loaded) {
                let Body::Branch(branch) = &node.body else { continue };
                let above = above.iter().copied().chain([pointer.hash]).collect();
                waiting.extend(self.meet(level.saturating_sub(1), branch.pointers(), above));
            }
        }
        Ok(())
    }

    /// Takes note of what is in packs that are left; the branches below which there may be more.
    fn meet(&mut self, level: u8, pointers: &[Pointer], above: Vec<NodeHash>) -> Option<Waiting> {
        if pointers.iter().any(|pointer| self.packs.contains(&pointer.pack)) {
            self.above.extend(above.iter().copied());
        }
        (level > 0).then(|| Waiting { level, pointers: pointers.to_vec(), above })
    }
}
