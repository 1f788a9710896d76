//! Which packs the runs of a merge are in: what their inputs' lists say, without the nodes that
//! were dissolved, with those that were written. And which packs it should leave.

use std::collections::{BTreeMap, BTreeSet};

use duramen_index::{LiveBytes, MergedRun, Nodes, Pack, Tree};
use duramen_store::StoreError;
use duramen_store::envelope::HEADER_BYTES;
use duramen_store::layout::{ContentsFolder, ObjectName};
use futures_util::future::{join_all, try_join_all};

use crate::facts::Facts;
use crate::malformed;
use crate::pack_list::listed_bytes;
use crate::source::Source;
use crate::{CheckpointRun, DbError, PackList, PackUse, RunId, RunPacksRef};

/// What is known of the packs of the runs of a checkpoint.
#[derive(Debug, Default)]
pub(super) struct KnownPacks {
    /// How long packs are, by their names.
    lengths: BTreeMap<String, u64>,
    runs: BTreeMap<RunId, LiveBytes>,
    /// Some run is in packs that nothing is known of.
    is_partial: bool,
}

/// What a run has in its packs, and what of these nobody needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) live_bytes: u64,
    /// Its share of the bytes that nobody needs in those of its packs that are sparse.
    pub(super) idle_bytes: u64,
}

/// Whether so little of a pack is needed that runs should leave it: less than two thirds. So a
/// byte that nobody needs is got rid of by writing two, at most.
const fn is_sparse(live_bytes: u64, pack_bytes: u64) -> bool {
    live_bytes.saturating_mul(3) < payload(pack_bytes).saturating_mul(2)
}

const fn payload(pack_bytes: u64) -> u64 {
    pack_bytes.saturating_sub(HEADER_BYTES as u64)
}

impl KnownPacks {
    /// Reads the pack lists of all runs. Where there is none of an input of the merge, or it
    /// cannot be read, the tree tells.
    pub(super) async fn load(
        source: &Source,
        facts: &Facts,
        inputs: &BTreeSet<RunId>,
    ) -> Result<Self, DbError> {
        let mut known = Self::default();
        let Some(checkpoint) = &facts.checkpoint else { return Ok(known) };
        let runs = checkpoint.runs.iter().map(|run| (run, false));
        let runs = runs.chain(checkpoint.values.iter().map(|run| (run, true)));
        let lists = read_lists(source, runs.clone().filter_map(|(run, _)| run.packs)).await;
        for (run, are_values) in runs {
            let id = RunId::of(&run.tree);
            if let Some(packs) = listed(run, &lists) {
                let lengths = packs.iter().map(|pack| (pack.name.to_string(), pack.bytes));
                known.lengths.extend(lengths);
                known.runs.insert(id, listed_bytes(packs));
                continue;
            }
            known.is_partial = true;
            if inputs.contains(&id) {
                known.runs.insert(id, walk(&run.tree, are_values, facts.nodes()).await?);
            }
        }
        Ok(known)
    }

    /// The packs of some runs of which little is needed, by any run at all.
    pub(super) fn sparse(&self, inputs: &BTreeSet<RunId>) -> BTreeSet<String> {
        if self.is_partial {
            return BTreeSet::new();
        }
        let live = self.total(|_| true);
        let runs = inputs.iter().filter_map(|run| self.runs.get(run));
        let packs = runs.flat_map(LiveBytes::iter).map(|(pack, _)| pack);
        packs.filter(|pack| self.is_sparse(pack, &live)).map(str::to_owned).collect()
    }

    fn is_sparse(&self, pack: &str, live: &LiveBytes) -> bool {
        self.lengths.get(pack).is_some_and(|bytes| is_sparse(live.of(pack), *bytes))
    }

    fn total(&self, which: impl Fn(&RunId) -> bool) -> LiveBytes {
        let mut live = LiveBytes::default();
        let some = self.runs.iter().filter(|(run, _)| which(run));
        some.for_each(|(_, packs)| live.add_all(packs));
        live
    }

    /// How the runs that came of a merge use their packs, beside the runs that it did not read.
    pub(super) fn usage(&self, inputs: &BTreeSet<RunId>, made: &[Vec<PackUse>]) -> Vec<Usage> {
        let mut live = self.total(|run| !inputs.contains(run));
        made.iter().for_each(|packs| live.add_all(&listed_bytes(packs)));
        let usage = |packs: &Vec<PackUse>| {
            let mut usage = Usage::default();
            for pack in packs {
                let all = live.of(&pack.name.to_string());
                usage.live_bytes = usage.live_bytes.saturating_add(pack.live_bytes);
                if !self.is_partial && is_sparse(all, pack.bytes) {
                    let idle = u128::from(payload(pack.bytes).saturating_sub(all));
                    let share = idle * u128::from(pack.live_bytes) / u128::from(all.max(1));
                    let share = u64::try_from(share).unwrap_or(u64::MAX);
                    usage.idle_bytes = usage.idle_bytes.saturating_add(share);
                }
            }
            usage
        };
        made.iter().map(usage).collect()
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
        (inputs, are_values): (&[RunId], bool),
        source: &Source,
    ) -> Result<Vec<PackUse>, DbError> {
        let mut live = LiveBytes::default();
        for run in inputs.iter().filter_map(|input| self.runs.get(input)) {
            live.add_all(run);
        }
        live.add_all(&merged.written);
        if !live.take_all(&merged.dissolved) {
            tracing::warn!(top = %RunId::of(tree), "a pack list was wrong");
            live = walk(tree, are_values, &source.nodes).await?;
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

/// Reads pack lists, as far as that is possible.
async fn read_lists(
    source: &Source,
    references: impl Iterator<Item = RunPacksRef>,
) -> BTreeMap<ObjectName, PackList> {
    let by_name: BTreeMap<ObjectName, RunPacksRef> =
        references.map(|packs| (packs.name, packs)).collect();
    let read = |reference: RunPacksRef| async move {
        let list = source.pack_list(&reference).await;
        let list = list.inspect_err(|error| tracing::warn!(%error, "a pack list cannot be read"));
        Some((reference.name, list.ok()?))
    };
    let reads: Vec<_> = by_name.into_values().map(read).collect();
    join_all(reads).await.into_iter().flatten().collect()
}

/// The packs of a run, as its list says.
fn listed<'a>(
    run: &CheckpointRun,
    lists: &'a BTreeMap<ObjectName, PackList>,
) -> Option<&'a Vec<PackUse>> {
    let packs = run.packs.as_ref()?;
    lists.get(&packs.name)?.runs.get(usize::try_from(packs.place).ok()?)
}

/// The packs of a run, as its tree says.
async fn walk(tree: &Tree, are_values: bool, nodes: &Nodes) -> Result<LiveBytes, DbError> {
    Ok(match are_values {
        true => LiveBytes::of_values(tree, nodes).await?,
        false => LiveBytes::of_tree(tree, nodes).await?,
    })
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
