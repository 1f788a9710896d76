//! Where nodes are fetched from, and when.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use duramen_store::envelope::ContentHash;
use duramen_store::faulty::{Fault, Operation};
use duramen_store::raw_cache::Wanted;
use duramen_store::{Delayed, Faulty, FolderCache, Latency, RawCache, ReadStore};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::{Index, KeyRange, Layer, NodeCache, NodeCaches, Nodes, Record, Run, State, Tree};

const ROUND: Duration = Duration::from_millis(30);

/// Two thousand entities in leaves of four.
async fn tree(bucket: &mut Bucket) -> Tree {
    let record = |e: u64| Record {
        e: EntityId::constant(e),
        a: AttributeId::FIRST_USER,
        v: Value::Long(1),
        added: T::new(e).unwrap(),
        state: State::Inserted,
    };
    let run = Run::memory(Order::Eavt, Layer::Current, (0..2000).map(record).collect());
    bucket.merge(&Index::new(Order::Eavt, Layer::Current).with_run(run)).await.unwrap()
}

fn of_tree(tree: &Tree) -> Index {
    Index::new(tree.order, tree.layer).with_run(Run::tree(tree.clone()))
}

fn all() -> KeyRange {
    KeyRange::all(Order::Eavt)
}

/// Nodes with nothing in memory, over a store and a cache of raw bytes.
fn nodes(bucket: &Bucket, store: Arc<dyn ReadStore>, raw: Option<Arc<dyn RawCache>>) -> Nodes {
    let caches = NodeCaches { raw, ..NodeCache::new(1 << 30).into() };
    Nodes::new(store, bucket.packs.clone(), caches)
}

fn on_disk(bucket: &Bucket, cache: &FolderCache) -> Nodes {
    nodes(bucket, bucket.store.clone(), Some(Arc::new(cache.clone())))
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![folder.to_owned()] };
    entries.flat_map(|entry| files(&entry.unwrap().path())).collect()
}

#[tokio::test]
async fn what_is_on_the_disk_is_not_asked_of_the_store() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let folder = tempfile::tempdir().unwrap();
    let cache = FolderCache::new(folder.path(), 1 << 30);
    let first = on_disk(&bucket, &cache);
    let expected = index.scan(&first, &all()).await.unwrap();
    assert_eq!(first.stats().disk_hits, 0);
    cache.flush().await;
    let second = on_disk(&bucket, &cache);
    assert_eq!(index.scan(&second, &all()).await.unwrap(), expected);
    let stats = second.stats();
    assert_eq!((stats.requests, stats.loads, stats.bytes), (0, 0, 0), "{stats:?}");
    assert_eq!(stats.disk_hits, first.stats().loads);
}

/// Any damage to the files costs a fetch, and is mended by it.
#[tokio::test]
async fn a_damaged_disk_is_fetched_again() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let folder = tempfile::tempdir().unwrap();
    let cache = FolderCache::new(folder.path(), 1 << 30);
    let expected = index.scan(&on_disk(&bucket, &cache), &all()).await.unwrap();
    cache.flush().await;
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |mut bytes| {
            bytes[0] ^= 1;
            bytes
        },
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        |_| Vec::new(),
        |bytes| [bytes, vec![0; 100]].concat(),
    ];
    let paths = files(folder.path());
    assert!(paths.len() > 500, "{}", paths.len());
    for (index, path) in paths.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, damages[index % damages.len()](bytes)).unwrap();
    }
    let damaged = on_disk(&bucket, &cache);
    assert_eq!(index.scan(&damaged, &all()).await.unwrap(), expected);
    assert_eq!(damaged.stats().disk_hits, 0);
    cache.flush().await;
    let mended = on_disk(&bucket, &cache);
    assert_eq!(index.scan(&mended, &all()).await.unwrap(), expected);
    assert_eq!(mended.stats().requests, 0, "{:?}", mended.stats());
}

/// Keeps nothing, gives rubbish, or is full.
#[derive(Debug)]
struct Useless;

#[async_trait]
impl RawCache for Useless {
    async fn get_all(&self, wanted: &[Wanted]) -> Vec<Option<Bytes>> {
        wanted.iter().map(|wanted| Some(vec![0; wanted.length as usize].into())).collect()
    }

    fn put_all(&self, _: Vec<(ContentHash, Bytes)>) {}

    fn discard(&self, _: ContentHash) {}

    async fn flush(&self) {}
}

#[tokio::test]
async fn a_cache_fails_no_query() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let useless = nodes(&bucket, bucket.store.clone(), Some(Arc::new(Useless)));
    assert_eq!(index.scan(&useless, &all()).await.unwrap().len(), 2000);
    assert_eq!(useless.stats().disk_hits, 0);
    // Every write fails: as on a disk that is full.
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "").unwrap();
    let cache = FolderCache::new(&taken, 1 << 30);
    let full = on_disk(&bucket, &cache);
    assert_eq!(index.scan(&full, &all()).await.unwrap().len(), 2000);
    cache.flush().await;
}

/// While a batch is read, the next ones come: reading takes as long as the slower of the two.
#[tokio::test(start_paused = true)]
async fn scans_fetch_ahead() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let latency = Latency { read: ROUND, ..Latency::default() };
    let far = Delayed::new(bucket.store.clone(), latency);
    let nodes = nodes(&bucket, Arc::new(far), None);
    let begun = Instant::now();
    let mut cursor = index.cursor(&nodes, &all());
    let (mut batches, mut records) = (0, 0);
    while let Some(batch) = cursor.next_batch().await.unwrap() {
        (batches, records) = (batches + 1, records + batch.len());
        tokio::time::sleep(ROUND).await;
    }
    assert_eq!(records, 2000);
    let waited = begun.elapsed() - ROUND * batches;
    assert!(waited <= ROUND * 12, "{waited:?} for {batches} batches");
}

/// What is fetched ahead is bounded, however slowly it is read.
#[tokio::test]
async fn no_more_is_ahead_than_allowed() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let fetching = crate::Fetching { ahead_bytes_max: 2000, ..crate::Fetching::NEAR };
    let caches = NodeCaches { fetching: Some(fetching), ..NodeCache::new(1 << 30).into() };
    let nodes = Nodes::new(bucket.store.clone(), bucket.packs.clone(), caches);
    let mut cursor = index.cursor(&nodes, &all());
    let mut read = 0;
    while let Some(batch) = cursor.next_batch().await.unwrap() {
        read += batch.len() as u64 / 4;
        // Leaves are some 40 bytes long; the branches count as well here.
        let loaded = nodes.stats().loads;
        assert!(loaded <= read + 120, "{loaded} nodes for {read} leaves");
    }
    assert_eq!(read, 500);
}

/// A read that fails can be repeated, and one that is given up goes on where it was.
#[tokio::test]
async fn a_cursor_goes_on_after_failures_and_after_being_dropped() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let index = of_tree(&tree(&mut bucket).await);
    let expected = index.scan(&bucket.nodes, &all()).await.unwrap();
    let faulty = Arc::new(Faulty::new(bucket.store.clone()));
    let late = Delayed::new(
        faulty.clone(),
        Latency { read: Duration::from_micros(1), ..Latency::default() },
    );
    let nodes = nodes(&bucket, Arc::new(late), None);
    let mut cursor = index.cursor(&nodes, &all());
    let (mut found, mut failures, mut calls) = (Vec::new(), 0, 0);
    loop {
        calls += 1;
        if calls % 3 == 0 {
            faulty.expect(Operation::Read, "", Fault::Refused);
        }
        if calls % 2 == 0
            && let Some(Ok(Some(batch))) = cursor.next_batch().now_or_never()
        {
            found.extend(batch);
        }
        match cursor.next_batch().await {
            Ok(Some(batch)) => found.extend(batch),
            Ok(None) => break,
            Err(_) => failures += 1,
        }
    }
    assert_eq!(found, expected);
    assert!(failures > 3, "{failures}");
}

#[tokio::test]
async fn nodes_that_came_along_need_no_request() {
    let mut bucket = Bucket::new(1 << 30, 16);
    let mut tree = tree(&mut bucket).await;
    tree.top_bytes = None;
    let index = of_tree(&tree);
    let pack = bucket.store.get(&bucket.packs.join(&tree.top.pack)).await.unwrap().unwrap();
    let start = usize::try_from(tree.top.offset).unwrap();
    let top = pack.slice(start..start + tree.top.length as usize);
    let mut damaged = top.to_vec();
    damaged[7] ^= 1;
    let range = KeyRange::entity(EntityId::constant(77));
    let cold = bucket.cold_nodes();
    assert_eq!(index.scan(&cold, &range).await.unwrap().len(), 1);
    assert_eq!(cold.stats().requests, u64::from(tree.height) + 1);
    // What is damaged belongs to no pointer, so the node is fetched.
    let wrong = bucket.cold_nodes().with_inlined([Bytes::from(damaged)]);
    assert_eq!(index.scan(&wrong, &range).await.unwrap().len(), 1);
    assert_eq!(wrong.stats().requests, u64::from(tree.height) + 1);
    let inlined = bucket.cold_nodes().with_inlined([top.clone()]);
    assert_eq!(inlined.inlined_bytes(), top.len() as u64);
    assert_eq!(index.scan(&inlined, &range).await.unwrap().len(), 1);
    assert_eq!(inlined.stats().requests, u64::from(tree.height));
    assert!(inlined.inlined_bytes() > top.len() as u64);
}
