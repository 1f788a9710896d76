//! What every store promises, one function per promise. Each panics where the promise is broken.
//!
//! A store under test is given with a folder of its own, in which there is nothing yet; all of them
//! may run on one store at once.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::{Creation, Key, StoreError, WriteStore};

/// A store under test.
pub type Store = Arc<dyn WriteStore>;

/// Checks all promises, each in a folder of its own within `folder`.
pub async fn all(store: &Store, folder: &Key) {
    an_object_reads_back_as_created(store, &folder.join("reads-back")).await;
    a_name_is_given_out_once(store, &folder.join("once")).await;
    one_of_many_racing_creators_wins(store, &folder.join("race")).await;
    putting_again_is_harmless(store, &folder.join("put")).await;
    a_put_object_is_not_created_over(store, &folder.join("put-create")).await;
    absence_is_none(store, &folder.join("absent")).await;
    stretches_are_exact_and_short_at_the_end(store, &folder.join("range")).await;
    an_empty_object_is_an_object(store, &folder.join("empty")).await;
    a_large_object_is_whole(store, &folder.join("large")).await;
    listings_are_sorted_and_limited(store, &folder.join("list")).await;
    listings_hold_the_folder_and_not_its_siblings(store, &folder.join("siblings")).await;
    listings_span_many_objects(store, &folder.join("many")).await;
    what_was_created_is_listed(store, &folder.join("visible")).await;
    folders_are_listed_without_their_objects(store, &folder.join("folders")).await;
    names_may_hold_what_our_layout_holds(store, &folder.join("names")).await;
}

/// The bytes that go in come out.
pub async fn an_object_reads_back_as_created(store: &Store, folder: &Key) {
    let key = folder.join("object");
    let bytes = patterned(10_000);
    assert_created(store.create(&key, bytes.clone()).await);
    assert_eq!(store.get(&key).await.unwrap(), Some(bytes));
}

/// Creating never changes an object that is there.
pub async fn a_name_is_given_out_once(store: &Store, folder: &Key) {
    let key = folder.join("object");
    assert_created(store.create(&key, "first".into()).await);
    for _ in 0..2 {
        assert_exists(store.create(&key, "second".into()).await);
    }
    assert_eq!(store.get(&key).await.unwrap().unwrap(), "first");
}

/// Of eight creators of one name at once, exactly one hears that it created, and its bytes are
/// there. Ten rounds.
pub async fn one_of_many_racing_creators_wins(store: &Store, folder: &Key) {
    for round in 0..10 {
        let key = folder.join(round);
        let creators = (0..8).map(|writer| {
            let (store, key) = (Arc::clone(store), key.clone());
            async move { store.create(&key, format!("writer {writer}").into()).await }
        });
        let outcomes = join_all(creators).await;
        let won = |outcome: &Result<Creation, _>| matches!(outcome, Ok(Creation::Created));
        let winners: Vec<usize> = (0..8).filter(|writer| won(&outcomes[*writer])).collect();
        assert_eq!(winners.len(), 1, "{key}: {outcomes:?}");
        let expected = format!("writer {}", winners[0]);
        assert_eq!(store.get(&key).await.unwrap().unwrap(), expected, "{key}");
    }
}

/// A put replaces what was there, and may be repeated.
pub async fn putting_again_is_harmless(store: &Store, folder: &Key) {
    let key = folder.join("object");
    for text in ["one", "one", "two", "2"] {
        store.put(&key, text.into()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap().unwrap(), text);
    }
}

/// Create sees what put wrote.
pub async fn a_put_object_is_not_created_over(store: &Store, folder: &Key) {
    let key = folder.join("object");
    store.put(&key, "put".into()).await.unwrap();
    assert_exists(store.create(&key, "created".into()).await);
    assert_eq!(store.get(&key).await.unwrap().unwrap(), "put");
}

/// What is not there is no error.
pub async fn absence_is_none(store: &Store, folder: &Key) {
    let key = folder.join("object");
    assert_eq!(store.get(&key).await.unwrap(), None);
    assert_eq!(store.get_range(&key, 0..10).await.unwrap(), None);
    assert_eq!(store.get_range(&key, 5..5).await.unwrap(), None);
    assert_eq!(store.list(folder, 10).await.unwrap(), []);
    assert_eq!(store.list_folders(folder).await.unwrap(), [""; 0]);
}

/// A stretch is those bytes; beyond the end it comes back short or empty.
pub async fn stretches_are_exact_and_short_at_the_end(store: &Store, folder: &Key) {
    let key = folder.join("object");
    store.put(&key, "0123456789".into()).await.unwrap();
    for (range, expected) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (9..10, "9"),
        (3..7, "3456"),
        (3..3, ""),
        (7..99, "789"),
        (10..11, ""),
        (99..101, ""),
        (10..10, ""),
    ] {
        let stretch = store.get_range(&key, range.clone()).await.unwrap();
        assert_eq!(stretch.unwrap(), expected, "{range:?}");
    }
}

/// An object of no bytes is there.
pub async fn an_empty_object_is_an_object(store: &Store, folder: &Key) {
    let key = folder.join("object");
    assert_created(store.create(&key, Bytes::new()).await);
    assert_exists(store.create(&key, Bytes::new()).await);
    assert_eq!(store.get(&key).await.unwrap(), Some(Bytes::new()));
    assert_eq!(store.get_range(&key, 0..9).await.unwrap(), Some(Bytes::new()));
    assert_eq!(store.list(folder, 9).await.unwrap(), [key]);
}

/// Objects of 16 MiB, the largest that are written, come back whole and in stretches.
pub async fn a_large_object_is_whole(store: &Store, folder: &Key) {
    let bytes = patterned(16 << 20);
    let (created, put) = (folder.join("created"), folder.join("put"));
    assert_created(store.create(&created, bytes.clone()).await);
    store.put(&put, bytes.clone()).await.unwrap();
    for key in [&created, &put] {
        // Not assert_eq: it would print both.
        assert!(store.get(key).await.unwrap().unwrap() == bytes, "{key}");
        let (start, end) = (5_000_000, 13_000_001);
        let stretch = store.get_range(key, start..end).await.unwrap().unwrap();
        assert!(stretch == bytes.slice(5_000_000..13_000_001), "{key}");
    }
}

/// Listings are in the order of whole names, and stop at the limit.
pub async fn listings_are_sorted_and_limited(store: &Store, folder: &Key) {
    let names = ["b/2", "a-", "b/10", "a/x", "a.", "c", "b/1/deep/er", "a0"];
    for name in names {
        store.put(&folder.join(name), name.into()).await.unwrap();
    }
    let mut expected: Vec<Key> = names.iter().map(|name| folder.join(name)).collect();
    expected.sort();
    for limit in [0, 1, 3, 8, 100] {
        let listed = store.list(folder, limit).await.unwrap();
        assert_eq!(listed, expected[..limit.min(8)], "limit {limit}");
    }
}

/// A folder is not its siblings whose names begin with its name, nor an object of its own name.
pub async fn listings_hold_the_folder_and_not_its_siblings(store: &Store, folder: &Key) {
    let (inside, sibling) = (folder.join("a/b/1"), folder.join("a/bc/2"));
    store.put(&inside, "1".into()).await.unwrap();
    store.put(&sibling, "2".into()).await.unwrap();
    assert_eq!(store.list(&folder.join("a/b"), 9).await.unwrap(), std::slice::from_ref(&inside));
    assert_eq!(store.list(&folder.join("a"), 9).await.unwrap(), [inside.clone(), sibling]);
    assert_eq!(store.list(&inside, 9).await.unwrap(), []);
}

/// A listing goes on where a page of the store ends, at 1,000 names on most.
pub async fn listings_span_many_objects(store: &Store, folder: &Key) {
    let keys: Vec<Key> = (0..1_100).map(|n| folder.join(format!("{n:05}"))).collect();
    for some in keys.chunks(50) {
        let puts = some.iter().map(|key| store.put(key, Bytes::from_static(b"x")));
        join_all(puts).await.into_iter().for_each(Result::unwrap);
    }
    assert_eq!(store.list(folder, usize::MAX).await.unwrap(), keys);
    assert_eq!(store.list(folder, 1_050).await.unwrap(), keys[..1_050]);
    assert_eq!(store.list(folder, 1).await.unwrap(), keys[..1]);
}

/// A created object is in a listing that begins afterwards.
pub async fn what_was_created_is_listed(store: &Store, folder: &Key) {
    for n in (0..20).rev() {
        let key = folder.join(format!("{n:02}"));
        assert_created(store.create(&key, "x".into()).await);
        assert_eq!(store.list(folder, 1).await.unwrap(), [key]);
    }
}

/// The folders right inside a folder are listed by name, in order, each once.
pub async fn folders_are_listed_without_their_objects(store: &Store, folder: &Key) {
    for name in ["b/x/y/z", "a/1", "a/2", "object", "b-c/1"] {
        store.put(&folder.join(name), "x".into()).await.unwrap();
    }
    assert_eq!(store.list_folders(folder).await.unwrap(), ["a", "b", "b-c"]);
    assert_eq!(store.list_folders(&folder.join("b")).await.unwrap(), ["x"]);
}

/// Names hold dots, capitals, and letters of any script.
pub async fn names_may_hold_what_our_layout_holds(store: &Store, folder: &Key) {
    let names = ["HEAD/main", ".probe/create-only", "head/main2", "größe/Ωmega"];
    for name in names {
        let key = folder.join(name);
        assert_created(store.create(&key, name.to_owned().into()).await);
        assert_eq!(store.get(&key).await.unwrap().unwrap(), name);
    }
    assert_eq!(store.list(folder, 9).await.unwrap().len(), names.len());
}

/// Bytes that show when a part of them is misplaced.
fn patterned(length: usize) -> Bytes {
    (0..length).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect()
}

fn assert_created(outcome: Result<Creation, StoreError>) {
    assert!(matches!(outcome, Ok(Creation::Created)), "{outcome:?}");
}

fn assert_exists(outcome: Result<Creation, StoreError>) {
    assert!(matches!(outcome, Ok(Creation::Exists)), "{outcome:?}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::file::MissingFolder;
    use crate::{Delayed, Faulty, FileStore, Latency, MemoryStore, Observed, Within};

    #[tokio::test]
    async fn memory_keeps_the_promises() {
        all(&(Arc::new(MemoryStore::new()) as Store), &Key::new("x")).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_keeps_the_promises() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path(), MissingFolder::Empty);
        all(&(Arc::new(store) as Store), &Key::new("x")).await;
    }

    #[tokio::test]
    async fn stores_around_stores_keep_the_promises() {
        let memory = Arc::new(MemoryStore::new());
        let latency = Latency { read: Duration::ZERO, write: Duration::ZERO };
        let delayed = Arc::new(Delayed::new(memory, latency));
        let faulty = Arc::new(Faulty::new(delayed));
        let within = Arc::new(Within::new(faulty, Key::new("a/b")));
        all(&(Arc::new(Observed::new(within)) as Store), &Key::new("x")).await;
    }
}
