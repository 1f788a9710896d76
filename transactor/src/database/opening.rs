//! Opening a database: claiming it, and reading what there is.
//!
//! A writer claims by publishing a root with the next epoch. Then it lists once more and serves
//! only if its claim is still the newest root: so a claim that arrived late, or that another one
//! overtook, is found out before anything is answered.

use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Db, Location, OpenedRoot, RequestWindow, Snapshot};
use duramen_model::T;
use duramen_store::layout::{ContentsFolder, DatabaseFolder, DatabaseId, DatabaseName, WriterId};
use duramen_store::{ReadStore, StoreError};

use super::names::Names;
use super::novelty::NoveltyGauge;
use crate::catalog;
use crate::error::TransactError;
use crate::publish::{Publication, UnpublishedRoot, publish};
use crate::requests::Requests;
use crate::transactor::Context;

/// The first pause after a claim that another writer was faster with, and after a failure to read;
/// it doubles with each.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// How often a database is read that is claimed.
const READ_TRIES: u32 = 5;

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: DatabaseName,
    pub(crate) id: DatabaseId,
    pub(crate) folder: DatabaseFolder,
    pub(crate) contents: ContentsFolder,
}

/// A database that is claimed and read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) place: Place,
    /// The claim.
    pub(crate) root: OpenedRoot,
    /// The database of the claim.
    pub(crate) db: Db,
    pub(crate) names: Names,
    pub(crate) requests: Requests,
    pub(crate) novelty: NoveltyGauge,
}

/// Claims and reads a database.
pub(crate) async fn open(context: &Context, name: &DatabaseName) -> Result<Opened, TransactError> {
    let id = catalog::find(context, name).await?;
    let folder = DatabaseFolder::new(name);
    let contents = folder.contents(id);
    let place = Place { name: name.clone(), id, folder, contents };
    let root = claim(context, &place).await?;
    tracing::info!(database = %name, root = root.root.place.n, epoch = root.root.epoch, "claimed");
    // A claim stays for ever, so one is made to do.
    let mut pause = PAUSE_FIRST;
    for _ in 1..READ_TRIES {
        match read(context, &place, &root).await {
            Err(TransactError::Store(StoreError::Unavailable { object, reason })) => {
                tracing::warn!(database = %name, %object, %reason, "reading the database again");
            }
            read => return read,
        }
        tokio::time::sleep(context.random().jitter(pause)).await;
        pause *= 2;
    }
    read(context, &place, &root).await
}

/// Publishes a claim, again while other writers are faster.
async fn claim(context: &Context, place: &Place) -> Result<OpenedRoot, TransactError> {
    let mut pause = PAUSE_FIRST;
    let mut address = String::new();
    for _ in 0..context.settings.claim_tries_max {
        let newest = catalog::newest_root(&**context.store(), &place.contents, place.id).await?;
        if newest.root.dropped {
            return Err(catalog::no_database(context, &place.name));
        }
        match claim_after(context, place, &newest).await? {
            Some(root) => return Ok(root),
            None => address = newest.root.writer.address,
        }
        tokio::time::sleep(context.random().jitter(pause)).await;
        pause *= 2;
    }
    Err(TransactError::Elsewhere { address })
}

/// Publishes a claim after a root; `None` when it is not the newest.
async fn claim_after(
    context: &Context,
    place: &Place,
    newest: &OpenedRoot,
) -> Result<Option<OpenedRoot>, TransactError> {
    let store = &**context.store();
    let mut root = catalog::successor(newest, context.random().id());
    root.epoch += 1;
    root.writer.id = WriterId(context.random().id());
    root.writer.address.clone_from(&context.settings.address);
    root.writer.released = false;
    let root = catalog::sealed(root)?;
    let key = place.contents.root(&root.root.place.branch, root.root.place.n);
    let object = UnpublishedRoot { key, bytes: root.object.clone() };
    match publish(store, &object, context.settings.publish, context.random()).await {
        Publication::Published => {}
        Publication::Fenced => return Ok(None),
        Publication::Refused(error) => return Err(error.into()),
        // It may be there, or arrive any time: another claim settles it.
        Publication::Unknown(error) => {
            tracing::warn!(database = %place.name, %error, "unknown whether the claim was published");
            return Ok(None);
        }
    }
    let now = catalog::newest_root(store, &place.contents, place.id).await?;
    Ok((now.object == root.object).then_some(root))
}

async fn read(
    context: &Context,
    place: &Place,
    root: &OpenedRoot,
) -> Result<Opened, TransactError> {
    let store: Arc<dyn ReadStore> = Arc::clone(context.store()) as _;
    let location = Location::new(store, place.name.clone(), context.cache.clone());
    let db = Snapshot::at(location, root.clone()).await?.db().clone();
    let mut novelty = NoveltyGauge::default();
    let unmerged = db.checkpoint_t().and_then(T::next).unwrap_or(T::GENESIS);
    for record in db.recent_txs(unmerged) {
        novelty.push(record.t, record.changes.len(), record.encode().len());
    }
    let window = root.root.requests.unwrap_or(RequestWindow { since: T::GENESIS, horizon: None });
    let mut requests = Requests::new(window, context.settings.requests_remembered);
    let end = root.root.t.next().unwrap_or(T::MAX);
    for record in db.tx_range(window.since, end).await? {
        requests.remember(&record);
    }
    requests.forget(root.root.t);
    let names = Names::new(root.root.writer.id);
    let (place, root) = (place.clone(), root.clone());
    Ok(Opened { place, root, db, names, requests, novelty })
}
