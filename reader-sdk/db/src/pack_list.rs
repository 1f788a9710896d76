//! Pack lists: which packs the runs of a merge are in, and how much of each they use. Whoever
//! collects, copies or verifies a database reads them instead of its trees; queries never do.

use std::collections::BTreeMap;

use bytes::Bytes;
use duramen_index::{LiveBytes, Nodes, Tree};
use duramen_proto::stored;
use duramen_store::envelope::{self, ContentHash, HEADER_BYTES, Kind};
use duramen_store::layout::{DatabaseId, ObjectName};
use duramen_store::{Key, StoreError};
use prost::Message;

use crate::DbError;
use crate::malformed::{self, Malformed, fixed};

/// A pack that nodes of a run are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackUse {
    /// What the pack is called.
    pub name: ObjectName,
    /// The length of the pack.
    pub bytes: u64,
    /// The sum of the lengths of the run's nodes in it; at least 1.
    pub live_bytes: u64,
}

/// The packs of the runs that one merge made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackList {
    /// The database.
    pub id: DatabaseId,
    /// The packs of each run, in the order of their names.
    pub runs: Vec<Vec<PackUse>>,
}

/// A reference to the packs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPacksRef {
    /// What the pack list is called.
    pub name: ObjectName,
    /// The length of the pack list.
    pub bytes: u64,
    /// The hash of the pack list.
    pub hash: ContentHash,
    /// The place of the run in it.
    pub place: u32,
    /// What the run takes up, in bytes; 0 in what old software wrote.
    pub live_bytes: u64,
    /// When the run was made: its share of what no run needs of those of its packs that are
    /// sparse, in bytes.
    pub idle_bytes: u64,
}

impl PackList {
    /// Makes the object, and a reference to its first run: the others differ in their place and
    /// in what they take up.
    ///
    /// # Errors
    /// When a reader would refuse it.
    pub fn seal(&self, name: ObjectName) -> Result<(RunPacksRef, Bytes), StoreError> {
        let corrupt = |malformed: Malformed| malformed.within(format!("pack list {name}"));
        self.check().map_err(corrupt)?;
        let object = envelope::seal(Kind::PackList, &self.to_stored().encode_to_vec());
        let hash = envelope::hash_of(&object).expect("a sealed object has a frame");
        let (bytes, place, live_bytes) = (object.len() as u64, 0, self.live_bytes(0));
        Ok((RunPacksRef { name, bytes, hash, place, live_bytes, idle_bytes: 0 }, object))
    }

    /// Takes a pack list out of its object.
    ///
    /// # Errors
    /// `Corrupt` when it is not what the reference says, `TooNew` when newer software wrote it.
    pub fn open(
        id: DatabaseId,
        reference: &RunPacksRef,
        key: &Key,
        object: Bytes,
    ) -> Result<Self, StoreError> {
        let bytes = object.len();
        let payload = envelope::open(Kind::PackList, key, object)?;
        let corrupt = |malformed: Malformed| malformed.within(key);
        malformed::same_hash(payload.hash, reference.hash).map_err(corrupt)?;
        malformed::same_length(bytes, reference.bytes).map_err(corrupt)?;
        Self::parse(id, payload.bytes).map_err(corrupt)
    }

    /// The packs of the run that a reference is about.
    ///
    /// # Errors
    /// `Corrupt` when there is no such run.
    pub fn run(&self, reference: &RunPacksRef, key: &Key) -> Result<&[PackUse], StoreError> {
        let place = usize::try_from(reference.place).unwrap_or(usize::MAX);
        let run = self.runs.get(place).map(Vec::as_slice);
        run.ok_or_else(|| {
            let expected = format!("more than {} runs", reference.place);
            Malformed::new(expected, self.runs.len()).within(key)
        })
    }

    /// What a run takes up.
    #[must_use]
    pub fn live_bytes(&self, place: u32) -> u64 {
        let run = usize::try_from(place).ok().and_then(|place| self.runs.get(place));
        run.into_iter().flatten().fold(0, |sum: u64, pack| sum.saturating_add(pack.live_bytes))
    }

    fn to_stored(&self) -> stored::PackList {
        let encode = |pack: &PackUse| stored::PackUse {
            pack: pack.name.to_string(),
            bytes: pack.bytes,
            live_bytes: pack.live_bytes,
        };
        let runs = self.runs.iter();
        stored::PackList {
            database_id: self.id.0.to_vec().into(),
            runs: runs
                .map(|packs| stored::RunPacks { packs: packs.iter().map(encode).collect() })
                .collect(),
        }
    }

    fn parse(id: DatabaseId, payload: Bytes) -> Result<Self, Malformed> {
        let message = stored::PackList::decode(payload)?;
        malformed::same_database(&message.database_id, id)?;
        let decode = |pack: &stored::PackUse| {
            Ok(PackUse {
                name: malformed::name(&pack.pack)?,
                bytes: pack.bytes,
                live_bytes: pack.live_bytes,
            })
        };
        let runs = message.runs.iter();
        let runs = runs.map(|run| run.packs.iter().map(decode).collect::<Result<_, Malformed>>());
        let list = Self { id, runs: runs.collect::<Result<_, _>>()? };
        list.check()?;
        Ok(list)
    }

    fn check(&self) -> Result<(), Malformed> {
        for packs in &self.runs {
            // As text, which is how trees name them.
            if !packs.is_sorted_by(|x, y| x.name.to_string() < y.name.to_string()) {
                return Err(Malformed::new("packs in the order of their names", "another"));
            }
            let payload = |pack: &PackUse| pack.bytes.saturating_sub(HEADER_BYTES as u64);
            let fits = |pack: &PackUse| (1..=payload(pack)).contains(&pack.live_bytes);
            if let Some(pack) = packs.iter().find(|pack| !fits(pack)) {
                let expected = format!("live bytes within pack {}", pack.name);
                let found = format!("{} of {}", pack.live_bytes, pack.bytes);
                return Err(Malformed::new(expected, found));
            }
        }
        Ok(())
    }
}

impl RunPacksRef {
    pub(crate) fn to_stored(self) -> stored::RunPacksRef {
        stored::RunPacksRef {
            name: self.name.to_string(),
            bytes: self.bytes,
            hash: self.hash.0.to_vec().into(),
            place: self.place,
            live_bytes: self.live_bytes,
            idle_bytes: self.idle_bytes,
        }
    }

    pub(crate) fn parse(message: &stored::RunPacksRef) -> Result<Self, Malformed> {
        Ok(Self {
            name: malformed::name(&message.name)?,
            bytes: message.bytes,
            hash: ContentHash(fixed(&message.hash, "a hash")?),
            place: message.place,
            live_bytes: message.live_bytes,
            idle_bytes: message.idle_bytes,
        })
    }
}

/// What a pack list says of a run, as a walk through its tree would say it.
#[must_use]
pub fn listed_bytes(packs: &[PackUse]) -> LiveBytes {
    let names: Vec<String> = packs.iter().map(|pack| pack.name.to_string()).collect();
    names.iter().map(String::as_str).zip(packs.iter().map(|pack| pack.live_bytes)).collect()
}

/// Compares what a pack list says of a run with its tree, all branches of which are read.
/// The differences, in words; none when the list is right.
///
/// # Errors
/// When a branch cannot be loaded, or is damaged.
pub async fn compare(
    packs: &[PackUse],
    tree: &Tree,
    nodes: &Nodes,
) -> Result<Vec<String>, DbError> {
    let (listed, found) = (listed_bytes(packs), LiveBytes::of_tree(tree, nodes).await?);
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    names.extend(listed.iter().chain(found.iter()).map(|(pack, _)| (pack, ())));
    let differs = |pack: &&str| listed.of(pack) != found.of(pack);
    let differences = names.into_keys().filter(differs).map(|pack| {
        let (listed, found) = (listed.of(pack), found.of(pack));
        format!("pack {pack}: {listed} live bytes are listed, the tree has {found}")
    });
    Ok(differences.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::fixtures::{self, ID, flips, mutate, pack_list};

    #[test]
    fn pack_lists_round_trip() {
        let key = Key::new("cat/pack-list");
        let (reference, object) = pack_list().seal(fixtures::name(9)).unwrap();
        let opened = PackList::open(ID, &reference, &key, object.clone()).unwrap();
        assert_eq!(opened, pack_list());
        assert_eq!(opened.run(&reference, &key).unwrap(), &pack_list().runs[0]);
        let beyond = RunPacksRef { place: 2, ..reference };
        assert!(opened.run(&beyond, &key).unwrap_err().to_string().contains("more than 2 runs"));
        assert!(PackList::open(DatabaseId([1; 16]), &reference, &key, object.clone()).is_err());
        let other = RunPacksRef { hash: ContentHash([9; 32]), ..reference };
        assert!(PackList::open(ID, &other, &key, object).is_err());
    }

    #[test]
    fn a_pack_list_makes_sense() {
        let refused = |change: fn(&mut Vec<PackUse>)| {
            let mut list = pack_list();
            change(&mut list.runs[0]);
            list.seal(fixtures::name(9)).unwrap_err().to_string()
        };
        assert!(refused(|packs| packs.reverse()).contains("the order of their names"));
        assert!(refused(|packs| packs[0].live_bytes = 0).contains("live bytes within"));
        assert!(refused(|packs| packs[0].live_bytes = 10_000).contains("live bytes within"));
    }

    proptest! {
        #[test]
        fn mutated_pack_lists_decode_or_are_refused(flips in flips()) {
            let payload = pack_list().to_stored().encode_to_vec();
            if let Ok(list) = PackList::parse(ID, mutate(payload, flips)) {
                let payload = list.to_stored().encode_to_vec();
                prop_assert_eq!(PackList::parse(ID, payload.into()), Ok(list));
            }
        }
    }
}
