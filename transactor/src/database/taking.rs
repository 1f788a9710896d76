//! Taking requests: from a job to a transaction in a batch, or to a refusal.

use std::sync::Arc;

use duramen_db::resolve::resolve;
use duramen_db::{Db, LoggedTx};
use duramen_model::{Instant, T};
use duramen_store::StoreError;
use tokio::sync::oneshot;

use super::Job;
use super::batch::Batch;
use super::next_root::{FIXED_BYTES, TX_FRAME_BYTES};
use super::serving::Serving;
use crate::error::TransactError;
use crate::request::{Answer, Receipt, TxRequest};
use crate::requests::Verdict;

/// Bytes of a root that are kept for the segments that it names.
const SEGMENTS_BYTES: usize = 16 << 10;

impl Serving<'_> {
    pub(super) async fn take(&mut self, job: Job) {
        match job {
            Job::Transact { request, answer, share } => {
                self.transact(request, answer).await;
                drop(share);
            }
            Job::Drop { answer } => self.dropping = Some(answer),
        }
    }

    async fn transact(&mut self, request: TxRequest, answer: oneshot::Sender<Answer>) {
        let now = self.context.components.clock.now();
        match self.judge(&request, now) {
            Ok(Verdict::New) => {}
            Ok(Verdict::Repeated(t)) => return self.replay(t, answer),
            Ok(Verdict::Reused(t)) => {
                return self.refuse(TransactError::RequestReused { t }, answer);
            }
            Ok(Verdict::Expired { horizon }) => {
                return self.refuse(TransactError::RequestExpired { horizon }, answer);
            }
            Err(error) => return self.refuse(error, answer),
        }
        if let Some(reason) = self.novelty_now().over(&self.context.settings.novelty_hard) {
            let _ = answer.send(Err(TransactError::Busy { reason }));
            return;
        }
        match self.resolved(&request, now).await {
            Ok((tx, db)) => self.accept(tx, db, answer),
            Err(error) => self.refuse(error, answer),
        }
    }

    fn judge(&self, request: &TxRequest, now: Instant) -> Result<Verdict, TransactError> {
        let Some(key) = &request.key else { return Ok(Verdict::New) };
        let ahead = i64::try_from(self.context.settings.request_ahead_ms_max).unwrap_or(i64::MAX);
        if key.time.millis() > now.millis().saturating_add(ahead) {
            // One accepted would one day make all others look old.
            let reason = format!("its time {} is after {now}, which is now", key.time);
            return Err(TransactError::invalid("request_id", reason));
        }
        Ok(self.requests.judge(key.id, key.time, &key.digest))
    }

    async fn resolved(
        &self,
        request: &TxRequest,
        now: Instant,
    ) -> Result<(LoggedTx, Db), TransactError> {
        let tip = self.tip();
        let resolved = resolve(tip, &request.data, now, tip.next_ids()).await;
        let mut record = resolved?.record;
        if let Some(key) = &request.key {
            record.request_id = Some(key.id);
            record.digest = key.digest;
        }
        let tx = LoggedTx::encode(record);
        let (bytes, bytes_max) = (tx.bytes().len(), self.context.settings.transaction_bytes_max);
        if bytes > bytes_max {
            return Err(TransactError::TooLarge { bytes, bytes_max });
        }
        let db = tip.apply_all(&[Arc::clone(tx.record())])?;
        Ok((tx, db))
    }

    /// Puts a transaction into the last batch, or into the one after it when that is full.
    fn accept(&mut self, tx: LoggedTx, db: Db, answer: oneshot::Sender<Answer>) {
        self.requests.remember(tx.record());
        self.novelty.push(tx.t(), tx.record().changes.len(), tx.bytes().len());
        let settings = &self.context.settings;
        let taken = settings.tail_bytes_target + FIXED_BYTES + SEGMENTS_BYTES;
        let room = settings.root_bytes_max.saturating_sub(taken);
        let fits = |batch: &Batch| {
            let frames = (batch.txs.len() + 1) * TX_FRAME_BYTES;
            batch.bytes + tx.bytes().len() + frames <= room
        };
        match self.batches.back_mut().filter(|batch| fits(batch)) {
            Some(batch) => batch.push(tx, db, answer),
            None => {
                let mut batch = Batch::after(db.clone());
                batch.push(tx, db, answer);
                self.batches.push_back(batch);
            }
        }
    }

    /// Refuses a request as soon as the state that the reason speaks of is published.
    fn refuse(&mut self, error: TransactError, answer: oneshot::Sender<Answer>) {
        let on_its_way = self.flight.as_mut().map(|flight| &mut flight.batch);
        match self.batches.back_mut().or(on_its_way) {
            Some(batch) => batch.refuse(error, answer),
            None => drop(answer.send(Err(error))),
        }
    }

    /// Answers a repeated request with the report of the first time.
    fn replay(&mut self, t: T, answer: oneshot::Sender<Answer>) {
        let on_its_way = self.flight.as_mut().map(|flight| &mut flight.batch);
        for batch in on_its_way.into_iter().chain(&mut self.batches) {
            if let Some(tx) = batch.get(t).cloned() {
                return batch.replay(tx, answer);
            }
        }
        // If it is merged, the log in the bucket has it: the commits go on meanwhile.
        let (db, root) = (self.db.clone(), self.root.root.place.n);
        tokio::spawn(async move {
            let logged = db.tx_range(t, t.next().unwrap_or(T::MAX)).await;
            let missing = || StoreError::Missing { object: format!("transaction {t} of the log") };
            let found = match logged {
                Ok(records) => records.into_iter().next().ok_or_else(|| missing().into()),
                Err(error) => Err(TransactError::from(error)),
            };
            let _ = answer.send(found.map(|record| Receipt { record, root, db, replayed: true }));
        });
    }
}
