//! Damage of every kind to an object of every kind: who needs the object gets an error that
//! names it and says what was expected, everyone else is answered, and verification finds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use duramen_index::KeyRange;
use duramen_model::{Datom, Order, T};
use duramen_store::envelope::Kind;
use duramen_store::layout::DatabaseFolder;
use duramen_store::{Key, ReadStore, WriteStore};

use super::bucket::{Bucket, small_nodes};
use super::verifying::try_verify;
use super::{block_on, sample_txs};
use crate::{CheckpointRef, DbError, Snapshot, TxRecord};

#[derive(Debug, Clone, Copy)]
enum Damage {
    FlippedBit(usize),
    CutShort(usize),
    Empty,
    Longer,
    Missing,
    /// In the place of another of its kind.
    Swapped,
}

const DAMAGES: [Damage; 10] = [
    Damage::FlippedBit(3),
    Damage::FlippedBit(9),
    Damage::FlippedBit(40),
    Damage::FlippedBit(60),
    Damage::FlippedBit(120),
    Damage::CutShort(1),
    Damage::Empty,
    Damage::Longer,
    Damage::Missing,
    Damage::Swapped,
];

/// Paths of objects that the newest root needs, one of each kind, and the packs of large values.
async fn needed(bucket: &Bucket) -> Vec<(Kind, String)> {
    let (snapshot, contents) = (bucket.open().await, bucket.contents());
    let checkpoint = snapshot.db().facts().checkpoint.clone().unwrap();
    let reference = bucket.root.root.checkpoint.unwrap();
    let listed = checkpoint.runs.iter().find_map(|run| run.packs);
    let claim = DatabaseFolder::new(&bucket.name).claim(0);
    let keys = [
        (Kind::Claim, Some(claim)),
        (Kind::Head, Some(bucket.head_key())),
        (Kind::Root, Some(bucket.key())),
        (Kind::Checkpoint, Some(contents.checkpoint(reference.name))),
        (Kind::Segment, checkpoint.log.first().map(|segment| contents.segment(segment.name))),
        (Kind::LogIndex, checkpoint.log_indexes.first().map(|i| contents.log_index(i.name))),
        (Kind::Pack, checkpoint.runs.first().map(|run| contents.packs().join(&run.tree.top.pack))),
        (Kind::PackList, listed.map(|list| contents.pack_list(list.name))),
    ];
    let values = checkpoint.values.first().expect("a run of large values");
    let lists = snapshot.db().facts().source.as_ref().unwrap();
    let of_values = values.packs.unwrap();
    let list = lists.pack_list(&of_values).await.unwrap();
    let packs = list.run(&of_values, &bucket.key()).unwrap().iter().map(|p| p.name.to_string());
    let packs = packs.map(|pack| (Kind::Pack, contents.packs().join(&pack)));
    let keys = keys.into_iter().map(|(kind, key)| (kind, key.expect("one of every kind")));
    keys.chain(packs).map(|(kind, key)| (kind, key.path().to_owned())).collect()
}

/// A database that has an object of every kind, two of most.
async fn bucket() -> Bucket {
    let mut bucket = Bucket::create().await;
    for (number, records) in sample_txs(60).chunks(6).enumerate() {
        bucket.transact(records).await;
        bucket.spill(0).await;
        if number % 3 == 2 {
            bucket.merge(&small_nodes()).await;
        }
    }
    bucket.hint().await;
    bucket
}

/// Everything in the bucket, to put it back.
async fn objects(bucket: &Bucket) -> BTreeMap<String, Bytes> {
    let mut objects = BTreeMap::new();
    for key in bucket.store.list(&Key::new(""), usize::MAX).await.unwrap() {
        let bytes = bucket.store.get(&key).await.unwrap().unwrap();
        objects.insert(key.path().to_owned(), bytes);
    }
    objects
}

/// A copy of a bucket with one object damaged.
async fn damaged(
    bucket: &Bucket,
    objects: &BTreeMap<String, Bytes>,
    path: &str,
    damage: Damage,
) -> Bucket {
    let copy = bucket.emptied();
    for (other, bytes) in objects {
        let bytes = match other == path {
            true => spoil(objects, path, bytes, damage),
            false => Some(bytes.clone()),
        };
        if let Some(bytes) = bytes {
            copy.store.put(&Key::new(other), bytes).await.unwrap();
        }
    }
    copy
}

fn spoil(
    objects: &BTreeMap<String, Bytes>,
    path: &str,
    bytes: &Bytes,
    damage: Damage,
) -> Option<Bytes> {
    let mut spoiled = bytes.to_vec();
    match damage {
        Damage::FlippedBit(place) => {
            let place = place.min(spoiled.len() - 1);
            spoiled[place] ^= 1;
        }
        Damage::CutShort(by) => spoiled.truncate(spoiled.len() - by),
        Damage::Empty => spoiled.clear(),
        Damage::Longer => spoiled.push(0),
        Damage::Missing => return None,
        Damage::Swapped => {
            let folder = path.rsplit_once('/').unwrap().0;
            let other = objects.iter().find(|(other, bytes)| {
                other.as_str() != path && other.starts_with(folder) && ***bytes != spoiled[..]
            });
            return other.map(|(_, bytes)| bytes.clone());
        }
    }
    Some(spoiled.into())
}

/// What a reader can ask for.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Datoms(Vec<Datom>),
    Log(Vec<Arc<TxRecord>>),
}

async fn ask(snapshot: &Snapshot) -> Vec<Result<Answer, DbError>> {
    let mut answers = Vec::new();
    for order in Order::ALL {
        let range = KeyRange::all(order);
        for db in [snapshot.db().clone(), snapshot.db().history()] {
            answers.push(db.datoms(&range).await.map(Answer::Datoms));
        }
    }
    answers.push(snapshot.db().tx_range(T::GENESIS, T::MAX).await.map(Answer::Log));
    answers
}

/// An error is about the object, and says what was expected.
fn assert_names(error: &DbError, path: &str, damage: Damage) {
    let name = path.rsplit('/').next().unwrap();
    let text = error.to_string();
    let says = text.contains("expected ") || text.contains("missing") || text.contains("newer");
    assert!(text.contains(name) && says, "{path} {damage:?}: {text}");
}

/// Readers get what they would have got, or an error. Which of them got it.
async fn check_reading(
    copy: &Bucket,
    right: &[Result<Answer, DbError>],
    (kind, path): (Kind, &str),
    damage: Damage,
) {
    let snapshot = match Snapshot::open(copy.location()).await {
        Ok(snapshot) => snapshot,
        Err(DbError::NoDatabase { .. }) if kind == Kind::Claim => return,
        Err(error) => {
            assert!(!matches!(kind, Kind::Pack | Kind::PackList | Kind::Head), "{error}");
            return assert_names(&error, path, damage);
        }
    };
    let is_older = snapshot.root().place.n < copy.root.root.place.n;
    for (found, right) in ask(&snapshot).await.into_iter().zip(right) {
        match (found, right) {
            // The newest root is gone, and nobody can tell.
            (Ok(_), _) if is_older => assert_eq!(kind, Kind::Root),
            (Ok(found), Ok(right)) => assert_eq!(found, *right, "{path} {damage:?}"),
            (Err(error), Ok(right)) => {
                let is_log = matches!(right, Answer::Log(_));
                assert_eq!(is_log, kind != Kind::Pack, "others are answered: {error}");
                assert_names(&error, path, damage);
            }
            (_, Err(error)) => panic!("{error}"),
        }
    }
}

/// Verification finds it, and ends.
async fn check_verifying(copy: &Bucket, (kind, path): (Kind, &str), damage: Damage) {
    let report = match try_verify(copy).await {
        Ok(report) => report,
        Err(error) => {
            assert_eq!(kind, Kind::Claim, "{error}");
            return;
        }
    };
    let is_gone = matches!(damage, Damage::Missing | Damage::Swapped);
    if is_gone && matches!(kind, Kind::Head) {
        // It is a hint: it may be missing.
        return assert!(report.is_sound(), "{:?}", report.findings);
    }
    let name = path.rsplit('/').next().unwrap();
    let named = report.findings.iter().any(|finding| finding.object.contains(name));
    assert!(named, "{path} {damage:?}: {:#?}", report.findings);
}

#[test]
fn damage_to_any_object_is_named_and_found_and_stops_nobody_else() {
    block_on(async {
        let bucket = bucket().await;
        let (objects, needed) = (objects(&bucket).await, needed(&bucket).await);
        let right = ask(&bucket.open().await).await;
        for (kind, path) in &needed {
            for damage in DAMAGES {
                let copy = damaged(&bucket, &objects, path, damage).await;
                check_reading(&copy, &right, (*kind, path), damage).await;
                check_verifying(&copy, (*kind, path), damage).await;
            }
        }
    });
}

#[test]
fn a_wrong_length_in_a_reference_is_named_and_found() {
    block_on(async {
        let mut bucket = bucket().await;
        let checkpoint = bucket.root.root.checkpoint.unwrap();
        let key = bucket.contents().checkpoint(checkpoint.name).path().to_owned();
        bucket
            .publish(|root| root.checkpoint = Some(CheckpointRef { bytes: 7, ..checkpoint }))
            .await;
        let error = Snapshot::open(bucket.location()).await.unwrap_err().to_string();
        assert!(error.contains(&key) && error.contains("expected 7 bytes"), "{error}");
        let report = try_verify(&bucket).await.unwrap();
        assert!(report.findings.iter().any(|finding| finding.object == key));
    });
}
