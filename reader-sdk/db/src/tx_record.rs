//! The record of a transaction: what the log is made of.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use duramen_model::{AttributeId, Datom, EntityId, Instant, T, Value, builtin};
use duramen_proto::stored;
use duramen_store::StoreError;
use prost::Message;
use uuid::Uuid;

use crate::malformed::{self, Malformed, fixed};
use crate::value_codec;

/// A transaction as the log keeps it. The tail of a root and a segment hold the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxRecord {
    /// Its number.
    pub t: T,
    /// When it took place; also the value of its `:db/txInstant`, which is among the changes.
    pub instant: Instant,
    /// The id of the request that it answers.
    pub request_id: Option<Uuid>,
    /// BLAKE3 of the request; zeros when there was none.
    pub digest: [u8; 32],
    /// What the temporary ids of the request became.
    pub tempids: BTreeMap<String, EntityId>,
    /// The datoms, in the order of the report.
    pub changes: Vec<Change>,
}

/// A datom of a transaction. An `(e a v)` occurs at most once in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was said.
    pub datom: Datom,
    /// For a retraction, and only for one: the `t` that asserted the fact.
    pub closes: Option<T>,
}

impl Change {
    /// An assertion of a fact that is not open.
    #[must_use]
    pub fn assert(e: EntityId, a: AttributeId, v: impl Into<Value>, t: T) -> Self {
        Self { datom: Datom { e, a, v: v.into(), t, added: true }, closes: None }
    }

    /// A retraction of a fact that is open since `closes`.
    #[must_use]
    pub fn retract(e: EntityId, a: AttributeId, v: impl Into<Value>, t: T, closes: T) -> Self {
        Self { datom: Datom { e, a, v: v.into(), t, added: false }, closes: Some(closes) }
    }
}

impl TxRecord {
    /// The transaction that every database is born with.
    #[must_use]
    pub fn genesis() -> Self {
        let t = T::GENESIS;
        let instant = Instant::from_millis(0);
        let schema = builtin::datoms().into_iter().map(|datom| Change { datom, closes: None });
        let own = Change::assert(t.entity(), builtin::TX_INSTANT, instant, t);
        Self {
            t,
            instant,
            request_id: None,
            digest: [0; 32],
            tempids: BTreeMap::new(),
            changes: schema.chain([own]).collect(),
        }
    }

    /// The datoms.
    pub fn datoms(&self) -> impl Iterator<Item = &Datom> {
        self.changes.iter().map(|change| &change.datom)
    }

    /// Encodes the record. The bytes are kept: the running sum of the log is over them.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let tempid = |(name, e): (&String, &EntityId)| stored::Tempid {
            name: name.clone(),
            entity: e.get(),
        };
        let message = stored::TxRecord {
            t: self.t.get(),
            instant: self.instant.millis(),
            request_id: self.request_id.map_or_else(Bytes::new, |id| id.as_bytes().to_vec().into()),
            digest: match self.digest {
                digest if digest == [0; 32] => Bytes::new(),
                digest => digest.to_vec().into(),
            },
            tempids: self.tempids.iter().map(tempid).collect(),
            changes: encode_changes(&self.changes),
        };
        message.encode_to_vec().into()
    }

    /// Decodes a record, and checks it. `object` is where the bytes come from, for errors.
    ///
    /// # Errors
    /// `Corrupt` when no transactor can have made the record.
    pub fn decode(object: impl fmt::Display, bytes: Bytes) -> Result<Self, StoreError> {
        Self::parse(bytes).map_err(|malformed| malformed.within(object))
    }

    pub(crate) fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        let message = stored::TxRecord::decode(bytes)?;
        let t = malformed::t(message.t)?;
        let record = Self {
            t,
            instant: Instant::from_millis(message.instant),
            request_id: match message.request_id.is_empty() {
                true => None,
                false => Some(Uuid::from_bytes(fixed(&message.request_id, "a request id")?)),
            },
            digest: match message.digest.is_empty() {
                true => [0; 32],
                false => fixed(&message.digest, "a digest")?,
            },
            tempids: message.tempids.into_iter().map(decode_tempid).collect::<Result<_, _>>()?,
            changes: decode_changes(&message.changes, t)?,
        };
        record.check()?;
        Ok(record)
    }

    /// Checks what every record keeps to: a datom has the `t` of its transaction, a retraction
    /// closes an older fact, and there is an instant.
    pub(crate) fn check(&self) -> Result<(), Malformed> {
        self.changes.iter().try_for_each(|change| self.check_change(change))?;
        let own = |datom: &Datom| {
            datom.e == self.t.entity() && datom.a == builtin::TX_INSTANT && datom.added
        };
        match self.datoms().filter(|datom| own(datom)).map(|datom| &datom.v).collect::<Vec<_>>()[..]
        {
            [Value::Instant(instant)] if *instant == self.instant => Ok(()),
            _ => Err(Malformed::new("one :db/txInstant, that of the record", "another")),
        }
    }

    fn check_change(&self, change: &Change) -> Result<(), Malformed> {
        let datom = &change.datom;
        if datom.t != self.t {
            return Err(Malformed::new(format!("datoms of transaction {}", self.t), datom.t));
        }
        match (datom.added, change.closes) {
            (true, None) => {}
            (false, Some(closes)) if closes < self.t => {}
            (added, closes) => {
                let found = format!("added {added}, closes {closes:?}");
                return Err(Malformed::new("a retraction, and only that, closing the past", found));
            }
        }
        value_codec::check(&datom.v)
    }
}

fn encode_changes(changes: &[Change]) -> Vec<stored::Change> {
    let mut previous = 0;
    let encode = |change: &Change| {
        let e = change.datom.e.get();
        // Ids are under 2^53, so the difference fits.
        let entity_delta = e.wrapping_sub(previous) as i64;
        previous = e;
        stored::Change {
            entity_delta,
            attribute: change.datom.a.get(),
            value: Some(value_codec::encode(&change.datom.v)),
            closes: change.closes.map(T::get),
        }
    };
    changes.iter().map(encode).collect()
}

fn decode_changes(changes: &[stored::Change], t: T) -> Result<Vec<Change>, Malformed> {
    let mut previous = 0_u64;
    let decode = |change: &stored::Change| {
        previous = previous.wrapping_add(change.entity_delta as u64);
        let closes = change.closes.map(malformed::t).transpose()?;
        let datom = Datom {
            e: value_codec::entity(previous)?,
            a: AttributeId::from(value_codec::entity(change.attribute)?),
            v: value_codec::decode(change.value.as_ref())?,
            t,
            added: closes.is_none(),
        };
        Ok(Change { datom, closes })
    };
    changes.iter().map(decode).collect()
}

fn decode_tempid(tempid: stored::Tempid) -> Result<(String, EntityId), Malformed> {
    Ok((tempid.name, value_codec::entity(tempid.entity)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value_codec::tests::any_value;

    fn t(number: u64) -> T {
        T::new(number).unwrap()
    }

    prop_compose! {
        fn any_record()(
            number in 1..1_u64 << 48,
            millis: i64,
            request_id in prop::option::of(any::<u128>()),
            digest: [u8; 32],
            tempids in prop::collection::btree_map(".{0,4}", 0..1_u64 << 53, 0..3),
            changes in prop::collection::vec(
                (0..1_u64 << 53, 0..1_u64 << 53, any_value(), prop::option::of(0..u64::MAX)), 0..6),
        ) -> TxRecord {
            let id = |number| EntityId::new(number).unwrap();
            let own = Change::assert(
                t(number).entity(), builtin::TX_INSTANT, Instant::from_millis(millis), t(number));
            let change = |(e, a, v, closes): (u64, u64, Value, Option<u64>)| match closes {
                Some(closes) => {
                    Change::retract(id(e), id(a).into(), v, t(number), t(closes % number))
                }
                None => Change::assert(id(e), AttributeId::FIRST_USER, v, t(number)),
            };
            TxRecord {
                t: t(number),
                instant: Instant::from_millis(millis),
                request_id: request_id.map(Uuid::from_u128),
                digest,
                tempids: tempids.into_iter().map(|(name, e)| (name, id(e))).collect(),
                changes: changes.into_iter().map(change).chain([own]).collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn records_round_trip(record in any_record()) {
            prop_assert_eq!(TxRecord::decode("x", record.encode()).unwrap(), record);
        }

        #[test]
        fn mutated_records_decode_or_are_refused(
            record in any_record(),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = record.encode().to_vec();
            for (place, byte) in flips {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(record) = TxRecord::parse(bytes.into()) {
                prop_assert_eq!(TxRecord::parse(record.encode()).unwrap(), record);
            }
        }
    }

    #[test]
    fn genesis_is_a_record_like_any_other() {
        let genesis = TxRecord::genesis();
        assert_eq!(TxRecord::decode("x", genesis.encode()).unwrap(), genesis);
    }

    #[test]
    fn a_retraction_closes_the_past() {
        let mut record = TxRecord::genesis();
        record.t = t(1);
        record.changes =
            vec![Change::assert(t(1).entity(), builtin::TX_INSTANT, record.instant, t(1))];
        record.check().unwrap();
        let e = EntityId::constant(9);
        record.changes.push(Change::retract(e, builtin::DOC, "x", t(1), t(0)));
        record.check().unwrap();
        record.changes.push(Change::retract(e, builtin::DOC, "y", t(1), t(1)));
        assert!(TxRecord::decode("x", record.encode()).is_err());
    }
}
