//! The catalog: which databases there are in a store, and what a name means.

use std::sync::Arc;

use duramen_store::layout::{self, DatabaseFolder, DatabaseId, DatabaseName};
use duramen_store::{Key, ReadStore, StoreError};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::{Claim, DbError};

/// How many claims are read at once.
const CLAIMS_AT_ONCE: usize = 16;

/// The databases of a store, by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    store: Arc<dyn ReadStore>,
}

/// A claim and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedClaim {
    /// Counts the claims on one name, from 0.
    pub number: u64,
    /// What it says.
    pub claim: Claim,
}

impl Catalog {
    /// The catalog of a store.
    #[must_use]
    pub fn new(store: Arc<dyn ReadStore>) -> Self {
        Self { store }
    }

    /// The newest claim on a name, which decides what it means. `None` when nobody ever claimed
    /// it.
    ///
    /// # Errors
    /// When the store fails or cannot list, or the claim is damaged.
    pub async fn newest_claim(
        &self,
        name: &DatabaseName,
    ) -> Result<Option<NumberedClaim>, DbError> {
        match self.newest_number(name).await? {
            Some(number) => Ok(Some(self.claim(name, number).await?)),
            None => Ok(None),
        }
    }

    /// The database that a name means.
    ///
    /// # Errors
    /// `NoDatabase`, `Dropped`, and as for [`Self::newest_claim`].
    pub async fn find(&self, name: &DatabaseName) -> Result<DatabaseId, DbError> {
        match self.newest_claim(name).await?.map(|numbered| numbered.claim) {
            Some(Claim::Created(id)) => Ok(id),
            Some(Claim::Dropped(_)) => Err(self.dropped(name)),
            None => Err(self.no_database(name)),
        }
    }

    /// The databases there are, in the order of their names.
    ///
    /// # Errors
    /// As for [`Self::newest_claim`].
    pub async fn list(&self) -> Result<Vec<(DatabaseName, DatabaseId)>, DbError> {
        let folders = self.store.list_folders(&Key::new("")).await?;
        // Whatever else is in the place is none of ours.
        let names = folders.into_iter().filter_map(|folder| DatabaseName::new(folder).ok());
        let claims = names.map(|name| async move {
            let claim = self.newest_claim(&name).await?;
            Ok::<_, DbError>((name, claim))
        });
        let claims: Vec<_> = stream::iter(claims).buffered(CLAIMS_AT_ONCE).try_collect().await?;
        let created =
            |(name, numbered): (DatabaseName, Option<NumberedClaim>)| match numbered?.claim {
                Claim::Created(id) => Some((name, id)),
                Claim::Dropped(_) => None,
            };
        Ok(claims.into_iter().filter_map(created).collect())
    }

    /// The number of the newest claim.
    pub(crate) async fn newest_number(
        &self,
        name: &DatabaseName,
    ) -> Result<Option<u64>, StoreError> {
        let folder = DatabaseFolder::new(name).claims();
        newest_number(&*self.store, &folder).await
    }

    /// The claim of a number that was listed.
    pub(crate) async fn claim(
        &self,
        name: &DatabaseName,
        number: u64,
    ) -> Result<NumberedClaim, DbError> {
        let key = DatabaseFolder::new(name).claim(number);
        let object = self.store.get(&key).await?;
        let object = object.ok_or_else(|| StoreError::Missing { object: key.to_string() })?;
        Ok(NumberedClaim { number, claim: Claim::open(name, number, object)? })
    }

    pub(crate) fn no_database(&self, name: &DatabaseName) -> DbError {
        DbError::NoDatabase { name: name.to_string(), place: self.store.place() }
    }

    pub(crate) fn dropped(&self, name: &DatabaseName) -> DbError {
        DbError::Dropped { name: name.to_string(), place: self.store.place() }
    }
}

/// The highest number in a folder of objects that are numbered so that the newest is listed
/// first.
pub(crate) async fn newest_number(
    store: &dyn ReadStore,
    folder: &Key,
) -> Result<Option<u64>, StoreError> {
    let Some(key) = store.list(folder, 1).await?.into_iter().next() else { return Ok(None) };
    match layout::number_of(&key) {
        Some(number) => Ok(Some(number)),
        None => Err(StoreError::Corrupt {
            object: key.to_string(),
            expected: "a name of 20 digits".to_owned(),
            found: key.name().to_owned(),
        }),
    }
}
