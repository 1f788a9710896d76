//! Two transactors, several clients and a store that loses requests and answers, in one thread
//! and in simulated time. Everything follows from a seed, which every failure names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use duramen_db::resolve::TxData;
use duramen_db::verify::verify;
use duramen_db::{Db, Location, LogSum, OpenedRoot, Root, RootPlace, Snapshot, TxRecord};
use duramen_index::{KeyRange, NodeCache};
use duramen_model::{Instant, Order, T, edn};
use duramen_store::faulty::{Fault, Operation};
use duramen_store::layout::{BranchName, DatabaseFolder, DatabaseId, DatabaseName, number_of};
use duramen_store::{Faulty, MemoryStore, ReadStore};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant as SimulatedTime;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::TransactError;
use crate::flaky::FlakyStore;
use crate::publish::PublishLimits;
use crate::random::Random;
use crate::request::{RequestKey, TxRequest};
use crate::requests::time_of;
use crate::settings::{NoveltyLimits, Settings};
use crate::transactor::{Components, Transactor};

const CLIENTS: usize = 4;
const REQUESTS: usize = 25;
const SCHEMA: &str = "
[{:db/ident :item/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :item/size :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]";

/// The time of the simulation, with a skew of its own.
#[derive(Debug)]
struct SimulatedClock {
    start: SimulatedTime,
    skew_ms: i64,
}

impl Clock for SimulatedClock {
    fn now(&self) -> Instant {
        let elapsed = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        Instant::from_millis(1_700_000_000_000 + elapsed + self.skew_ms)
    }
}

/// What clients were told.
#[derive(Debug, Default)]
struct Told {
    applied: BTreeMap<Uuid, T>,
    not_applied: BTreeSet<Uuid>,
}

struct World {
    seed: u64,
    inner: Arc<MemoryStore>,
    name: DatabaseName,
    start: SimulatedTime,
}

fn settings() -> Settings {
    Settings {
        tail_bytes_target: 400,
        root_bytes_max: 30_000,
        batch_transactions_max: 3,
        novelty_soft: NoveltyLimits { datoms: 12, bytes: 4_000, segments: 3 },
        leaf_records_max: 4,
        branch_children_max: 4,
        merge_runs_min: 2,
        inlined_bytes_max: 2_000,
        log_entries_max: 3,
        fenced_pause_ms: 300,
        merge_pause_ms: 500,
        publish: PublishLimits {
            tries_max: 3,
            pause_ms_first: 10,
            pause_ms_max: 50,
            answer_ms_max: 1_000,
        },
        ..Settings::default()
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let name = DatabaseName::new("sim").unwrap();
        Self { seed, inner: Arc::default(), name, start: SimulatedTime::now() }
    }

    fn transactor(&self, number: u64, percent: u32) -> Transactor {
        let seed = self.seed * 100 + number;
        let store = FlakyStore::seeded(Arc::clone(&self.inner), seed, percent);
        let skew_ms = 40 * i64::try_from(number).unwrap();
        let components = Components {
            store: Arc::new(store),
            clock: Arc::new(SimulatedClock { start: self.start, skew_ms }),
            random: Arc::new(Random::from_seed(seed)),
        };
        Transactor::new(components, settings())
    }

    /// Creates the database, over a store without faults.
    async fn prepare(&self) {
        let transactor = self.transactor(9, 0);
        transactor.create_database(&self.name).await.unwrap();
        let request = TxRequest { data: data(SCHEMA), key: None, bytes: 1 };
        transactor.transact(&self.name, request).await.unwrap();
        transactor.drain(Duration::from_secs(60)).await;
    }

    /// Lets clients send requests to both transactors, and again until they know what became of
    /// each.
    async fn run(&self, percent: u32) -> Told {
        let transactors = [self.transactor(1, percent), self.transactor(2, percent)];
        let clients = (0..CLIENTS).map(|client| {
            let random = StdRng::seed_from_u64(self.seed * 1_000 + client as u64);
            let transactors = transactors.clone();
            tokio::spawn(be_client(transactors, self.name.clone(), client, random))
        });
        let mut told = Told::default();
        for client in clients.collect::<Vec<_>>() {
            let of_client = client.await.unwrap();
            told.applied.extend(of_client.applied);
            told.not_applied.extend(of_client.not_applied);
        }
        for transactor in transactors {
            transactor.drain(Duration::from_secs(60)).await;
        }
        // Let what is late arrive.
        tokio::time::sleep(Duration::from_secs(60)).await;
        told
    }
}

async fn be_client(
    transactors: [Transactor; 2],
    name: DatabaseName,
    client: usize,
    mut random: StdRng,
) -> Told {
    let mut told = Told::default();
    // Clients keep to one transactor until it disappoints them.
    let mut favourite = client % 2;
    for i in 0..REQUESTS {
        let millis = 1_700_000_000_000 + (client * REQUESTS + i) as u64;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random.random()).into_uuid();
        let edn = format!(
            r#"[{{:item/name "{client}-{i}" :item/size {i}}} {{:item/name "all" :item/size {i}}}]"#
        );
        let mut doubtful = false;
        for attempt in 0.. {
            assert!(attempt < 1_000, "client {client} gets nowhere");
            let digest = *blake3::hash(edn.as_bytes()).as_bytes();
            let key = Some(RequestKey { id, time: time_of(id).unwrap(), digest });
            let request = TxRequest { data: data(&edn), key, bytes: edn.len() };
            match transactors[favourite].transact(&name, request).await {
                Ok(receipt) => {
                    told.applied.insert(id, receipt.record.t);
                    break;
                }
                Err(TransactError::Unknown { .. }) => doubtful = true,
                Err(TransactError::Elsewhere { .. }) => favourite = 1 - favourite,
                Err(TransactError::NotApplied { .. } | TransactError::Store(_)) => {
                    // Some give up, and rely on it that nothing was applied.
                    if !doubtful && random.random_range(0..5) == 0 {
                        told.not_applied.insert(id);
                        break;
                    }
                }
                Err(TransactError::Busy { .. }) => {}
                Err(other) => panic!("{other}"),
            }
            tokio::time::sleep(Duration::from_millis(random.random_range(5..200))).await;
        }
    }
    told
}

fn data(text: &str) -> TxData {
    TxData::from_form(&edn::read(text).unwrap()).unwrap()
}

/// What is in the bucket in the end.
struct Found {
    roots: Vec<OpenedRoot>,
    db: Db,
    log: Vec<Arc<TxRecord>>,
}

impl World {
    async fn found(&self) -> Found {
        let store: Arc<dyn ReadStore> = Arc::clone(&self.inner) as _;
        let location = Location::new(store, self.name.clone(), NodeCache::new(1 << 24));
        let snapshot = Snapshot::open(location).await.unwrap();
        let log = snapshot.db().tx_range(T::GENESIS, T::MAX).await.unwrap();
        let roots = self.roots(snapshot.id()).await;
        Found { roots, db: snapshot.db().clone(), log }
    }

    async fn roots(&self, id: DatabaseId) -> Vec<OpenedRoot> {
        let branch = BranchName::main();
        let folder = DatabaseFolder::new(&self.name).contents(id).roots(&branch);
        let mut keys = self.inner.list(&folder, usize::MAX).await.unwrap();
        keys.reverse();
        let mut roots = Vec::new();
        for key in keys {
            let place = RootPlace { id, branch: branch.clone(), n: number_of(&key).unwrap() };
            let object = self.inner.get(&key).await.unwrap().unwrap();
            roots.push(Root::open(&place, &key, object).unwrap());
        }
        roots
    }
}

/// The roots form one chain, and time goes forward in it.
fn check_chain(found: &Found, seed: u64) {
    for (n, pair) in found.roots.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        assert_eq!(before.root.place.n, n as u64, "seed {seed}: the numbers are dense");
        assert_eq!(after.root.previous, Some(before.hash), "seed {seed}: one chain");
        assert!(before.root.t <= after.root.t, "seed {seed}: t goes forward");
        assert!(before.root.epoch <= after.root.epoch, "seed {seed}: epochs go forward");
        let same = before.root.epoch == after.root.epoch;
        assert_eq!(before.root.writer.id == after.root.writer.id, same, "seed {seed}: one writer");
    }
}

/// What clients were told is so: applied once, at the t that was told, or not at all.
fn check_told(found: &Found, told: &Told, seed: u64) {
    let mut used: BTreeMap<Uuid, T> = BTreeMap::new();
    for (t, record) in found.log.iter().enumerate() {
        assert_eq!(record.t.get(), t as u64, "seed {seed}: t is dense");
        if let Some(id) = record.request_id {
            assert_eq!(used.insert(id, record.t), None, "seed {seed}: {id} was applied twice");
        }
    }
    for (id, t) in &told.applied {
        assert_eq!(used.get(id), Some(t), "seed {seed}: acknowledged {id} was lost");
    }
    for id in &told.not_applied {
        assert!(!used.contains_key(id), "seed {seed}: {id} was applied after all");
    }
}

/// The trees and the novelty give what the log alone gives.
async fn check_facts(found: &Found, seed: u64) {
    let replayed = Db::genesis().apply_all(&found.log[1..]).unwrap();
    for order in [Order::Eavt, Order::Aevt, Order::Vaet] {
        let range = KeyRange::all(order);
        for (name, view) in [("now", false), ("history", true)] {
            let of = |db: &Db| if view { db.history() } else { db.clone() };
            let (expected, actual) = (of(&replayed), of(&found.db));
            let expected = expected.datoms(&range).await.unwrap();
            let actual = actual.datoms(&range).await.unwrap();
            assert_eq!(actual, expected, "seed {seed}: {name} in {order:?}");
        }
    }
}

/// Every object and node that the newest root reaches is sound, and log and indexes say the same.
async fn check_sound(world: &World) {
    let store: Arc<dyn ReadStore> = Arc::clone(&world.inner) as _;
    let location = Location::new(store, world.name.clone(), NodeCache::new(0));
    let report = verify(location, &mut |_| {}).await.unwrap();
    assert!(report.is_sound(), "seed {}: {:#?}", world.seed, report.findings);
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    sum: LogSum,
    t: T,
    epoch: u64,
    flushes: usize,
    compactions: usize,
}

/// How many of the checkpoints that roots name took in novelty, and how many did not.
fn count_merges(found: &Found) -> (usize, usize) {
    let checkpoints = found.roots.iter().map(|root| root.root.checkpoint);
    let mut named: Vec<_> = checkpoints.flatten().collect();
    named.dedup_by_key(|checkpoint| checkpoint.name);
    let all = named.len();
    named.dedup_by_key(|checkpoint| checkpoint.t);
    (named.len(), all - named.len())
}

async fn simulate(seed: u64, percent: u32) -> Outcome {
    let world = World::new(seed);
    world.prepare().await;
    let told = world.run(percent).await;
    let found = world.found().await;
    check_chain(&found, seed);
    check_told(&found, &told, seed);
    check_facts(&found, seed).await;
    let newest = &found.roots.last().expect("there are roots").root;
    check_sound(&world).await;
    let (flushes, compactions) = count_merges(&found);
    Outcome { sum: newest.sum, t: newest.t, epoch: newest.epoch, flushes, compactions }
}

#[tokio::test(start_paused = true)]
async fn two_transactors_on_a_failing_store_lose_and_repeat_nothing() {
    let (mut claims, mut flushes, mut compactions) = (0, 0, 0);
    for seed in 0..12 {
        let outcome = simulate(seed, 5 + (seed % 4) as u32 * 6).await;
        claims += outcome.epoch;
        flushes += outcome.flushes;
        compactions += outcome.compactions;
    }
    let tame = format!("{claims} claims, {flushes} flushes, {compactions} compactions: too tame");
    assert!(claims > 30 && flushes > 40 && compactions > 4, "{tame}");
}

#[tokio::test(start_paused = true)]
async fn without_faults_every_request_is_applied() {
    let outcome = simulate(7, 0).await;
    assert!(outcome.flushes > 4 && outcome.compactions > 0, "{outcome:?}");
    assert_eq!(outcome.t.get(), 1 + (CLIENTS * REQUESTS) as u64);
}

#[tokio::test(start_paused = true)]
async fn the_simulation_repeats_itself() {
    assert_eq!(simulate(3, 20).await, simulate(3, 20).await);
}

/// The disk is full for a while, or whatever else keeps a store from taking what merges write.
#[tokio::test(start_paused = true)]
async fn commits_go_on_while_merges_fail_until_there_is_too_much_novelty() {
    for part in ["/pack/", "/pack-list/", "/checkpoint/"] {
        let world = World::new(4);
        world.prepare().await;
        let store = Arc::new(Faulty::new(Arc::clone(&world.inner)));
        for _ in 0..30 {
            store.expect(Operation::Put, part, Fault::Refused);
        }
        let hard = NoveltyLimits { datoms: 60, ..settings().novelty_hard };
        let components = Components {
            store: Arc::clone(&store) as _,
            clock: Arc::new(SimulatedClock { start: world.start, skew_ms: 0 }),
            random: Arc::new(Random::from_seed(1)),
        };
        let transactor = Transactor::new(components, Settings { novelty_hard: hard, ..settings() });
        let (mut applied, mut refused) = (0, 0);
        while applied < 60 {
            let edn = format!(r#"[{{:item/name "{applied}" :item/size {applied}}}]"#);
            let request = TxRequest { data: data(&edn), key: None, bytes: edn.len() };
            match transactor.transact(&world.name, request).await {
                Ok(_) => applied += 1,
                Err(TransactError::Busy { .. }) => refused += 1,
                Err(other) => panic!("{part}: {other}"),
            }
            assert!(refused < 10_000, "{part}: {applied} applied");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        transactor.drain(Duration::from_secs(60)).await;
        assert!(refused > 0, "{part}: the limit was never reached");
        assert_eq!(store.outstanding(), 0, "{part}: merges were not tried again");
        let found = world.found().await;
        assert_eq!(found.log.len(), 2 + 60, "{part}");
        assert!(count_merges(&found).0 > 1, "{part}: nothing was merged in the end");
        check_facts(&found, 4).await;
        check_sound(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cold_requests_are_read_for_beside_one_another() {
    let world = World::new(1);
    world.prepare().await;
    let filler = world.transactor(1, 0);
    let items = |range: std::ops::Range<u32>, size| {
        let item = |i| format!(r#"{{:item/name "item {i:04}" :item/size {size}}}"#);
        format!("[{}]", range.map(item).collect::<Vec<_>>().join(" "))
    };
    for batch in 0..10 {
        let edn = items(batch * 50..(batch + 1) * 50, 0);
        let request = TxRequest { data: data(&edn), key: None, bytes: edn.len() };
        filler.transact(&world.name, request).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    filler.drain(Duration::from_secs(60)).await;

    let cold = world.transactor(2, 0);
    let request = TxRequest { data: data("[]"), key: None, bytes: 1 };
    cold.transact(&world.name, request).await.unwrap();
    let start = SimulatedTime::now();
    let requests = (0..50).map(|i| {
        let (cold, name, edn) = (cold.clone(), world.name.clone(), items(i * 10..i * 10 + 1, i));
        tokio::spawn(async move {
            let request = TxRequest { data: data(&edn), key: None, bytes: edn.len() };
            cold.transact(&name, request).await.unwrap();
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    // A read takes 20 ms on average, and each request needs several after one another.
    let took = start.elapsed();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}
