//! A team: a store, a transactor that writes to it, and one database.

use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use duramen::{Instant, Stores};
use duramen_transactor::client::Client;
use duramen_transactor::server::{self, Listeners, ServeError};
use duramen_transactor::settings::{NoveltyLimits, Settings};
use duramen_transactor::transactor::Components;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::page::Page;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

/// How long a merge may take, before the demo goes on without.
const MERGE_MAX: Duration = Duration::from_secs(10);
/// How soon the hint at the newest root follows.
const HEAD_PAUSE: Duration = Duration::from_millis(25);

/// A team at work.
pub(super) struct Team {
    name: &'static str,
    pub(super) database: &'static str,
    /// Where the transactor answers.
    pub(super) address: String,
    store_url: String,
    client: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

impl Team {
    /// Starts a transactor on a folder and a free port.
    pub(super) async fn start(
        name: &'static str,
        database: &'static str,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let folder = folder.join(name);
        std::fs::create_dir(&folder)?;
        let store_url = url::Url::from_file_path(&folder)
            .map_err(|()| Failure::usage(format!("{}: not a full path", folder.display())))?
            .to_string();
        let store = Stores::default().open(&store_url).map_err(ServeError::from)?;
        let grpc = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", grpc.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A team that is gone has no more use for its transactor either.
            let _ = stopped.await;
        };
        let listeners = Listeners { grpc, http: None };
        let components = Components::new(store);
        let server = server::serve(listeners, components, settings(), None, shutdown);
        let server = tokio::spawn(server);
        let client = Client::connect(&address).await?;
        Ok(Self { name, database, address, store_url, client, stop, server })
    }

    /// The name of the team, as wide as any.
    pub(super) fn label(&self) -> String {
        format!("{:9}", self.name)
    }

    /// Where readers find the database.
    pub(super) fn database_url(&self) -> String {
        format!("{}/{}", self.store_url, self.database)
    }

    pub(super) async fn create(&self, page: &Page) -> Result<(), Failure> {
        self.client.create_database(self.database).await?;
        page.line(format_args!("{}  CreateDatabase {}", self.label(), self.database))
    }

    /// Sends a transaction and shows it.
    pub(super) async fn transact(&self, page: &Page, edn: &str) -> Result<(), Failure> {
        let begun = Stopwatch::now();
        let report = self.client.transact(self.database, edn).await?.report;
        let took = output::milliseconds(begun.elapsed());
        let (t, datoms) = (report.t, report.datoms.len());
        page.line(format_args!(
            "{}  Transact {}  -> t {t}, {datoms} datoms, {took}",
            self.label(),
            self.database
        ))?;
        edn.lines().try_for_each(|line| page.line(format_args!("    {line}")))
    }

    /// Sends transactions without showing each. Returns the instant of the last.
    pub(super) async fn load(
        &self,
        page: &Page,
        transactions: Vec<String>,
    ) -> Result<Instant, Failure> {
        let begun = Stopwatch::now();
        let (mut datoms, mut instant_ms) = (0, 0);
        for edn in &transactions {
            let report = self.client.transact(self.database, edn).await?.report;
            datoms += report.datoms.len();
            instant_ms = report.instant_ms;
        }
        let (count, took) = (transactions.len(), output::milliseconds(begun.elapsed()));
        page.line(format_args!(
            "{}  Transact {}, {count} times  -> {datoms} datoms, {took}",
            self.label(),
            self.database
        ))?;
        Ok(Instant::from_millis(instant_ms))
    }

    /// Waits until what was written is merged into the indexes, and the hint at the newest root is
    /// up to date. Readers need not wait for that; the figures of the demo are those of a database
    /// at rest.
    pub(super) async fn merged(&self) -> Result<(), Failure> {
        let begun = Stopwatch::now();
        while begun.elapsed() < MERGE_MAX {
            let status = self.client.status(self.database).await?;
            let database = status.databases.iter().find(|one| one.database == self.database);
            if database.is_none_or(|database| !database.merging && database.checkpoint_t > 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(4 * HEAD_PAUSE).await;
        Ok(())
    }

    /// Stops the transactor.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        drop(self.client);
        // If it has ended by itself, the outcome says why.
        let _ = self.stop.send(());
        let ended = self.server.await;
        ended
            .map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?
            .map_err(Into::into)
    }
}

/// Merges begin early and the hint follows soon, because there is little data and little time.
fn settings() -> Settings {
    let novelty_soft = NoveltyLimits { datoms: 2_000, ..Settings::default().novelty_soft };
    let head_pause_ms = u64::try_from(HEAD_PAUSE.as_millis()).unwrap_or(u64::MAX);
    Settings { novelty_soft, leaf_records_max: 512, head_pause_ms, ..Settings::default() }
}
