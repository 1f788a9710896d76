//! The checkpoint: the immutable result of a merge.

use std::collections::BTreeSet;

use bytes::Bytes;
use duramen_index::{Layer, Nodes};
use duramen_model::{AttributeId, Datom, Instant, Order, T, builtin};
use duramen_proto::stored;
use duramen_store::envelope::{self, Kind};
use duramen_store::layout::{DatabaseId, ObjectName};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::checkpoint_run::{self, CheckpointRun};
use crate::log::{self, LogIndexRef};
use crate::malformed::{self, Malformed};
use crate::root::CheckpointRef;
use crate::source::Source;
use crate::{LogSum, SegmentRef, segment, value_codec};

/// Everything that was merged: trees, schema, and where the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The database.
    pub id: DatabaseId,
    /// The newest transaction that is merged.
    pub t: T,
    /// Its instant.
    pub instant: Instant,
    /// The sum over the transactions from 0 to `t`.
    pub sum: LogSum,
    /// The runs of all orders and layers; within one of them, newest first.
    pub runs: Vec<CheckpointRun>,
    /// Every datom up to `t` whose attribute defines schema, in the order of `t`.
    pub schema: Vec<Datom>,
    /// The attributes that AVET is complete for, at every `t`.
    pub avet_attributes: BTreeSet<AttributeId>,
    /// The log from 0 on, as far as full lists of it were moved out, oldest first.
    pub log_indexes: Vec<LogIndexRef>,
    /// The log after that up to `t`, oldest first; the last segment may reach further. Every
    /// transaction up to `t` is in a segment, so the log is readable for ever.
    pub log: Vec<SegmentRef>,
    /// The highest nodes of the runs, as they stand in their packs.
    pub inlined: Vec<Bytes>,
    /// The runs that tell where large values are, newest first.
    pub values: Vec<CheckpointRun>,
}

/// A checkpoint whose object is to be written before a root refers to it.
#[derive(Debug)]
#[must_use]
pub struct UnpublishedCheckpoint {
    /// How to refer to it.
    pub reference: CheckpointRef,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The object.
    pub object: Bytes,
}

impl Checkpoint {
    /// Makes the object of a checkpoint.
    ///
    /// # Errors
    /// When a reader would refuse it: the log has a gap, or something is newer than `t`.
    pub fn seal(self, name: ObjectName) -> Result<UnpublishedCheckpoint, StoreError> {
        let corrupt = |malformed: Malformed| malformed.within(format!("checkpoint {name}"));
        self.check().map_err(corrupt)?;
        let object = envelope::seal(Kind::Checkpoint, &self.to_stored().encode_to_vec());
        let hash = envelope::hash_of(&object).expect("a sealed object has a frame");
        let reference = CheckpointRef { name, t: self.t, bytes: object.len() as u64, hash };
        Ok(UnpublishedCheckpoint { reference, checkpoint: self, object })
    }

    /// Takes a checkpoint out of its object.
    ///
    /// # Errors
    /// `Corrupt` when it is not what the reference says, `TooNew` when newer software wrote it.
    pub fn open(
        id: DatabaseId,
        reference: &CheckpointRef,
        key: &Key,
        object: Bytes,
    ) -> Result<Self, StoreError> {
        let bytes = object.len();
        let payload = envelope::open(Kind::Checkpoint, key, object)?;
        let corrupt = |malformed: Malformed| malformed.within(key);
        malformed::same_hash(payload.hash, reference.hash).map_err(corrupt)?;
        malformed::same_length(bytes, reference.bytes).map_err(corrupt)?;
        let checkpoint = Self::parse(id, payload.bytes).map_err(corrupt)?;
        if checkpoint.t != reference.t {
            let expected = format!("transaction {}", reference.t);
            return Err(corrupt(Malformed::new(expected, checkpoint.t)));
        }
        Ok(checkpoint)
    }

    fn to_stored(&self) -> stored::Checkpoint {
        stored::Checkpoint {
            database_id: self.id.0.to_vec().into(),
            t: self.t.get(),
            instant: self.instant.millis(),
            sum: self.sum.0.to_vec().into(),
            indexes: checkpoint_run::encode_all(&self.runs),
            schema: encode_schema(&self.schema),
            avet_attributes: self.avet_attributes.iter().map(|a| a.get()).collect(),
            log: self.log.iter().map(|segment| segment.to_stored()).collect(),
            log_indexes: self.log_indexes.iter().map(|index| index.to_stored()).collect(),
            inlined: self.inlined.clone(),
            values: self.values.iter().map(checkpoint_run::encode).collect(),
        }
    }

    fn parse(id: DatabaseId, payload: Bytes) -> Result<Self, Malformed> {
        let message = stored::Checkpoint::decode(payload)?;
        malformed::same_database(&message.database_id, id)?;
        let attribute = |&a: &u64| value_codec::entity(a).map(AttributeId::from);
        let checkpoint = Self {
            id,
            t: malformed::t(message.t)?,
            instant: Instant::from_millis(message.instant),
            sum: LogSum::parse(&message.sum)?,
            runs: checkpoint_run::decode_all(message.indexes)?,
            schema: decode_schema(&message.schema)?,
            avet_attributes: message
                .avet_attributes
                .iter()
                .map(attribute)
                .collect::<Result<_, _>>()?,
            log_indexes: message
                .log_indexes
                .iter()
                .map(LogIndexRef::parse)
                .collect::<Result<_, _>>()?,
            log: message.log.iter().map(SegmentRef::parse).collect::<Result<_, _>>()?,
            inlined: message.inlined,
            values: checkpoint_run::decode_values(message.values)?,
        };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    fn check(&self) -> Result<(), Malformed> {
        let next = segment::after(log::after(0, &self.log_indexes)?, &self.log)?;
        if next <= self.t.get() {
            let expected = format!("a log up to transaction {}", self.t);
            return Err(Malformed::new(expected, format!("up to before {next}")));
        }
        let mut runs = self.runs.iter().chain(&self.values);
        if let Some(run) = runs.find(|run| run.tree.t_max > self.t) {
            let expected = format!("trees up to transaction {}", self.t);
            return Err(Malformed::new(expected, run.tree.t_max));
        }
        if !self.schema.is_sorted_by_key(|datom| datom.t)
            || self.schema.last().is_some_and(|datom| datom.t > self.t)
        {
            return Err(Malformed::new("schema in the order of its transactions", "another"));
        }
        match self.schema.iter().find(|datom| !builtin::defines_schema(datom.a)) {
            Some(datom) => Err(Malformed::new("schema", format!("attribute {}", datom.a))),
            None => Ok(()),
        }
    }

    /// What the trees are read through.
    pub(crate) fn nodes(&self, source: &Source) -> Nodes {
        let values = self.values.iter().map(|run| run.tree.clone()).collect();
        source.nodes.with_inlined(self.inlined.iter().cloned()).with_values(values)
    }

    /// The runs of one order and layer, newest first.
    pub(crate) fn runs_of(
        &self,
        order: Order,
        layer: Layer,
    ) -> impl DoubleEndedIterator<Item = &CheckpointRun> {
        self.runs.iter().filter(move |run| (run.tree.order, run.tree.layer) == (order, layer))
    }
}

fn encode_schema(datoms: &[Datom]) -> Vec<stored::SchemaDatom> {
    let mut previous = 0;
    let encode = |datom: &Datom| {
        let entity_delta = datom.e.get().wrapping_sub(previous) as i64;
        previous = datom.e.get();
        stored::SchemaDatom {
            entity_delta,
            attribute: datom.a.get(),
            value: Some(value_codec::encode(&datom.v)),
            t: datom.t.get(),
            added: datom.added,
        }
    };
    datoms.iter().map(encode).collect()
}

fn decode_schema(datoms: &[stored::SchemaDatom]) -> Result<Vec<Datom>, Malformed> {
    let mut previous = 0_u64;
    let decode = |datom: &stored::SchemaDatom| {
        previous = previous.wrapping_add(datom.entity_delta as u64);
        Ok(Datom {
            e: value_codec::entity(previous)?,
            a: AttributeId::from(value_codec::entity(datom.attribute)?),
            v: value_codec::decode(datom.value.as_ref())?,
            t: malformed::t(datom.t)?,
            added: datom.added,
        })
    };
    datoms.iter().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, ID, flips, mutate};

    fn key() -> Key {
        Key::new("cat/checkpoint")
    }

    #[test]
    fn checkpoints_round_trip() {
        let checkpoint = fixtures::checkpoint();
        let sealed = checkpoint.clone().seal(fixtures::name(9)).unwrap();
        let opened =
            Checkpoint::open(ID, &sealed.reference, &key(), sealed.object.clone()).unwrap();
        assert_eq!(opened, checkpoint);

        let other = CheckpointRef { t: T::GENESIS, ..sealed.reference };
        assert!(Checkpoint::open(ID, &other, &key(), sealed.object.clone()).is_err());
        let other = DatabaseId([1; 16]);
        let error = Checkpoint::open(other, &sealed.reference, &key(), sealed.object).unwrap_err();
        assert!(error.to_string().starts_with("cat/checkpoint: corrupt: expected database 01"));
    }

    #[test]
    fn a_checkpoint_has_the_whole_log_and_nothing_newer() {
        let refused = |change: fn(&mut Checkpoint)| {
            let mut checkpoint = fixtures::checkpoint();
            change(&mut checkpoint);
            checkpoint.seal(fixtures::name(9)).unwrap_err().to_string()
        };
        assert!(refused(|c| c.log.clear()).contains("a log up to transaction 2"));
        assert!(refused(|c| c.log[0].t_first = T::new(1).unwrap()).contains("transaction 0"));
        assert!(refused(|c| c.runs[0].tree.t_max = T::MAX).contains("trees up to transaction 2"));
        assert!(refused(|c| c.schema[0].t = T::MAX).contains("schema in the order"));
        assert!(refused(|c| c.schema[0].a = builtin::TX_INSTANT).contains("attribute 8"));
    }

    proptest! {
        #[test]
        fn mutated_checkpoints_decode_or_are_refused(flips in flips()) {
            let payload = fixtures::checkpoint().to_stored().encode_to_vec();
            if let Ok(checkpoint) = Checkpoint::parse(ID, mutate(payload, flips)) {
                let payload = checkpoint.to_stored().encode_to_vec();
                prop_assert_eq!(Checkpoint::parse(ID, payload.into()), Ok(checkpoint));
            }
        }
    }
}
