//! What opening and refreshing cost, and what they answer when something is wrong.

use std::sync::Arc;

use bytes::Bytes;
use duramen_store::envelope::{Header, Kind};
use duramen_store::faulty::Faulty;
use duramen_store::layout::{DatabaseFolder, DatabaseName};
use duramen_store::{Key, ReadStore, StoreError, WriteStore};

use proptest::prelude::*;

use super::block_on;
use super::bucket::{Bucket, small_nodes};
use super::fixtures::tx;
use crate::{Catalog, Claim, DbError, Location, NumberedClaim, Selection, Snapshot, TxRecord};

fn records(from: u64, to: u64) -> Vec<TxRecord> {
    (from..=to).map(|number| (**tx(number).record()).clone()).collect()
}

async fn error_of(bucket: &Bucket) -> DbError {
    Snapshot::open(bucket.location()).await.unwrap_err()
}

#[tokio::test]
async fn nothing_new_costs_one_get() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 3)).await;
    let reader = bucket.open().await;
    let before = bucket.store.counts();
    assert!(reader.refresh().await.unwrap().is_none());
    let cost = bucket.store.counts() - before;
    assert_eq!((cost.gets, cost.ranges, cost.lists), (1, 0, 0));
}

#[tokio::test]
async fn one_get_shows_everything_new() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    bucket.transact(&records(1, 3)).await;
    let before = bucket.store.counts();
    let reader = reader.refresh().await.unwrap().unwrap();
    assert_eq!(reader.db().basis_t().get(), 3);
    // The root, and those after it that are not there.
    let cost = bucket.store.counts() - before;
    assert_eq!((cost.gets, cost.lists), (3, 0));
}

#[tokio::test]
async fn segments_whose_transactions_were_seen_in_tails_are_not_fetched() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    bucket.transact(&records(1, 3)).await;
    bucket.spill(0).await;
    bucket.transact(&records(4, 5)).await;
    let before = bucket.store.counts();
    let reader = reader.refresh().await.unwrap().unwrap();
    assert_eq!(reader.db().basis_t().get(), 5);
    let cost = bucket.store.counts() - before;
    assert_eq!(cost.gets, 1 + 2 + 4, "three roots, and probes at 1, 2 and 4 at once");
}

#[tokio::test]
async fn an_old_hint_is_good_for_a_start() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 2)).await;
    bucket.spill(0).await;
    bucket.merge(&small_nodes()).await;
    bucket.hint().await;
    bucket.transact(&records(3, 4)).await;
    let before = bucket.store.counts();
    assert_eq!(bucket.open().await.root(), &bucket.root.root);
    let cost = bucket.store.counts() - before;
    // HEAD, claim, checkpoint, the newer root, and the two after it that are not there.
    assert_eq!((cost.gets, cost.lists), (6, 1));
}

#[tokio::test]
async fn a_reader_far_behind_lists() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    for number in 1..=200 {
        bucket.transact(&records(number, number)).await;
    }
    let before = bucket.store.counts();
    let reader = reader.refresh().await.unwrap().unwrap();
    assert_eq!(reader.root(), &bucket.root.root);
    let cost = bucket.store.counts() - before;
    assert_eq!(cost.lists, 1);
    assert!(cost.gets < 120, "{} gets", cost.gets);
    assert!(reader.refresh_by_listing().await.unwrap().is_none());
}

#[tokio::test]
async fn a_reader_skips_roots_that_were_collected() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    // Rounds of probes ask for 1, 2 to 3, 4 to 7, and 8 to 15.
    bucket.collected = 8..11;
    for number in 1..=9 {
        bucket.transact(&records(number, number)).await;
        if number % 3 == 0 {
            bucket.spill(0).await;
        }
    }
    assert_eq!(bucket.root.root.place.n, 12);
    let before = bucket.store.counts();
    let reader = reader.refresh().await.unwrap().unwrap();
    assert_eq!(reader.root(), &bucket.root.root);
    assert_eq!((bucket.store.counts() - before).lists, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a store fails to answer, what comes out is the newest snapshot or an error.
    #[test]
    fn a_store_that_fails_now_and_then_never_gives_a_wrong_answer(seed: u64, hint: bool) {
        block_on(async {
            let mut bucket = Bucket::create().await;
            bucket.transact(&records(1, 4)).await;
            bucket.spill(1).await;
            bucket.merge(&small_nodes()).await;
            if hint {
                bucket.hint().await;
            }
            bucket.transact(&records(5, 6)).await;
            let expected = bucket.open().await.db().select(&Selection::all()).await.unwrap();
            let store = Arc::new(Faulty::with_seed(bucket.store.clone(), seed, 150));
            let location = Location { store: store.clone(), ..bucket.location() };
            let unavailable =
                |error: DbError| matches!(error, DbError::Store(StoreError::Unavailable { .. }));
            match Snapshot::open(location.clone()).await {
                Ok(snapshot) => match snapshot.db().select(&Selection::all()).await {
                    Ok(datoms) => assert_eq!(datoms, expected),
                    Err(error) => assert!(unavailable(error)),
                },
                Err(error) => assert!(unavailable(error)),
            }
            store.heal();
            let snapshot = Snapshot::open(location).await.unwrap();
            assert_eq!(snapshot.db().select(&Selection::all()).await.unwrap(), expected);
        });
    }
}

#[tokio::test]
async fn a_hint_that_is_damaged_or_about_a_predecessor_is_passed_over() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 2)).await;
    bucket.store.put(&bucket.head_key(), Bytes::from_static(b"nonsense")).await.unwrap();
    assert_eq!(bucket.open().await.root(), &bucket.root.root);
    bucket.hint().await;
    bucket.drop_database().await;
    assert!(matches!(error_of(&bucket).await, DbError::Dropped { .. }));
    bucket.create_again().await;
    let reader = bucket.open().await;
    assert_eq!((reader.id(), reader.root().t.get()), (bucket.id, 0));
}

#[tokio::test]
async fn an_open_snapshot_learns_that_the_database_was_dropped() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 2)).await;
    let reader = bucket.open().await;
    bucket.drop_database().await;
    let error = reader.refresh().await.unwrap_err();
    assert!(error.to_string().ends_with("the database \"cat\" was dropped"), "{error}");
    // What it holds stays what it was.
    assert_eq!(reader.db().basis_t().get(), 2);
}

#[tokio::test]
async fn names_mean_what_the_newest_claim_says() {
    let mut bucket = Bucket::create().await;
    let catalog = Catalog::new(bucket.store.clone());
    let dog = DatabaseName::new("dog").unwrap();
    let error = catalog.find(&dog).await.unwrap_err();
    assert!(error.to_string().ends_with("no database named \"dog\""), "{error}");
    assert_eq!(catalog.list().await.unwrap(), [(bucket.name.clone(), bucket.id)]);
    let key = DatabaseFolder::new(&dog).claim(0);
    bucket.store.put(&key, Claim::Dropped(bucket.id).seal(&dog, 0)).await.unwrap();
    assert!(matches!(catalog.find(&dog).await, Err(DbError::Dropped { .. })));
    bucket.drop_database().await;
    assert_eq!(catalog.list().await.unwrap(), []);
    bucket.create_again().await;
    let claim = catalog.newest_claim(&bucket.name).await.unwrap();
    assert_eq!(claim, Some(NumberedClaim { number: 2, claim: Claim::Created(bucket.id) }));
}

#[tokio::test]
async fn damage_is_an_error_that_names_the_object() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 2)).await;
    bucket.spill(0).await;
    let segment = bucket.contents().segment(bucket.root.root.segments[0].name);
    for key in [bucket.key(), segment] {
        let object = get(&bucket, &key).await;
        let mut damaged = object.to_vec();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        bucket.store.put(&key, damaged.into()).await.unwrap();
        let error = error_of(&bucket).await.to_string();
        assert!(error.starts_with(&format!("{key}: corrupt")), "{error}");
        bucket.store.put(&key, object.slice(..object.len() / 2)).await.unwrap();
        let error = error_of(&bucket).await.to_string();
        assert!(error.starts_with(&format!("{key}: corrupt")), "{error}");
        bucket.store.put(&key, object).await.unwrap();
    }
    bucket.open().await;
}

async fn get(bucket: &Bucket, key: &Key) -> Bytes {
    bucket.store.get(key).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_root_of_the_future_is_too_new() {
    let bucket = Bucket::create().await;
    let header = Header { version: 2, ..Header::new(Kind::Root, 3) };
    let context = [&bucket.id.0[..], b"main", b"/", &1_u64.to_be_bytes()].concat();
    let key = bucket.contents().root(&"main".parse().unwrap(), 1);
    bucket.store.put(&key, header.seal(&context, b"???")).await.unwrap();
    let error = error_of(&bucket).await;
    assert!(matches!(error, DbError::Store(StoreError::TooNew { .. })), "{error}");
}

#[tokio::test]
async fn a_root_that_does_not_follow_is_refused() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    bucket.root.hash.0[0] ^= 1;
    bucket.transact(&records(1, 1)).await;
    let error = reader.refresh().await.unwrap_err();
    assert!(matches!(error, DbError::Store(StoreError::Corrupt { .. })), "{error}");
}

#[tokio::test]
async fn a_transaction_that_is_not_in_the_sum_is_noticed() {
    let mut bucket = Bucket::create().await;
    let reader = bucket.open().await;
    let before = bucket.root.root.sum;
    bucket.transact(&records(1, 1)).await;
    bucket.publish(|root| root.sum = before).await;
    let error = reader.refresh().await.unwrap_err().to_string();
    assert!(error.contains("add up to the sum"), "{error}");
    assert!(error_of(&bucket).await.to_string().contains("add up to the sum"));
}

#[tokio::test]
async fn something_missing_is_explained_by_the_floor() {
    let mut bucket = Bucket::create().await;
    bucket.transact(&records(1, 1)).await;
    let reader = bucket.open().await;
    let missing = || DbError::Store(StoreError::Missing { object: "cat/pack".to_owned() });
    assert!(matches!(reader.explain(missing()).await, DbError::Store(_)));
    bucket.publish(|root| root.floor.n = root.place.n).await;
    let error = reader.explain(missing()).await.to_string();
    assert_eq!(error, "cat/pack: no longer retained: the snapshot of root 1 is below the floor 2");
}
