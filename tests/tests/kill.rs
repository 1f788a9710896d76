//! Kills the transactor with SIGKILL, again and again, in the middle of transactions: nothing that
//! was acknowledged may be lost, and nothing may be there twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use duramen_proto::v1::transact_request::Data;
use duramen_proto::v1::{TransactRequest, transactor_client::TransactorClient};
use duramen_tests::daemon::Daemon;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use uuid::Uuid;

const KILLS: u64 = 12;
const CLIENTS: u64 = 4;
const SCHEMA: &str = "[{:db/ident :order/no :db/valueType :db.type/long
                        :db/cardinality :db.cardinality/one :db/unique :db.unique/value}]";

/// What clients know: the numbers that were acknowledged, and those that were at least sent.
#[derive(Debug, Default)]
struct Known {
    acknowledged: BTreeSet<i64>,
    sent: BTreeSet<i64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_transactor_loses_nothing_acknowledged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = format!("file://{}", folder.path().display());
    let known = Arc::new(Mutex::new(Known::default()));
    prepare(&store).await?;
    for round in 0..KILLS {
        let daemon = Daemon::start(&store, &[]).await?;
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let first = i64::try_from((round * CLIENTS + client) * 1_000_000)?;
            clients.spawn(order_until_killed(daemon.server.clone(), first, Arc::clone(&known)));
        }
        // The moment of death wanders through the work of a commit.
        tokio::time::sleep(Duration::from_millis(150 + 37 * round)).await;
        daemon.kill().await?;
        while let Some(client) = clients.join_next().await {
            client??;
        }
    }
    let stored = stored_orders(&store).await?;
    let known = known.lock().await;
    let lost: Vec<_> = known.acknowledged.difference(&stored).collect();
    ensure!(lost.is_empty(), "{} acknowledged orders are lost: {lost:?}", lost.len());
    let invented: Vec<_> = stored.difference(&known.sent).collect();
    ensure!(invented.is_empty(), "orders that nobody sent: {invented:?}");
    ensure!(known.acknowledged.len() > 100, "only {} were acknowledged", known.acknowledged.len());
    Ok(())
}

async fn prepare(store: &str) -> Result<()> {
    let daemon = Daemon::start(store, &[]).await?;
    let client = duramen_transactor::client::Client::connect(&daemon.server).await?;
    client.create_database("orders").await?;
    client.transact("orders", SCHEMA).await?;
    daemon.stop().await
}

/// Sends orders, each with an id of its own and repeated until it is answered, until the
/// transactor is gone.
async fn order_until_killed(server: String, first: i64, known: Arc<Mutex<Known>>) -> Result<()> {
    let Ok(mut client) = TransactorClient::connect(server).await else { return Ok(()) };
    for number in first.. {
        let request = TransactRequest {
            database: "orders".to_owned(),
            data: Some(Data::Edn(format!("[{{:order/no {number}}}]"))),
            request_id: Uuid::now_v7().to_string(),
            omit_datoms: true,
        };
        known.lock().await.sent.insert(number);
        match client.transact(request).await {
            Ok(_) => known.lock().await.acknowledged.insert(number),
            Err(_) => break,
        };
    }
    Ok(())
}

/// The orders in the bucket, by a reader; every one of them once.
async fn stored_orders(store: &str) -> Result<BTreeSet<i64>> {
    let connection = duramen::connect(&format!("{store}/orders")).await?;
    let db = connection.db().await?;
    let query = "[:find ?e ?n :where [?e :order/no ?n]]";
    let orders: Vec<(i64, i64)> =
        duramen::q(query, [duramen::Input::from(&db)]).await?.rows_as()?;
    let numbers: BTreeSet<i64> = orders.iter().map(|(_, number)| *number).collect();
    ensure!(numbers.len() == orders.len(), "an order is there twice");
    numbers.first().context("no order at all")?;
    Ok(numbers)
}
