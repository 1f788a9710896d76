//! Large values on their way into packs.

use std::collections::BTreeMap;

use duramen_model::{Order, Value};

use crate::builder::TreeBuilder;
use crate::large::StoredValue;
use crate::nodes::Nodes;
use crate::options::NodeOptions;
use crate::pack::{PackWriter, Place};
use crate::values::{Storing, large_bytes};
use crate::{IndexError, Layer, MergedRun, NodeHash};

/// How many bytes of values wait for being looked up together.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// The large values that a job came across.
#[derive(Debug)]
pub(crate) struct PendingValues {
    /// Knows the values that are in packs already.
    known: Nodes,
    waiting: BTreeMap<NodeHash, Value>,
    waiting_bytes: usize,
    /// Those that were dealt with: where the job put them, or `None` for those that were known.
    settled: BTreeMap<NodeHash, Option<Place>>,
    is_listed: bool,
}

impl PendingValues {
    pub(crate) const fn new(known: Nodes) -> Self {
        Self {
            known,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            settled: BTreeMap::new(),
            is_listed: true,
        }
    }

    /// Takes a value that a leaf will not hold, if it is one.
    pub(crate) fn add(&mut self, value: &Value) {
        let Some(bytes) = large_bytes(value) else { return };
        let hash = NodeHash::of(bytes);
        if !self.settled.contains_key(&hash) && self.waiting.insert(hash, value.clone()).is_none() {
            self.waiting_bytes += bytes.len();
        }
    }

    /// Whether all that the job put into packs is in its run of values.
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed && self.waiting.is_empty()
    }
}

/// Large values.
impl PackWriter {
    /// The same with large values stored by themselves, unless they are in packs already, which
    /// these nodes know. Whoever asks for it makes a run of the values in the end, see
    /// [`finish_values`](Self::finish_values): without it nobody finds them.
    #[must_use]
    pub fn with_large_values(mut self, known: Nodes) -> Self {
        self.values = Some(PendingValues::new(known));
        self.storing = Storing::Elsewhere;
        self
    }

    /// The same without large values, which another writer stores: one that is given the same
    /// records in another order.
    #[must_use]
    pub fn without_large_values(mut self) -> Self {
        self.values = None;
        self.storing = Storing::Elsewhere;
        self
    }

    /// Looks up the values that wait, if they are many, and puts those into a pack that are in
    /// none.
    pub(crate) async fn settle_many_values(&mut self) -> Result<(), IndexError> {
        match &self.values {
            Some(values) if values.waiting_bytes >= WAITING_BYTES_MAX => self.settle_values().await,
            _ => Ok(()),
        }
    }

    async fn settle_values(&mut self) -> Result<(), IndexError> {
        let Some(values) = &mut self.values else { return Ok(()) };
        let hashes: Vec<NodeHash> = values.waiting.keys().copied().collect();
        let known = values.known.find_values(hashes).await?;
        values.waiting_bytes = 0;
        for (hash, value) in std::mem::take(&mut values.waiting) {
            let place = match large_bytes(&value) {
                Some(bytes) if !known.contains_key(&hash) => Some(self.add_large(bytes)),
                _ => None,
            };
            if let Some(values) = &mut self.values {
                values.is_listed &= place.is_none();
                values.settled.insert(hash, place);
            }
        }
        Ok(())
    }

    /// Makes a run of the large values that were put into packs: to be the newest of the runs of
    /// values. Its bytes are those of its nodes and of the values. Call it when all else is added.
    ///
    /// # Errors
    /// When the runs of values cannot be read, or a pack cannot be written.
    pub async fn finish_values(&mut self, options: &NodeOptions) -> Result<MergedRun, IndexError> {
        self.settle_values().await?;
        let settled = self.values.as_mut().map(|values| {
            values.is_listed = true;
            std::mem::take(&mut values.settled)
        });
        let mut value_bytes = Vec::new();
        let mut builder = TreeBuilder::new(Order::Avet, Layer::Current, options, self);
        for (hash, place) in settled.into_iter().flatten() {
            if let Some(place) = place {
                let Place { pack, offset, length, .. } = place;
                value_bytes.push((pack.clone(), length));
                builder.push(StoredValue { hash, pack, offset, length }.to_record())?;
            }
            builder.write_full().await?;
        }
        let mut run = builder.finish()?;
        value_bytes.iter().for_each(|(pack, bytes)| run.written.add(pack, u64::from(*bytes)));
        Ok(run)
    }
}
