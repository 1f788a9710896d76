//! Serving: the loop that turns requests into roots.
//!
//! The loop owns everything about the database and waits for one thing at a time. What takes
//! long (a publish, an upload) runs beside it. Taking requests is in `taking`, publishing in
//! `publishing`.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Db, OpenedRoot};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::Job;
use super::background::{Head, Spill};
use super::batch::Batch;
use super::flight::{self, Flight};
use super::merging::{MergeEvent, Merging};
use super::names::Names;
use super::novelty::NoveltyGauge;
use super::opening::{Opened, Place};
use super::pace::Pace;
use crate::error::TransactError;
use crate::publish::Publication;
use crate::requests::Requests;
use crate::status::{DatabaseState, DatabaseStatus, Novelty};
use crate::transactor::Context;

/// Why serving ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It is unknown whether a root was published: claim the database again.
    Doubt,
    /// Another writer has claimed the database.
    Fenced {
        /// Where it answers, if it says so.
        address: String,
    },
    /// The database was dropped.
    Dropped,
    /// The transactor stops, and everything is answered.
    Stopped,
}

/// A claimed database, and everything on its way.
#[derive(Debug)]
pub(crate) struct Serving<'a> {
    pub(super) context: Arc<Context>,
    pub(super) place: Place,
    /// The newest published root.
    pub(super) root: OpenedRoot,
    /// The database of that root.
    pub(super) db: Db,
    /// The next root, while it is being published.
    pub(super) flight: Option<Flight>,
    /// What the roots after it will make visible. None of them is empty.
    pub(super) batches: VecDeque<Batch>,
    pub(super) names: Names,
    pub(super) requests: Requests,
    pub(super) novelty: NoveltyGauge,
    pub(super) spill: Spill,
    pub(super) merging: Merging,
    pub(super) head: Head,
    pub(super) pace: Pace,
    /// Who waits for the database to be dropped.
    pub(super) dropping: Option<oneshot::Sender<Result<(), TransactError>>>,
    /// No more jobs will come.
    closed: bool,
    report: &'a watch::Sender<DatabaseStatus>,
    pub(super) show_db: &'a watch::Sender<Option<Db>>,
}

enum Event {
    Landed(Publication),
    Spilled(bool),
    Merge(MergeEvent),
    HeadDue,
    DepartureDue,
    MergesRested,
    Job(Option<Job>),
    Stop,
}

impl<'a> Serving<'a> {
    pub(crate) fn new(
        context: Arc<Context>,
        opened: Opened,
        report: &'a watch::Sender<DatabaseStatus>,
        show_db: &'a watch::Sender<Option<Db>>,
    ) -> Self {
        let head = Head::new(Duration::from_millis(context.settings.head_pause_ms));
        let mut serving = Self {
            context,
            place: opened.place,
            root: opened.root,
            db: opened.db,
            flight: None,
            batches: VecDeque::new(),
            names: opened.names,
            requests: opened.requests,
            novelty: opened.novelty,
            spill: Spill::idle(),
            merging: Merging::idle(),
            head,
            pace: Pace::new(Instant::now()),
            dropping: None,
            closed: false,
            report,
            show_db,
        };
        serving.head.outdate();
        serving.show();
        serving
    }

    /// Serves until there is a reason not to.
    pub(crate) async fn run(mut self, jobs: &mut mpsc::Receiver<Job>) -> End {
        let stopping = self.context.stopping.clone();
        loop {
            self.start_merges();
            self.depart();
            if self.closed && self.flight.is_none() && self.batches.is_empty() {
                self.leave_hint().await;
                return End::Stopped;
            }
            let taking = self.takes_jobs();
            let (held, rests) = (self.held_until(), self.merging.rests_until());
            let event = tokio::select! {
                biased;
                publication = flight::landed(&mut self.flight) => Event::Landed(publication),
                uploaded = self.spill.done() => Event::Spilled(uploaded),
                event = self.merging.event() => Event::Merge(event),
                () = self.head.due() => Event::HeadDue,
                () = until(held) => Event::DepartureDue,
                () = until(rests) => Event::MergesRested,
                () = stopping.cancelled(), if !jobs.is_closed() => Event::Stop,
                job = jobs.recv(), if taking => Event::Job(job),
            };
            if let Some(end) = self.handle(event, jobs).await {
                return end;
            }
        }
    }

    async fn handle(&mut self, event: Event, jobs: &mut mpsc::Receiver<Job>) -> Option<End> {
        match event {
            Event::Landed(publication) => return self.land(publication).await,
            Event::Spilled(uploaded) => {
                if !uploaded {
                    self.rest_merging();
                }
            }
            Event::Merge(event) => self.merge_event(event),
            Event::DepartureDue | Event::MergesRested => {}
            Event::HeadDue => self.write_hint(),
            Event::Stop => jobs.close(),
            Event::Job(None) => self.closed = true,
            Event::Job(Some(job)) => {
                self.take(job).await;
                // Whoever waits already goes with the same root.
                while self.flight.is_none() && self.takes_jobs() {
                    let Ok(job) = jobs.try_recv() else { break };
                    self.take(job).await;
                }
            }
        }
        None
    }

    /// Whether the next batch has room.
    fn takes_jobs(&self) -> bool {
        let transactions_max = self.context.settings.batch_transactions_max;
        let room = match (self.batches.len(), self.batches.front()) {
            (1, Some(batch)) => batch.txs.len() < transactions_max,
            (batches, _) => batches == 0,
        };
        room && self.dropping.is_none() && !self.closed
    }

    /// The newest value, published or not: what the next transaction is resolved against.
    pub(super) fn tip(&self) -> &Db {
        let on_its_way = || self.flight.as_ref().map(|flight| &flight.batch.db);
        self.batches.back().map(|batch| &batch.db).or_else(on_its_way).unwrap_or(&self.db)
    }

    /// What is not merged yet.
    pub(super) fn novelty_now(&self) -> Novelty {
        self.novelty.total(self.root.root.segments.len())
    }

    /// Shows how the database is doing.
    pub(super) fn show(&self) {
        self.show_db.send_replace(Some(self.db.clone()));
        let root = &self.root.root;
        let novelty = self.novelty_now();
        self.report.send_modify(|status| {
            status.id = Some(self.place.id);
            status.state = DatabaseState::Serving;
            status.t = Some(root.t);
            status.root = root.place.n;
            status.epoch = root.epoch;
            status.checkpoint_t = root.checkpoint.map(|checkpoint| checkpoint.t);
            status.novelty = novelty;
            status.merging = self.merging.is_running();
        });
        let name = self.place.name.as_str();
        let gauge = |metric: &'static str, value: u64| {
            metrics::gauge!(metric, "database" => name.to_owned()).set(value as f64);
        };
        gauge("duramen_novelty_datoms", novelty.datoms);
        gauge("duramen_novelty_bytes", novelty.bytes);
        gauge("duramen_t", root.t.get());
    }
}

/// Waits until a time; for ever without one.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
