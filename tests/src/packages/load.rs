//! Loading the package index through a transactor.

use std::time::{Duration, Instant};

use anyhow::Result;
use duramen_transactor::client::Client;
use futures_util::{StreamExt, TryStreamExt, stream};

/// Transactions under way at once.
const IN_FLIGHT: usize = 4;

/// What a load did.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    /// Facts asserted and retracted.
    pub datoms: usize,
    /// Transactions.
    pub transactions: usize,
    /// The newest transaction.
    pub t: u64,
    /// How long it took, acknowledgements included.
    pub took: Duration,
}

/// Sends transactions to a database, several at once.
///
/// # Errors
/// What the transactor answers.
pub async fn load(
    server: &str,
    database: &str,
    transactions: impl Iterator<Item = String>,
) -> Result<Loaded> {
    let client = Client::connect(server).await?;
    let started = Instant::now();
    let reports = stream::iter(transactions).map(|data| {
        let client = client.clone();
        async move { client.transact(database, &data).await }
    });
    let nothing = Loaded { datoms: 0, transactions: 0, t: 0, took: Duration::ZERO };
    let loaded = reports.buffered(IN_FLIGHT).try_fold(nothing, |mut loaded, done| async move {
        loaded.datoms += done.report.datoms.len();
        loaded.transactions += 1;
        loaded.t = loaded.t.max(done.report.t);
        Ok(loaded)
    });
    let loaded = loaded.await?;
    Ok(Loaded { took: started.elapsed(), ..loaded })
}
