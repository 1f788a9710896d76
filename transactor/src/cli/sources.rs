//! The databases that a command reads, and the times at which it looks at them.

mod named;
mod view;

use duramen::{Client, Connection, Db, Stats};
use futures_util::future::try_join_all;

use super::arguments::Sources;
use super::configuration::Configuration;
use super::exit::Failure;
use view::View;

pub(crate) use named::Named;
pub(crate) use view::Time;

/// A database that is open.
#[derive(Debug)]
pub(crate) struct Source {
    /// What it is called, without the dollar, if it was given a name.
    pub(crate) name: Option<String>,
    /// The database as it is looked at.
    pub(crate) db: Db,
    connection: Connection,
    client: Client,
}

/// Opens databases, all at once, and looks at them as of the times asked for.
pub(crate) async fn open(
    configuration: &Configuration,
    flags: &Sources,
) -> Result<Vec<Source>, Failure> {
    let databases: Vec<_> = flags.databases.iter().map(|text| Named::parse(text)).collect();
    let views = View::all(flags)?;
    for view in &views {
        view.check(&databases)?;
    }
    let client = caching_client(configuration, flags);
    try_join_all(databases.iter().map(|database| open_one(&client, database, &views))).await
}

/// What reads databases, with the options of the stores.
pub(crate) fn client(configuration: &Configuration) -> Client {
    Client::builder().options(configuration.store_options.clone()).build()
}

/// The same, with the disk cache that was asked for.
fn caching_client(configuration: &Configuration, flags: &Sources) -> Client {
    let builder = Client::builder().options(configuration.store_options.clone());
    match &flags.disk_cache {
        Some(folder) => builder.disk_cache(folder, flags.disk_cache_mib << 20).build(),
        None => builder.build(),
    }
}

/// Lets the disk cache take what was read, before the program ends.
pub(crate) async fn close(sources: &[Source]) {
    for source in sources {
        source.client.flush_disk_cache().await;
    }
}

async fn open_one(
    client: &Client,
    database: &Named<'_>,
    views: &[View<'_>],
) -> Result<Source, Failure> {
    let connection = connect(client, database.rest).await?;
    let mut db = connection.last_db();
    for view in views.iter().filter(|view| view.concerns(database)) {
        db = view.of(&db).await?;
    }
    Ok(Source { name: database.name.map(str::to_owned), db, connection, client: client.clone() })
}

/// Connects to a database.
pub(crate) async fn connect(client: &Client, url: &str) -> Result<Connection, Failure> {
    check_url(url)?;
    Ok(client.connect(url).await?)
}

/// Refuses a path, which is no URL and easily given for one.
pub(crate) fn check_url(url: &str) -> Result<(), Failure> {
    if !url.contains("://") {
        return Err(Failure::usage(format!(
            "{url}: expected the URL of a database, such as s3://bucket/prefix/database or \
             file:///folder/database"
        )));
    }
    Ok(())
}

/// The one database, for commands that take no more.
pub(crate) async fn open_single(
    configuration: &Configuration,
    flags: &Sources,
) -> Result<Source, Failure> {
    let mut sources = open(configuration, flags).await?;
    match (sources.pop(), sources.is_empty()) {
        (Some(source), true) => Ok(source),
        _ => Err(Failure::usage("give one database with --db")),
    }
}

/// What was read of all databases, in one line.
pub(crate) fn cost(sources: &[Source]) -> Stats {
    sources.iter().fold(Stats::default(), |sum, source| add(sum, source.connection.stats()))
}

fn add(one: Stats, other: Stats) -> Stats {
    Stats {
        gets: one.gets + other.gets,
        lists: one.lists + other.lists,
        bytes: one.bytes + other.bytes,
        node_hits: one.node_hits + other.node_hits,
        node_disk_hits: one.node_disk_hits + other.node_disk_hits,
        node_loads: one.node_loads + other.node_loads,
    }
}
