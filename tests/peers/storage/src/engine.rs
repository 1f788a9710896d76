//! What is compared: the same facts loaded, looked up and scanned.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use duramen_tests::bench::data_set::{DataSet, SEED};
use duramen_tests::bench::people::{Fact, People};
use duramen_tests::bench::process;
use duramen_tests::bench::random::Random;
use duramen_tests::bench::report::Figure;
use duramen_tests::bench::schema::Attribute;

/// Entities that are looked up before the clock runs, and while it does.
const LOOK_UPS: u64 = 2_000;
/// How often a scan is repeated; the fastest counts.
const SCANS: usize = 3;

/// A store of facts with three orders: by entity, by attribute, by value.
pub trait Engine: Sized {
    /// Its name.
    const NAME: &'static str;

    /// Makes an empty one in an empty folder, and loads facts that come in the order of entities.
    /// When this returns, everything is in files.
    async fn load(folder: &Path, data: DataSet) -> Result<Self>;

    /// Opens what was loaded.
    async fn open(folder: &Path) -> Result<Self>;

    /// Finds the entity with an email address, and reads all its facts. How many those are.
    async fn describe(&self, email: &str) -> Result<usize>;

    /// The ages of all people: how many, and their sum.
    async fn ages(&self) -> Result<(u64, i64)>;

    /// Waits until the files are as small as they get, and says how many bytes they have.
    async fn bytes(&self, folder: &Path) -> Result<u64>;

    /// Closes it.
    async fn close(self) -> Result<()>;
}

/// All facts of a data set.
pub fn facts(data: DataSet) -> impl Iterator<Item = Fact> {
    // The generator is kept as long as the facts that it makes.
    let mut people = People::new(SEED, 0);
    (0..data.entities()).flat_map(move |number| people.facts([number]).collect::<Vec<_>>())
}

/// Whether an attribute is looked up by its values.
pub fn is_found_by_value(a: Attribute) -> bool {
    use Attribute::{Age, Company, CompanyName, Email, Friend, LastName};
    matches!(a, CompanyName | Email | LastName | Age | Company | Friend)
}

/// Makes all measurements of an engine.
pub async fn measure<E: Engine>(folder: &Path, data: DataSet) -> Result<Vec<Figure>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let count = facts(data).count() as f64;
    let started = Instant::now();
    let engine = E::load(folder, data).await?;
    let seconds = started.elapsed().as_secs_f64();
    let loading = process::memory_peak().unwrap_or(0) as f64 / f64::from(1 << 20);
    let bytes = engine.bytes(folder).await? as f64;
    engine.close().await?;
    let mut figures = vec![
        Figure::new("facts", count, ""),
        Figure::new("load", count / seconds, "facts/s"),
        Figure::new("memory while loading, at most", loading, "MiB"),
        Figure::new("size", bytes / count, "bytes/fact"),
    ];
    figures.extend(read::<E>(folder, data).await?);
    Ok(figures)
}

async fn read<E: Engine>(folder: &Path, data: DataSet) -> Result<Vec<Figure>> {
    let mut people = People::new(SEED, 0);
    let mut random = Random::new(17, 0);
    let mut email = || match people.email(random.below(data.people())) {
        duramen_model::Value::String(text) => text,
        other => unreachable!("{other:?} is no address"),
    };
    let started = Instant::now();
    let engine = E::open(folder).await?;
    anyhow::ensure!(engine.describe(&email()).await? > 10, "a person is not whole");
    let first = started.elapsed().as_secs_f64();
    for _ in 0..LOOK_UPS {
        engine.describe(&email()).await?;
    }
    let started = Instant::now();
    for _ in 0..LOOK_UPS {
        anyhow::ensure!(engine.describe(&email()).await? > 10, "a person is not whole");
    }
    let each = started.elapsed().as_secs_f64() / LOOK_UPS as f64;
    let (mut scan, mut ages) = (f64::MAX, 0);
    for _ in 0..SCANS {
        let started = Instant::now();
        let (count, sum) = engine.ages().await?;
        anyhow::ensure!(count == data.people() && sum > 0, "{count} ages");
        (scan, ages) = (scan.min(started.elapsed().as_secs_f64()), count);
    }
    engine.close().await?;
    Ok(vec![
        Figure::new("open, look up an entity and read its facts", first * 1e3, "ms"),
        Figure::new("look up an entity and read its facts", each * 1e6, "µs"),
        Figure::new("scan of one attribute", ages as f64 / scan / 1e6, "M facts/s"),
    ])
}

/// The bytes of all files in a folder.
pub fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        bytes += if is_folder { bytes_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
