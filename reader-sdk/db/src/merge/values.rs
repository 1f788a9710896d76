//! The runs of large values: what a merge adds to them.

use duramen_index::{Index, Layer, MergedRun, PackWriter, Run};
use duramen_model::Order;

use super::MergeInput;
use super::plan::Pick;
use crate::facts::Facts;
use crate::source::Source;
use crate::{CheckpointRun, DbError, RunId};

/// From how many runs of values on a flush makes one of them: whoever looks for a value asks all.
const RUNS_MAX: usize = 8;

/// Makes a run of the large values that were put into packs, and one of those that there were, if
/// those are many. The values themselves stay where they are. The oldest comes first.
pub(super) async fn fold(
    facts: &Facts,
    source: &Source,
    packs: &mut PackWriter,
    input: &MergeInput<'_>,
) -> Result<Vec<(Pick, MergedRun)>, DbError> {
    let mut folded = Vec::new();
    let added = packs.finish_values(input.options).await?;
    let runs = runs(facts);
    // Flushes come one after the other, so nobody else makes one of the same runs.
    if input.plan.flushes && runs.len() >= RUNS_MAX && are_listed(source, runs).await {
        let empty = Index::new(Order::Avet, Layer::Current);
        let oldest_first = runs.iter().rev().map(|run| Run::tree(run.tree.clone()));
        let index = oldest_first.fold(empty, |index, run| index.with_run(run));
        let (all, nodes) = (0..runs.len(), facts.nodes());
        let run = duramen_index::merge(&index, all, nodes, packs, input.options).await?;
        folded.push((pick(runs), run));
    }
    if added.tree.is_some() {
        folded.push((pick(&[]), added));
    }
    Ok(folded)
}

fn runs(facts: &Facts) -> &[CheckpointRun] {
    facts.checkpoint.as_ref().map_or(&[], |checkpoint| &checkpoint.values)
}

fn pick(runs: &[CheckpointRun]) -> Pick {
    let runs = runs.iter().map(|run| RunId::of(&run.tree)).collect();
    Pick { order: Order::Avet, layer: Layer::Current, runs }
}

/// Whether it is known what packs the values of runs are in: their trees do not tell as soon as a
/// list is damaged.
async fn are_listed(source: &Source, runs: &[CheckpointRun]) -> bool {
    for run in runs {
        let Some(packs) = &run.packs else { return false };
        if let Err(error) = source.pack_list(packs).await {
            tracing::warn!(%error, "runs of large values stay as they are");
            return false;
        }
    }
    true
}

/// The runs that became others.
pub(super) fn old_runs<'a>(
    facts: &'a Facts,
    folded: &'a [(Pick, MergedRun)],
) -> impl Iterator<Item = &'a CheckpointRun> {
    let became = |run: &&CheckpointRun| {
        folded.iter().any(|(pick, _)| pick.runs.contains(&RunId::of(&run.tree)))
    };
    runs(facts).iter().filter(became)
}
