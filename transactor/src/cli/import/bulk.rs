//! `import --bulk`: a new database out of a file, with no transactor.
//!
//! ```text
//! rows -> facts of new entities ----------------------> load -> trees -> database -> its name
//!     '-> rows whose key was met before, set aside --> transactions -------^
//! ```
//!
//! With a folder to work in, an import that broke off is gone on with. The rows up to its savepoint
//! are read again, for their keys, but not loaded again.

mod facts;
mod folder;
mod later;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duramen::{Stores, TxData, edn};
use duramen_db::Catalog;
use duramen_store::layout::DatabaseName;
use duramen_transactor::TransactError;
use duramen_transactor::bulk::{
    BulkError, BulkLoad, BulkOptions, BulkSchema, Fact, Loaded, NewDatabase, Savepoint,
};
use duramen_transactor::transactor::Components;

use super::SAMPLE_ROWS_MAX;
use super::load::summary;
use super::plan::Plan;
use super::progress::Progress;
use super::rows::{BadRow, Row, Rows};
use crate::cli::arguments::Import;
use crate::cli::configuration::Configuration;
use crate::cli::exit::Failure;
use crate::cli::output;
use facts::{Facts, Loadable};
use folder::{Folder, Identity};
use later::{LaterRow, LaterRows};

/// How often the bar is moved while trees are built.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Loads a file into a new database.
pub(crate) async fn run(configuration: &Configuration, flags: &Import) -> Result<(), Failure> {
    let mut rows = Rows::open(&flags.file, flags.format)?;
    let sample = rows.sample(SAMPLE_ROWS_MAX);
    let genesis = duramen::Db::genesis();
    let plan = Plan::make(flags, rows.columns(), &sample, genesis.schema())?;
    let stores = Stores::builder().options(configuration.store_options.clone()).build();
    let store = stores.open(&configuration.store(flags.store.as_deref())?);
    let store = store.map_err(duramen::Error::from)?;
    let (folder, savepoint) = match &flags.work {
        Some(path) => {
            let identity =
                Identity::of(&flags.file, store.place(), &flags.of.database, text_of(&plan, flags));
            let (folder, savepoint) = Folder::open(path, identity?)?;
            (Some(folder), savepoint)
        }
        None => (None, None),
    };
    let begun = Instant::now();
    let importing = Importing { flags, plan: &plan, folder: folder.as_ref() };
    let progress = Progress::start(rows.bytes());
    let components = Components::new(store);
    let imported = Box::pin(importing.import(components, rows, savepoint, &progress)).await;
    progress.end();
    let line = match imported? {
        Some(Imported { rows, bad, loaded }) => summary(rows, bad, loaded.facts, begun.elapsed()),
        None => "the import had come to its end before: the database is there".to_owned(),
    };
    if let Some(folder) = folder {
        folder.clear()?;
    }
    output::line(line)
}

/// All that decides what becomes of a row.
fn text_of(plan: &Plan, flags: &Import) -> String {
    format!("{plan:?} {} {}", flags.batch, flags.skip_bad)
}

/// An import, before it is under way.
struct Importing<'a> {
    flags: &'a Import,
    plan: &'a Plan,
    folder: Option<&'a Folder>,
}

/// What was imported.
struct Imported {
    rows: u64,
    bad: u64,
    loaded: Loaded,
}

impl Importing<'_> {
    /// Imports; `None` when an import that is gone on with had only not said that it was done.
    async fn import(
        &self,
        components: Components,
        rows: Rows,
        savepoint: Option<Savepoint>,
        progress: &Progress,
    ) -> Result<Option<Imported>, Failure> {
        let catalog = Catalog::new(Arc::clone(&components.store) as _);
        let (id, mark) = match &savepoint {
            Some(savepoint) => (Some(savepoint.id.clone()), savepoint.mark),
            None => (None, 0),
        };
        let load = match self.begin(components, savepoint).await {
            Err(BulkError::Transact(exists @ TransactError::DatabaseExists { .. })) => {
                let found = catalog.find(&self.name()?).await.map_err(duramen::Error::from)?;
                let own = id == Some(found.to_string());
                return if own { Ok(None) } else { Err(BulkError::from(exists).into()) };
            }
            load => load?,
        };
        let mut reading = Reading::new(self, load, mark, progress)?;
        for row in rows {
            reading.take(row).await?;
        }
        Ok(Some(reading.finish().await?))
    }

    fn name(&self) -> Result<DatabaseName, Failure> {
        let name = DatabaseName::new(&*self.flags.of.database);
        name.map_err(|error| Failure::usage(error.to_string()))
    }

    async fn begin(
        &self,
        components: Components,
        savepoint: Option<Savepoint>,
    ) -> Result<BulkLoad, BulkError> {
        let name = DatabaseName::new(&*self.flags.of.database).map_err(|error| {
            let (field, reason) = ("database".to_owned(), error.to_string());
            TransactError::Invalid { field, reason }
        })?;
        let options = BulkOptions {
            memory_bytes_max: self.flags.memory,
            work: self.flags.work.clone(),
            ..BulkOptions::default()
        };
        let mut schema = match savepoint {
            Some(savepoint) => BulkSchema::resume(components, name, options, savepoint).await?,
            None => BulkSchema::begin(components, name, options).await?,
        };
        if let Some(definitions) = self.plan.schema() {
            let data = TxData::from_form(&definitions.into()).map_err(TransactError::from)?;
            schema.transact(&data).await?;
        }
        schema.load().await
    }
}

/// An import under way.
struct Reading<'a> {
    importing: &'a Importing<'a>,
    progress: &'a Progress,
    load: BulkLoad,
    facts: Facts<'a>,
    later: LaterRows,
    /// The transaction at hand.
    tx: Vec<Fact>,
    tx_rows: u32,
    /// Rows that were read.
    read: u64,
    /// Rows that an earlier process loaded.
    loaded_before: u64,
    /// Where the last row ends, in bytes of the file.
    end: u64,
    rows: u64,
    passed: Passed<'a>,
}

impl<'a> Reading<'a> {
    fn new(
        importing: &'a Importing<'a>,
        load: BulkLoad,
        loaded_before: u64,
        progress: &'a Progress,
    ) -> Result<Self, Failure> {
        Ok(Self {
            facts: Facts::new(importing.plan, load.db().schema())?,
            later: LaterRows::new()?,
            importing,
            progress,
            load,
            tx: Vec::new(),
            tx_rows: 0,
            read: 0,
            loaded_before,
            end: 0,
            rows: 0,
            passed: Passed { flags: importing.flags, progress, count: 0 },
        })
    }

    async fn take(&mut self, row: Result<Row, BadRow>) -> Result<(), Failure> {
        self.read += 1;
        let loadable = row.and_then(|row| {
            self.end = row.end;
            self.facts.of(&row, &self.load)
        });
        match loadable {
            Err(bad) => return self.passed.over(&bad),
            Ok(Loadable::Later(row)) => return Ok(self.later.push(&row)?),
            Ok(Loadable::New(_)) if self.read <= self.loaded_before => {}
            Ok(Loadable::New(facts)) => {
                let e = self.load.new_entity()?;
                self.tx.extend(facts::about(e, facts));
                self.tx_rows += 1;
            }
        }
        self.rows += 1;
        if self.tx_rows >= self.importing.flags.batch { self.end_tx().await } else { Ok(()) }
    }

    async fn end_tx(&mut self) -> Result<(), Failure> {
        if self.tx_rows > 0 {
            self.load.transact(std::mem::take(&mut self.tx)).await?;
            self.tx_rows = 0;
        }
        self.load.set_mark(self.read);
        self.progress.reached(self.end, self.rows);
        match self.load.take_savepoint().zip(self.importing.folder) {
            Some((savepoint, folder)) => folder.save(savepoint),
            None => Ok(()),
        }
    }

    async fn finish(mut self) -> Result<Imported, Failure> {
        self.end_tx().await?;
        if let Some(folder) = self.importing.folder {
            folder.save(self.load.savepoint().await?)?;
        }
        let later = std::mem::replace(&mut self.later, LaterRows::new()?);
        let Self { importing, progress, load, rows, passed, .. } = self;
        let new = built(load, progress).await?;
        let mut changing = Changing { flags: importing.flags, new, rows, passed };
        changing.apply(later).await?;
        let Changing { new, rows, passed, .. } = changing;
        Ok(Imported { rows, bad: passed.count, loaded: new.publish().await? })
    }
}

/// Builds the trees, and moves the bar meanwhile.
async fn built(load: BulkLoad, progress: &Progress) -> Result<NewDatabase, BulkError> {
    let watch = load.progress();
    let mut building = Box::pin(load.build());
    loop {
        tokio::select! {
            built = &mut building => return built,
            () = tokio::time::sleep(LOOK_PAUSE) => {
                progress.building(watch.built(), watch.to_build());
            }
        }
    }
}

/// A database that is all there but for the rows that change it.
struct Changing<'a> {
    flags: &'a Import,
    new: NewDatabase,
    rows: u64,
    passed: Passed<'a>,
}

impl Changing<'_> {
    async fn apply(&mut self, later: LaterRows) -> Result<(), Failure> {
        let mut batch = Vec::new();
        let mut keys = HashSet::new();
        for row in later.read()? {
            let row = row?;
            // In one transaction, two rows of one key would contradict each other.
            if batch.len() >= self.flags.batch as usize || !keys.insert(row.key) {
                self.transact(std::mem::take(&mut batch)).await?;
                keys = HashSet::from([row.key]);
            }
            batch.push(row);
        }
        self.transact(batch).await
    }

    async fn transact(&mut self, mut batch: Vec<LaterRow>) -> Result<(), Failure> {
        while !batch.is_empty() {
            let entities: Vec<&str> = batch.iter().map(|row| row.entity.as_str()).collect();
            let form = edn::read(&format!("[{}]", entities.join(" ")));
            let form = form.map_err(|error| Failure::invalid(error.to_string()))?;
            let data = TxData::from_form(&form).map_err(TransactError::from);
            let applied = self.new.transact(&data.map_err(BulkError::from)?).await;
            let Err(error) = applied else { break };
            let bad = refused(&error, &mut batch).ok_or(error)?;
            self.passed.over(&bad)?;
        }
        self.rows += batch.len() as u64;
        Ok(())
    }
}

/// The rows that were passed over.
struct Passed<'a> {
    flags: &'a Import,
    progress: &'a Progress,
    count: u64,
}

impl Passed<'_> {
    /// Goes on without a row, unless there were too many of them.
    fn over(&mut self, bad: &BadRow) -> Result<(), Failure> {
        let file = self.flags.file.display();
        if self.count == self.flags.skip_bad {
            let nothing = "nothing was loaded";
            return Err(Failure::invalid(bad.to_string()).within(file).adding(nothing));
        }
        self.count += 1;
        self.progress.note(&format!("passed over: {file}: {bad}"));
        Ok(())
    }
}

/// Takes the row out of a batch that it was refused for, if it is one row's fault.
fn refused(error: &BulkError, batch: &mut Vec<LaterRow>) -> Option<BadRow> {
    let BulkError::Transact(TransactError::Tx(error)) = error else { return None };
    let statement = error.statement.filter(|statement| *statement < batch.len())?;
    let LaterRow { line, .. } = batch.remove(statement);
    Some(BadRow { line, column: None, message: error.to_string() })
}
