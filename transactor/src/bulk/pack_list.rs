//! The pack list of a load: which packs its runs are in.

use std::collections::BTreeMap;

use duramen_db::{PackList, PackUse};
use duramen_index::Tree;
use duramen_store::layout::DatabaseId;

use super::error::BulkError;
use super::trees::{BuiltRun, RunKind};

/// The list of runs, and their trees in the same sequence.
pub(crate) fn of(
    id: DatabaseId,
    built: Vec<BuiltRun>,
) -> Result<(PackList, Vec<(RunKind, Tree)>), BulkError> {
    let (mut runs, mut trees) = (Vec::new(), Vec::new());
    for built in built {
        if let Some(tree) = &built.run.tree {
            trees.push((built.kind, tree.clone()));
            runs.push(uses(&built)?);
        }
    }
    Ok((PackList { id, runs }, trees))
}

fn uses(built: &BuiltRun) -> Result<Vec<PackUse>, BulkError> {
    let lengths: BTreeMap<String, _> =
        built.packs.iter().map(|pack| (pack.name.to_string(), pack)).collect();
    let used = |(name, live_bytes): (&str, u64)| match lengths.get(name) {
        Some(pack) => Ok(PackUse { name: pack.name, bytes: pack.bytes, live_bytes }),
        None => Err(BulkError::Broken { reason: format!("pack {name} was not written") }),
    };
    built.run.written.iter().map(used).collect()
}
