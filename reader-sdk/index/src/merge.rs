//! Merge: neighbouring runs of an index folded into one tree.
//!
//! What is left of each run begins with a subtree or with records. The lowest beginning is dealt
//! with first: a subtree that ends before anything else begins is handed over, pointer and all;
//! one that does not is looked into; records are written. So only that is read and written where
//! runs reach into each other, and what is in packs that are left.

use std::ops::Range;
use std::task::Poll;

use duramen_model::Order;
use futures_util::future::{poll_fn, try_join_all};

use crate::builder::TreeBuilder;
use crate::input::Input;
use crate::key::KeyRef;
use crate::leaving::Leaving;
use crate::live::LiveBytes;
use crate::nodes::Nodes;
use crate::options::NodeOptions;
use crate::pack::PackWriter;
use crate::run::Run;
use crate::{Index, IndexError, Layer, NodeHash, Pointer, Record, State, Tree};

/// After so many records and subtrees a merge lets others have their turn.
const STEPS_AT_ONCE: usize = 8192;

/// What became of the runs of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedRun {
    /// The run in their place; `None` if nothing is left.
    pub tree: Option<Tree>,
    /// What was written for it.
    pub written: LiveBytes,
    /// What the trees among the runs had and it has not. So what it has is what they had, and
    /// what was written, without this.
    pub dissolved: LiveBytes,
    /// The highest branches that were written, as they stand in their packs.
    pub branches: Vec<(NodeHash, bytes::Bytes)>,
}

/// Folds neighbouring runs of an index, told by their places among the runs, into one tree that
/// reads like them. If the oldest run is among them, tombstones go, and what was replaced counts as
/// inserted; otherwise both stay.
///
/// The packs that the tree needs are complete only when the writer has finished.
///
/// # Errors
/// When a node cannot be loaded or is damaged, a pack cannot be written, or a record cannot be
/// stored.
pub async fn merge(
    index: &Index,
    which: Range<usize>,
    nodes: &Nodes,
    writer: &mut PackWriter,
    options: &NodeOptions,
) -> Result<MergedRun, IndexError> {
    let end = which.end.min(index.runs().len());
    let runs = &index.runs()[which.start.min(end)..end];
    let is_oldest = end == index.runs().len();
    let leaving = Leaving::find(runs, nodes, writer.left()).await?;
    if let Some(tree) = unchanged(runs, is_oldest).filter(|tree| leaving.keeps(&tree.top)) {
        return Ok(MergedRun::of(Some(tree.clone())));
    }
    let place = (index.order(), index.layer());
    let mut builder = TreeBuilder::new(place.0, place.1, options, writer);
    for run in runs {
        if let Run::Tree(run) = run {
            builder.dissolve(&run.tree().top);
        }
    }
    let inputs = try_join_all(runs.iter().map(|run| Input::open(run, nodes, place))).await?;
    inputs.iter().flat_map(Input::read).for_each(|pointer| builder.dissolve(pointer));
    let mut merge = Merge { inputs, place, is_oldest, leaving, nodes, builder, steps: 0 };
    merge.run().await?;
    merge.builder.finish()
}

/// The only run that has records, if it is a tree that stays as it is.
fn unchanged(runs: &[Run], is_oldest: bool) -> Option<&Tree> {
    let mut full = runs.iter().filter(|run| run.records() > 0);
    match (full.next(), full.next()) {
        (Some(Run::Tree(run)), None) => {
            Some(run.tree()).filter(|tree| !is_oldest || has_only_facts(&tree.top))
        }
        _ => None,
    }
}

/// Whether there is nothing below a pointer that the oldest run would not have.
fn has_only_facts(pointer: &Pointer) -> bool {
    u64::try_from(pointer.net) == Ok(pointer.records)
}

impl MergedRun {
    fn of(tree: Option<Tree>) -> Self {
        Self {
            tree,
            written: LiveBytes::default(),
            dissolved: LiveBytes::default(),
            branches: Vec::new(),
        }
    }
}

struct Merge<'a> {
    /// What is left of each run, newest first.
    inputs: Vec<Input>,
    place: (Order, Layer),
    is_oldest: bool,
    /// What has to be written anew.
    leaving: Leaving,
    nodes: &'a Nodes,
    builder: TreeBuilder<'a>,
    /// Steps since others had their turn.
    steps: usize,
}

impl Merge<'_> {
    async fn run(&mut self) -> Result<(), IndexError> {
        while let Some(first) = self.first() {
            match self.inputs[first].subtree() {
                Some(_) if self.can_hand_over(first) => self.hand_over(first)?,
                Some(_) => self.expand(first).await?,
                None => self.write(first)?,
            }
            self.builder.write_full().await?;
            self.steps += 1;
            if self.steps >= STEPS_AT_ONCE {
                self.steps = 0;
                let_others().await;
            }
        }
        Ok(())
    }

    /// The input that begins lowest; of several one that begins with a subtree.
    fn first(&self) -> Option<usize> {
        let mut first: Option<(usize, KeyRef<'_>)> = None;
        for (index, input) in self.inputs.iter().enumerate() {
            let Some(begin) = input.begin() else { continue };
            let is_before = first.is_none_or(|(_, lowest)| {
                let order = self.compare(begin, lowest);
                order.is_lt() || order.is_eq() && input.subtree().is_some()
            });
            if is_before {
                first = Some((index, begin));
            }
        }
        first.map(|(index, _)| index)
    }

    fn others(&self, input: usize) -> impl Iterator<Item = &Input> {
        let others = self.inputs.iter().enumerate().filter(move |(index, _)| *index != input);
        others.map(|(_, other)| other)
    }

    /// Whether the subtree at the beginning of an input can be part of the new tree as it is.
    fn can_hand_over(&self, input: usize) -> bool {
        let Some(subtree) = self.inputs[input].subtree() else { return false };
        let is_alone = self
            .others(input)
            .filter_map(Input::begin)
            .all(|begin| subtree.end().is_some_and(|end| !self.compare(begin, end).is_lt()));
        let stays = !self.is_oldest || has_only_facts(subtree.pointer);
        is_alone
            && stays
            && self.leaving.keeps(subtree.pointer)
            && self.builder.can_attach(subtree.level)
    }

    fn hand_over(&mut self, input: usize) -> Result<(), IndexError> {
        if let Some(subtree) = self.inputs[input].subtree() {
            self.builder.attach(subtree.level, subtree.begin(), subtree.pointer)?;
            if let Some(end) = subtree.end() {
                self.builder.begin(end);
            }
            self.inputs[input].pass();
        }
        Ok(())
    }

    async fn expand(&mut self, input: usize) -> Result<(), IndexError> {
        if let Some(subtree) = self.inputs[input].subtree() {
            self.builder.dissolve(subtree.pointer);
        }
        let (newer, rest) = self.inputs.split_at_mut(input);
        let Some((input, older)) = rest.split_first_mut() else { return Ok(()) };
        let (newer, older, is_oldest) = (&*newer, &*older, self.is_oldest);
        let leaving = &self.leaving;
        let also = |pointer: &Pointer, begin: KeyRef<'_>, end: Option<KeyRef<'_>>| {
            (is_oldest && !has_only_facts(pointer))
                || !leaving.keeps(pointer)
                || newer.iter().chain(older).any(|other| other.begins_in(begin, end))
        };
        input.expand(self.nodes, also).await
    }

    /// Writes the records at the beginning of an input that come before all else, or the one that
    /// several inputs have.
    fn write(&mut self, input: usize) -> Result<(), IndexError> {
        let Some(key) = self.inputs[input].begin() else { return Ok(()) };
        let meets =
            |other: &Input| other.begin().is_some_and(|begin| self.compare(begin, key).is_eq());
        if self.others(input).any(meets) {
            let composed = self.compose(input);
            return composed.map_or(Ok(()), |record| self.push(record));
        }
        let lowest = |x, y| if self.compare(x, y).is_gt() { y } else { x };
        let bound = self.others(input).filter_map(Input::begin).reduce(lowest);
        let count = self.inputs[input].records_below(bound).max(1);
        let records = self.inputs[input].take(count);
        self.steps += count;
        records.into_iter().try_for_each(|record| self.push(record))
    }

    /// Takes the record of one key from all inputs that have it: what they amount to.
    fn compose(&mut self, input: usize) -> Option<Record> {
        let mut meeting = Vec::new();
        if let Some(key) = self.inputs[input].begin() {
            let meets =
                |other: &Input| other.begin().is_some_and(|begin| self.compare(begin, key).is_eq());
            meeting.extend((0..self.inputs.len()).filter(|index| meets(&self.inputs[*index])));
        }
        let mut composed: Option<Record> = None;
        // The oldest is last.
        for index in meeting.into_iter().rev() {
            let Some(younger) = self.inputs[index].take_one() else { continue };
            composed = match composed {
                Some(older) => Record::compose(&older, younger),
                None => Some(younger),
            };
        }
        composed
    }

    fn push(&mut self, record: Record) -> Result<(), IndexError> {
        match (self.is_oldest, record.state) {
            (true, State::Removed) => Ok(()),
            (true, State::Replaced) => {
                self.builder.push(Record { state: State::Inserted, ..record })
            }
            _ => self.builder.push(record),
        }
    }

    fn compare(&self, x: KeyRef<'_>, y: KeyRef<'_>) -> std::cmp::Ordering {
        x.compare(&y, self.place.0, self.place.1)
    }
}

/// Lets whatever else the executor has to do be done.
async fn let_others() {
    let mut is_late = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_late, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
