//! The highest nodes of trees: those that a checkpoint carries along, so that a reader who has it
//! need not fetch them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::{IndexError, Layer, NodeHash, Pointer, Tree};

/// What a level of the past must save, to be worth as much as one of the present.
const HISTORY_WEIGHT: u64 = 4;

/// One level of a tree.
struct Level<'a> {
    tree: &'a Tree,
    pointers: Vec<Pointer>,
}

impl Level<'_> {
    fn bytes(&self) -> u64 {
        self.pointers.iter().map(|pointer| u64::from(pointer.length)).sum()
    }

    /// What it costs to save whoever reads the tree one round.
    fn cost(&self) -> u64 {
        match self.tree.layer {
            Layer::Current => self.bytes(),
            Layer::History => self.bytes().saturating_mul(HISTORY_WEIGHT),
        }
    }
}

/// The highest levels of trees, as many as fit into a number of bytes, as they stand in their
/// packs. A level is taken whole or not at all: it saves one round for each read of its tree, so
/// those that cost the least come first. What is not among the `known` is fetched; a level that
/// cannot be is left out.
pub async fn highest_nodes(
    trees: impl IntoIterator<Item = &Tree>,
    known: &BTreeMap<NodeHash, Bytes>,
    nodes: &Nodes,
    bytes_max: u64,
) -> Vec<Bytes> {
    let top = |tree| Level { tree, pointers: vec![tree.top.clone()] };
    let mut levels: Vec<Level<'_>> = trees.into_iter().map(top).collect();
    let (mut taken, mut rest) = (Vec::new(), bytes_max);
    while let Some(level) = cheapest(&mut levels, rest) {
        let Ok(bytes) = load(&level, known, nodes).await else { continue };
        rest -= level.bytes();
        let below = bytes.iter().filter_map(children).flatten().collect::<Vec<_>>();
        if !below.is_empty() {
            levels.push(Level { tree: level.tree, pointers: below });
        }
        taken.extend(bytes);
    }
    taken
}

/// Takes out the cheapest level that fits.
fn cheapest<'a>(levels: &mut Vec<Level<'a>>, bytes_max: u64) -> Option<Level<'a>> {
    levels.retain(|level| level.bytes() <= bytes_max);
    let cheapest = (0..levels.len()).min_by_key(|index| levels[*index].cost())?;
    Some(levels.swap_remove(cheapest))
}

async fn load(
    level: &Level<'_>,
    known: &BTreeMap<NodeHash, Bytes>,
    nodes: &Nodes,
) -> Result<Vec<Bytes>, IndexError> {
    let load = async |pointer: &Pointer| match known.get(&pointer.hash) {
        Some(bytes) => Ok(bytes.clone()),
        None => nodes.load_bytes(pointer).await,
    };
    try_join_all(level.pointers.iter().map(load)).await
}

/// What a branch points to; `None` for a leaf.
fn children(bytes: &Bytes) -> Option<Vec<Pointer>> {
    match Node::decode(bytes, || "a node".to_owned()).ok()?.body {
        Body::Branch(branch) => Some(branch.pointers().to_vec()),
        Body::Leaf(_) => None,
    }
}
