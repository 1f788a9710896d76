//! A transactor in this process, and those who send to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::edn;
use duramen_store::WriteStore;
use duramen_store::layout::DatabaseName;
use duramen_transactor::request::{Receipt, TxRequest};
use duramen_transactor::settings::NoveltyLimits;
use duramen_transactor::{Components, Settings, TransactError, Transactor};

/// What a request is said to take of the memory for those that wait.
const REQUEST_BYTES: usize = 4 << 10;
const PAUSE: Duration = Duration::from_millis(5);
/// A merge that takes longer is taken for one that will not end.
const SETTLED_WITHIN: Duration = Duration::from_secs(7_200);

/// Sends transactions to one database of a transactor. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Writer {
    transactor: Transactor,
    name: DatabaseName,
}

impl Writer {
    /// A transactor over a store.
    #[must_use]
    pub fn new(store: Arc<dyn WriteStore>, name: DatabaseName, settings: Settings) -> Self {
        Self { transactor: Transactor::new(Components::new(store), settings), name }
    }

    /// Creates the database.
    ///
    /// # Errors
    /// When there is one of that name.
    pub async fn create(&self) -> Result<()> {
        self.transactor.create_database(&self.name).await?;
        Ok(())
    }

    /// Sends a transaction, again and again while the transactor is too busy.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn send(&self, data: &TxData) -> Result<Receipt> {
        loop {
            let request = TxRequest { data: data.clone(), key: None, bytes: REQUEST_BYTES };
            match self.transactor.transact(&self.name, request).await {
                Err(TransactError::Busy { .. }) => tokio::time::sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
    }

    /// The database after a transaction that says nothing.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn db(&self) -> Result<Db> {
        let nothing = TxData::from_form(&edn::read("[]")?)?;
        Ok(self.send(&nothing).await?.db)
    }

    /// Waits until no merge runs and none is wanted.
    ///
    /// # Errors
    /// When that takes hours.
    pub async fn rest(&self) -> Result<()> {
        let started = tokio::time::Instant::now();
        let mut quiet = 0;
        while quiet < 20 {
            if started.elapsed() > SETTLED_WITHIN {
                bail!("the merges do not come to an end");
            }
            tokio::time::sleep(PAUSE).await;
            let busy = self.transactor.status().databases.iter().any(|database| database.merging);
            quiet = if busy { 0 } else { quiet + 1 };
        }
        Ok(())
    }

    /// Stops the transactor.
    pub async fn stop(self) {
        self.transactor.drain(SETTLED_WITHIN).await;
    }
}

/// Merges everything that a database has not merged yet.
///
/// # Errors
/// When the database cannot be written.
pub async fn settle(store: Arc<dyn WriteStore>, name: DatabaseName, s: &Settings) -> Result<()> {
    let novelty_soft = NoveltyLimits { datoms: 2, bytes: 1 << 40, segments: 1 << 10 };
    let novelty_soft = NoveltyLimits { segments: s.novelty_soft.segments, ..novelty_soft };
    let novelty_hard = NoveltyLimits { bytes: 1 << 41, ..s.novelty_hard };
    let settings = Settings { novelty_soft, novelty_hard, ..s.clone() };
    let writer = Writer::new(store, name, settings);
    // Twice: the first may find a merge running that began before it.
    for _ in 0..2 {
        writer.db().await?;
        writer.rest().await?;
    }
    writer.stop().await;
    Ok(())
}
