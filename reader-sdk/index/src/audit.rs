//! Audit: a walk through all nodes of a tree that checks what is not checked each time a node is
//! read.

use std::sync::Arc;

use duramen_store::StoreError;

use crate::branch::Separator;
use crate::key::is_by_time;
use crate::node::{Body, Node};
use crate::nodes::Nodes;
use crate::run::TreeRun;
use crate::{IndexError, Pointer, Record, v1};

/// How many nodes are fetched at once.
const NODES_AT_ONCE: usize = 32;

/// What an audit comes across, in the order of the keys.
#[derive(Debug)]
pub enum Found<'a> {
    /// A node, the top included, that is what its pointer says.
    Node(&'a Pointer),
    /// The records of a leaf, as the steps that they are.
    Records(&'a [Record]),
    /// A node, and all below it, that is not there or not what it should be.
    Damage(IndexError),
}

/// A node on the way, and where its place begins and ends, if that is bounded.
struct Stop {
    pointer: Pointer,
    level: u8,
    begin: Option<Separator>,
    end: Option<Separator>,
}

/// Walks through all nodes of a tree, and tells what it finds. Beyond what is checked when a node
/// is read (its hash, and that it is what its pointer says) every column is decoded, keys ascend,
/// keys and separators lie in the place that the branch above gives them, and summaries are right.
///
/// Nodes are read through the cache; for an audit of the store make one with an empty cache.
pub async fn audit(run: &TreeRun, nodes: &Nodes, mut tell: impl FnMut(Found<'_>)) {
    let tree = run.tree();
    let (pointer, level) = (tree.top.clone(), tree.height);
    let mut path = vec![Stop { pointer, level, begin: None, end: None }];
    while let Some(last) = path.last() {
        // Those of one level that follow one another at the end of the path.
        let level = last.level;
        let alike = path.iter().rev().take(NODES_AT_ONCE).take_while(|stop| stop.level == level);
        let mut stops = path.split_off(path.len() - alike.count());
        stops.reverse();
        let mut below = Vec::new();
        for (stop, node) in load(run, nodes, stops).await {
            match node.and_then(|node| look_at(run, &stop, &node, &mut tell)) {
                Ok(children) => below.extend(children),
                Err(error) => tell(Found::Damage(error)),
            }
        }
        path.extend(below.into_iter().rev());
    }
}

/// Loads nodes at once; if that fails, one by one, to find those that are damaged.
async fn load(
    run: &TreeRun,
    nodes: &Nodes,
    stops: Vec<Stop>,
) -> Vec<(Stop, Result<Arc<Node>, IndexError>)> {
    let pointers: Vec<Pointer> = stops.iter().map(|stop| stop.pointer.clone()).collect();
    let level = stops.first().map_or(0, |stop| stop.level);
    if let Ok(loaded) = nodes.load_all(&pointers, run.shape(level)).await {
        return stops.into_iter().zip(loaded.into_iter().map(Ok)).collect();
    }
    let mut loaded = Vec::new();
    for stop in stops {
        let node = nodes.load(&stop.pointer, run.shape(level)).await;
        loaded.push((stop, node));
    }
    loaded
}

/// Checks a node, and gives its children.
fn look_at(
    run: &TreeRun,
    stop: &Stop,
    node: &Node,
    tell: &mut impl FnMut(Found<'_>),
) -> Result<Vec<Stop>, IndexError> {
    node.check(|| name(&stop.pointer))?;
    match &node.body {
        Body::Leaf(leaf) => {
            let records = leaf.records(0..leaf.len())?;
            let [first, last] = [records.first(), records.last()];
            if let (Some(first), Some(last)) = (first, last) {
                check_place(run, node, stop, &first.into(), &last.into())?;
            }
            tell(Found::Node(&stop.pointer));
            tell(Found::Records(&records));
            Ok(Vec::new())
        }
        Body::Branch(branch) => {
            let separator = |index| Separator::from(branch.separator(index));
            check_place(run, node, stop, &separator(0), &separator(branch.len() - 1))?;
            tell(Found::Node(&stop.pointer));
            let child = |(index, pointer): (usize, &Pointer)| Stop {
                pointer: pointer.clone(),
                level: node.header.level.saturating_sub(1),
                begin: Some(separator(index)),
                end: match index + 1 < branch.len() {
                    true => Some(separator(index + 1)),
                    false => stop.end.clone(),
                },
            };
            Ok(branch.pointers().iter().enumerate().map(child).collect())
        }
    }
}

/// Makes sure that the first and the last key of a node lie in its place.
fn check_place(
    run: &TreeRun,
    node: &Node,
    stop: &Stop,
    first: &Separator,
    last: &Separator,
) -> Result<(), IndexError> {
    let (order, layer) = (run.tree().order, run.tree().layer);
    if node.header.version == v1::VERSION && is_by_time(order, layer) {
        // The sequence of another version.
        return Ok(());
    }
    let is_above = |begin: &Separator| begin.key().compare(&first.key(), order, layer).is_le();
    let is_below = |end: &Separator| last.key().compare(&end.key(), order, layer).is_lt();
    if stop.begin.as_ref().is_none_or(is_above) && stop.end.as_ref().is_none_or(is_below) {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        object: name(&stop.pointer),
        expected: format!("keys from {:?} up to {:?}", stop.begin, stop.end),
        found: format!("keys from {first:?} to {last:?}"),
    }
    .into())
}

fn name(pointer: &Pointer) -> String {
    format!("{} (node at {})", pointer.pack, pointer.offset)
}
