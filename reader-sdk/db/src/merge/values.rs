//! The runs of large values: what a merge adds to them.

use duramen_index::{Index, Layer, MergedRun, PackWriter, Run};
use duramen_model::Order;

use super::MergeInput;
use super::plan::Pick;
use crate::facts::Facts;
use crate::{CheckpointRun, DbError, RunId};

/// From how many runs of values on a flush makes one of them: whoever looks for a value asks all.
const RUNS_MAX: usize = 8;

/// The runs that a merge makes one of. Flushes come one after the other, so nobody else makes one
/// of the same.
pub(super) fn inputs<'a>(facts: &'a Facts, input: &MergeInput<'_>) -> &'a [CheckpointRun] {
    let runs = facts.checkpoint.as_ref().map_or(&[][..], |checkpoint| &checkpoint.values);
    if input.plan.flushes && runs.len() >= RUNS_MAX { runs } else { &[] }
}

/// Makes a run of the large values that were put into packs, and one of those that there were, if
/// those are many. The values themselves stay where they are. The oldest comes first.
pub(super) async fn fold(
    facts: &Facts,
    packs: &mut PackWriter,
    input: &MergeInput<'_>,
) -> Result<Vec<(Pick, MergedRun)>, DbError> {
    let mut folded = Vec::new();
    let added = packs.finish_values(input.options).await?;
    let runs = inputs(facts, input);
    if !runs.is_empty() {
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

fn pick(runs: &[CheckpointRun]) -> Pick {
    let records = runs.iter().fold(0, |sum: u64, run| sum.saturating_add(run.tree.records));
    let runs = runs.iter().map(|run| RunId::of(&run.tree)).collect();
    Pick { order: Order::Avet, layer: Layer::Current, runs, records }
}
