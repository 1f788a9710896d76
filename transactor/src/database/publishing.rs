//! Publishing: from a batch to a root in the bucket, and to the answers.

use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Db, Root, head, segment};
use duramen_store::StoreError;
use duramen_store::layout::BranchName;
use tokio::time::Instant;

use super::background::{Spill, Spilled};
use super::batch::Batch;
use super::flight::{Before, Departure, Flight};
use super::merging::MergeBase;
use super::next_root::{Progress, bytes_of, next_root};
use super::serving::{End, Serving};
use crate::catalog;
use crate::error::TransactError;
use crate::publish::Publication;

/// How long the last hint may take when the transactor stops.
const LAST_HINT_MAX: Duration = Duration::from_secs(2);

/// Sending off.
impl Serving<'_> {
    /// Sends the next root off, if there is something to publish and nothing in its way.
    pub(super) fn depart(&mut self) {
        if self.flight.is_some() || !self.has_cargo() || self.held_until().is_some() {
            return;
        }
        let drops = self.dropping.is_some() && self.batches.is_empty();
        let batch = self.batches.pop_front().unwrap_or_else(|| Batch::after(self.db.clone()));
        let mut root = self.next_root(&batch);
        root.dropped = drops;
        let fits = bytes_of(&root) <= self.context.settings.root_bytes_max;
        if !fits && self.spill.is_running() {
            // Soon there is room. A drop adds nothing, so it always fits.
            self.batches.push_front(batch);
            return;
        }
        match self.prepare(root, &batch.db, fits) {
            Ok(departure) => self.send_off(departure, batch),
            Err(error) => {
                tracing::error!(database = %self.place.name, %error, "a root cannot be made");
                self.retreat(batch, error);
            }
        }
    }

    /// Until when the next root waits for more on board; `None` when nothing holds it.
    pub(super) fn held_until(&self) -> Option<Instant> {
        if self.flight.is_some() || !self.has_cargo() || self.batches.len() > 1 {
            return None;
        }
        self.pace.waits_until(Instant::now(), self.waiting())
    }

    /// How many wait for roots after the one on its way.
    fn waiting(&self) -> usize {
        self.batches.iter().map(Batch::waiting).sum()
    }

    /// Whether there is something to publish. A segment alone is not, unless a merge waits for
    /// it.
    fn has_cargo(&self) -> bool {
        let merge_waits = self.spill.uploaded().is_some() && self.wants_flush();
        let merged = self.merging.made().is_some() && self.merging.is_rested();
        let makes_progress = merge_waits || merged;
        !self.batches.is_empty() || self.dropping.is_some() || makes_progress
    }

    fn next_root(&self, batch: &Batch) -> Root {
        let progress = Progress {
            txs: &batch.txs,
            next_ids: batch.db.next_ids(),
            segment: self.spill.uploaded().map(|spilled| spilled.reference),
            checkpoint: self.merging.made(),
            requests: self.requests.window(),
        };
        next_root(&self.root, self.context.random().id(), &progress)
    }

    /// Makes the object of a root, after which the database is `db`.
    fn prepare(&mut self, mut root: Root, db: &Db, fits: bool) -> Result<Departure, StoreError> {
        let mut spilled: Vec<Spilled> = self.spill.take().into_iter().collect();
        let mut before = None;
        // Too much for the root: all of its tail goes to a segment that is written first.
        if !fits && let Some((segment, object)) = self.segment(&root, db) {
            root.tail.clear();
            root.segments.push(segment.reference);
            spilled.push(segment);
            before = Some(object);
        }
        Ok(Departure { root: catalog::sealed(root)?, spilled, before })
    }

    fn send_off(&mut self, departure: Departure, batch: Batch) {
        let root = &departure.root.root;
        let large = root.tail_bytes() >= self.context.settings.tail_bytes_target;
        if large && self.spill.is_idle() {
            self.start_spill(root, &batch.db);
        }
        let slowness = self.novelty_now().pressure(&self.context.settings);
        let pause = Duration::from_millis(self.context.settings.slow_ms_max).mul_f64(slowness);
        self.pace.slow_down(Instant::now(), pause);
        metrics::histogram!("duramen_batch_transactions").record(batch.txs.len() as f64);
        let key = self.place.contents.root(&root.place.branch, root.place.n);
        self.flight = Some(Flight::depart(&self.context, key, departure, batch));
    }

    /// Makes a segment of the tail of a root.
    fn segment(&mut self, root: &Root, db: &Db) -> Option<(Spilled, Before)> {
        let name = self.names.segment();
        let sealed = segment::seal(self.place.id, name, &root.tail)?;
        let base = MergeBase { db: db.clone(), sum: root.sum };
        let spilled = Spilled { reference: sealed.reference, base };
        let key = self.place.contents.segment(name);
        Some((spilled, Before { key, object: sealed.object }))
    }

    /// Begins to upload the tail of a root that departs now, so that a later root need not hold
    /// it any more. Should this root not arrive, nobody ever names the segment.
    fn start_spill(&mut self, root: &Root, db: &Db) {
        if let Some((spilled, Before { key, object })) = self.segment(root, db) {
            let store = Arc::clone(self.context.store());
            self.spill = Spill::start(spilled, async move { store.put(&key, object).await });
        }
    }

    /// Begins to upload the tail of the newest published root.
    pub(super) fn spill_published(&mut self) {
        let (root, db) = (self.root.root.clone(), self.db.clone());
        self.start_spill(&root, &db);
    }
}

/// Hearing what became of it.
impl Serving<'_> {
    pub(super) async fn land(&mut self, publication: Publication) -> Option<End> {
        let flight = self.flight.take()?;
        let (outcome, end) = match publication {
            Publication::Published => {
                let end = self.advance(flight);
                if end.is_some() {
                    self.leave_hint().await;
                }
                ("published", end)
            }
            Publication::Refused(error) => {
                tracing::warn!(database = %self.place.name, %error, "the store refused a root");
                if let Some(spilled) = flight.spilled.into_iter().next() {
                    self.spill = Spill::ready(spilled);
                }
                self.retreat(flight.batch, error);
                ("refused", None)
            }
            Publication::Fenced => ("fenced", Some(self.fenced(flight).await)),
            Publication::Unknown(error) => {
                tracing::warn!(database = %self.place.name, %error, "a publish is in doubt");
                let unknown = TransactError::Unknown { reason: error.to_string() };
                self.void(flight.batch, &unknown, &not_published());
                ("unknown", Some(End::Doubt))
            }
        };
        metrics::counter!("duramen_publishes_total", "outcome" => outcome).increment(1);
        end
    }

    /// The root is in the bucket: it is the newest one now, and everyone who waited hears so.
    fn advance(&mut self, flight: Flight) -> Option<End> {
        let Flight { root, batch, mut spilled, departed, .. } = flight;
        self.pace.landed(Instant::now(), departed.elapsed(), batch.waiting(), self.waiting());
        let datoms: usize = batch.txs.iter().map(|tx| tx.record().changes.len()).sum();
        metrics::counter!("duramen_transactions_total").increment(batch.txs.len() as u64);
        metrics::counter!("duramen_datoms_total").increment(datoms as u64);
        let before = self.root.root.checkpoint;
        self.root = root;
        self.db = batch.db.clone();
        self.requests.forget(self.root.root.t);
        if let Some(Spilled { base, .. }) = spilled.pop() {
            self.merging.rebase(base);
        }
        if let Some(checkpoint) =
            self.root.root.checkpoint.filter(|_| before != self.root.root.checkpoint)
        {
            self.merge_published(checkpoint.t);
        }
        self.head.outdate();
        self.show();
        batch.published(self.root.root.place.n);
        if !self.root.root.dropped {
            return None;
        }
        if let Some(answer) = self.dropping.take() {
            let _ = answer.send(Ok(()));
        }
        Some(End::Dropped)
    }

    /// The root is certainly not in the bucket: everything that builds on it is void, and serving
    /// goes on from the newest one that is.
    fn retreat(&mut self, batch: Batch, error: StoreError) {
        let error = match error {
            StoreError::Unavailable { .. } => {
                TransactError::NotApplied { reason: error.to_string() }
            }
            lasting => TransactError::Store(lasting),
        };
        self.void(batch, &error, &error);
        self.rest_merging();
        let t = self.root.root.t;
        self.requests.take_back(t);
        self.novelty.take_back(t);
        self.spill.take_back(t);
    }

    /// Answers a batch with one error, and all that were resolved after it with another.
    fn void(&mut self, batch: Batch, error: &TransactError, rest: &TransactError) {
        batch.fail(error);
        for batch in self.batches.drain(..) {
            batch.fail(rest);
        }
        if let Some(answer) = self.dropping.take() {
            let _ = answer.send(Err(error.clone()));
        }
    }

    /// Another writer's root has the number: nothing of this one's is applied.
    async fn fenced(&mut self, flight: Flight) -> End {
        let dropping = self.dropping.take();
        self.void(flight.batch, &not_published(), &not_published());
        let store = &**self.context.store();
        // The newest root tells who it was. If it cannot be read, the next claim finds out.
        let newest = catalog::newest_root(store, &self.place.contents, self.place.id).await;
        let end = match newest {
            Ok(newest) if newest.root.dropped => End::Dropped,
            Ok(newest) => End::Fenced { address: newest.root.writer.address },
            Err(_) => End::Fenced { address: String::new() },
        };
        if let Some(answer) = dropping {
            let _ = answer.send(match &end {
                End::Fenced { address } => {
                    Err(TransactError::Elsewhere { address: address.clone() })
                }
                _ => Ok(()),
            });
        }
        end
    }
}

/// The hint at the newest root.
impl Serving<'_> {
    pub(super) fn write_hint(&mut self) {
        let key = self.place.folder.head(&BranchName::main());
        self.head.write(Arc::clone(self.context.store()), key, head::seal(&self.root));
    }

    /// Writes the hint a last time.
    pub(super) async fn leave_hint(&mut self) {
        if self.head.is_stale() {
            self.write_hint();
            let _ = tokio::time::timeout(LAST_HINT_MAX, self.head.written()).await;
        }
    }
}

fn not_published() -> TransactError {
    TransactError::NotApplied { reason: "another writer took over".to_owned() }
}
