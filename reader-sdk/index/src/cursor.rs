//! A cursor: facts in order, batch by batch.

use futures_util::future::try_join_all;

use crate::chunk::{Chunk, Merging, Reading};
use crate::nodes::Nodes;
use crate::run::Run;
use crate::walk::Walk;
use crate::{Index, IndexError, KeyRange, Record, Times};

/// How many records a run in memory gives to a batch at most.
const MEMORY_RECORDS_AT_ONCE: usize = 4096;

/// Reads the facts of an index in a range, in order, batch by batch, with bounded memory.
#[derive(Debug)]
pub struct Cursor {
    nodes: Nodes,
    range: KeyRange,
    merging: Merging,
    /// What is at hand of each run, newest first.
    chunks: Vec<Chunk>,
    /// What comes behind it.
    rest: Vec<Rest>,
}

/// What a cursor is to read, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) range: &'a KeyRange,
    pub(crate) times: Times,
    pub(crate) reading: Reading,
    /// How many leaves to fetch at first.
    pub(crate) leaves_at_once: usize,
}

/// What comes of a run behind what is at hand.
#[derive(Debug)]
enum Rest {
    Memory(Chunk),
    Tree(Box<Walk>),
}

impl Rest {
    fn is_done(&self) -> bool {
        match self {
            Self::Memory(chunk) => chunk.is_empty(),
            Self::Tree(walk) => walk.is_done(),
        }
    }

    async fn refill(
        &mut self,
        chunk: &mut Chunk,
        nodes: &Nodes,
        range: &KeyRange,
    ) -> Result<(), IndexError> {
        if !chunk.is_empty() {
            return Ok(());
        }
        match self {
            Self::Memory(rest) => *chunk = rest.split_front(MEMORY_RECORDS_AT_ONCE),
            Self::Tree(walk) => {
                if let Some(next) = walk.next(nodes, range).await? {
                    *chunk = next;
                }
            }
        }
        Ok(())
    }
}

impl Cursor {
    /// A cursor over some of an index's runs, from the newest on.
    pub(crate) fn new(
        index: &Index,
        runs: &[Run],
        nodes: &Nodes,
        Wanted { range, times, reading, leaves_at_once }: Wanted<'_>,
    ) -> Self {
        let mut rest = Vec::new();
        for (index_of_run, run) in runs.iter().enumerate() {
            let is_oldest = index_of_run + 1 == index.runs().len();
            rest.push(match run {
                Run::Memory(run) => Rest::Memory(Chunk::memory(run.shared(), run.stretch(range))),
                Run::Tree(run) => {
                    Rest::Tree(Box::new(Walk::new(run.clone(), is_oldest, times, leaves_at_once)))
                }
            });
        }
        if range.order != index.order() {
            rest.clear();
        }
        Self {
            nodes: nodes.clone(),
            range: range.clone(),
            merging: index.merging(reading),
            chunks: rest.iter().map(|_| Chunk::none()).collect(),
            rest,
        }
    }

    /// The next facts, at least one; `None` after the last.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged. The cursor can be asked again.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Record>>, IndexError> {
        let mut batch = Vec::new();
        while batch.is_empty() {
            let (nodes, range) = (&self.nodes, &self.range);
            let refills = self.rest.iter_mut().zip(&mut self.chunks);
            try_join_all(refills.map(|(rest, chunk)| rest.refill(chunk, nodes, range))).await?;
            if self.chunks.iter().all(Chunk::is_empty) {
                return Ok(None);
            }
            let rest = &self.rest;
            self.merging.run(&mut self.chunks, |index| !rest[index].is_done(), &mut batch);
        }
        Ok(Some(batch))
    }
}
