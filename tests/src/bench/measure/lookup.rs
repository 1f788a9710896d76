//! Looking things up in a bucket that is far away, by readers that know nothing yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duramen_db::{EntityRef, Selection, Snapshot};
use duramen_store::{Latency, ReadStore};

use super::{mebibytes, memory};
use crate::bench::data_set::Place;
use crate::bench::far::{Far, Trips};
use crate::bench::report::Figure;

/// How many readers look something up.
const READERS: usize = 20;
const CACHE_BYTES: u64 = 64 << 20;

/// What it took, at most over all readers.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    trips: Trips,
    took: Duration,
}

impl Cost {
    fn max(self, other: Self) -> Self {
        let (a, b) = (self.trips, other.trips);
        let trips = Trips {
            rounds: a.rounds.max(b.rounds),
            requests: a.requests.max(b.requests),
            bytes: a.bytes.max(b.bytes),
        };
        Self { trips, took: self.took.max(other.took) }
    }
}

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let (mut open, mut point, mut entity, mut past) = <(Cost, Cost, Cost, Cost)>::default();
    for wanted in place.data.some_entities(READERS, 3)? {
        let reader = Reader::new(place);
        let snapshot = reader.open().await?;
        open = open.max(reader.cost());
        reader.look_up(&snapshot, &wanted).await?;
        point = point.max(reader.cost());
        reader.describe(&snapshot, &wanted).await?;
        entity = entity.max(reader.cost());
        // Another reader, whose first question is about the past.
        let reader = Reader::new(place);
        let snapshot = reader.open().await?;
        reader.describe_before(&snapshot, &wanted).await?;
        past = past.max(reader.cost());
    }
    let mut figures = Vec::new();
    figures.extend(shown("open", open));
    let [rounds, requests, bytes, ms] = shown("open and look up by a unique value", point);
    figures.extend([rounds.at_most(4.0), requests, bytes.at_most(1.0), ms]);
    figures.extend(shown("and all facts of the entity", entity));
    figures.extend(shown("open and the same as of an earlier time", past));
    figures.extend(memory(CACHE_BYTES));
    Ok(figures)
}

fn shown(what: &str, cost: Cost) -> [Figure; 4] {
    [
        Figure::new(format!("{what}: rounds"), cost.trips.rounds as f64, ""),
        Figure::new(format!("{what}: requests"), cost.trips.requests as f64, ""),
        Figure::new(format!("{what}: bytes"), mebibytes(cost.trips.bytes), "MiB"),
        Figure::new(format!("{what}: time, 30 ms a request"), cost.took.as_secs_f64() * 1e3, "ms"),
    ]
}

struct Reader<'a> {
    place: &'a Place,
    store: Arc<Far>,
    started: Instant,
}

impl<'a> Reader<'a> {
    fn new(place: &'a Place) -> Self {
        let store = Arc::new(Far::new(place.store(), Latency::BUCKET.read));
        Self { place, store, started: Instant::now() }
    }

    fn cost(&self) -> Cost {
        Cost { trips: self.store.trips(), took: self.started.elapsed() }
    }

    async fn open(&self) -> Result<Snapshot> {
        let store = Arc::clone(&self.store) as Arc<dyn ReadStore>;
        Ok(Snapshot::open(self.place.location(store, CACHE_BYTES)).await?)
    }

    async fn look_up(&self, snapshot: &Snapshot, wanted: &EntityRef) -> Result<()> {
        let found = snapshot.db().entity_of(wanted).await?;
        found.with_context(|| format!("{wanted:?} is not there")).map(drop)
    }

    async fn describe(&self, snapshot: &Snapshot, wanted: &EntityRef) -> Result<()> {
        let db = snapshot.db();
        let e = db.entity_of(wanted).await?.context("found before")?;
        let facts = db.select(&Selection::all().with_e(e)).await?;
        anyhow::ensure!(!facts.is_empty(), "{wanted:?} has no facts");
        Ok(())
    }

    async fn describe_before(&self, snapshot: &Snapshot, wanted: &EntityRef) -> Result<()> {
        let db = snapshot.db().as_of(snapshot.db().basis_t().halved());
        if let Some(e) = db.entity_of(wanted).await? {
            db.select(&Selection::all().with_e(e)).await?;
        }
        Ok(())
    }
}

/// Half-way through time.
trait Halved {
    fn halved(self) -> Self;
}

impl Halved for duramen_model::T {
    fn halved(self) -> Self {
        Self::new(self.get() / 2).unwrap_or(Self::GENESIS)
    }
}
