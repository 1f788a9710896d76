//! A reader that has just opened databases in buckets that are far away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duramen::{Client, Db, Fetching, Stores};
use duramen_store::ReadStore;

use super::question::Asked;
use crate::bench::data_set::Place;
use crate::bench::far::{Far, Trips};

/// Knows nothing but the roots and what comes with them.
#[derive(Debug)]
pub struct Reader {
    /// The newest values of the databases.
    pub databases: Vec<Db>,
    far: Arc<Far>,
}

/// What it took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Rows that were found.
    pub found: usize,
    /// What was asked of the buckets.
    pub trips: Trips,
    /// How long it took.
    pub took: Duration,
}

impl Cost {
    /// The most of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let (a, b) = (self.trips, other.trips);
        let trips = Trips {
            rounds: a.rounds.max(b.rounds),
            requests: a.requests.max(b.requests),
            bytes: a.bytes.max(b.bytes),
        };
        Self { found: self.found.max(other.found), trips, took: self.took.max(other.took) }
    }
}

impl Reader {
    /// Opens the database of each place, at the same time, and says what that took.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn open(places: &[&Place]) -> Result<(Self, Cost)> {
        let first = places.first().context("a place")?;
        let far = Arc::new(Far::bucket(first.store()));
        let mut stores =
            Stores::builder().read_store(&url(0), Arc::clone(&far) as Arc<dyn ReadStore>);
        for (number, place) in places.iter().enumerate().skip(1) {
            stores = stores.read_store(&url(number), Arc::new(far.beside(place.store())));
        }
        // What suits a bucket: its own URL is that of a folder.
        let client = Client::builder().stores(stores.build()).fetching(Fetching::FAR).build();
        let started = Instant::now();
        let opened = places.iter().enumerate().map(|(number, place)| {
            let (client, url) = (&client, format!("{}/{}", url(number), place.name()));
            async move { client.connect(&url).await }
        });
        let connections = futures_util::future::try_join_all(opened).await?;
        let databases = connections.iter().map(duramen::Connection::last_db).collect();
        let cost = Cost { found: places.len(), trips: far.trips(), took: started.elapsed() };
        Ok((Self { databases, far }, cost))
    }

    /// Asks, and says what that took.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn ask(&self, asked: &Asked) -> Result<Cost> {
        self.far.reset();
        let started = Instant::now();
        let found = asked.run().await?;
        Ok(Cost { found, trips: self.far.trips(), took: started.elapsed() })
    }
}

fn url(number: usize) -> String {
    format!("s3://bucket-{number}")
}
