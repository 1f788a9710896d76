//! A cursor: facts in order, batch by batch.

use crate::chunk::{Chunk, Merging, Reading};
use crate::nodes::Nodes;
use crate::run::Run;
use crate::{Index, IndexError, KeyRange, Record};

/// How many records of memory runs a batch has at most.
const MEMORY_BATCH: usize = 4096;

/// Reads the facts of an index in a range, in order, batch by batch, with bounded memory.
#[derive(Debug)]
pub struct Cursor {
    merging: Merging,
    chunks: Vec<Chunk>,
    /// What is left of each run behind its chunk.
    rest: Vec<Chunk>,
}

impl Cursor {
    pub(crate) fn new(index: &Index, _nodes: &Nodes, range: &KeyRange, reading: Reading) -> Self {
        let merging = index.merging(reading);
        let mut rest = Vec::new();
        if range.order == index.order() {
            for run in index.runs() {
                let Run::Memory(run) = run;
                rest.push(Chunk::memory(run.shared(), run.stretch(range)));
            }
        }
        let chunks = rest.iter().map(Chunk::empty).collect();
        Self { merging, chunks, rest }
    }

    /// The next facts, at least one; `None` after the last.
    ///
    /// # Errors
    /// When a node cannot be loaded, or is damaged. The cursor can be asked again.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Record>>, IndexError> {
        let mut batch = Vec::new();
        while batch.is_empty() {
            for (chunk, rest) in self.chunks.iter_mut().zip(&mut self.rest) {
                if chunk.is_empty() {
                    *chunk = rest.split_front(MEMORY_BATCH);
                }
            }
            if self.chunks.iter().all(Chunk::is_empty) {
                return Ok(None);
            }
            let rest = &self.rest;
            self.merging.run(&mut self.chunks, |index| !rest[index].is_empty(), &mut batch);
        }
        Ok(Some(batch))
    }
}
