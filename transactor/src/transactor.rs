//! The transactor: the databases of one store, each with a task that writes to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duramen_index::NodeCache;
use duramen_store::WriteStore;
use duramen_store::layout::{DatabaseId, DatabaseName};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog;
use crate::clock::{Clock, SystemClock};
use crate::database::{self, DatabaseHandle, Job, SendError};
use crate::error::TransactError;
use crate::instruments;
use crate::random::Random;
use crate::request::{Answer, TxRequest};
use crate::settings::Settings;
use crate::status::{DatabaseState, DatabaseStatus, TransactorStatus};

/// The objects that a transactor works with.
#[derive(Debug, Clone)]
pub struct Components {
    /// Where the databases are.
    pub store: Arc<dyn WriteStore>,
    /// Dates transactions.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and jitter.
    pub random: Arc<Random>,
}

impl Components {
    /// A store, with the clock and the randomness of the operating system.
    #[must_use]
    pub fn new(store: Arc<dyn WriteStore>) -> Self {
        Self { store, clock: Arc::new(SystemClock), random: Arc::new(Random::from_system()) }
    }
}

/// Serializes the writes to the databases of one store. A handle: cheap to clone.
#[derive(Debug, Clone)]
pub struct Transactor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    context: Arc<Context>,
    databases: Mutex<BTreeMap<DatabaseName, DatabaseHandle>>,
    tasks: TaskTracker,
    /// A permit for each byte of the requests that may wait.
    memory: Arc<Semaphore>,
    started: Instant,
    ready: AtomicBool,
}

/// What every task of a transactor shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) components: Components,
    pub(crate) settings: Settings,
    pub(crate) cache: NodeCache,
    /// Cancelled when no more requests are taken.
    pub(crate) stopping: CancellationToken,
}

impl Context {
    pub(crate) fn store(&self) -> &Arc<dyn WriteStore> {
        &self.components.store
    }

    pub(crate) fn random(&self) -> &Random {
        &self.components.random
    }
}

impl Transactor {
    /// A transactor that has not opened any database yet. Must be called within a runtime.
    #[must_use]
    pub fn new(components: Components, settings: Settings) -> Self {
        let cache = NodeCache::new(settings.cache_bytes_max);
        let memory = settings.queue_bytes_max.min(Semaphore::MAX_PERMITS);
        let stopping = CancellationToken::new();
        let context = Context { components, settings, cache, stopping };
        Self {
            shared: Arc::new(Shared {
                context: Arc::new(context),
                databases: Mutex::default(),
                tasks: TaskTracker::new(),
                memory: Arc::new(Semaphore::new(memory)),
                started: Instant::now(),
                ready: AtomicBool::new(true),
            }),
        }
    }

    /// The numbers that it runs by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.context.settings
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// [`TransactError::DatabaseExists`]; otherwise what the store says.
    pub async fn create_database(&self, name: &DatabaseName) -> Result<DatabaseId, TransactError> {
        catalog::create(&self.shared.context, name).await
    }

    /// Lists the databases, in the order of their names.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_databases(&self) -> Result<Vec<(DatabaseName, DatabaseId)>, TransactError> {
        catalog::list(&self.shared.context).await
    }

    /// Gives up a database. Its name can be used again.
    ///
    /// # Errors
    /// [`TransactError::NoDatabase`]; otherwise what the store says.
    pub async fn delete_database(&self, name: &DatabaseName) -> Result<(), TransactError> {
        let open = self.databases().get(name).filter(|handle| !handle.has_ended()).cloned();
        if let Some(handle) = open {
            // Its task is the one that can publish: nobody else gets a root in between.
            let (answer, heard) = oneshot::channel();
            if handle.send(Job::Drop { answer }).is_ok() {
                heard.await.unwrap_or_else(|_| Err(stopped()))?;
            }
        }
        catalog::delete(&self.shared.context, name).await
    }

    /// How a database is doing that is not open.
    ///
    /// # Errors
    /// [`TransactError::NoDatabase`]; otherwise what the store says.
    pub async fn look_up(&self, name: &DatabaseName) -> Result<DatabaseStatus, TransactError> {
        let id = catalog::find(&self.shared.context, name).await?;
        let status = DatabaseStatus::opening(name.clone());
        Ok(DatabaseStatus { id: Some(id), state: DatabaseState::Closed, ..status })
    }

    /// Applies a transaction. The answer comes when it is published.
    ///
    /// Dropping the future changes nothing about the transaction.
    ///
    /// # Errors
    /// See [`TransactError`]: whether the request was applied, and what to do next.
    pub async fn transact(&self, name: &DatabaseName, request: TxRequest) -> Answer {
        let started = Instant::now();
        let answer = self.queue(name, request).await;
        instruments::answered(&answer, started.elapsed());
        answer
    }

    async fn queue(&self, name: &DatabaseName, request: TxRequest) -> Answer {
        let bytes = u32::try_from(request.bytes).unwrap_or(u32::MAX);
        let share = Arc::clone(&self.shared.memory).try_acquire_many_owned(bytes);
        let Ok(share) = share else {
            let reason = "the requests that wait fill the memory that is meant for them".to_owned();
            return Err(TransactError::Busy { reason });
        };
        let now = self.shared.context.components.clock.now();
        self.open(name)?.prefetch(&request.data, now).await;
        let (answer, heard) = oneshot::channel();
        self.send(name, Job::Transact { request, answer, share })?;
        heard.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn send(&self, name: &DatabaseName, mut job: Job) -> Result<(), TransactError> {
        // A task that ends takes no more jobs; the one after it is new.
        for _ in 0..3 {
            match self.open(name)?.send(job) {
                Ok(()) => return Ok(()),
                Err(SendError::Full) => {
                    let queued = self.settings().queue_requests_max;
                    let reason = format!("{queued} requests are waiting for {name}");
                    return Err(TransactError::Busy { reason });
                }
                Err(SendError::Ended(unsent)) => job = *unsent,
            }
        }
        Err(TransactError::NotApplied { reason: format!("{name} does not stay open") })
    }

    /// The task of a database, started if need be.
    fn open(&self, name: &DatabaseName) -> Result<DatabaseHandle, TransactError> {
        if self.shared.context.stopping.is_cancelled() {
            return Err(TransactError::NotApplied {
                reason: "the transactor is stopping".to_owned(),
            });
        }
        let mut databases = self.databases();
        if let Some(handle) = databases.get(name).filter(|handle| !handle.has_ended()) {
            return Ok(handle.clone());
        }
        databases.retain(|_, handle| !handle.has_ended());
        let (handle, task) = database::task(Arc::clone(&self.shared.context), name.clone());
        self.shared.tasks.spawn(task);
        databases.insert(name.clone(), handle.clone());
        Ok(handle)
    }

    fn databases(&self) -> MutexGuard<'_, BTreeMap<DatabaseName, DatabaseHandle>> {
        self.shared.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> TransactorStatus {
        let uptime = self.shared.started.elapsed();
        TransactorStatus {
            version: env!("CARGO_PKG_VERSION"),
            store: self.shared.context.store().place(),
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            databases: self.opened(),
        }
    }

    /// The databases that are or were open. A name that led to none is not among them.
    fn opened(&self) -> Vec<DatabaseStatus> {
        let named =
            |status: &DatabaseStatus| status.id.is_some() || status.state != DatabaseState::Closed;
        self.databases().values().map(DatabaseHandle::status).filter(named).collect()
    }

    /// Whether new requests are wanted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Relaxed)
    }

    /// Says that new requests are not wanted any more. Those that come are still served.
    pub fn retire(&self) {
        self.shared.ready.store(false, Ordering::Relaxed);
    }

    /// Takes no more requests, and waits until those that wait are answered; not longer than
    /// `limit`. What is not answered by then is unknown to its client, and may be applied.
    pub async fn drain(&self, limit: Duration) {
        self.retire();
        self.shared.context.stopping.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(limit, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(limit_ms = limit.as_millis(), "stopped before everything was answered");
        }
    }
}

/// The task of a database ended without an answer.
fn stopped() -> TransactError {
    TransactError::Unknown { reason: "the transactor stopped".to_owned() }
}
