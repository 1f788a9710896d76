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
pub(crate) const PACK_BYTES_TARGET: usize = 8 << 20;

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

/// What a pack is filled with. Large values have packs of their own: they are needed for ever, and
/// nodes are not.
#[derive(Debug, Clone, Copy)]
enum Filling {
    Nodes,
    Values,
}

/// A pack that is being filled.
#[derive(Debug, Default)]
struct OpenPack {
    /// Its name, as soon as something is in it.
    name: Option<ObjectName>,
    payload: Vec<u8>,
}

/// Writes nodes into packs. What points to them may be published only after
/// [`finish`](PackWriter::finish).
pub struct PackWriter {
    store: Arc<dyn WriteStore>,
    packs: Key,
    next: ObjectName,
    bytes_target: usize,
    nodes: OpenPack,
    large: OpenPack,
    full: Vec<(ObjectName, Bytes)>,
    written: Vec<Pack>,
    /// Large values, if this writer stores them by themselves.
    pub(crate) values: Option<PendingValues>,
    /// Whether leaves do without large values.
    pub(crate) storing: Storing,
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
            nodes: OpenPack::default(),
            large: OpenPack::default(),
            full: Vec::new(),
            written: Vec::new(),
            values: None,
            storing: Storing::Here,
            left: BTreeSet::new(),
        }
    }

    /// The same with packs of about so many bytes.
    #[must_use]
    pub fn with_bytes_target(self, bytes_target: usize) -> Self {
        Self { bytes_target, ..self }
    }

    /// Leaves packs from now on: a merge writes their nodes anew, even where it could point to
    /// them, so that nothing of the run needs these packs any more. For packs with few nodes that
    /// are still needed.
    pub fn leave(&mut self, packs: BTreeSet<String>) {
        self.left = packs;
    }

    /// The packs that merges leave.
    pub(crate) const fn left(&self) -> &BTreeSet<String> {
        &self.left
    }

    /// Puts the nodes to come into another pack than those before. For trees that are merged apart
    /// from others: their nodes go out of use apart from others.
    pub fn end_pack(&mut self) {
        self.seal(Filling::Nodes);
    }

    /// Adds a node, in memory. Its length has been checked.
    pub(crate) fn add(&mut self, node: &[u8]) -> Place {
        self.append(Filling::Nodes, node)
    }

    /// Adds a large value, in memory.
    pub(crate) fn add_large(&mut self, value: &[u8]) -> Place {
        self.append(Filling::Values, value)
    }

    fn append(&mut self, filling: Filling, bytes: &[u8]) -> Place {
        let begun = self.open(filling).payload.len();
        if begun > 0 && begun + bytes.len() > self.bytes_target {
            self.seal(filling);
        }
        let next = self.next;
        let open = self.open(filling);
        let is_new = open.name.is_none();
        let name = *open.name.get_or_insert(next);
        let offset = envelope::HEADER_BYTES + open.payload.len();
        open.payload.extend_from_slice(bytes);
        self.next.seq += u64::from(is_new);
        Place {
            pack: name.to_string(),
            offset: offset as u64,
            length: bytes.len() as u32,
            hash: NodeHash::of(bytes),
        }
    }

    const fn open(&mut self, filling: Filling) -> &mut OpenPack {
        match filling {
            Filling::Nodes => &mut self.nodes,
            Filling::Values => &mut self.large,
        }
    }

    /// Takes the large values of records, if they are stored by themselves.
    pub(crate) fn add_large_values(&mut self, records: &[Record]) -> Storing {
        if let Some(values) = &mut self.values {
            records.iter().for_each(|record| values.add(&record.v));
        }
        self.storing
    }

    fn seal(&mut self, filling: Filling) {
        let OpenPack { name, payload } = std::mem::take(self.open(filling));
        if let Some(name) = name {
            self.full.push((name, envelope::seal(Kind::Pack, &payload)));
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
        self.seal(Filling::Nodes);
        self.seal(Filling::Values);
        self.write_full().await?;
        self.written.sort_by_key(|pack| pack.name.seq);
        Ok(self.written)
    }
}

impl fmt::Debug for PackWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackWriter")
            .field("packs", &self.packs)
            .field("next", &self.next)
            .field("buffered_bytes", &(self.nodes.payload.len() + self.large.payload.len()))
            .finish_non_exhaustive()
    }
}
