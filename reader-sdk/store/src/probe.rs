//! Finding out whether a store keeps its promises, before relying on them.

use bytes::Bytes;

use crate::verified::object_name;
use crate::{Creation, Key, StoreError, WriteStore};

/// Makes sure that a store creates an object only when there is none of that name. A store that
/// ignores the condition would let two writers both believe that they published.
///
/// Leaves one small object, `.probe/create-only` in `folder`, which the next probe finds: so a
/// store that was probed before answers with one request, and any number of writers may probe at
/// once.
///
/// # Errors
/// `Unsupported` when the store ignores the condition, `Unavailable` when it does not answer, and
/// as [`WriteStore::create`].
pub async fn create_only(store: &dyn WriteStore, folder: &Key) -> Result<(), StoreError> {
    let key = folder.join(".probe/create-only");
    if exists_already(store, &key).await? || exists_already(store, &key).await? {
        return Ok(());
    }
    Err(StoreError::Unsupported {
        place: store.place(),
        reason: "the store overwrites an object that it was asked to create only if absent, so it \
                 cannot keep two writers apart; use one that honours If-None-Match on PUT"
            .to_owned(),
    })
}

async fn exists_already(store: &dyn WriteStore, key: &Key) -> Result<bool, StoreError> {
    let bytes = Bytes::from_static(b"Written to find out whether this store creates once only.\n");
    match store.create(key, bytes).await? {
        Creation::Created => Ok(false),
        Creation::Exists => Ok(true),
        Creation::Unknown(cause) => Err(StoreError::Unavailable {
            object: object_name(store, key),
            reason: format!("the probe of the store failed: {cause}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use async_trait::async_trait;

    use super::*;
    use crate::{MemoryStore, ReadStore};

    /// Overwrites what it should create only if absent, as some servers do.
    #[derive(Debug)]
    struct Forgetful(MemoryStore);

    #[async_trait]
    impl ReadStore for Forgetful {
        fn place(&self) -> String {
            self.0.place()
        }
        async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
            self.0.get(key).await
        }
        async fn get_range(&self, key: &Key, r: Range<u64>) -> Result<Option<Bytes>, StoreError> {
            self.0.get_range(key, r).await
        }
        async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
            self.0.list(folder, limit).await
        }
        async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
            self.0.list_folders(folder).await
        }
    }

    #[async_trait]
    impl WriteStore for Forgetful {
        async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
            self.0.put(key, bytes).await.map(|()| Creation::Created)
        }
        async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
            self.0.put(key, bytes).await
        }
    }

    #[tokio::test]
    async fn a_store_that_ignores_the_condition_is_refused() {
        let honest = MemoryStore::new();
        create_only(&honest, &Key::new("")).await.unwrap();
        create_only(&honest, &Key::new("")).await.unwrap();
        assert_eq!(honest.list(&Key::new(""), 9).await.unwrap().len(), 1);

        let forgetful = Forgetful(MemoryStore::new());
        for _ in 0..2 {
            let refused = create_only(&forgetful, &Key::new("")).await.unwrap_err();
            assert!(matches!(refused, StoreError::Unsupported { .. }));
        }
    }
}
