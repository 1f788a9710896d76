//! Packs: bucket objects that hold many nodes.
//!
//! The payload of a pack is its nodes, one after the other. Who points to one knows where it is,
//! counted from the beginning of the object, frame included.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{ObjectName, WriterId};
use duramen_store::{Key, WriteStore};
use futures_util::future::try_join_all;

use crate::pending_values::PendingValues;
use crate::values::Storing;
use crate::{IndexError, NodeHash, Record};

/// How long a pack gets before the next one is begun, in bytes.
const PACK_BYTES_TARGET: usize = 8 << 20;

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The name of the object, within the folder of packs.
    pub name: ObjectName,
    /// The length of the object, in bytes.
    pub bytes: u64,
}

/// Where a node went.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) pack: String,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) hash: NodeHash,
}

/// Writes nodes into packs. What points to them may be published only after
/// [`finish`](PackWriter::finish).
pub struct PackWriter {
    store: Arc<dyn WriteStore>,
    packs: Key,
    next: ObjectName,
    bytes_target: usize,
    payload: Vec<u8>,
    full: Vec<(ObjectName, Bytes)>,
    written: Vec<Pack>,
    /// Large values, if they are stored by themselves.
    pub(crate) values: Option<PendingValues>,
    /// Packs that merges leave.
    left: BTreeSet<String>,
}

impl PackWriter {
    /// Writes into a folder, under the names of a writer from a sequence number on. None of these
    /// names may have been used before.
    #[must_use]
    pub fn new(store: Arc<dyn WriteStore>, packs: Key, writer: WriterId, first_seq: u64) -> Self {
        Self {
            store,
            packs,
            next: ObjectName { writer, seq: first_seq },
            bytes_target: PACK_BYTES_TARGET,
            payload: Vec::new(),
            full: Vec::new(),
            written: Vec::new(),
            values: None,
            left: BTreeSet::new(),
        }
    }

    /// The same with packs of another length, in bytes.
    #[must_use]
    pub fn with_bytes_target(self, bytes_target: usize) -> Self {
        Self { bytes_target, ..self }
    }

    /// The same, leaving packs: a merge writes their nodes anew, even where it could point to
    /// them, so that nothing of the run needs these packs any more. For packs with few nodes that
    /// are still needed.
    #[must_use]
    pub fn leaving(self, packs: BTreeSet<String>) -> Self {
        Self { left: packs, ..self }
    }

    /// Whether a subtree may stay where it is: what is below a branch may be anywhere.
    pub(crate) fn keeps(&self, level: u8, pack: &str) -> bool {
        self.left.is_empty() || (level == 0 && !self.left.contains(pack))
    }

    /// Adds a node, in memory. Its length has been checked.
    pub(crate) fn add(&mut self, node: &[u8]) -> Place {
        if !self.payload.is_empty() && self.payload.len() + node.len() > self.bytes_target {
            self.seal();
        }
        let offset = envelope::HEADER_BYTES + self.payload.len();
        self.payload.extend_from_slice(node);
        Place {
            pack: self.next.to_string(),
            offset: offset as u64,
            length: node.len() as u32,
            hash: NodeHash::of(node),
        }
    }

    /// Takes the large values of records, if they are stored by themselves.
    pub(crate) fn add_large_values(&mut self, records: &[Record]) -> Storing {
        let Some(values) = &mut self.values else { return Storing::Here };
        records.iter().for_each(|record| values.add(&record.v));
        Storing::Elsewhere
    }

    fn seal(&mut self) {
        if !self.payload.is_empty() {
            let object = envelope::seal(Kind::Pack, &self.payload);
            self.payload.clear();
            self.full.push((self.next, object));
            self.next.seq += 1;
        }
    }

    /// Writes the packs that are full.
    pub(crate) async fn write_full(&mut self) -> Result<(), IndexError> {
        self.settle_many_values().await?;
        let packs: Vec<(Pack, Key, Bytes)> = self
            .full
            .drain(..)
            .map(|(name, object)| {
                let pack = Pack { name, bytes: object.len() as u64 };
                (pack, self.packs.join(name), object)
            })
            .collect();
        let store = &self.store;
        try_join_all(packs.iter().map(|(_, key, object)| store.put(key, object.clone()))).await?;
        self.written.extend(packs.into_iter().map(|(pack, ..)| pack));
        Ok(())
    }

    /// Writes what is left. The packs that were written, in order.
    ///
    /// # Errors
    /// When the store refuses a pack, and when there are large values and no run of them was made.
    /// What was written is garbage then.
    pub async fn finish(mut self) -> Result<Vec<Pack>, IndexError> {
        if self.values.as_ref().is_some_and(|values| !values.is_listed()) {
            return Err(IndexError::Unlisted);
        }
        self.seal();
        self.write_full().await?;
        Ok(self.written)
    }
}

impl fmt::Debug for PackWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackWriter")
            .field("packs", &self.packs)
            .field("next", &self.next)
            .field("buffered_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}
