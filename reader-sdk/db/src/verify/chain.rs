//! What leads to a database: the claims on its name, HEAD, and the chain of its roots.

use std::sync::Arc;

use duramen_store::envelope::Kind;
use duramen_store::layout::{self, DatabaseFolder, DatabaseId};
use duramen_store::{Key, StoreError};
use futures_util::future;

use super::{Stage, Verifier};
use crate::malformed::{self, Malformed};
use crate::{Claim, DbError, Location, OpenedRoot, head};

/// How many claims or roots are read at once.
const AT_ONCE: usize = 32;

impl Verifier<'_> {
    /// Checks every claim on the name. The database that it means.
    pub(super) async fn check_claims(&mut self) -> Result<DatabaseId, DbError> {
        let Location { store, name, .. } = self.location.clone();
        let keys = store.list(&DatabaseFolder::new(&name).claims(), usize::MAX).await?;
        let mut numbers = Vec::new();
        let mut newest = None;
        for key in &keys {
            let Some(number) = self.number(key) else { continue };
            numbers.push(number);
            let object = self.get(key).await;
            let claim = object.and_then(|object| {
                self.reach(Kind::Claim, key, object.len());
                Claim::open(&name, number, object)
            });
            match claim {
                Ok(claim) => newest = newest.or(Some((number, claim))),
                Err(error) => self.report.note(error)?,
            }
        }
        self.check_dense(&numbers, 0, |n| DatabaseFolder::new(&name).claim(n));
        let is_newest = |number| numbers.first() == Some(&number);
        match newest {
            Some((_, Claim::Created(id))) => Ok(id),
            Some((number, Claim::Dropped(_))) if is_newest(number) => {
                Err(self.location.catalog().dropped(&name))
            }
            // The newest claim is damaged or gone: what it is about, the hint may know.
            _ => match self.read_head().await? {
                Some(root) => {
                    if keys.is_empty() {
                        let object = DatabaseFolder::new(&name).claim(0).to_string();
                        self.report.note(StoreError::Missing { object })?;
                    }
                    Ok(root.root.place.id)
                }
                None => Err(self.location.catalog().no_database(&name)),
            },
        }
    }

    /// Checks that HEAD is a copy of a root that there is.
    pub(super) async fn check_head(&mut self) -> Result<(), DbError> {
        let key = self.location.head();
        let Some(hint) = self.read_head().await? else { return Ok(()) };
        if hint.root.place.id != self.source.id {
            // Of a database that had the name before: nobody believes it.
            return Ok(());
        }
        match self.source.root(hint.root.place.n).await {
            Ok(Some(root)) => {
                if let Err(malformed) = malformed::same_hash(hint.hash, root.hash) {
                    self.report.note_malformed(key, malformed);
                }
            }
            Ok(None) => self.report.note(StoreError::Missing {
                object: self.source.root_key(hint.root.place.n).to_string(),
            })?,
            // The chain tells.
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn read_head(&mut self) -> Result<Option<OpenedRoot>, DbError> {
        let key = self.location.head();
        let Some(object) = self.location.store.get(&key).await? else { return Ok(None) };
        self.reach(Kind::Head, &key, object.len());
        match head::open(&self.location.branch, &key, object) {
            Ok(root) => Ok(Some(root)),
            Err(error) => {
                self.report.note(error)?;
                Ok(None)
            }
        }
    }

    /// Checks the chain of roots from the newest down, as far as they are retained. The newest
    /// that can be read.
    pub(super) async fn check_roots(&mut self) -> Result<Option<OpenedRoot>, DbError> {
        let keys = self.location.store.list(&self.source.roots(), usize::MAX).await?;
        let numbers: Vec<u64> = keys.iter().filter_map(|key| self.number(key)).collect();
        self.newest_root = numbers.first().copied();
        let mut chain = Chain::default();
        for chunk in numbers.chunks(AT_ONCE) {
            let reads = chunk.iter().map(|n| self.source.root(*n));
            let roots = future::join_all(reads).await;
            for (n, root) in chunk.iter().zip(roots) {
                self.check_root(*n, root, &mut chain)?;
            }
            self.progress(Stage::Roots, chunk.len() as u64, numbers.len() as u64);
        }
        let Some(newest) = chain.newest else {
            self.report.note(StoreError::Missing { object: self.source.roots().to_string() })?;
            return Ok(None);
        };
        let source = Arc::clone(&self.source);
        self.check_dense(&numbers, newest.root.floor.n, |n| source.root_key(n));
        Ok(Some(newest))
    }

    fn check_root(
        &mut self,
        n: u64,
        read: Result<Option<OpenedRoot>, StoreError>,
        chain: &mut Chain,
    ) -> Result<(), DbError> {
        let key = self.source.root_key(n);
        let root = match read {
            Ok(Some(root)) => root,
            // It was collected since.
            Ok(None) => return Ok(()),
            Err(error) => {
                chain.above = None;
                return Ok(self.report.note(error)?);
            }
        };
        match &chain.newest {
            None => self.reach(Kind::Root, &key, root.object.len()),
            Some(_) => self.leave(Kind::Root, &key, root.object.len()),
        }
        if let Some(above) =
            chain.above.take().filter(|above| above.root.place == root.root.place.next())
            && let Err(malformed) = check_pair(&root, &above)
        {
            self.report.note_malformed(self.source.root_key(above.root.place.n), malformed);
        }
        chain.newest.get_or_insert_with(|| root.clone());
        chain.above = Some(root);
        Ok(())
    }

    /// The number in a key of a numbered object.
    fn number(&mut self, key: &Key) -> Option<u64> {
        let number = layout::number_of(key);
        if number.is_none() {
            let found = Malformed::new("a name of 20 digits", key.name());
            self.report.note_malformed(key, found);
        }
        number
    }

    /// Checks that numbers, which descend, leave none out from the first one on.
    fn check_dense(&mut self, numbers: &[u64], first: u64, key: impl Fn(u64) -> Key) {
        let below = numbers.iter().skip(1).copied().map(Some).chain([None]);
        for (number, below) in numbers.iter().zip(below) {
            let expected = below.map_or(first, |below| below.saturating_add(1)).max(first);
            if expected < *number {
                let missing = format!("none from {expected} to {}", number - 1);
                let malformed = Malformed::new("an object of every number", missing);
                self.report.note_malformed(key(expected), malformed);
            }
        }
    }
}

/// The roots that have been read, from the newest down.
#[derive(Default)]
struct Chain {
    newest: Option<OpenedRoot>,
    /// The one that was read last.
    above: Option<OpenedRoot>,
}

/// Checks that one root follows another.
fn check_pair(before: &OpenedRoot, after: &OpenedRoot) -> Result<(), Malformed> {
    malformed::same_hash(after.root.previous.unwrap_or(after.hash), before.hash)?;
    let (before, after) = (&before.root, &after.root);
    let goes_on = before.t <= after.t
        && before.instant <= after.instant
        && before.epoch <= after.epoch
        && before.floor.n <= after.floor.n
        && before.floor.t <= after.floor.t;
    if !goes_on || before.dropped {
        return Err(Malformed::new("a root that goes on", "one that goes back"));
    }
    if before.epoch == after.epoch && before.writer.id != after.writer.id {
        return Err(Malformed::new("one writer in an epoch", "two"));
    }
    let fresh = || after.tail.iter().filter(|tx| tx.t() > before.t);
    let is_whole = fresh().count() as u64 == after.t.get() - before.t.get();
    if is_whole && before.sum.plus_all(fresh()) != after.sum {
        return Err(Malformed::new("the sum before and the transactions since", "another sum"));
    }
    Ok(())
}
