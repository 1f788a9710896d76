//! `status`: how a transactor is doing, or a database in its bucket.

use std::time::Duration;

use duramen::{Edn, Instant, Keyword, Value};
use duramen_proto::v1;

use super::arguments::Status;
use super::configuration::Configuration;
use super::exit::Failure;
use super::report::{entry, number};
use super::{output, sources, transactor};

/// Prints a status.
pub(crate) async fn run(configuration: &Configuration, flags: &Status) -> Result<(), Failure> {
    match &flags.database {
        Some(url) => of_bucket(configuration, url, flags.json).await,
        None => of_transactor(configuration, flags).await,
    }
}

async fn of_transactor(configuration: &Configuration, flags: &Status) -> Result<(), Failure> {
    let client = transactor(configuration, &flags.at).await?;
    let status = client.status("").await?;
    if flags.json {
        return output::json(&edn(&status));
    }
    let uptime = Duration::from_secs(status.uptime_ms / 1_000);
    output::line(format_args!("duramen {} {}, up {uptime:?}", status.version, status.store))?;
    if status.databases.is_empty() {
        return output::line("no database is open: each is opened by its first transaction");
    }
    let columns = COLUMNS.map(str::to_owned);
    let rows: Vec<Vec<Edn>> = status.databases.iter().map(row).collect();
    output::line(output::table(&columns, &rows).trim_fmt())
}

const COLUMNS: [&str; 8] =
    ["database", "state", "t", "root", "epoch", "merged t", "datoms not merged", "queued"];

fn row(database: &v1::DatabaseStatus) -> Vec<Edn> {
    vec![
        text(&database.database),
        text(state(database)),
        number(database.t),
        number(database.root),
        number(database.epoch),
        number(database.checkpoint_t),
        number(database.novelty_datoms),
        number(database.queued),
    ]
}

fn edn(status: &v1::StatusResponse) -> Edn {
    let databases = status.databases.iter().map(|database| database_edn(database).into());
    Edn::Map(vec![
        entry("version", text(&status.version)),
        entry("store", text(&status.store)),
        entry("uptime_ms", number(status.uptime_ms)),
        entry("databases", Edn::Vector(databases.collect())),
    ])
}

fn database_edn(database: &v1::DatabaseStatus) -> Edn {
    Edn::Map(vec![
        entry("database", text(&database.database)),
        entry("database_id", text(&database.database_id)),
        entry("state", Edn::from(Keyword::new(state(database)))),
        entry("t", number(database.t)),
        entry("root", number(database.root)),
        entry("epoch", number(database.epoch)),
        entry("checkpoint_t", number(database.checkpoint_t)),
        entry("novelty_transactions", number(database.novelty_transactions)),
        entry("novelty_datoms", number(database.novelty_datoms)),
        entry("novelty_bytes", number(database.novelty_bytes)),
        entry("queued", number(database.queued)),
        entry("merging", Edn::from(database.merging)),
    ])
}

fn state(database: &v1::DatabaseStatus) -> &'static str {
    match v1::DatabaseState::try_from(database.state) {
        Ok(v1::DatabaseState::Opening) => "opening",
        Ok(v1::DatabaseState::Serving) => "serving",
        Ok(v1::DatabaseState::Fenced) => "fenced",
        Ok(v1::DatabaseState::Closed) => "closed",
        _ => "unknown",
    }
}

fn text(text: &str) -> Edn {
    Edn::Value(Value::string(text))
}

/// What the bucket says, whether or not a transactor runs.
async fn of_bucket(configuration: &Configuration, url: &str, json: bool) -> Result<(), Failure> {
    let connection = sources::connect(&sources::client(configuration), url).await?;
    let db = connection.last_db();
    let t = db.basis_t();
    let newest = db.tx_range(t, t.next().unwrap_or(t)).await.map_err(duramen::Error::from)?;
    let instant = newest.first().map_or(Instant::from_millis(0), |record| record.instant);
    let attributes = db.schema().attributes().filter(|a| a.id >= duramen::AttributeId::FIRST_USER);
    let status = Edn::Map(vec![
        entry("database", text(connection.name())),
        entry("t", number(t.get())),
        entry("instant", Edn::from(instant)),
        entry("attributes", number(attributes.count() as u64)),
    ]);
    if json { output::json(&status) } else { output::edn(&status) }
}
