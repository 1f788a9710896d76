//! `create`, `list`, `drop`: the databases of a transactor.

use super::arguments::{OfDatabase, OfServer};
use super::configuration::Configuration;
use super::exit::Failure;
use super::{output, transactor};

/// Creates a database.
pub(crate) async fn create(configuration: &Configuration, of: &OfDatabase) -> Result<(), Failure> {
    let client = transactor(configuration, &of.at).await?;
    let id = client.create_database(&of.database).await?;
    output::line(format_args!("created {} {id}", of.database))
}

/// Lists the databases, each with its id.
pub(crate) async fn list(configuration: &Configuration, at: &OfServer) -> Result<(), Failure> {
    let client = transactor(configuration, at).await?;
    for entry in client.list_databases().await? {
        output::line(format_args!("{} {}", entry.database, entry.database_id))?;
    }
    Ok(())
}

/// Gives up a database.
pub(crate) async fn drop(configuration: &Configuration, of: &OfDatabase) -> Result<(), Failure> {
    let client = transactor(configuration, &of.at).await?;
    client.delete_database(&of.database).await?;
    output::line(format_args!("dropped {}", of.database))
}
