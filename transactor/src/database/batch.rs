//! The batch: transactions that one root makes visible, and those who wait for it.

use duramen_db::{Db, LoggedTx};
use duramen_model::T;
use tokio::sync::oneshot;

use crate::error::TransactError;
use crate::request::{Answer, Receipt};

/// Transactions that one root makes visible together, and the answers that wait for that root.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The transactions, in order.
    pub(crate) txs: Vec<LoggedTx>,
    /// What they take of the log, in bytes.
    pub(crate) bytes: usize,
    /// The database after them.
    pub(crate) db: Db,
    waiting: Vec<Waiting>,
}

/// An answer that nobody may have before the state it speaks of is published.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Applied { tx: LoggedTx, replayed: bool },
    Refused(TransactError),
}

impl Batch {
    /// A batch of nothing, after a database.
    pub(crate) const fn after(db: Db) -> Self {
        Self { txs: Vec::new(), bytes: 0, db, waiting: Vec::new() }
    }

    /// Adds a transaction. `db` is the database after it.
    pub(crate) fn push(&mut self, tx: LoggedTx, db: Db, answer: oneshot::Sender<Answer>) {
        self.bytes += tx.bytes().len();
        self.db = db;
        self.txs.push(tx.clone());
        self.waiting.push(Waiting { answer, outcome: Outcome::Applied { tx, replayed: false } });
    }

    /// How many wait for it.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A transaction of it.
    pub(crate) fn get(&self, t: T) -> Option<&LoggedTx> {
        self.txs.iter().find(|tx| tx.t() == t)
    }

    /// Answers a repeated request when the root is published.
    pub(crate) fn replay(&mut self, tx: LoggedTx, answer: oneshot::Sender<Answer>) {
        self.waiting.push(Waiting { answer, outcome: Outcome::Applied { tx, replayed: true } });
    }

    /// Refuses a request when the root is published: the reason speaks of a state that nobody may
    /// see before.
    pub(crate) fn refuse(&mut self, error: TransactError, answer: oneshot::Sender<Answer>) {
        self.waiting.push(Waiting { answer, outcome: Outcome::Refused(error) });
    }

    /// Answers everyone: the root of that number is published.
    pub(crate) fn published(self, root: u64) {
        for Waiting { answer, outcome } in self.waiting {
            let outcome = match outcome {
                Outcome::Applied { tx, replayed } => {
                    let record = tx.record().clone();
                    Ok(Receipt { record, root, db: self.db.clone(), replayed })
                }
                Outcome::Refused(error) => Err(error),
            };
            // Nobody may be listening any more; that changes nothing.
            let _ = answer.send(outcome);
        }
    }

    /// Answers everyone with one error: what they were to hear is void.
    pub(crate) fn fail(self, error: &TransactError) {
        for waiting in self.waiting {
            let _ = waiting.answer.send(Err(error.clone()));
        }
    }
}
