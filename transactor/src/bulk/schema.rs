//! The schema of a load: ordinary transactions, resolved before any fact comes.

use std::sync::Arc;

use duramen_db::resolve::{TxData, resolve};
use duramen_db::{Db, LoggedTx, NextIds};
use duramen_index::{KeyRange, Record, State};
use duramen_model::{Datom, Instant, Order, T, builtin};

use super::error::BulkError;
use crate::error::TransactError;

/// The transactions that come before the facts, from the one that every database is born with.
#[derive(Debug)]
pub(crate) struct SchemaTxs {
    pub(crate) db: Db,
    pub(crate) next_ids: NextIds,
    txs: Vec<LoggedTx>,
    instant: Instant,
}

impl SchemaTxs {
    /// Begins with what every database is born with. All transactions have one instant.
    pub(crate) fn begin(instant: Instant) -> Self {
        let genesis = LoggedTx::encode(duramen_db::TxRecord::genesis());
        Self { db: Db::genesis(), next_ids: NextIds::FIRST, txs: vec![genesis], instant }
    }

    /// Adds a transaction.
    pub(crate) async fn transact(&mut self, data: &TxData) -> Result<(), BulkError> {
        let resolved = Box::pin(resolve(&self.db, data, self.instant, self.next_ids)).await;
        let resolved = resolved.map_err(TransactError::from)?;
        let tx = LoggedTx::encode(resolved.record);
        self.db = self.db.apply_all(&[Arc::clone(tx.record())])?;
        self.next_ids = resolved.next;
        self.txs.push(tx);
        Ok(())
    }

    pub(crate) fn txs(&self) -> &[LoggedTx] {
        &self.txs
    }

    /// Every datom that defines schema, in the order of `t`.
    pub(crate) fn defining(&self) -> Vec<Datom> {
        let datoms = self.txs.iter().flat_map(|tx| tx.record().datoms());
        datoms.filter(|datom| builtin::defines_schema(datom.a)).cloned().collect()
    }

    /// The facts that are open after the transactions.
    pub(crate) async fn open(&self) -> Result<Vec<Datom>, BulkError> {
        Ok(self.db.datoms(&KeyRange::all(Order::Eavt)).await?)
    }

    /// The facts that are closed by then.
    pub(crate) async fn closed(&self) -> Result<Vec<Record>, BulkError> {
        let history = self.db.history().datoms(&KeyRange::all(Order::Eavt)).await?;
        let mut opened: Option<&Datom> = None;
        let mut closed = Vec::new();
        // Those of one fact are neighbours, assertions and retractions in turn.
        for datom in &history {
            match opened.filter(|_| !datom.added) {
                Some(Datom { e, a, v, t, .. }) => closed.push(Record {
                    e: *e,
                    a: *a,
                    v: v.clone(),
                    added: *t,
                    state: State::Closed(datom.t),
                }),
                None => opened = Some(datom),
            }
        }
        Ok(closed)
    }

    /// The newest of the transactions.
    pub(crate) fn t(&self) -> T {
        self.db.basis_t()
    }
}
