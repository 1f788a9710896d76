//! Counting: the weights below a tree's branches are known, so only the ends of a range are
//! followed down.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::branch::Branch;
use crate::leaf::Leaf;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::range::ValueBounds;
use crate::run::TreeRun;
use crate::{IndexError, KeyRange, Pointer};

/// How far down to go for a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Into the leaves.
    Exact,
    /// Not into leaves below a branch: one that lies in the range in part counts half.
    Leaves,
}

/// The sum of the weights of a tree's records in a range.
pub(crate) async fn net_in(
    run: &TreeRun,
    nodes: &Nodes,
    range: &KeyRange,
    precision: Precision,
) -> Result<i64, IndexError> {
    if *range == KeyRange::all(range.order) {
        return Ok(run.tree().net);
    }
    let (range, values) = &range.in_layer(run.tree().layer);
    let mut net = 0;
    // All nodes on one level that lie in the range in part: at most two, but where values have to
    // be looked at.
    let mut edge = vec![run.top(nodes).await?];
    while let Some(level) = edge.first().map(|node| node.header.level) {
        let mut below = Vec::new();
        for node in &edge {
            net += net_of(node, range, values.as_ref(), &mut below)?;
        }
        let leaves_next = level == 1 && precision == Precision::Leaves;
        if leaves_next || below.is_empty() {
            net += below.iter().map(|pointer| pointer.net / 2).sum::<i64>();
            break;
        }
        edge = nodes.load_all(&below, run.shape(level.saturating_sub(1))).await?;
    }
    Ok(net)
}

/// What a node is known to have in a range, and the children that have to be looked into.
fn net_of(
    node: &Arc<Node>,
    range: &KeyRange,
    values: Option<&ValueBounds>,
    below: &mut Vec<Pointer>,
) -> Result<i64, IndexError> {
    match &node.body {
        Body::Leaf(leaf) => net_of_leaf(leaf, range, values),
        Body::Branch(branch) => {
            let mut net = 0;
            for child in branch.stretch(range) {
                let pointer = &branch.pointers()[child];
                if values.is_none() && is_inside(branch, child, range) {
                    net += pointer.net;
                } else {
                    below.push(pointer.clone());
                }
            }
            Ok(net)
        }
    }
}

fn net_of_leaf(
    leaf: &Leaf,
    range: &KeyRange,
    values: Option<&ValueBounds>,
) -> Result<i64, IndexError> {
    let stretch = leaf.stretch(range)?;
    if stretch.is_empty() || (values.is_none() && !leaf.has_steps()) {
        return Ok(stretch.len() as i64);
    }
    leaf.open(&stretch.clone().into())?;
    let contains = |row: &usize| values.is_none_or(|values| values.contain(leaf.key(*row).v));
    Ok(stretch.filter(contains).map(|row| leaf.state(row).weight()).sum())
}

/// Whether all keys of a child certainly lie in a range: where it begins, and where the next one
/// does.
fn is_inside(branch: &Branch, child: usize, range: &KeyRange) -> bool {
    let inside = |index: usize| range.position_of(&branch.separator(index)) == Ordering::Equal;
    child + 1 < branch.len() && inside(child) && inside(child + 1)
}
