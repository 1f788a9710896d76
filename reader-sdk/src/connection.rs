//! The connection: the newest snapshot of a database, whenever it is asked for.

use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Db, DbError, Location, Snapshot, TxRecord};
use duramen_model::T;
use duramen_store::layout::DatabaseName;
use duramen_store::{Observed, ReadStore};

use crate::client::Parts;
use crate::latest::Latest;
use crate::{Error, Stats};

/// The first pause of [`Connection::sync`] between two looks; each one after it is twice as long.
const SYNC_PAUSE_FIRST: Duration = Duration::from_millis(10);
/// The longest pause of [`Connection::sync`] between two looks.
const SYNC_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A database in a bucket, of which it gives the newest snapshot. Cheap to clone; made by
/// [`Client::connect`](crate::Client::connect).
///
/// It does nothing by itself: there is no task that listens, and nothing is sent between calls.
#[derive(Debug, Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parts: Arc<Parts>,
    name: DatabaseName,
    store: Arc<Observed<dyn ReadStore>>,
    latest: Latest<Snapshot, DbError>,
}

impl Connection {
    pub(crate) async fn open(
        parts: Arc<Parts>,
        store: Arc<dyn ReadStore>,
        name: DatabaseName,
    ) -> Result<Self, Error> {
        let store = Arc::new(Observed::new(store));
        let read = Arc::clone(&store) as Arc<dyn ReadStore>;
        let location = Location::new(read, name.clone(), parts.caches.clone());
        let latest = Latest::new(Snapshot::open(location).await?);
        Ok(Self { shared: Arc::new(Shared { parts, name, store, latest }) })
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// The newest database value: everything that was acknowledged before the call.
    ///
    /// Costs one GET when nothing is new. Calls at the same time share it.
    ///
    /// # Errors
    /// When the database was dropped, or the store cannot be read; the next call tries again.
    pub async fn db(&self) -> Result<Db, Error> {
        let look = |last: Snapshot| async move {
            let newer = last.refresh().await?;
            Ok(newer.unwrap_or(last))
        };
        let snapshot = self.shared.latest.refresh(look).await.map_err(Error::Db)?;
        Ok(snapshot.db().clone())
    }

    /// The newest database value that this connection has seen. Costs nothing, and may be behind.
    #[must_use]
    pub fn last_db(&self) -> Db {
        self.shared.latest.last().db().clone()
    }

    /// A database value that has transaction `t`, such as one that a transactor acknowledged.
    /// Costs nothing when the connection has seen it already; otherwise waits for it, looking
    /// again and again, at most a second apart. Whoever does not want to wait for ever drops the
    /// future.
    ///
    /// # Errors
    /// As [`Self::db`]; and where there is no timer, when `t` is not there yet.
    pub async fn sync(&self, t: T) -> Result<Db, Error> {
        let mut db = self.last_db();
        let mut pause = SYNC_PAUSE_FIRST;
        while db.basis_t() < t {
            db = self.db().await?;
            if db.basis_t() < t {
                let sleep = self.shared.parts.timer.sleep(pause);
                sleep.ok_or_else(|| Error::call(NO_TIMER))?.await;
                pause = SYNC_PAUSE_MAX.min(pause * 2);
            }
        }
        Ok(db)
    }

    /// The transactions from one up to, but without, another, oldest first, as far as they are
    /// visible.
    ///
    /// # Errors
    /// As [`Self::db`].
    pub async fn tx_range(&self, from: T, to: T) -> Result<Vec<Arc<TxRecord>>, Error> {
        Ok(self.db().await?.tx_range(from, to).await?)
    }

    /// What this connection and the databases it gave have cost so far.
    ///
    /// ```
    /// # async fn cost(connection: &duramen::Connection) -> Result<(), duramen::Error> {
    /// let before = connection.stats();
    /// connection.db().await?;
    /// println!("{}", connection.stats() - before);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::new(self.shared.store.counts(), self.shared.latest.last().node_stats())
    }
}

const NO_TIMER: &str = "there is no timer to wait with: give one to the client's builder";
