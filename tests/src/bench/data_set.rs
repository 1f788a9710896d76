//! What is measured: a database in a folder, and how to ask about it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use duramen_db::{EntityRef, Location, Snapshot};
use duramen_index::NodeCache;
use duramen_model::{Keyword, Value};
use duramen_store::file::MissingFolder;
use duramen_store::layout::DatabaseName;
use duramen_store::{FileStore, ReadStore, WriteStore};

use super::people::{PEOPLE_OF_A_COMPANY, People};
use super::random::Random;
use super::schema::Attribute;
use crate::packages::{PackageIndex, index};

/// Datoms that an entity causes on average, its share of the later changes included; a little
/// less than that, so that there are at least as many datoms as are wanted.
const FACTS_OF_AN_ENTITY: f64 = 18.94;
/// All people follow from it.
pub const SEED: u64 = 20_150_101;

/// Data to measure with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSet {
    /// Synthetic people, with about so many facts.
    People(u64),
    /// The package index of this machine.
    Packages,
}

impl FromStr for DataSet {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "packages" {
            return Ok(Self::Packages);
        }
        let (digits, factor) = match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000),
            None => (text.strip_suffix('k').unwrap_or(text), 1_000),
        };
        let number: u64 = digits.parse().map_err(|_| anyhow!("{text} is no data set"))?;
        Ok(Self::People(number * factor))
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packages => f.write_str("packages"),
            Self::People(datoms) if datoms.is_multiple_of(1_000_000) => {
                write!(f, "{}M", datoms / 1_000_000)
            }
            Self::People(datoms) => write!(f, "{}k", datoms / 1_000),
        }
    }
}

impl DataSet {
    /// What tables call it.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Packages => "packages".to_owned(),
            Self::People(datoms) if datoms >= 1_000_000 => {
                format!("people {} M", datoms / 1_000_000)
            }
            Self::People(datoms) => format!("people {} k", datoms / 1_000),
        }
    }

    /// Entities, companies included; none for packages.
    #[must_use]
    pub fn entities(self) -> u64 {
        match self {
            Self::People(datoms) => (datoms as f64 / FACTS_OF_AN_ENTITY).ceil() as u64,
            Self::Packages => 0,
        }
    }

    /// People among the entities.
    #[must_use]
    pub fn people(self) -> u64 {
        let (blocks, rest) = (
            self.entities() / (PEOPLE_OF_A_COMPANY + 1),
            self.entities() % (PEOPLE_OF_A_COMPANY + 1),
        );
        blocks * PEOPLE_OF_A_COMPANY + rest.saturating_sub(1)
    }

    /// Some entities, by values of a unique attribute, that nobody would look up in this order.
    ///
    /// # Errors
    /// When there is no package index.
    pub fn some_entities(self, count: usize, seed: u64) -> Result<Vec<EntityRef>> {
        let mut random = Random::new(seed, 1);
        match self {
            Self::People(_) => {
                let mut people = People::new(SEED, 0);
                let email = Attribute::Email.keyword();
                let mut one =
                    || EntityRef::lookup(email.clone(), people.email(random.below(self.people())));
                Ok((0..count).map(|_| one()).collect())
            }
            Self::Packages => {
                let index = PackageIndex::parse(&index::text_of_this_machine()?);
                let names: Vec<&String> = index.packages.keys().collect();
                let name = Keyword::new("package/name");
                let mut one = || names[random.below(names.len() as u64) as usize];
                let one = |_| EntityRef::lookup(name.clone(), Value::string(one()));
                Ok((0..count).map(one).collect())
            }
        }
    }

    /// An attribute that every entity has, a number.
    #[must_use]
    pub fn number(self) -> Keyword {
        match self {
            Self::People(_) => Attribute::Age.keyword(),
            Self::Packages => Keyword::new("package/installed-kib"),
        }
    }

    /// An attribute that is indexed by its values.
    #[must_use]
    pub fn indexed(self) -> Keyword {
        match self {
            Self::People(_) => Attribute::LastName.keyword(),
            Self::Packages => Keyword::new("package/section"),
        }
    }
}

/// A data set and where it is kept.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it is.
    pub data: DataSet,
    folder: PathBuf,
}

impl Place {
    /// A data set in a folder of its own within a folder.
    #[must_use]
    pub fn new(data: DataSet, folder: &Path) -> Self {
        Self { data, folder: folder.join(data.to_string()) }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> DatabaseName {
        DatabaseName::new("bench").expect("a valid name")
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn WriteStore> {
        Arc::new(FileStore::new(&self.folder, MissingFolder::Empty))
    }

    /// Where to read it, through some store and a cache of its own.
    #[must_use]
    pub fn location(&self, store: Arc<dyn ReadStore>, cache_bytes: u64) -> Location {
        Location::new(store, self.name(), NodeCache::new(cache_bytes))
    }

    /// The newest snapshot, straight from the folder.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self, cache_bytes: u64) -> Result<Snapshot> {
        Ok(Snapshot::open(self.location(self.store(), cache_bytes)).await?)
    }

    /// Whether it was loaded to its end.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.marker().exists()
    }

    /// Says that it was.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn set_loaded(&self) -> Result<()> {
        fs::write(self.marker(), "").context("the folder of the data set")
    }

    /// Removes everything.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        Ok(fs::create_dir_all(&self.folder)?)
    }

    fn marker(&self) -> PathBuf {
        self.folder.join("loaded")
    }
}
