//! Nodes of format version 1, which are still read and no longer written.
//!
//! They decode to what nodes of today decode to, all at once. In EAVT and AEVT their history is
//! sorted by value before time, see [`Regrouping`].

mod branch;
mod ints;
mod keys;
mod leaf;
mod regrouping;
mod values;

pub(crate) use regrouping::Regrouping;

use crate::branch::Branch;
use crate::key::is_by_time;
use crate::keys::Keys;
use crate::leaf::Leaf;
use crate::node::{Body, Header, Node};
use crate::nodes::Nodes;
use crate::run::TreeRun;
use crate::wire::{DecodeError, Reader};
use crate::{IndexError, Pointer, Record};

pub(crate) const VERSION: u8 = 1;

/// How many bytes the long values of a node can have when decoded.
const VALUES_BYTES_MAX: usize = 64 << 20;

/// Decodes what comes after the header.
pub(crate) fn decode(header: Header, reader: Reader<'_>) -> Result<Node, DecodeError> {
    if header.level > 0 {
        let (separators, pointers) = branch::decode(&header, reader)?;
        return Node::branch(header, Branch::new(separators, pointers));
    }
    let (keys, states) = leaf::decode(&header, reader)?;
    check_sequence(&header, &keys)?;
    let leaf = Leaf::decoded(&header, keys, states);
    let summary = leaf.summary();
    Ok(Node::leaf(header, leaf, summary))
}

/// All records of a tree, and the nodes below its top.
pub(crate) async fn read_all(
    run: &TreeRun,
    nodes: &Nodes,
) -> Result<(Vec<Record>, Vec<Pointer>), IndexError> {
    let (mut records, mut read) = (Vec::new(), Vec::new());
    let mut level = vec![run.top(nodes).await?];
    while !level.is_empty() {
        let mut below = Vec::new();
        for node in level {
            match &node.body {
                Body::Leaf(leaf) => records.extend(leaf.records(0..leaf.len())?),
                Body::Branch(branch) => {
                    let shape = run.shape(node.header.level.saturating_sub(1));
                    below.extend(nodes.load_all(branch.pointers(), shape).await?);
                    read.extend_from_slice(branch.pointers());
                }
            }
        }
        level = below;
    }
    Ok((records, read))
}

/// Makes sure that keys ascend in the sequence of this version.
fn check_sequence(header: &Header, keys: &Keys) -> Result<(), DecodeError> {
    if !is_by_time(header.order, header.layer) {
        return keys.check_sequence(header.order, header.layer);
    }
    let ascends = |index: usize| {
        let (before, key) = (keys.get(index - 1), keys.get(index));
        before.compare_facts(&key, header.order).then(before.added.cmp(&key.added)).is_lt()
    };
    match (1..keys.len()).all(ascends) {
        true => Ok(()),
        false => Err(DecodeError::damaged("keys that ascend", "some that do not")),
    }
}
