//! Where the databases of cases live: in memory, or in a folder, written by a transactor and read
//! by a reader that knows nothing of it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use duramen::{Client, Connection};
use duramen_db::Db;
use duramen_db::resolve::{TxData, TxError};
use duramen_model::Instant;
use duramen_model::edn::Form;
use duramen_store::Stores;
use duramen_store::layout::DatabaseName;
use duramen_transactor::error::TransactError;
use duramen_transactor::request::TxRequest;
use duramen_transactor::settings::{NoveltyLimits, Settings};
use duramen_transactor::transactor::{Components, Transactor};

use crate::bench::random::Random;

/// Where the databases of cases live.
#[derive(Debug)]
pub enum Place {
    /// In memory, through resolve and apply alone.
    Memory,
    /// In a folder.
    Folder(Box<Folder>),
}

/// A folder with its transactor and its reader.
#[derive(Debug)]
pub struct Folder {
    url: String,
    transactor: Transactor,
    client: Client,
    databases: AtomicU32,
    pauses: Option<Mutex<Pauses>>,
}

/// After some transactions nothing happens for a moment, so that merges get ahead.
#[derive(Debug)]
struct Pauses {
    random: Random,
    ms_max: u64,
}

impl Pauses {
    fn next(&mut self) -> Duration {
        let pause = if self.random.percent(30) { self.random.below(self.ms_max + 1) } else { 0 };
        Duration::from_millis(pause)
    }
}

/// A database that grows by transactions.
#[derive(Debug)]
pub enum Growing<'p> {
    /// In memory.
    Memory(Db),
    /// In a folder.
    Folder {
        /// Where it is.
        folder: &'p Folder,
        /// What it is called there.
        name: DatabaseName,
        /// How it is read.
        connection: Box<Connection>,
    },
}

/// Small enough that the data of a case is spread over tail, segments, young runs and a checkpoint
/// with trees of several levels, wherever merges happen to be when the case is asked.
fn settings() -> Settings {
    Settings {
        tail_bytes_target: 512,
        novelty_soft: NoveltyLimits { datoms: 40, bytes: 4_096, segments: 2 },
        leaf_records_max: 8,
        branch_children_max: 4,
        ..Settings::default()
    }
}

impl Place {
    /// A place in a folder. Must be called within a runtime.
    ///
    /// # Errors
    /// When the folder cannot be opened as a store.
    pub fn folder(folder: &Path) -> Result<Self> {
        Self::with(folder, settings(), None)
    }

    fn with(folder: &Path, settings: Settings, pauses: Option<Mutex<Pauses>>) -> Result<Self> {
        let url = format!("file://{}", folder.display());
        let store = Stores::default().open(&url)?;
        Ok(Self::Folder(Box::new(Folder {
            url,
            transactor: Transactor::new(Components::new(store), settings),
            client: Client::builder().build(),
            databases: AtomicU32::new(0),
            pauses,
        })))
    }

    /// A place in a folder whose databases are split in another way for every seed: how much stays
    /// in the tail, how soon segments become runs, how many of these lie side by side, and how small
    /// nodes are. Merges go on meanwhile, so where exactly a case meets them is not repeated.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub fn split(folder: &Path, seed: u64) -> Result<Self> {
        let mut random = Random::new(seed, 0);
        let mut up_to = |most: u64| 1 + random.below(most);
        let settings = Settings {
            tail_bytes_target: 64 * up_to(32) as usize,
            novelty_soft: NoveltyLimits {
                datoms: 4 * up_to(20),
                bytes: 256 * up_to(32),
                segments: up_to(4),
            },
            leaf_records_max: 3 + up_to(12) as usize,
            branch_children_max: 2 + up_to(4) as usize,
            merge_runs_min: 1 + up_to(4) as usize,
            inlined_bytes_max: 512 * up_to(16),
            log_entries_max: 1 + up_to(6) as usize,
            ..settings()
        };
        let pause_ms_max = up_to(8);
        Self::with(folder, settings, Some(Mutex::new(Pauses { random, ms_max: pause_ms_max })))
    }

    /// Ends what goes on in the background.
    pub async fn close(&self) {
        if let Self::Folder(folder) = self {
            folder.transactor.retire();
            folder.transactor.drain(Duration::from_secs(10)).await;
        }
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create(&self) -> Result<Growing<'_>> {
        let folder = match self {
            Self::Memory => return Ok(Growing::Memory(Db::genesis())),
            Self::Folder(folder) => folder,
        };
        let number = folder.databases.fetch_add(1, Ordering::Relaxed);
        let name: DatabaseName = format!("case-{number}").parse()?;
        folder.transactor.create_database(&name).await?;
        let connection = folder.client.connect(&format!("{}/{name}", folder.url)).await?;
        Ok(Growing::Folder { folder, name, connection: Box::new(connection) })
    }
}

impl Folder {
    async fn pause(&self) {
        let next =
            |pauses: &Mutex<Pauses>| pauses.lock().unwrap_or_else(PoisonError::into_inner).next();
        let pause = self.pauses.as_ref().map_or(Duration::ZERO, next);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

impl Growing<'_> {
    /// Applies a transaction; in memory it takes place `now`.
    ///
    /// # Errors
    /// When it cannot be told what became of it. That it is refused is a result.
    pub async fn transact(
        &mut self,
        data: &Form,
        now: Instant,
    ) -> Result<Result<(), Arc<TxError>>> {
        let parsed = match TxData::from_form(data) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(Arc::new(error))),
        };
        match self {
            Self::Memory(db) => match db.with(&parsed, now).await {
                Ok((next, _)) => *db = next,
                Err(error) => return Ok(Err(Arc::new(error))),
            },
            Self::Folder { folder, name, .. } => {
                let request = TxRequest { data: parsed, key: None, bytes: data.to_string().len() };
                match folder.transactor.transact(name, request).await {
                    Ok(_) => folder.pause().await,
                    Err(TransactError::Tx(error)) => return Ok(Err(error)),
                    Err(error) => return Err(error).context("the transactor"),
                }
            }
        }
        Ok(Ok(()))
    }

    /// The database as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn db(&self) -> Result<Db> {
        match self {
            Self::Memory(db) => Ok(db.clone()),
            Self::Folder { connection, .. } => Ok(connection.db().await?),
        }
    }
}
