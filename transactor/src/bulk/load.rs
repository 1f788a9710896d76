//! Loading: facts in transactions become log and sorted spills.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use duramen_db::resolve::TxData;
use duramen_db::{Change, Db, LogSum, LoggedTx, NextIds, TxRecord};
use duramen_index::{NodeOptions, Record};
use duramen_model::entity::Partition;
use duramen_model::{AttributeId, Datom, EntityId, Instant, Order, T, Value, builtin};
use duramen_store::layout::{DatabaseFolder, DatabaseId, DatabaseName, WriterId};
use duramen_store::{Key, probe};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::attributes::Attributes;
use super::error::BulkError;
use super::logging::{LogWriter, SegmentPlace};
use super::rows::{Rows, Sorted};
use super::schema::SchemaTxs;
use super::spill::SpillWriter;
use crate::catalog;
use crate::error::TransactError;
use crate::settings::Settings;
use crate::transactor::{Components, Context};

/// A fact: what is so from its transaction on.
pub type Fact = (EntityId, AttributeId, Value);

/// The least memory that a load makes do with, in bytes.
const MEMORY_BYTES_MIN: usize = 64 << 10;
/// Bytes of log that one transaction may take, as for a transactor by default.
const TRANSACTION_BYTES_MAX: usize = 16 << 20;

/// How a load goes about it.
#[derive(Debug, Clone)]
pub struct BulkOptions {
    /// What it may take of memory, roughly, in bytes. More of it makes fewer spills.
    pub memory_bytes_max: usize,
    /// The folder for spills, which is there; a temporary one of the system where it is not given.
    pub work: Option<PathBuf>,
    /// How large nodes become.
    pub nodes: NodeOptions,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self { memory_bytes_max: 512 << 20, work: None, nodes: NodeOptions::default() }
    }
}

impl BulkOptions {
    fn memory(&self) -> usize {
        self.memory_bytes_max.max(MEMORY_BYTES_MIN)
    }

    /// Bytes of sorted rows that are spilled together. Beside those, others are collected, which
    /// take a good half of what they do once they are being sorted.
    fn spill_bytes(&self) -> usize {
        self.memory() / 2
    }

    /// Bytes of a block of a spill: one of each is in memory in the end.
    fn block_bytes(&self) -> usize {
        (self.memory() / 4_096).clamp(2 << 10, 128 << 10)
    }

    /// Bytes of log in a segment. Several are on their way at once.
    fn segment_bytes(&self) -> usize {
        (self.memory() / 256).clamp(64 << 10, 2 << 20)
    }
}

/// How far a load is, for whoever watches it.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub(crate) to_build: Arc<AtomicU64>,
    pub(crate) built: Arc<AtomicU64>,
}

impl Progress {
    /// Records that are in trees, over all orders.
    #[must_use]
    pub fn built(&self) -> u64 {
        self.built.load(Atomic::Relaxed)
    }

    /// Records that will be in trees; 0 while facts are taken.
    #[must_use]
    pub fn to_build(&self) -> u64 {
        self.to_build.load(Atomic::Relaxed)
    }
}

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
        probe::create_only(&*components.store, &Key::new("")).await?;
        let cache = duramen_index::NodeCache::new(options.memory() as u64 / 8);
        let settings = Settings::default();
        let stopping = CancellationToken::new();
        let context = Context { components, settings, cache, stopping };
        catalog::free_number(&context, &name).await?;
        let (id, writer) = (DatabaseId(context.random().id()), WriterId(context.random().id()));
        let instant = context.components.clock.now();
        let txs = SchemaTxs::begin(instant);
        Ok(Self { job: Job { context, name, id, writer, instant, options }, txs })
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
        let Self { job, txs } = self;
        let attributes = Arc::new(Attributes::of(txs.db.schema())?);
        let work = Work::of(&job.options)?;
        let place = SegmentPlace {
            store: Arc::clone(job.context.store()),
            contents: DatabaseFolder::new(&job.name).contents(job.id),
            id: job.id,
            writer: job.writer,
        };
        let bytes = job.options.segment_bytes();
        let mut log = LogWriter::after(place, bytes, Vec::new(), LogSum::default());
        let mut rows = Rows::default();
        for tx in txs.txs() {
            log.push(tx.clone()).await?;
        }
        for Datom { e, a, v, t, .. } in txs.open().await? {
            let rank = attributes.rank(a).ok_or_else(|| unknown(a))?;
            rows.push(e, rank, short(t)?, &v);
        }
        let schema = Schema { defining: txs.defining(), closed: txs.closed().await? };
        Ok(BulkLoad {
            t: txs.t(),
            next_ids: txs.next_ids,
            db: txs.db,
            referred: 0,
            facts: rows.len() as u64,
            job,
            attributes,
            log,
            rows,
            schema,
            spills: Spills { work, count: 0, spilling: None, spare: Rows::default() },
            progress: Progress::default(),
            ranks: Vec::new(),
        })
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
    /// One past the furthest user entity that a fact points to.
    pub(crate) referred: u64,
    /// Open facts so far.
    pub(crate) facts: u64,
    pub(crate) progress: Progress,
    /// The ranks of the facts at hand.
    ranks: Vec<u32>,
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

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
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
        let spare = self.spills.finished().await?;
        let rows = std::mem::replace(&mut self.rows, spare);
        self.spills.start(rows, &self.attributes, self.job.options.block_bytes());
        Ok(())
    }
}

/// The spills of a load.
#[derive(Debug)]
pub(crate) struct Spills {
    pub(crate) work: Work,
    count: u32,
    spilling: Option<JoinHandle<Result<Rows, BulkError>>>,
    spare: Rows,
}

impl Spills {
    /// Waits until what was started is spilled. Gives rows back that are empty, with the memory
    /// that they had.
    pub(crate) async fn finished(&mut self) -> Result<Rows, BulkError> {
        match self.spilling.take() {
            Some(spilling) => spilling.await?,
            None => Ok(std::mem::take(&mut self.spare)),
        }
    }

    fn start(&mut self, mut rows: Rows, attributes: &Arc<Attributes>, block_bytes: usize) {
        let number = self.count;
        let paths = Order::ALL.map(|order| (order, self.work.spill(number, order)));
        let attributes = Arc::clone(attributes);
        self.spilling = Some(tokio::task::spawn_blocking(move || {
            let sorted = Sorted::of(&rows, &attributes);
            for (order, path) in &paths {
                let mut writer = SpillWriter::create(path, &attributes, block_bytes)?;
                for place in sorted.in_order(*order) {
                    writer.push(&rows.get(*place))?;
                }
                writer.finish(false)?;
            }
            rows.clear();
            Ok(rows)
        }));
        self.count += 1;
    }

    /// The files of an order.
    pub(crate) fn files(&self, order: Order) -> impl Iterator<Item = PathBuf> {
        (0..self.count).map(move |number| self.work.spill(number, order))
    }
}

/// The folder that a load works in.
#[derive(Debug)]
pub(crate) struct Work {
    path: PathBuf,
    /// Removed when the load is over.
    _temporary: Option<TempDir>,
}

impl Work {
    fn of(options: &BulkOptions) -> Result<Self, BulkError> {
        if let Some(path) = &options.work {
            return Ok(Self { path: path.clone(), _temporary: None });
        }
        let folder = tempfile::Builder::new().prefix("duramen-load-").tempdir();
        let folder = folder.map_err(|error| BulkError::work(std::env::temp_dir(), error))?;
        Ok(Self { path: folder.path().to_owned(), _temporary: Some(folder) })
    }

    fn spill(&self, number: u32, order: Order) -> PathBuf {
        let order = match order {
            Order::Eavt => "eavt",
            Order::Aevt => "aevt",
            Order::Avet => "avet",
            Order::Vaet => "vaet",
        };
        self.path.join(format!("spill-{number:06}.{order}"))
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
