//! A cursor: facts in order, stretch by stretch.

use futures_util::future::try_join_all;

use crate::chunk::{self, Chunk, Form, Merging, Wanting};
use crate::nodes::Nodes;
use crate::range::ValueBounds;
use crate::run::Run;
use crate::sought::{Keys, Sought};
use crate::stretch::Stretch;
use crate::v1::Regrouping;
use crate::walk::{LeafRows, Walk};
use crate::{Index, IndexError, KeyRange, Record};

/// How many records a run in memory gives to a batch at most.
const MEMORY_RECORDS_AT_ONCE: usize = 4096;

/// Reads the facts of an index in a range, in order, stretch by stretch, with bounded memory.
#[derive(Debug)]
pub struct Cursor {
    nodes: Nodes,
    sought: Sought,
    merging: Merging,
    /// What is at hand of each run, newest first.
    chunks: Vec<Chunk>,
    /// What comes behind it.
    rest: Vec<Rest>,
}

/// What a cursor is to read, and how.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) range: &'a KeyRange,
    /// Which keys, if not all; whether no others.
    pub(crate) among: Option<(Keys, bool)>,
    pub(crate) wanting: Wanting,
    /// How many leaves to fetch at first.
    pub(crate) leaves_at_once: usize,
}

/// What comes of a run behind what is at hand.
#[derive(Debug)]
pub(crate) enum Rest {
    Memory(Chunk),
    Tree {
        walk: Box<Walk>,
        regrouping: Regrouping,
        /// Rows that were read and not looked at yet.
        ahead: Option<LeafRows>,
    },
}

/// What is sought, bounds that the place of a record says nothing about, and what there is to be
/// read of some of an index's runs, from the newest on.
pub(crate) fn rests(
    index: &Index,
    runs: &[Run],
    wanted: &Wanted<'_>,
) -> (Sought, Option<ValueBounds>, Vec<Rest>) {
    let (range, values) = wanted.range.in_layer(index.layer());
    let sought = match &wanted.among {
        Some((keys, is_exact)) => Sought::among(range, keys.clone(), *is_exact),
        None => Sought::all(range),
    };
    let is_of_index = sought.range.order == index.order();
    let rest = |(number, run): (usize, &Run)| match run {
        Run::Memory(run) => Rest::Memory(run.chunk(run.pick(&sought))),
        Run::Tree(run) => {
            let is_oldest = number + 1 == index.runs().len();
            let (times, at_once) = (wanted.wanting.times, wanted.leaves_at_once);
            Rest::Tree {
                walk: Box::new(Walk::new(run.clone(), is_oldest, times, at_once)),
                regrouping: Regrouping::new(index.order(), index.layer()),
                ahead: None,
            }
        }
    };
    let rests = runs.iter().enumerate().filter(|_| is_of_index).map(rest).collect();
    (sought, values, rests)
}

impl Rest {
    /// Whether nothing comes behind what is at hand.
    fn is_done(&self) -> bool {
        match self {
            Self::Memory(chunk) => chunk.is_empty(),
            Self::Tree { walk, regrouping, ahead } => {
                walk.is_done() && regrouping.is_empty() && ahead.is_none()
            }
        }
    }

    /// Reads on, if nothing is at hand.
    pub(crate) async fn refill(
        &mut self,
        chunk: &mut Chunk,
        nodes: &Nodes,
        sought: &Sought,
    ) -> Result<(), IndexError> {
        if !chunk.is_empty() {
            return Ok(());
        }
        match self {
            Self::Memory(rest) => *chunk = rest.split_front(MEMORY_RECORDS_AT_ONCE),
            Self::Tree { walk, regrouping, ahead } if ahead.is_none() => {
                while chunk.is_empty() {
                    match walk.next(nodes, sought).await? {
                        Some(rows) if walk.is_regrouped() => *chunk = regrouping.push(&rows)?,
                        rows @ Some(_) => {
                            *ahead = rows;
                            break;
                        }
                        None => {
                            *chunk = regrouping.finish();
                            break;
                        }
                    }
                }
            }
            Self::Tree { .. } => {}
        }
        Ok(())
    }

    /// Takes rows that were read and not looked at yet.
    pub(crate) fn take_ahead(&mut self) -> Option<LeafRows> {
        match self {
            Self::Memory(_) => None,
            Self::Tree { ahead, .. } => ahead.take(),
        }
    }

    /// Decodes what was read, so that it can be merged.
    fn open(&mut self, chunk: &mut Chunk) -> Result<(), IndexError> {
        if let Self::Tree { ahead, .. } = self
            && let Some(LeafRows { leaf, rows }) = ahead.take()
        {
            *chunk = Chunk::rows(leaf, rows)?;
        }
        Ok(())
    }
}

impl Cursor {
    /// A cursor over some of an index's runs, from the newest on.
    pub(crate) fn new(index: &Index, runs: &[Run], nodes: &Nodes, wanted: Wanted<'_>) -> Self {
        let (sought, values, rest) = rests(index, runs, &wanted);
        Self {
            nodes: nodes.clone(),
            sought,
            merging: index.merging(Wanting { values, ..wanted.wanting }),
            chunks: rest.iter().map(|_| Chunk::none()).collect(),
            rest,
        }
    }

    /// The next stretches of facts, at least one; `None` after the last. A stretch of a leaf may
    /// hold closed facts that do not matter within the times that were asked for.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged. After a node could not be loaded, the cursor
    /// can be asked again.
    pub async fn next_stretches(&mut self) -> Result<Option<Vec<Stretch>>, IndexError> {
        self.next_as(Form::Columns).await
    }

    async fn next_as(&mut self, form: Form) -> Result<Option<Vec<Stretch>>, IndexError> {
        let mut stretches = Vec::new();
        while stretches.is_empty() {
            let (nodes, sought) = (&self.nodes, &self.sought);
            let refills = self.rest.iter_mut().zip(&mut self.chunks);
            try_join_all(refills.map(|(rest, chunk)| rest.refill(chunk, nodes, sought))).await?;
            if let Some(LeafRows { leaf, rows }) = self.take_alone() {
                stretches.extend(chunk::stretch(leaf, rows)?);
                continue;
            }
            for (rest, chunk) in self.rest.iter_mut().zip(&mut self.chunks) {
                rest.open(chunk)?;
            }
            if self.chunks.iter().all(Chunk::is_empty) && self.rest.iter().all(Rest::is_done) {
                return Ok(None);
            }
            let rest = &self.rest;
            let has_more = |index: usize| !rest[index].is_done();
            self.merging.run(&mut self.chunks, has_more, form, &mut stretches)?;
        }
        Ok(Some(stretches))
    }

    /// The rows of a leaf that were read, undecoded, if no other run has anything.
    fn take_alone(&mut self) -> Option<LeafRows> {
        let mut live = self
            .rest
            .iter_mut()
            .zip(&self.chunks)
            .filter(|(rest, chunk)| !chunk.is_empty() || !rest.is_done());
        let (Some((Rest::Tree { ahead, .. }, chunk)), None) = (live.next(), live.next()) else {
            return None;
        };
        let is_whole = self.merging.wanting.values.is_none();
        ahead.take_if(|_| is_whole && chunk.is_empty())
    }

    /// The next facts one by one, at least one; `None` after the last.
    ///
    /// # Errors
    /// As for [`Self::next_stretches`].
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Record>>, IndexError> {
        loop {
            let Some(stretches) = self.next_as(Form::Records).await? else { return Ok(None) };
            let mut batch = Vec::new();
            for stretch in stretches {
                self.merging.wanting.extend(&mut batch, stretch)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }
}
