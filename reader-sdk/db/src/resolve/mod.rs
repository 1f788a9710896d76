//! From transaction data to datoms.
//!
//! [`resolve`] is a pure function of a database and transaction data: it reads the one, and knows
//! no clock, no randomness and nobody who writes. The transactor publishes what it returns;
//! [`Db::with`] applies it to a value that nobody else sees.
//!
//! It is a ladder. Each stage takes away one possibility, and the types say so:
//!
//! ```text
//! Form      --from_form-->  TxData          statements are well-formed
//!           --explode--->   Term<Named>     one fact each; attributes known; values suit them
//!           --find------>   Term<Found>     no lookup refs
//!           --upsert---->   Identities      temporary ids that are entities of the database
//!           --allocate-->   Term<EntityId>  no temporary ids
//!           --expand---->   Saying          single facts; retractions know what they close
//!           --net------->   Changes         nothing redundant, no contradiction
//!           --checks---->   ResolvedTx      unique values are unique; the schema is sound
//! ```
//!
//! A stage that has to know facts asks for all of them at once, so that a transaction costs a few
//! rounds to the store, however many datoms it has.

mod allocate;
mod coerce;
mod composite;
mod data;
mod definition;
mod error;
mod expand;
mod explode;
mod find;
mod instant;
mod known;
mod names;
mod net;
mod operand;
mod show;
mod suggest;
mod temps;
mod term;
mod unique;
mod upsert;

use duramen_model::{Instant, T};

use crate::{Db, DbError, NextIds, TxRecord};

pub use data::TxData;
pub use error::{TxError, TxErrorKind};

use composite::Touched;
use expand::Before;
use known::Known;

/// A transaction that can be carried out: every entity has its id, every retraction names what it
/// closes, and no rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTx {
    /// What the log keeps. It has no request id and no digest yet: those belong to the request.
    pub record: TxRecord,
    /// The ids that the next transaction goes on with.
    pub next: NextIds,
}

/// Resolves transaction data against a database.
///
/// The transaction gets the `t` after the newest one of `db`, and the instant `now`, or that of
/// the last transaction if `now` is before it. New entities get the ids from `next` on.
///
/// # Errors
/// Says which rule the transaction breaks, where, and what to do; nothing has happened then.
/// [`TxErrorKind::Unreadable`] says that `db` could not be read.
pub async fn resolve(
    db: &Db,
    data: &TxData,
    now: Instant,
    next: NextIds,
) -> Result<ResolvedTx, TxError> {
    climb(db, data, now, next).await.map_err(|error| {
        let statement = error.statement.and_then(|index| data.statements().get(index));
        let span = statement.map(|statement| statement.span);
        error.within(span.unwrap_or_default())
    })
}

async fn climb(db: &Db, data: &TxData, now: Instant, next: NextIds) -> Result<ResolvedTx, TxError> {
    let t = next_t(db)?;
    let known = &mut Known::new(db);
    let before = Before { next, basis_t: db.basis_t() };
    let exploded = explode::explode(data, db.schema(), t, next)?;
    let found = find::find(exploded, known).await?;
    let identities = upsert::upsert(&found, known).await?;
    let allocated = allocate::allocate(found, &identities, next)?;
    let sayings = expand::expand(allocated.terms, before, known).await?;
    let touched = Touched::by(&sayings, db.schema());
    let mut changes = net::net(sayings, known)?;
    composite::follow(touched, &mut changes, before, known).await?;
    unique::check_unique(&changes, known).await?;
    definition::check_definitions(&changes, t, known).await?;
    let instant = instant::decide(&mut changes, t, now, db.basis_instant())?;
    let record = TxRecord {
        t,
        instant,
        request_id: None,
        digest: [0; 32],
        tempids: allocated.tempids,
        changes: changes.into_changes(t),
    };
    Ok(ResolvedTx { record, next: allocated.next })
}

fn next_t(db: &Db) -> Result<T, TxError> {
    if db.as_of_t().is_some() || db.since_t().is_some() || db.is_history() {
        return Err(DbError::NotCurrent.into());
    }
    let full = || TxError::new(TxErrorKind::Malformed, "the database has no transactions left");
    db.basis_t().next().ok_or_else(full)
}

impl Db {
    /// The database as it would be after a transaction, and what the transaction would do. Nothing
    /// is written, and nobody else sees it.
    ///
    /// ```
    /// # use duramen_db::{Db, resolve::TxData};
    /// # use duramen_model::{Instant, Keyword, edn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let data = TxData::from_form(&edn::read("[{:db/id \"red\" :db/ident :color/red}]")?)?;
    /// let (db, resolved) = Db::genesis().with(&data, Instant::from_millis(0)).await?;
    /// let red = db.schema().entity(&Keyword::new("color/red"));
    /// assert_eq!(resolved.record.tempids.get("red").copied(), red);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`resolve`].
    pub async fn with(&self, data: &TxData, now: Instant) -> Result<(Self, ResolvedTx), TxError> {
        let resolved = resolve(self, data, now, self.next_ids()).await?;
        let db = self.apply(&resolved.record)?;
        Ok((db, resolved))
    }
}
