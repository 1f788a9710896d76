//! `import`: rows of a file as entities.
//!
//! ```text
//! file -> rows -> plan (which column is which attribute) -> batches -> transactions
//! ```
//!
//! Reading order: [`rows`] (what is in the file), [`plan`] and [`mapping`] (what it means),
//! [`batches`], [`load`] (how it gets into the database); [`bulk`] (how it becomes one).

mod batches;
mod bulk;
mod cell;
mod keys;
mod load;
mod mapping;
mod plan;
mod progress;
mod rows;

use std::time::Instant;

use duramen::{Db, ErrorKind};
use duramen_transactor::client::Client;

use super::arguments::Import;
use super::configuration::Configuration;
use super::exit::Failure;
use super::{output, sources, transactor};
use batches::Batches;
use load::Loader;
use plan::Plan;
use progress::Progress;
use rows::Rows;

/// Rows that types are guessed from.
const SAMPLE_ROWS_MAX: usize = 1_000;

/// From how many bytes on a file is so large that another way is suggested.
const LARGE_BYTES: u64 = 64 << 20;

/// Loads a file.
pub(crate) async fn run(configuration: &Configuration, flags: &Import) -> Result<(), Failure> {
    if flags.bulk {
        return bulk::run(configuration, flags).await;
    }
    let mut rows = Rows::open(&flags.file, flags.format)?;
    if rows.bytes() >= LARGE_BYTES {
        output::note("a large file makes a new database many times faster with --bulk --store URL");
    }
    let sample = rows.sample(SAMPLE_ROWS_MAX);
    let client = transactor(configuration, &flags.of.at).await?;
    let db = database(configuration, flags, &client).await?;
    let plan = Plan::make(flags, rows.columns(), &sample, db.schema())?;
    let begun = Instant::now();
    if let Some(schema) = plan.schema() {
        client.transact(&flags.of.database, &schema.to_string()).await?;
    }
    let progress = Progress::start(rows.bytes());
    let batches = Batches::new(rows, &plan, flags.batch, flags.skip_bad);
    let loader = Loader::new(client, flags, &progress);
    let loaded = loader.load(batches).await;
    progress.end();
    output::line(loaded?.summary(begun.elapsed()))
}

/// The newest value of the database, which tells the attributes that it has. It is read from the
/// bucket that the transactor names, unless another URL for it was given.
async fn database(
    configuration: &Configuration,
    flags: &Import,
    client: &Client,
) -> Result<Db, Failure> {
    let name = &flags.of.database;
    let url = match &flags.url {
        Some(url) => url.clone(),
        None => format!("{}/{name}", client.status("").await?.store.trim_end_matches('/')),
    };
    match sources::client(configuration).connect(&url).await {
        Ok(connection) => Ok(connection.last_db()),
        Err(error) if error.kind() == ErrorKind::NotFound && flags.url.is_none() => {
            let failure = Failure::from(error);
            Err(failure.adding("give --db URL if the transactor's store has another URL here"))
        }
        Err(error) => Err(error.into()),
    }
}
