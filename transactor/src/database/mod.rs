//! One database: the task that owns it, and the handle by which others reach it.
//!
//! ```text
//! requests -> bounded queue -> resolve against the newest value -> batch -> publish -> answers
//! ```
//!
//! The task opens the database (claims it and reads it), serves it, and ends when another writer
//! has taken it over, it was dropped, or the transactor stops. Reading order: `opening`,
//! `serving` with `taking`, `publishing` and `merging`, and what they work with: `batch`, `next_root`,
//! `flight`, `pace`, `prefetch`, `background`, `novelty`.

mod background;
mod batch;
mod flight;
mod merging;
mod names;
mod next_root;
mod novelty;
mod opening;
mod pace;
mod prefetch;
mod publishing;
mod serving;
mod taking;

use std::sync::Arc;
use std::time::Duration;

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_store::layout::DatabaseName;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::catalog;
use crate::error::TransactError;
use crate::request::{Answer, TxRequest};
use crate::status::{DatabaseState, DatabaseStatus};
use crate::transactor::Context;
use prefetch::Prefetch;
use serving::End;

/// What is asked of a database.
#[derive(Debug)]
pub(crate) enum Job {
    /// Apply a transaction.
    Transact {
        request: TxRequest,
        answer: oneshot::Sender<Answer>,
        /// Its share of the memory for requests that wait.
        share: OwnedSemaphorePermit,
    },
    /// Publish the root after which none comes.
    Drop { answer: oneshot::Sender<Result<(), TransactError>> },
}

impl Job {
    /// Answers that it was not done.
    fn refuse(self, error: TransactError) {
        // Nobody may be listening any more; that changes nothing.
        match self {
            Self::Transact { answer, .. } => drop(answer.send(Err(error))),
            Self::Drop { answer } => drop(answer.send(Err(error))),
        }
    }
}

/// Reaches the task of a database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseHandle {
    queue: mpsc::Sender<Job>,
    status: watch::Receiver<DatabaseStatus>,
    db: watch::Receiver<Option<Db>>,
    prefetch: Prefetch,
}

/// Why a job did not get into the queue. It comes back.
#[derive(Debug)]
pub(crate) enum SendError {
    /// There are too many before it.
    Full,
    /// The task takes no more.
    Ended(Box<Job>),
}

impl DatabaseHandle {
    /// Puts a job into the queue, if there is room.
    pub(crate) fn send(&self, job: Job) -> Result<(), SendError> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Full,
            TrySendError::Closed(job) => SendError::Ended(Box::new(job)),
        })
    }

    /// Reads what a transaction will look up, so that it need not be waited for when its turn
    /// comes.
    pub(crate) async fn prefetch(&self, data: &TxData, now: Instant) {
        let db = self.db.borrow().clone();
        if let Some(db) = db {
            self.prefetch.warm(&db, data, now).await;
        }
    }

    /// Whether the task takes no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// How the database is doing.
    pub(crate) fn status(&self) -> DatabaseStatus {
        let queued = self.queue.max_capacity() - self.queue.capacity();
        DatabaseStatus { queued: queued as u64, ..self.status.borrow().clone() }
    }
}

/// Makes the task of a database, and a handle to reach it.
pub(crate) fn task(
    context: Arc<Context>,
    name: DatabaseName,
) -> (DatabaseHandle, impl Future<Output = ()>) {
    let (queue, jobs) = mpsc::channel(context.settings.queue_requests_max);
    let (report, status) = watch::channel(DatabaseStatus::opening(name.clone()));
    let (show_db, db) = watch::channel(None);
    let prefetch = Prefetch::default();
    let task = Task { context, name, jobs, report, show_db };
    (DatabaseHandle { queue, status, db, prefetch }, task.run())
}

#[derive(Debug)]
struct Task {
    context: Arc<Context>,
    name: DatabaseName,
    jobs: mpsc::Receiver<Job>,
    report: watch::Sender<DatabaseStatus>,
    /// The newest published value, for those who prefetch.
    show_db: watch::Sender<Option<Db>>,
}

impl Task {
    async fn run(mut self) {
        let error = self.serve().await;
        self.report.send_modify(|status| status.state = DatabaseState::Closed);
        self.show_db.send_replace(None);
        self.jobs.close();
        while let Some(job) = self.jobs.recv().await {
            job.refuse(error.clone());
        }
    }

    /// Opens the database and serves it, again after each doubt. Returns what those who still
    /// wait are told.
    async fn serve(&mut self) -> TransactError {
        loop {
            self.report.send_modify(|status| status.state = DatabaseState::Opening);
            let opened = match opening::open(&self.context, &self.name).await {
                Ok(opened) => opened,
                Err(error) => {
                    tracing::warn!(database = %self.name, %error, "cannot open the database");
                    return error;
                }
            };
            let (context, show_db) = (Arc::clone(&self.context), &self.show_db);
            let serving = serving::Serving::new(context, opened, &self.report, show_db);
            match Box::pin(serving.run(&mut self.jobs)).await {
                End::Doubt => {}
                End::Stopped => return stopped(),
                End::Dropped => return catalog::no_database(&self.context, &self.name),
                End::Fenced { address } => {
                    tracing::warn!(database = %self.name, %address, "taken over by another writer");
                    return self.refer(TransactError::Elsewhere { address }).await;
                }
            }
        }
    }

    /// Refers requests to the writer that took over, for a while: two transactors that are both
    /// asked for one database must not take it from each other with every request.
    async fn refer(&mut self, error: TransactError) -> TransactError {
        self.report.send_modify(|status| status.state = DatabaseState::Fenced);
        let pause = Duration::from_millis(self.context.settings.fenced_pause_ms);
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return error,
                () = self.context.stopping.cancelled() => return stopped(),
                job = self.jobs.recv() => match job {
                    Some(job) => job.refuse(error.clone()),
                    None => return error,
                },
            }
        }
    }
}

fn stopped() -> TransactError {
    TransactError::NotApplied { reason: "the transactor is stopping".to_owned() }
}
