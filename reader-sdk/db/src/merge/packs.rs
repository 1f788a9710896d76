//! Which packs the runs of a merge are in: what their inputs' lists say, without the nodes that
//! were dissolved, with those that were written.

use std::collections::{BTreeMap, BTreeSet};

use duramen_index::{LiveBytes, MergedRun, Nodes, Pack, Tree};
use duramen_store::StoreError;
use duramen_store::envelope::HEADER_BYTES;
use duramen_store::layout::ContentsFolder;
use futures_util::future::try_join_all;

use crate::malformed;
use crate::pack_list::listed_bytes;
use crate::source::Source;
use crate::{CheckpointRun, DbError, PackUse, RunId, RunPacksRef};

/// What is known of the packs of some runs.
#[derive(Debug, Default)]
pub(super) struct KnownPacks {
    /// How long packs are, by their names.
    lengths: BTreeMap<String, u64>,
    runs: BTreeMap<RunId, LiveBytes>,
}

impl KnownPacks {
    /// Reads the pack lists of runs. Where there is none, or it cannot be read, the tree tells.
    pub(super) async fn load(
        source: &Source,
        nodes: &Nodes,
        runs: &[&CheckpointRun],
    ) -> Result<Self, DbError> {
        let references = runs.iter().filter_map(|run| run.packs);
        let by_name: BTreeMap<String, RunPacksRef> =
            references.map(|packs| (packs.name.to_string(), packs)).collect();
        let lists = by_name.values().map(async |reference| {
            let list = source.pack_list(reference).await;
            list.inspect_err(|error| tracing::warn!(%error, "a pack list cannot be read")).ok()
        });
        let lists: Vec<_> = futures_util::future::join_all(lists).await;
        let lists: BTreeMap<&String, _> = by_name.keys().zip(lists).collect();
        let mut known = Self::default();
        for run in runs {
            let list = |packs: &RunPacksRef| lists.get(&packs.name.to_string())?.as_ref();
            let listed = run
                .packs
                .as_ref()
                .and_then(|packs| list(packs)?.runs.get(usize::try_from(packs.place).ok()?));
            let live = match listed {
                Some(packs) => {
                    let lengths = packs.iter().map(|pack| (pack.name.to_string(), pack.bytes));
                    known.lengths.extend(lengths);
                    listed_bytes(packs)
                }
                None => LiveBytes::of_tree(&run.tree, nodes).await?,
            };
            known.runs.insert(RunId::of(&run.tree), live);
        }
        Ok(known)
    }

    /// Takes note of packs that were written.
    pub(super) fn add(&mut self, packs: &[Pack]) {
        self.lengths.extend(packs.iter().map(|pack| (pack.name.to_string(), pack.bytes)));
    }

    /// The packs of a run that came of others.
    pub(super) async fn of_merged(
        &mut self,
        merged: &MergedRun,
        tree: &Tree,
        inputs: &[RunId],
        source: &Source,
    ) -> Result<Vec<PackUse>, DbError> {
        let mut live = LiveBytes::default();
        for run in inputs.iter().filter_map(|input| self.runs.get(input)) {
            live.add_all(run);
        }
        live.add_all(&merged.written);
        if !live.take_all(&merged.dissolved) {
            tracing::warn!(top = %RunId::of(tree), "a pack list was wrong");
            live = LiveBytes::of_tree(tree, &source.nodes).await?;
        }
        self.learn_lengths(&live, source).await?;
        let mut packs = Vec::new();
        for (pack, live_bytes) in live.iter() {
            let name = malformed::name(pack).map_err(|malformed| malformed.within(pack))?;
            let bytes = self.lengths.get(pack).copied().unwrap_or_default();
            packs.push(PackUse { name, bytes, live_bytes });
        }
        Ok(packs)
    }

    /// Reads how long the packs are that no list tells of.
    async fn learn_lengths(&mut self, live: &LiveBytes, source: &Source) -> Result<(), DbError> {
        let unknown: BTreeSet<&str> = live
            .iter()
            .map(|(pack, _)| pack)
            .filter(|pack| !self.lengths.contains_key(*pack))
            .collect();
        let lengths = unknown.iter().map(|pack| length_of(pack, source));
        let lengths = try_join_all(lengths).await?;
        self.lengths.extend(unknown.iter().map(|pack| (*pack).to_owned()).zip(lengths));
        Ok(())
    }
}

/// How long a pack is, by its frame.
async fn length_of(pack: &str, source: &Source) -> Result<u64, StoreError> {
    let contents: &ContentsFolder = source.contents();
    let key = contents.packs().join(pack);
    let frame = source.location.store.get_range(&key, 0..HEADER_BYTES as u64).await?;
    let frame = frame.ok_or_else(|| StoreError::Missing { object: key.to_string() })?;
    duramen_store::envelope::object_bytes(&frame).ok_or_else(|| StoreError::Corrupt {
        object: key.to_string(),
        expected: "a frame".to_owned(),
        found: format!("{} other bytes", frame.len()),
    })
}
