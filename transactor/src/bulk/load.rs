//! Loading: facts in transactions become log and sorted spills.

use std::sync::Arc;

use duramen_db::resolve::TxData;
use duramen_db::{Change, Db, LogSum, LoggedTx, NextIds, TxRecord};
use duramen_index::Record;
use duramen_model::entity::Partition;
use duramen_model::{AttributeId, Datom, EntityId, Instant, T, Value, builtin};
use duramen_store::layout::{DatabaseFolder, DatabaseId, DatabaseName, WriterId};
use duramen_store::{Key, probe};
use tokio_util::sync::CancellationToken;

use super::attributes::{self, Attributes};
use super::error::BulkError;
use super::logging::{LogWriter, SegmentPlace};
use super::options::{BulkOptions, Progress};
use super::rows::Rows;
use super::savepoint::{self, SavedSegment, Savepoint};
use super::schema::SchemaTxs;
use super::spills::{Spills, Work};
use crate::catalog;
use crate::error::TransactError;
use crate::settings::Settings;
use crate::transactor::{Components, Context};

/// A fact: what is so from its transaction on.
pub type Fact = (EntityId, AttributeId, Value);

/// Bytes of log that one transaction may take, as for a transactor by default.
const TRANSACTION_BYTES_MAX: usize = 16 << 20;

/// What all parts of a load share.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) context: Context,
    pub(crate) name: DatabaseName,
    pub(crate) id: DatabaseId,
    pub(crate) writer: WriterId,
    pub(crate) instant: Instant,
    pub(crate) options: BulkOptions,
}

/// A load that has its schema to come.
#[derive(Debug)]
pub struct BulkSchema {
    job: Job,
    txs: SchemaTxs,
    savepoint: Option<Savepoint>,
}

impl BulkSchema {
    /// Begins a load of a database that there must not be yet. Nothing is written but the probe of
    /// the store.
    ///
    /// # Errors
    /// [`TransactError::DatabaseExists`]; otherwise what the store says.
    pub async fn begin(
        components: Components,
        name: DatabaseName,
        options: BulkOptions,
    ) -> Result<Self, BulkError> {
        Self::begin_at(components, name, options, None).await
    }

    /// Begins to go on with a load that broke off. The folder to work in must be that of the load,
    /// and the schema that is told must be the same.
    ///
    /// # Errors
    /// As for [`Self::begin`], and [`BulkError::Savepoint`] when it is damaged.
    pub async fn resume(
        components: Components,
        name: DatabaseName,
        options: BulkOptions,
        savepoint: Savepoint,
    ) -> Result<Self, BulkError> {
        Self::begin_at(components, name, options, Some(savepoint)).await
    }

    async fn begin_at(
        components: Components,
        name: DatabaseName,
        options: BulkOptions,
        savepoint: Option<Savepoint>,
    ) -> Result<Self, BulkError> {
        probe::create_only(&*components.store, &Key::new("")).await?;
        let cache = duramen_index::NodeCache::new(options.memory() as u64 / 8);
        let settings = Settings::default();
        let stopping = CancellationToken::new();
        let context = Context { components, settings, cache, stopping };
        catalog::free_number(&context, &name).await?;
        // Names are never used twice, so each process has names of its own.
        let writer = WriterId(context.random().id());
        let (id, instant) = match &savepoint {
            Some(savepoint) => {
                (savepoint::parse(&savepoint.id)?, Instant::from_millis(savepoint.instant_ms))
            }
            None => (DatabaseId(context.random().id()), context.components.clock.now()),
        };
        let txs = SchemaTxs::begin(instant);
        Ok(Self { job: Job { context, name, id, writer, instant, options }, txs, savepoint })
    }

    /// Adds a transaction of schema, which may hold other facts too.
    ///
    /// # Errors
    /// As [`resolve`](duramen_db::resolve::resolve) says.
    pub async fn transact(&mut self, data: &TxData) -> Result<(), BulkError> {
        self.txs.transact(data).await
    }

    /// The database so far, in memory: it knows the attributes.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.txs.db
    }

    /// Goes on to the facts.
    ///
    /// # Errors
    /// When the schema has attributes that a load cannot fill, or there is no folder to work in.
    pub async fn load(self) -> Result<BulkLoad, BulkError> {
        let Self { job, txs, savepoint } = self;
        let attributes = Arc::new(Attributes::of(txs.db.schema())?);
        let work = Work::of(&job.options)?;
        let schema = Schema { defining: txs.defining(), closed: txs.closed().await? };
        let (log, sum, spills) = match &savepoint {
            Some(savepoint) => (savepoint.log()?, savepoint.sum()?, savepoint.spills()?),
            None => (Vec::new(), LogSum::default(), Vec::new()),
        };
        let place = SegmentPlace {
            store: Arc::clone(job.context.store()),
            contents: DatabaseFolder::new(&job.name).contents(job.id),
            id: job.id,
            writer: job.writer,
        };
        let prefix = format!("spill-{}", job.writer);
        let log = LogWriter::after(place, job.options.segment_bytes(), log, sum);
        let mut load = BulkLoad {
            t: txs.t(),
            next_ids: txs.next_ids,
            settled_ids: txs.next_ids,
            db: txs.db.clone(),
            referred: 0,
            facts: 0,
            mark: 0,
            job,
            attributes,
            log,
            rows: Rows::default(),
            schema,
            spills: Spills::after(work, prefix, spills),
            progress: Progress::default(),
            ranks: Vec::new(),
            pending: None,
            complete: None,
        };
        match &savepoint {
            Some(savepoint) => load.restore(savepoint)?,
            None => load.take_schema(&txs).await?,
        }
        Ok(load)
    }
}

/// What the schema leaves behind for the checkpoint.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) defining: Vec<Datom>,
    pub(crate) closed: Vec<Record>,
}

/// A load that takes facts. Dropped before [`finish`](Self::finish), it leaves no database.
#[derive(Debug)]
pub struct BulkLoad {
    pub(crate) job: Job,
    pub(crate) db: Db,
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) schema: Schema,
    pub(crate) log: LogWriter,
    pub(crate) rows: Rows,
    pub(crate) spills: Spills,
    pub(crate) t: T,
    pub(crate) next_ids: NextIds,
    /// The ids after the last transaction: those given out since may yet be given out again.
    settled_ids: NextIds,
    /// One past the furthest user entity that a fact points to.
    pub(crate) referred: u64,
    /// Open facts so far.
    pub(crate) facts: u64,
    pub(crate) progress: Progress,
    mark: u64,
    /// The ranks of the facts at hand.
    ranks: Vec<u32>,
    /// Where the load was when the spill that is being written was begun.
    pending: Option<Savepoint>,
    /// The newest one that is good.
    complete: Option<Savepoint>,
}

impl BulkLoad {
    /// The database of the schema, in memory: it knows the attributes, and no facts that were
    /// loaded.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The id of a new entity.
    ///
    /// # Errors
    /// When there are none left.
    pub fn new_entity(&mut self) -> Result<EntityId, BulkError> {
        let full = || BulkError::Broken { reason: "no entity ids are left".to_owned() };
        let e = EntityId::user(self.next_ids.user).ok_or_else(full)?;
        self.next_ids.user += 1;
        Ok(e)
    }

    /// Says how far the input is with the transactions so far: a savepoint tells it again.
    pub const fn set_mark(&mut self, mark: u64) {
        self.mark = mark;
    }

    /// A savepoint that has become good since it was last asked for one. There are some only where
    /// a folder to work in was given, one for each spill, a spill behind.
    pub const fn take_savepoint(&mut self) -> Option<Savepoint> {
        self.complete.take()
    }

    /// Spills all that is in memory, and returns the savepoint that is good then.
    ///
    /// # Errors
    /// When the store or the folder to work in fails.
    pub async fn savepoint(&mut self) -> Result<Savepoint, BulkError> {
        if self.rows.len() > 0 {
            self.spill().await?;
        }
        self.rows = self.spilled().await?;
        self.here().await
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Whether a value suits an attribute; the error says what is wrong.
    ///
    /// # Errors
    /// As [`Self::transact`] with such a fact.
    pub fn check(&self, a: AttributeId, v: &Value) -> Result<(), String> {
        self.attributes.admit(a, v).map(|_| ())
    }

    /// Takes a transaction of facts about user entities, all of them new. Whether they are, and
    /// whether unique values are unique, shows only when all facts are sorted.
    ///
    /// # Errors
    /// [`BulkError::Fact`] leaves the load as it was. After any other error it is at its end.
    pub async fn transact(&mut self, mut facts: Vec<Fact>) -> Result<T, BulkError> {
        self.admit(&mut facts)?;
        let full = || BulkError::Broken { reason: "no transactions are left".to_owned() };
        let t = self.t.next().ok_or_else(full)?;
        let tx = self.logged(t, facts);
        let bytes = tx.bytes().len();
        if bytes > TRANSACTION_BYTES_MAX {
            let bytes_max = TRANSACTION_BYTES_MAX;
            return Err(TransactError::TooLarge { bytes, bytes_max }.into());
        }
        if self.rows.bytes() >= self.job.options.spill_bytes() || !self.rows.has_room(2 * bytes) {
            self.spill().await?;
        }
        self.take(&tx)?;
        self.log.push(tx).await?;
        self.t = t;
        self.settled_ids = self.next_ids;
        Ok(t)
    }

    /// Checks facts, and remembers their ranks.
    fn admit(&mut self, facts: &mut [Fact]) -> Result<(), BulkError> {
        self.ranks.clear();
        for (place, (e, a, v)) in facts.iter_mut().enumerate() {
            let wrong = |reason| BulkError::Fact { place, e: *e, reason };
            if e.partition() != Partition::Users(2) {
                return Err(wrong("facts are about entities of the user partition".to_owned()));
            }
            let rank = self.attributes.admit(*a, v).map_err(wrong)?;
            attributes::make_canonical(v);
            self.ranks.push(rank);
        }
        Ok(())
    }

    fn logged(&self, t: T, facts: Vec<Fact>) -> LoggedTx {
        let instant = self.job.instant;
        let own = Change::assert(t.entity(), builtin::TX_INSTANT, instant, t);
        let changes = facts.into_iter().map(|(e, a, v)| Change::assert(e, a, v, t));
        LoggedTx::encode(TxRecord {
            t,
            instant,
            request_id: None,
            digest: [0; 32],
            tempids: std::collections::BTreeMap::new(),
            changes: changes.chain([own]).collect(),
        })
    }

    /// Adds the facts of a transaction to the rows.
    fn take(&mut self, tx: &LoggedTx) -> Result<(), BulkError> {
        let own = self.attributes.rank(builtin::TX_INSTANT);
        let own = own.ok_or_else(|| unknown(builtin::TX_INSTANT))?;
        let ranks = self.ranks.iter().copied().chain([own]);
        let t = short(tx.t())?;
        for (datom, rank) in tx.record().datoms().zip(ranks) {
            self.rows.push(datom.e, rank, t, &datom.v);
            if datom.e.partition() == Partition::Users(2) {
                self.next_ids.user = self.next_ids.user.max(datom.e.offset() + 1);
            }
            if let Value::Ref(e) = datom.v
                && e.partition() == Partition::Users(2)
            {
                self.referred = self.referred.max(e.offset() + 1);
            }
        }
        self.facts += tx.record().changes.len() as u64;
        Ok(())
    }

    /// Sorts and spills what is in memory, beside what comes.
    async fn spill(&mut self) -> Result<(), BulkError> {
        let spare = self.spilled().await?;
        let rows = std::mem::replace(&mut self.rows, spare);
        self.spills.start(rows, &self.attributes, &self.job.options);
        if self.job.options.work.is_some() {
            self.pending = Some(self.here().await?);
        }
        Ok(())
    }

    /// Waits until what was begun to spill is there for good.
    async fn spilled(&mut self) -> Result<Rows, BulkError> {
        let spare = self.spills.finished().await?;
        if let Some(savepoint) = self.pending.take() {
            self.complete = Some(savepoint);
        }
        Ok(spare)
    }

    /// Where the load is, once what is being spilled is there.
    async fn here(&mut self) -> Result<Savepoint, BulkError> {
        let segments = self.log.flush().await?.iter().map(SavedSegment::of).collect();
        Ok(Savepoint {
            id: self.job.id.to_string(),
            instant_ms: self.job.instant.millis(),
            mark: self.mark,
            t: self.t.get(),
            facts: self.facts,
            next_attribute: self.settled_ids.attribute,
            next_user: self.settled_ids.user,
            referred: self.referred,
            sum: savepoint::hex(&self.log.sum().0),
            segments,
            spills: self.spills.names().to_vec(),
        })
    }

    fn restore(&mut self, savepoint: &Savepoint) -> Result<(), BulkError> {
        self.t = savepoint.t()?;
        self.next_ids = savepoint.next_ids();
        self.settled_ids = self.next_ids;
        self.referred = savepoint.referred;
        self.facts = savepoint.facts;
        self.mark = savepoint.mark;
        Ok(())
    }

    async fn take_schema(&mut self, txs: &SchemaTxs) -> Result<(), BulkError> {
        for tx in txs.txs() {
            self.log.push(tx.clone()).await?;
        }
        for Datom { e, a, v, t, .. } in txs.open().await? {
            let rank = self.attributes.rank(a).ok_or_else(|| unknown(a))?;
            self.rows.push(e, rank, short(t)?, &v);
        }
        self.facts = self.rows.len() as u64;
        Ok(())
    }
}

fn unknown(a: AttributeId) -> BulkError {
    BulkError::Broken { reason: format!("attribute {a} is in no schema") }
}

/// A transaction's number as rows keep it.
fn short(t: T) -> Result<u32, BulkError> {
    let full = |_| BulkError::Broken { reason: "more than 2^32 transactions".to_owned() };
    u32::try_from(t.get()).map_err(full)
}
