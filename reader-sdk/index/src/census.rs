//! Which nodes a tree is made of.

use crate::node::{Body, Node};
use crate::nodes::{Nodes, Shape};
use crate::{IndexError, Pointer, Tree};

/// How many branches are loaded at once.
const BRANCHES_AT_ONCE: usize = 64;

/// Names the nodes of a tree, with their levels: a level from its first node to its last, then the
/// one below it. Leaves are level 0. Loads the branches, and no leaf.
///
/// # Errors
/// When a branch cannot be loaded, or is damaged.
pub async fn for_each_node(
    tree: &Tree,
    nodes: &Nodes,
    mut each: impl FnMut(u8, &Pointer),
) -> Result<(), IndexError> {
    let mut pointers = vec![tree.top.clone()];
    for level in (0..=tree.height).rev() {
        pointers.iter().for_each(|pointer| each(level, pointer));
        let shape = Shape { order: tree.order, layer: tree.layer, level };
        let mut below = Vec::new();
        for some in pointers.chunks(BRANCHES_AT_ONCE).take_while(|_| level > 0) {
            for node in nodes.load_all(some, shape).await? {
                below.extend_from_slice(children(&node));
            }
        }
        pointers = below;
    }
    Ok(())
}

fn children(node: &Node) -> &[Pointer] {
    match &node.body {
        Body::Leaf(_) => &[],
        Body::Branch(branch) => branch.pointers(),
    }
}
