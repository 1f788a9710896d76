//! What is in the folder of the database: what is needed, and what is left over.

use duramen_store::Key;
use duramen_store::envelope::Kind;
use duramen_store::layout::{self, DatabaseFolder};
use futures_util::future;

use super::{Stage, Verifier, pieces};
use crate::DbError;

/// How many objects are looked at at once.
const AT_ONCE: usize = 32;

impl Verifier<'_> {
    /// Counts the objects that were not met on the way.
    pub(super) async fn count_unreached(&mut self) -> Result<(), DbError> {
        let name = &self.location.name;
        let keys = self.location.store.list(&Key::new(name.as_str()), usize::MAX).await?;
        let (roots, newest) = (self.source.roots(), self.newest_root);
        let is_new =
            |key: &Key| key.path().starts_with(roots.path()) && layout::number_of(key) > newest;
        let met = |key: &Key| self.met.contains(key.path());
        let rest: Vec<Key> = keys.into_iter().filter(|key| !met(key) && !is_new(key)).collect();
        let own = DatabaseFolder::new(name).contents(self.source.id).path();
        for chunk in rest.chunks(AT_ONCE) {
            let store = &*self.location.store;
            let lengths = future::try_join_all(chunk.iter().map(|key| pieces::length(store, key)));
            for (key, bytes) in chunk.iter().zip(lengths.await?) {
                let kind = match key.path().starts_with(&own) {
                    true => kind_of(key),
                    false => None,
                };
                self.report.tally(kind).unreached.add(bytes);
            }
            self.progress(Stage::Objects, chunk.len() as u64, rest.len() as u64);
        }
        Ok(())
    }
}

/// What an object is, by the folder that it is in.
fn kind_of(key: &Key) -> Option<Kind> {
    match key.path().rsplit('/').nth(1)? {
        "root" => Some(Kind::Root),
        "checkpoint" => Some(Kind::Checkpoint),
        "pack" => Some(Kind::Pack),
        "pack-list" => Some(Kind::PackList),
        "log-index" => Some(Kind::LogIndex),
        "segment" => Some(Kind::Segment),
        _ => None,
    }
}
