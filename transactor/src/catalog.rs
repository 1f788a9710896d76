//! The catalog: which databases there are, as the claims in the bucket say.
//!
//! A database comes to be in two steps, root 0 and then the claim that gives it its name; and goes
//! in two, a root that says so and then the claim that frees the name. What stops half-way is
//! either garbage that no name leads to, or finished by the next one to come.

use std::sync::Arc;

use bytes::Bytes;
use duramen_db::catalog::NumberedClaim;
use duramen_db::{
    Catalog, Claim, Floor, LogSum, LoggedTx, NextIds, OpenedRoot, Root, RootPlace, TxRecord,
    Writer, head,
};
use duramen_model::T;
use duramen_store::envelope;
use duramen_store::layout::{
    BranchName, ContentsFolder, DatabaseFolder, DatabaseId, DatabaseName, WriterId, number_of,
};
use duramen_store::{Key, ReadStore, StoreError, WriteStore};

use crate::error::TransactError;
use crate::publish::{Publication, UnpublishedRoot, publish};
use crate::transactor::Context;

/// Creates an empty database.
pub(crate) async fn create(
    context: &Context,
    name: &DatabaseName,
) -> Result<DatabaseId, TransactError> {
    let number = free_number(context, name).await?;
    let id = DatabaseId(context.random().id());
    let genesis = genesis(id, context.random().id(), WriterId(context.random().id()));
    establish(context, name, number, &sealed(genesis)?).await?;
    Ok(id)
}

/// The number of the next claim on a name that means no database; an error when it means one.
pub(crate) async fn free_number(
    context: &Context,
    name: &DatabaseName,
) -> Result<u64, TransactError> {
    let newest = of(context).newest_claim(name).await?;
    let number = newest.map_or(0, |newest| newest.number + 1);
    let Some(Claim::Created(id)) = newest.map(|newest| newest.claim) else { return Ok(number) };
    if !is_dropped(&**context.store(), name, id).await? {
        return Err(exists(name));
    }
    // Whoever dropped it got no further.
    state(context, name, number, Claim::Dropped(id)).await?;
    Ok(number + 1)
}

/// Makes a database exist: its root 0, and then the claim that gives it its name.
pub(crate) async fn establish(
    context: &Context,
    name: &DatabaseName,
    number: u64,
    root: &OpenedRoot,
) -> Result<(), TransactError> {
    let RootPlace { id, branch, n } = &root.root.place;
    let key = DatabaseFolder::new(name).contents(*id).root(branch, *n);
    outcome(context, key, root.object.clone()).await?;
    if !state(context, name, number, Claim::Created(*id)).await? {
        return Err(exists(name));
    }
    hint(context, name, root).await;
    Ok(())
}

fn exists(name: &DatabaseName) -> TransactError {
    TransactError::DatabaseExists { name: name.to_string() }
}

/// Lists the databases.
pub(crate) async fn list(
    context: &Context,
) -> Result<Vec<(DatabaseName, DatabaseId)>, TransactError> {
    Ok(of(context).list().await?)
}

/// The database that a name means.
pub(crate) async fn find(
    context: &Context,
    name: &DatabaseName,
) -> Result<DatabaseId, TransactError> {
    Ok(of(context).find(name).await?)
}

fn of(context: &Context) -> Catalog {
    Catalog::new(Arc::clone(context.store()) as Arc<dyn ReadStore>)
}

/// Gives up a database that no task of this process writes to.
pub(crate) async fn delete(context: &Context, name: &DatabaseName) -> Result<(), TransactError> {
    let newest = of(context).newest_claim(name).await?;
    let Some(NumberedClaim { number, claim: Claim::Created(id) }) = newest else {
        return Err(no_database(context, name));
    };
    drop_contents(context, name, id).await?;
    state(context, name, number + 1, Claim::Dropped(id)).await?;
    Ok(())
}

/// Publishes the root after which none comes.
async fn drop_contents(
    context: &Context,
    name: &DatabaseName,
    id: DatabaseId,
) -> Result<(), TransactError> {
    let store = &**context.store();
    let contents = DatabaseFolder::new(name).contents(id);
    let mut address = String::new();
    for _ in 0..context.settings.claim_tries_max {
        let newest = newest_root(store, &contents, id).await?;
        if newest.root.dropped {
            return Ok(());
        }
        let mut last = successor(&newest, context.random().id());
        last.epoch += 1;
        last.writer.id = WriterId(context.random().id());
        last.dropped = true;
        address = newest.root.writer.address;
        let key = contents.root(&last.place.branch, last.place.n);
        let last = sealed(last)?;
        if outcome(context, key, last.object.clone()).await? {
            hint(context, name, &last).await;
            return Ok(());
        }
    }
    Err(TransactError::Elsewhere { address })
}

/// The error for a name that means no database.
pub(crate) fn no_database(context: &Context, name: &DatabaseName) -> TransactError {
    TransactError::NoDatabase { name: name.to_string(), store: context.store().place() }
}

/// The newest root of a database, as a listing says: the authority.
pub(crate) async fn newest_root(
    store: &dyn WriteStore,
    contents: &ContentsFolder,
    id: DatabaseId,
) -> Result<OpenedRoot, StoreError> {
    let branch = BranchName::main();
    let listed = store.list(&contents.roots(&branch), 1).await?;
    let found = listed.first().and_then(|key| Some((key, number_of(key)?)));
    let missing = |key: &Key| StoreError::Missing { object: key.to_string() };
    let (key, n) = found.ok_or_else(|| missing(&contents.root(&branch, 0)))?;
    let bytes = store.get(key).await?.ok_or_else(|| missing(key))?;
    Root::open(&RootPlace { id, branch, n }, key, bytes)
}

/// The root after another one: everything stays as it is.
pub(crate) fn successor(previous: &OpenedRoot, nonce: [u8; 16]) -> Root {
    Root {
        place: previous.root.place.next(),
        nonce,
        previous: Some(previous.hash),
        ..previous.root.clone()
    }
}

async fn is_dropped(
    store: &dyn WriteStore,
    name: &DatabaseName,
    id: DatabaseId,
) -> Result<bool, StoreError> {
    let contents = DatabaseFolder::new(name).contents(id);
    Ok(newest_root(store, &contents, id).await?.root.dropped)
}

/// States a claim; false when another one has its number.
async fn state(
    context: &Context,
    name: &DatabaseName,
    number: u64,
    claim: Claim,
) -> Result<bool, TransactError> {
    let key = DatabaseFolder::new(name).claim(number);
    outcome(context, key, claim.seal(name, number)).await
}

/// Makes the object of a root, as it will be found in the bucket.
pub(crate) fn sealed(root: Root) -> Result<OpenedRoot, StoreError> {
    let object = root.seal()?;
    let hash = envelope::hash_of(&object).expect("a sealed object has a frame");
    Ok(OpenedRoot { root, hash, object })
}

/// Writes the hint at a root. Whoever cannot list finds the database by it, so it is there from
/// the beginning; but it is no harm if it is not.
async fn hint(context: &Context, name: &DatabaseName, root: &OpenedRoot) {
    let key = DatabaseFolder::new(name).head(&root.root.place.branch);
    if let Err(error) = context.store().put(&key, head::seal(root)).await {
        tracing::debug!(database = %name, %error, "the hint at the newest root was not written");
    }
}

/// Creates an object once; false when another one has its name.
async fn outcome(context: &Context, key: Key, bytes: Bytes) -> Result<bool, TransactError> {
    let object = UnpublishedRoot { key, bytes };
    let limits = context.settings.publish;
    match publish(&**context.store(), &object, limits, context.random()).await {
        Publication::Published => Ok(true),
        Publication::Fenced => Ok(false),
        Publication::Refused(error) => Err(error.into()),
        Publication::Unknown(error) => Err(TransactError::Unknown { reason: error.to_string() }),
    }
}

fn genesis(id: DatabaseId, nonce: [u8; 16], writer: WriterId) -> Root {
    let tx = LoggedTx::encode(TxRecord::genesis());
    Root {
        place: RootPlace { id, branch: BranchName::main(), n: 0 },
        epoch: 0,
        nonce,
        previous: None,
        floor: Floor { n: 0, t: T::GENESIS },
        writer: Writer { id: writer, address: String::new(), released: true },
        t: T::GENESIS,
        instant: tx.record().instant,
        next_ids: NextIds::FIRST.after(tx.record()),
        checkpoint: None,
        segments: Vec::new(),
        sum: LogSum::default().plus(&tx),
        tail: vec![tx],
        requests: None,
        dropped: false,
    }
}
