//! The root: the small, numbered object that makes transactions visible.

use std::fmt;

use bytes::Bytes;
use duramen_model::{Instant, T};
use duramen_proto::stored;
use duramen_store::StoreError;
use duramen_store::envelope::{self, ContentHash, Kind, Payload};
use duramen_store::layout::{BranchName, DatabaseId, ObjectName, WriterId};
use prost::Message;

use crate::limits::{ADDRESS_BYTES_MAX, ROOT_SEGMENTS_MAX, TAIL_BYTES_MAX};
use crate::logged_tx::parse_stretch;
use crate::malformed::{self, Malformed, fixed};
use crate::{LogSum, LoggedTx, NextIds, SegmentRef, segment};

/// What a root says. Nothing in it grows with the history of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Which root it is.
    pub place: RootPlace,
    /// The generation of the writer.
    pub epoch: u64,
    /// Drawn for this root: how a writer knows its own.
    pub nonce: [u8; 16],
    /// The hash of the root before; root 0 has none.
    pub previous: Option<ContentHash>,
    /// What is still retained.
    pub floor: Floor,
    /// Who wrote it.
    pub writer: Writer,
    /// The newest transaction.
    pub t: T,
    /// The instant of the newest transaction.
    pub instant: Instant,
    /// The ids that the next new entities get.
    pub next_ids: NextIds,
    /// What was merged; none before the first merge.
    pub checkpoint: Option<CheckpointRef>,
    /// The segments that the checkpoint does not cover, oldest first.
    pub segments: Vec<SegmentRef>,
    /// The sum over all transactions, from 0 to `t`.
    pub sum: LogSum,
    /// The newest transactions, up to `t`.
    pub tail: Vec<LoggedTx>,
    /// The database was dropped: no root follows.
    pub dropped: bool,
    /// Which request ids the writer remembers; all of them where it does not say.
    pub requests: Option<RequestWindow>,
}

/// Which request ids a writer remembers: those of the transactions from `since` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestWindow {
    /// The first transaction whose request id is remembered.
    pub since: T,
    /// The newest time in the ids of the transactions before; `None` when they had none.
    pub horizon: Option<Instant>,
}

/// Which root: the same bytes in another place are damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlace {
    /// The database.
    pub id: DatabaseId,
    /// The branch.
    pub branch: BranchName,
    /// The number: one more than that of the root before.
    pub n: u64,
}

/// What is still retained: nothing below is promised to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The lowest root.
    pub n: u64,
    /// The earliest transaction.
    pub t: T,
}

/// Who wrote a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Drawn when the writer claimed the epoch.
    pub id: WriterId,
    /// Where it answers, for those who look for it; may be empty.
    pub address: String,
    /// It has let go: another may claim at once.
    pub released: bool,
}

/// A reference to a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointRef {
    /// What the object is called.
    pub name: ObjectName,
    /// The newest transaction that is merged.
    pub t: T,
    /// The length of the object.
    pub bytes: u64,
    /// The hash of the object.
    pub hash: ContentHash,
}

/// A root as it was read, with the hash that the next one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRoot {
    /// What it says.
    pub root: Root,
    /// The hash of the object.
    pub hash: ContentHash,
    /// The object itself, for a copy in HEAD.
    pub object: Bytes,
}

impl RootPlace {
    /// The root after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { n: self.n.saturating_add(1), ..self.clone() }
    }

    fn context(&self) -> Vec<u8> {
        [&self.id.0, self.branch.as_str().as_bytes(), b"/", &self.n.to_be_bytes()[..]].concat()
    }
}

impl Root {
    /// Makes the object of a root.
    ///
    /// # Errors
    /// When a reader would refuse it: a bound is broken, or a transaction is missing between
    /// checkpoint, segments and tail.
    pub fn seal(&self) -> Result<Bytes, StoreError> {
        self.check().map_err(|malformed| malformed.within(format!("root {}", self.place.n)))?;
        let payload = self.to_stored().encode_to_vec();
        Ok(envelope::seal_bound_compressed(Kind::Root, &self.place.context(), &payload))
    }

    fn to_stored(&self) -> stored::Root {
        stored::Root {
            database_id: self.place.id.0.to_vec().into(),
            branch: self.place.branch.to_string(),
            n: self.place.n,
            epoch: self.epoch,
            nonce: self.nonce.to_vec().into(),
            previous_hash: self.previous.map_or_else(Bytes::new, |hash| hash.0.to_vec().into()),
            floor: Some(stored::Floor { n: self.floor.n, t: self.floor.t.get() }),
            writer: Some(stored::Writer {
                id: self.writer.id.0.to_vec().into(),
                address: self.writer.address.clone(),
                released: self.writer.released,
            }),
            t: self.t.get(),
            instant: self.instant.millis(),
            next_ids: Some(stored::NextIds {
                attribute: self.next_ids.attribute,
                user: self.next_ids.user,
            }),
            checkpoint: self.checkpoint.map(CheckpointRef::to_stored),
            segments: self.segments.iter().map(|segment| segment.to_stored()).collect(),
            sum: self.sum.0.to_vec().into(),
            tail: self.tail.iter().map(|tx| tx.bytes().clone()).collect(),
            dropped: self.dropped,
            requests: self.requests.map(|window| stored::RequestWindow {
                since_t: window.since.get(),
                horizon: window.horizon.map(Instant::millis),
            }),
        }
    }

    /// Verifies the object of a root, decodes and checks it. `object` is its name, for errors.
    ///
    /// # Errors
    /// `Corrupt` when it is not that root, `TooNew` when newer software wrote it.
    pub fn open(
        place: &RootPlace,
        object: impl fmt::Display,
        bytes: Bytes,
    ) -> Result<OpenedRoot, StoreError> {
        let payload = envelope::open_bound(Kind::Root, &place.context(), &object, bytes.clone())?;
        let Payload { bytes: payload, hash, .. } = payload;
        let root = Self::parse(place, payload).map_err(|malformed| malformed.within(&object))?;
        Ok(OpenedRoot { root, hash, object: bytes })
    }

    fn parse(place: &RootPlace, payload: Bytes) -> Result<Self, Malformed> {
        let message = stored::Root::decode(payload)?;
        malformed::same_database(&message.database_id, place.id)?;
        if (message.branch.as_str(), message.n) != (place.branch.as_str(), place.n) {
            let found = format!("root {} of branch {:?}", message.n, message.branch);
            return Err(Malformed::new(format!("root {}", place.n), found));
        }
        let root = Self::convert(place.clone(), message)?;
        root.check()?;
        Ok(root)
    }

    fn convert(place: RootPlace, message: stored::Root) -> Result<Self, Malformed> {
        let missing = |what| move || Malformed::new(what, "none");
        let floor = message.floor.ok_or_else(missing("a floor"))?;
        let writer = message.writer.ok_or_else(missing("a writer"))?;
        let next_ids = message.next_ids.ok_or_else(missing("the next ids"))?;
        let previous = match message.previous_hash.is_empty() {
            true => None,
            false => Some(ContentHash(fixed(&message.previous_hash, "a hash")?)),
        };
        Ok(Self {
            place,
            epoch: message.epoch,
            nonce: fixed(&message.nonce, "a nonce")?,
            previous,
            floor: Floor { n: floor.n, t: malformed::t(floor.t)? },
            writer: Writer {
                id: WriterId(fixed(&writer.id, "a writer id")?),
                address: writer.address,
                released: writer.released,
            },
            t: malformed::t(message.t)?,
            instant: Instant::from_millis(message.instant),
            next_ids: NextIds { attribute: next_ids.attribute, user: next_ids.user },
            checkpoint: message.checkpoint.as_ref().map(CheckpointRef::parse).transpose()?,
            segments: message.segments.iter().map(SegmentRef::parse).collect::<Result<_, _>>()?,
            sum: LogSum::parse(&message.sum)?,
            tail: parse_stretch(message.tail)?,
            dropped: message.dropped,
            requests: message.requests.as_ref().map(RequestWindow::parse).transpose()?,
        })
    }

    /// Checks what every root keeps to, whoever makes it.
    fn check(&self) -> Result<(), Malformed> {
        bounded("segments", self.segments.len(), ROOT_SEGMENTS_MAX)?;
        bounded("bytes of an address", self.writer.address.len(), ADDRESS_BYTES_MAX)?;
        bounded("bytes of tail", self.tail_bytes(), TAIL_BYTES_MAX)?;
        if self.previous.is_some() != (self.place.n > 0) {
            return Err(Malformed::new("the hash of the root before, but in root 0", "otherwise"));
        }
        if self.floor.n > self.place.n || self.floor.t > self.t {
            let found = format!("root {} and transaction {}", self.floor.n, self.floor.t);
            return Err(Malformed::new("a floor at or below the root itself", found));
        }
        self.check_log()
    }

    /// Checks that checkpoint, segments and tail leave no gap, and end at `t`.
    fn check_log(&self) -> Result<(), Malformed> {
        let merged = self.checkpoint.map_or(0, |checkpoint| checkpoint.t.get() + 1);
        let mut next = segment::after(merged, &self.segments)?;
        if let (Some(first), Some(last)) = (self.tail.first(), self.tail.last()) {
            if first.t().get() > next {
                let found = format!("a tail from {} on", first.t());
                return Err(Malformed::new(format!("transaction {next}"), found));
            }
            if last.t() == self.t && last.record().instant != self.instant {
                return Err(Malformed::new("the instant of the newest transaction", "another"));
            }
            next = next.max(last.t().get() + 1);
        }
        match next.checked_sub(1) {
            Some(last) if last == self.t.get() => Ok(()),
            _ => {
                let expected = format!("the log up to transaction {}", self.t);
                Err(Malformed::new(expected, format!("up to before {next}")))
            }
        }
    }

    /// Bytes of encoded transactions in the tail.
    #[must_use]
    pub fn tail_bytes(&self) -> usize {
        self.tail.iter().map(|tx| tx.bytes().len()).sum()
    }
}

impl RequestWindow {
    fn parse(message: &stored::RequestWindow) -> Result<Self, Malformed> {
        let horizon = message.horizon.map(Instant::from_millis);
        Ok(Self { since: malformed::t(message.since_t)?, horizon })
    }
}

impl CheckpointRef {
    fn to_stored(self) -> stored::CheckpointRef {
        stored::CheckpointRef {
            name: self.name.to_string(),
            t: self.t.get(),
            bytes: self.bytes,
            hash: self.hash.0.to_vec().into(),
        }
    }

    fn parse(message: &stored::CheckpointRef) -> Result<Self, Malformed> {
        Ok(Self {
            name: malformed::name(&message.name)?,
            t: malformed::t(message.t)?,
            bytes: message.bytes,
            hash: ContentHash(fixed(&message.hash, "a hash")?),
        })
    }
}

fn bounded(what: &str, found: usize, max: usize) -> Result<(), Malformed> {
    match found <= max {
        true => Ok(()),
        false => Err(Malformed::new(format!("at most {max} {what}"), found)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, flips, mutate};

    fn reopen(root: &Root) -> Result<OpenedRoot, StoreError> {
        Root::open(&root.place, "the root", root.seal()?)
    }

    #[test]
    fn roots_round_trip() {
        let root = fixtures::root();
        let opened = reopen(&root).unwrap();
        assert_eq!(opened.root, root);
        assert_eq!(Some(opened.hash), envelope::hash_of(&root.seal().unwrap()));
        let bare = Root { checkpoint: None, requests: None, ..fixtures::genesis_root() };
        assert_eq!(reopen(&bare).unwrap().root, bare);
    }

    #[test]
    fn a_root_is_right_in_its_place_only() {
        let root = fixtures::root();
        let object = root.seal().unwrap();
        let place = &root.place;
        let elsewhere = [
            place.next(),
            RootPlace { id: DatabaseId([1; 16]), ..place.clone() },
            RootPlace { branch: BranchName::new("dev").unwrap(), ..place.clone() },
        ];
        for place in elsewhere {
            let error = Root::open(&place, "cat/root", object.clone()).unwrap_err();
            assert!(error.to_string().starts_with("cat/root: corrupt"), "{error}");
        }
    }

    #[test]
    fn a_root_with_a_gap_or_without_bounds_is_neither_written_nor_read() {
        let refused = |change: fn(&mut Root)| {
            let mut root = fixtures::root();
            change(&mut root);
            let error = root.seal().unwrap_err().to_string();
            // The reader checks the same, whatever the writer did.
            let payload = root.to_stored().encode_to_vec();
            Root::parse(&root.place, payload.into()).unwrap_err();
            error
        };
        assert!(refused(|root| root.checkpoint = None).contains("expected transaction 0"));
        assert!(refused(|root| root.segments.clear()).contains("expected transaction 3"));
        assert!(refused(|root| root.tail.clear()).contains("the log up to transaction 6"));
        assert!(refused(|root| root.t = T::new(7).unwrap()).contains("up to transaction 7"));
        assert!(refused(|root| root.previous = None).contains("the hash of the root before"));
        assert!(refused(|root| root.floor.n = 99).contains("a floor"));
        assert!(refused(|root| root.instant = Instant::from_millis(1)).contains("the instant"));
        assert!(
            refused(|root| root.writer.address = "x".repeat(ADDRESS_BYTES_MAX + 1))
                .contains("bytes of an address")
        );
        assert!(
            refused(|root| root.segments = vec![root.segments[0]; ROOT_SEGMENTS_MAX + 1])
                .contains("1024 segments")
        );
    }

    #[test]
    fn overlap_is_no_gap() {
        let mut root = fixtures::root();
        root.segments[0].t_first = T::GENESIS;
        root.segments[0].t_last = T::new(5).unwrap();
        assert_eq!(reopen(&root).unwrap().root, root);
    }

    proptest! {
        #[test]
        fn mutated_roots_decode_or_are_refused(flips in flips()) {
            let root = fixtures::root();
            let payload = mutate(root.to_stored().encode_to_vec(), flips);
            if let Ok(mutated) = Root::parse(&root.place, payload) {
                let payload = mutated.to_stored().encode_to_vec();
                prop_assert_eq!(Root::parse(&root.place, payload.into()), Ok(mutated));
            }
        }
    }
}
