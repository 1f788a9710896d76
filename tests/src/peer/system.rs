//! What answers: a database in memory, or one in a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use duramen::{Client, Db, Edn, EntityId, Form, TxData};
use duramen_store::layout::DatabaseName;
use duramen_store::{Stores, WriteStore};
use duramen_transactor::Settings;

use super::workload::{Person, SCHEMA, Workload, assertion, graph_forms};
use crate::bench::writer::{Writer, settle};

/// The name of the database in a folder.
const NAME: &str = "people";

/// A database, and which entities the numbers of the workload are.
#[derive(Debug, Clone)]
pub struct State {
    /// The database.
    pub db: Db,
    entities: Vec<Option<EntityId>>,
}

impl State {
    /// A database in memory that knows the attributes, and nobody.
    ///
    /// # Errors
    /// Never for the schema of the workload.
    pub async fn fresh() -> Result<Self> {
        let mut state = Self { db: Db::genesis(), entities: Vec::new() };
        state.transact(&duramen::edn::read(SCHEMA)?).await?;
        Ok(state)
    }

    /// A database in memory with one transaction after the schema.
    ///
    /// # Errors
    /// When the transaction is refused.
    pub async fn with(forms: Vec<Form>) -> Result<Self> {
        let mut state = Self::fresh().await?;
        state.transact(&vector(forms)).await?;
        Ok(state)
    }

    /// A database in memory with all people and who follows whom.
    ///
    /// # Errors
    /// When a transaction is refused.
    pub async fn filled(workload: &Workload) -> Result<Self> {
        let mut state = Self::with(workload.people.iter().map(Person::form).collect()).await?;
        let follows = state.follows(&workload.follows)?;
        state.transact(&follows).await?;
        Ok(state)
    }

    /// Carries out a transaction; no transaction before it changes.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn transact(&mut self, form: &Form) -> Result<()> {
        let (db, resolved) =
            self.db.with(&TxData::from_form(form)?, self.db.basis_instant()).await?;
        self.learn(&resolved.record.tempids)?;
        self.db = db;
        Ok(())
    }

    /// The entity of a number.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn entity(&self, number: u64) -> Result<EntityId> {
        let place = usize::try_from(number)?;
        let known = self.entities.get(place).copied().flatten();
        known.with_context(|| format!("no entity {number}"))
    }

    fn follows(&self, edges: &[(u64, u64)]) -> Result<Form> {
        let edge = |(from, to): &(u64, u64)| {
            let [from, to] = [self.entity(*from)?, self.entity(*to)?].map(id);
            Ok(assertion(from, "follows", to))
        };
        Ok(vector(edges.iter().map(edge).collect::<Result<_>>()?))
    }

    fn learn<'a>(
        &mut self,
        tempids: impl IntoIterator<Item = (&'a String, &'a EntityId)>,
    ) -> Result<()> {
        for (name, entity) in tempids {
            let place: usize = name.trim_start_matches('p').parse()?;
            if place >= self.entities.len() {
                self.entities.resize(place + 1, None);
            }
            self.entities[place] = Some(*entity);
        }
        Ok(())
    }
}

/// A folder with a database that is read as any reader reads it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A place within a working folder.
    #[must_use]
    pub fn new(work: &Path, name: &str) -> Self {
        Self { path: work.join(name) }
    }

    /// A place beside this one.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        Self { path: self.path.with_file_name(name) }
    }

    /// Whether a database was loaded here.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.numbers().exists()
    }

    /// Loads all people and who follows whom, through a transactor in this process, and waits
    /// until everything is merged.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn load(&self, workload: &Workload) -> Result<()> {
        let writer = self.create().await?;
        let mut state = State { db: Db::genesis(), entities: Vec::new() };
        for people in workload.people.chunks(1_000) {
            let forms = people.iter().map(Person::form).collect();
            let receipt = writer.send(&TxData::from_form(&vector(forms))?).await?;
            state.learn(&receipt.record.tempids)?;
        }
        for follows in workload.follows.chunks(10_000) {
            writer.send(&TxData::from_form(&state.follows(follows)?)?).await?;
        }
        self.finish(writer, &state).await
    }

    /// Loads a graph, as people are loaded.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn load_graph(&self, edges: &[(u64, u64)]) -> Result<()> {
        let writer = self.create().await?;
        let mut state = State { db: Db::genesis(), entities: Vec::new() };
        let receipt = writer.send(&TxData::from_form(&vector(graph_forms(edges)))?).await?;
        state.learn(&receipt.record.tempids)?;
        self.finish(writer, &state).await
    }

    async fn finish(&self, writer: Writer, state: &State) -> Result<()> {
        writer.stop().await;
        settle(self.store()?, DatabaseName::new(NAME)?, &Settings::default()).await?;
        let numbers = state.entities.iter().flat_map(|e| e.map_or(0, EntityId::get).to_le_bytes());
        std::fs::write(self.numbers(), numbers.collect::<Vec<u8>>())?;
        Ok(())
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When there is none.
    pub async fn open(&self) -> Result<State> {
        let url = format!("{}/{NAME}", self.url());
        let db = Client::builder().build().connect(&url).await?.db().await?;
        let numbers = std::fs::read(self.numbers())?;
        let entity = |bytes: &[u8]| {
            let number = u64::from_le_bytes(bytes.try_into().ok()?);
            EntityId::new(number).filter(|entity| entity.get() > 0)
        };
        Ok(State { db, entities: numbers.chunks(8).map(entity).collect() })
    }

    /// Commits one person after the other, each when the one before is durable, for so long. How
    /// many, and the database after them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn commit(
        &self,
        people: &[Person],
        limit: Duration,
    ) -> Result<(usize, Duration, Db)> {
        let writer = self.create().await?;
        let (begun, mut count) = (Instant::now(), 0);
        for person in people {
            if begun.elapsed() >= limit {
                break;
            }
            writer.send(&TxData::from_form(&vector(vec![person.form()]))?).await?;
            count += 1;
        }
        let took = begun.elapsed();
        writer.stop().await;
        let url = format!("{}/{NAME}", self.url());
        let db = Client::builder().build().connect(&url).await?.db().await?;
        Ok((count, took, db))
    }

    /// What the files of the folder take, in bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&self) -> Result<u64> {
        folder_bytes(&self.path)
    }

    async fn create(&self) -> Result<Writer> {
        if self.path.exists() {
            std::fs::remove_dir_all(&self.path)?;
        }
        std::fs::create_dir_all(&self.path)?;
        let writer = Writer::new(self.store()?, DatabaseName::new(NAME)?, Settings::default());
        writer.create().await?;
        writer.send(&TxData::from_form(&duramen::edn::read(SCHEMA)?)?).await?;
        Ok(writer)
    }

    fn store(&self) -> Result<Arc<dyn WriteStore>> {
        Ok(Stores::default().open(&self.url())?)
    }

    fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Which entity each number is.
    fn numbers(&self) -> PathBuf {
        self.path.join("numbers")
    }
}

/// An entity as a part of a transaction or a query.
#[must_use]
pub fn id(entity: EntityId) -> Edn {
    Edn::Value(duramen::Value::Long(i64::try_from(entity.get()).unwrap_or(i64::MAX)))
}

/// Forms as one transaction.
#[must_use]
pub fn vector(forms: Vec<Form>) -> Form {
    Form::from(Edn::Vector(forms))
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { folder_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}
