//! Sending batches, several at a time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use duramen_transactor::client::{Client, ClientError};
use futures_util::stream::{self, StreamExt};
use tokio::sync::Notify;

use super::batches::Batch;
use super::progress::Progress;
use super::rows::BadRow;
use crate::cli::arguments::Import;
use crate::cli::exit::Failure;
use crate::cli::output::plural;

/// Sends batches to a database.
pub(crate) struct Loader<'a> {
    client: Client,
    flags: &'a Import,
    progress: &'a Progress,
    /// What is done so far. Batches are under way at once, but in one thread.
    loaded: RefCell<Loaded>,
    under_way: UnderWay,
}

/// The keys of the batches that are under way. Rows of one key are transacted in the order in which
/// they stand in the file, so that the last one wins.
#[derive(Debug, Default)]
struct UnderWay {
    keys: RefCell<HashSet<u128>>,
    ended: Notify,
}

impl UnderWay {
    /// Waits until no batch is under way that has one of some keys.
    async fn enter(&self, keys: &HashSet<u128>) {
        while !self.keys.borrow().is_disjoint(keys) {
            self.ended.notified().await;
        }
        self.keys.borrow_mut().extend(keys);
    }

    fn leave(&self, keys: &HashSet<u128>) {
        self.keys.borrow_mut().retain(|key| !keys.contains(key));
        self.ended.notify_one();
    }
}

/// What was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    rows: u64,
    datoms: u64,
    bad: u64,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(client: Client, flags: &'a Import, progress: &'a Progress) -> Self {
        let (loaded, under_way) = (RefCell::default(), UnderWay::default());
        Self { client, flags, progress, loaded, under_way }
    }

    /// Loads everything. A failure says how far it came.
    pub(crate) async fn load(
        &self,
        batches: impl Iterator<Item = Batch>,
    ) -> Result<Loaded, Failure> {
        let parallel = usize::try_from(self.flags.parallel).unwrap_or(1);
        let failed = RefCell::new(None);
        // After a failure nothing more is sent, but what is under way is waited for: it will be in
        // the database, so it counts.
        let batches = batches.take_while(|_| failed.borrow().is_none());
        let in_order = stream::iter(batches).then(async |batch: Batch| {
            self.under_way.enter(&batch.keys).await;
            batch
        });
        let sent = in_order.map(|batch| self.send(batch)).buffer_unordered(parallel);
        sent.for_each(|outcome| {
            if let Err(failure) = outcome {
                failed.borrow_mut().get_or_insert(failure);
            }
            std::future::ready(())
        })
        .await;
        let loaded = *self.loaded.borrow();
        failed.into_inner().map_or(Ok(loaded), Err).map_err(|failure| {
            let (file, rows) = (self.flags.file.display(), loaded.rows);
            failure.within(file).adding(format_args!(
                "{rows} row{} of it had been loaded",
                plural(usize::try_from(rows).unwrap_or(usize::MAX))
            ))
        })
    }

    async fn send(&self, batch: Batch) -> Result<(), Failure> {
        let keys = batch.keys.clone();
        let sent = self.send_rows(batch).await;
        self.under_way.leave(&keys);
        sent
    }

    async fn send_rows(&self, mut batch: Batch) -> Result<(), Failure> {
        while !batch.entities.is_empty() {
            let Err(error) = self.transact(&batch).await else { break };
            let bad = refused(&error, &mut batch).ok_or(error)?;
            self.pass_over(bad)?;
        }
        batch.bad.into_iter().try_for_each(|bad| self.pass_over(bad))
    }

    async fn transact(&self, batch: &Batch) -> Result<(), ClientError> {
        let transacted = self.client.transact(&self.flags.of.database, &batch.edn()).await?;
        let mut loaded = self.loaded.borrow_mut();
        loaded.rows += batch.entities.len() as u64;
        loaded.datoms += transacted.report.datoms.len() as u64;
        self.progress.reached(batch.end, loaded.rows);
        Ok(())
    }

    /// Goes on without a row, unless there were too many of them.
    fn pass_over(&self, bad: BadRow) -> Result<(), Failure> {
        let mut loaded = self.loaded.borrow_mut();
        if loaded.bad == self.flags.skip_bad {
            return Err(Failure::invalid(bad.to_string()));
        }
        loaded.bad += 1;
        let file = self.flags.file.display();
        self.progress.note(&format!("passed over: {file}: {bad}"));
        Ok(())
    }
}

/// Takes the row out of a batch that the transactor refused it for, if it is one row's fault.
fn refused(error: &ClientError, batch: &mut Batch) -> Option<BadRow> {
    let (reason, facts) = error.info()?;
    let statement: usize = facts.get("statement")?.parse().ok()?;
    if statement >= batch.entities.len() {
        return None;
    }
    let (line, _) = batch.entities.remove(statement);
    Some(BadRow { line, column: None, message: format!("{error} ({reason})") })
}

impl Loaded {
    pub(crate) fn summary(&self, took: Duration) -> String {
        summary(self.rows, self.bad, self.datoms, took)
    }
}

/// As in `1000 rows, 4000 datoms in 0.8 s: 5000 datoms/s`.
pub(crate) fn summary(rows: u64, bad: u64, datoms: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = datoms as f64 / seconds.max(0.001);
    let bad = if bad > 0 { format!(", {bad} passed over") } else { String::new() };
    format!("{rows} rows{bad}, {datoms} datoms in {seconds:.1} s: {rate:.0} datoms/s")
}
