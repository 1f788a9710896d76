//! Live bytes: what the nodes of a tree take up in which packs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::node::Body;
use crate::nodes::Nodes;
use crate::{Index, IndexError, KeyRange, Pointer, Run, StoredValue, Tree};

/// How many branches are loaded at once.
const BRANCHES_AT_ONCE: usize = 16;

/// How many bytes of each pack are nodes of a tree, by the name of the pack. Only packs that have
/// some are in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveBytes(BTreeMap<String, u64>);

impl LiveBytes {
    /// Adds bytes of a pack.
    pub fn add(&mut self, pack: &str, bytes: u64) {
        if bytes == 0 {
            return;
        }
        match self.0.get_mut(pack) {
            Some(known) => *known = known.saturating_add(bytes),
            None => {
                self.0.insert(pack.to_owned(), bytes);
            }
        }
    }

    /// Adds a node, without what is below it.
    pub(crate) fn add_node(&mut self, pointer: &Pointer) {
        self.add(&pointer.pack, u64::from(pointer.length));
    }

    /// Adds all that another one has.
    pub fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|(pack, bytes)| self.add(pack, bytes));
    }

    /// Takes away all that another one has. False, and nothing is changed, when it has more.
    #[must_use]
    pub fn take_all(&mut self, other: &Self) -> bool {
        let mut rest = self.0.clone();
        for (pack, bytes) in other.iter() {
            let Entry::Occupied(mut known) = rest.entry(pack.to_owned()) else { return false };
            match known.get().checked_sub(bytes) {
                None => return false,
                Some(0) => drop(known.remove()),
                Some(left) => *known.get_mut() = left,
            }
        }
        self.0 = rest;
        true
    }

    /// The packs and their bytes, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.0.iter().map(|(pack, bytes)| (pack.as_str(), *bytes))
    }

    /// The bytes of a pack.
    #[must_use]
    pub fn of(&self, pack: &str) -> u64 {
        self.0.get(pack).copied().unwrap_or(0)
    }

    /// The bytes of all packs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// What the nodes of a tree take up. Reads its branches; of leaves only what points to them.
    ///
    /// # Errors
    /// When a branch cannot be loaded, or is damaged.
    pub async fn of_tree(tree: &Tree, nodes: &Nodes) -> Result<Self, IndexError> {
        let mut live = Self::default();
        live.add_node(&tree.top);
        let Run::Tree(run) = Run::tree(tree.clone()) else { return Ok(live) };
        let mut branches = Vec::new();
        if let Body::Branch(top) = &run.top(nodes).await?.body {
            branches.push((tree.height.saturating_sub(1), top.pointers().to_vec()));
        }
        while let Some((level, mut pointers)) = branches.pop() {
            let some = pointers.split_off(pointers.len().saturating_sub(BRANCHES_AT_ONCE));
            some.iter().for_each(|pointer| live.add_node(pointer));
            if !pointers.is_empty() {
                branches.push((level, pointers));
            }
            if level == 0 {
                continue;
            }
            for node in nodes.load_all(&some, run.shape(level)).await? {
                if let Body::Branch(branch) = &node.body {
                    branches.push((level - 1, branch.pointers().to_vec()));
                }
            }
        }
        Ok(live)
    }
}

impl LiveBytes {
    /// What a run of large values takes up, the values included. Reads all of it.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged.
    pub async fn of_values(tree: &Tree, nodes: &Nodes) -> Result<Self, IndexError> {
        let mut live = Self::of_tree(tree, nodes).await?;
        let index = Index::new(tree.order, tree.layer).with_run(Run::tree(tree.clone()));
        let all = KeyRange::all(tree.order);
        let mut cursor = index.cursor(nodes, &all);
        while let Some(records) = cursor.next_batch().await? {
            for record in &records {
                let value = StoredValue::of(record)?;
                live.add(&value.pack, value.length.into());
            }
        }
        Ok(live)
    }
}

impl<'a> FromIterator<(&'a str, u64)> for LiveBytes {
    fn from_iter<I: IntoIterator<Item = (&'a str, u64)>>(packs: I) -> Self {
        let mut live = Self::default();
        packs.into_iter().for_each(|(pack, bytes)| live.add(pack, bytes));
        live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_must_be_there() {
        let all = LiveBytes::from_iter([("a", 5), ("b", 3), ("a", 1)]);
        let mut rest = all.clone();
        assert!(rest.take_all(&LiveBytes::from_iter([("b", 3), ("a", 2)])));
        assert_eq!(rest.iter().collect::<Vec<_>>(), vec![("a", 4)]);
        let mut same = all.clone();
        assert!(!same.take_all(&LiveBytes::from_iter([("a", 1), ("b", 4)])));
        assert!(!same.take_all(&LiveBytes::from_iter([("c", 1)])));
        assert_eq!((same.total(), same.of("c")), (9, 0));
        assert_eq!(same, all);
    }
}
