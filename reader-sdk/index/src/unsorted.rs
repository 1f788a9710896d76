//! A cursor that gives the facts of one run after the other.
//!
//! Who does not need facts in order need not wait for them to be merged: the leaves of every run are
//! handed over as they are. Only what a younger run says of a fact that an older one has, a
//! *step* (that it was removed, or replaced), has to be kept in mind until the older one was read.

use futures_util::future::try_join_all;

use crate::chunk::{Chunk, Form, Merging, Wanting, stretch};
use crate::cursor::{Rest, Wanted, rests};
use crate::key::KeyRef;
use crate::nodes::Nodes;
use crate::picks::gallop;
use crate::sought::Sought;
use crate::stretch::Stretch;
use crate::walk::LeafRows;
use crate::{Index, IndexError, Record, State};

/// Reads the facts of an index in a range, run by run and in order within each, stretch by stretch.
/// Memory holds a few leaves at a time, and the steps in the range that were read so far.
#[derive(Debug)]
pub struct UnsortedCursor {
    nodes: Nodes,
    sought: Sought,
    merging: Merging,
    /// What is left of each run, the oldest first.
    runs: Vec<(Rest, Chunk)>,
    begun: bool,
    /// Steps of the runs that were read to their ends, in order: they hide records of older runs.
    hiding: Vec<Record>,
    /// Steps of the run that is being read.
    steps: Vec<Record>,
}

impl UnsortedCursor {
    /// A cursor over an index's runs.
    pub(crate) fn new(index: &Index, nodes: &Nodes, wanted: Wanted<'_>) -> Self {
        let (sought, values, mut rests) = rests(index, index.runs(), &wanted);
        rests.reverse();
        Self {
            nodes: nodes.clone(),
            sought,
            merging: index.merging(Wanting { values, ..wanted.wanting }),
            runs: rests.into_iter().map(|rest| (rest, Chunk::none())).collect(),
            begun: false,
            hiding: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The next stretches of facts, at least one; `None` after the last. Their columns may be read;
    /// what their records say of runs below means nothing. A stretch of a leaf may hold closed facts
    /// that do not matter within the times that were asked for.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged. After a node could not be loaded, the cursor
    /// can be asked again.
    pub async fn next_stretches(&mut self) -> Result<Option<Vec<Stretch>>, IndexError> {
        let (nodes, sought) = (&self.nodes, &self.sought);
        if !self.begun {
            // So that the first leaves of all runs are fetched at the same time.
            let runs = self.runs.iter_mut();
            try_join_all(runs.map(|(rest, chunk)| rest.refill(chunk, nodes, sought))).await?;
            self.begun = true;
        }
        while let Some((rest, chunk)) = self.runs.last_mut() {
            rest.refill(chunk, &self.nodes, &self.sought).await?;
            let chunk = std::mem::replace(chunk, Chunk::none());
            let stretches = match rest.take_ahead() {
                Some(rows) => self.of_rows(rows)?,
                None if chunk.is_empty() => {
                    self.end_run();
                    continue;
                }
                None => self.of_chunk(chunk)?,
            };
            if !stretches.is_empty() {
                return Ok(Some(stretches));
            }
        }
        Ok(None)
    }

    /// What the steps of a run hide is hidden in all older ones.
    fn end_run(&mut self) {
        self.runs.pop();
        if !self.steps.is_empty() {
            self.hiding.append(&mut self.steps);
            let Merging { order, layer, .. } = self.merging;
            // Sorted stretches, which the sort makes use of.
            self.hiding.sort_by(|x, y| x.compare(y, order, layer));
            // What was removed, came back and was removed again hides once.
            self.hiding.dedup_by(|x, y| x.compare(y, order, layer).is_eq());
        }
    }

    fn of_rows(&mut self, LeafRows { leaf, rows }: LeafRows) -> Result<Vec<Stretch>, IndexError> {
        let hides = leaf.has_steps() && self.runs.len() > 1;
        if self.hiding.is_empty() && !hides && self.merging.wanting.values.is_none() {
            return Ok(stretch(leaf, rows)?.into_iter().collect());
        }
        self.of_chunk(Chunk::rows(leaf, rows)?)
    }

    /// The records of a run that are not hidden, and say that a fact is there.
    fn of_chunk(&mut self, chunk: Chunk) -> Result<Vec<Stretch>, IndexError> {
        let hidden = self.hidden_in(&chunk);
        // The steps of the oldest run hide nothing.
        let steps_matter = self.runs.len() > 1 && chunk.has_steps();
        let mut seen = match (hidden.is_empty(), steps_matter) {
            (true, false) => chunk,
            (false, false) if !chunk.has_steps() => chunk.without(&hidden),
            _ => self.unhidden(&chunk, hidden),
        };
        let (count, wanting) = (seen.len(), &self.merging.wanting);
        let mut stretches = Vec::new();
        if count > 0 {
            seen.take_stretch(count, (wanting, Form::Columns), &mut stretches)?;
        }
        Ok(stretches)
    }

    /// The records of a run that say that a fact is there, and are not among the hidden. Keeps its
    /// steps in mind.
    fn unhidden(&mut self, chunk: &Chunk, hidden: Vec<usize>) -> Chunk {
        let (mut hidden, steps) = (hidden.into_iter().peekable(), &mut self.steps);
        chunk.filter(|index, state| {
            let is_hidden = hidden.next_if_eq(&index).is_some();
            if matches!(state, State::Removed | State::Replaced) {
                steps.push(chunk.key(index).to_record(state));
            }
            !is_hidden && state != State::Removed
        })
    }

    /// Which records of a stretch younger runs hide.
    fn hidden_in(&self, chunk: &Chunk) -> Vec<usize> {
        let mut hidden = Vec::new();
        let Some(first) = chunk.head() else { return hidden };
        let begin =
            self.hiding.partition_point(|own| self.merging.compare(own.into(), first).is_lt());
        let mut place = 0;
        for own in &self.hiding[begin..] {
            let own = KeyRef::from(own);
            let compare = |index: usize| chunk.compare(index, &own, &self.merging);
            place = gallop(place..chunk.len(), |index| compare(index).is_lt());
            if place == chunk.len() {
                break;
            }
            if compare(place).is_eq() {
                hidden.push(place);
            }
        }
        hidden
    }
}
