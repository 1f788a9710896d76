//! A store that fails on demand, in every way that a real one can.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::verified::object_name;
use crate::{Creation, Key, ReadStore, StoreError, WriteStore};

/// What goes wrong with one request: whether it happens, and whether the caller hears the truth.
/// The fourth combination, happened and said so, is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and the store says so.
    Refused,
    /// Nothing happens, and no answer arrives.
    Lost,
    /// It happens, and no answer arrives.
    AnswerLost,
    /// No answer arrives, and it happens only when [`Faulty::let_late_arrive`] is called: a writer
    /// that was paused, a packet that took the long way.
    Late,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A get, range or listing. All faults are one here: no answer.
    Read,
    /// An attempt to create.
    Create,
    /// A put.
    Put,
}

/// Forwards everything to another store, except when a fault is due.
///
/// Faults are due by script ([`Faulty::expect`]), or at random from a seed
/// ([`Faulty::with_seed`]): the same seed and the same requests give the same faults.
#[derive(Debug)]
pub struct Faulty<S: ?Sized> {
    plan: Mutex<Plan>,
    inner: Arc<S>,
}

#[derive(Debug, Default)]
struct Plan {
    script: VecDeque<Step>,
    random: Option<Random>,
    late: Vec<(Operation, Key, Bytes)>,
}

#[derive(Debug)]
struct Step {
    operation: Operation,
    path_part: String,
    fault: Fault,
}

#[derive(Debug)]
struct Random {
    state: u64,
    faults_per_thousand: u64,
}

impl<S: ?Sized> Faulty<S> {
    /// A store without faults, until some are scripted.
    #[must_use]
    pub fn new(inner: Arc<S>) -> Self {
        Self { plan: Mutex::default(), inner }
    }

    /// A store in which so many requests of a thousand go wrong, each in a way drawn from the seed.
    #[must_use]
    pub fn with_seed(inner: Arc<S>, seed: u64, faults_per_thousand: u64) -> Self {
        let faulty = Self::new(inner);
        faulty.plan().random = Some(Random { state: seed, faults_per_thousand });
        faulty
    }

    /// Lets the next such request for a path that contains `path_part` go wrong, once. Several
    /// expectations are met in the order in which they were made.
    pub fn expect(&self, operation: Operation, path_part: impl Into<String>, fault: Fault) {
        self.plan().script.push_back(Step { operation, path_part: path_part.into(), fault });
    }

    /// How many scripted faults have not come about.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.plan().script.len()
    }

    /// Ends the random faults.
    pub fn heal(&self) {
        self.plan().random = None;
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn due(&mut self, operation: Operation, key: &Key) -> Option<Fault> {
        let meets =
            |step: &Step| step.operation == operation && key.path().contains(&step.path_part);
        if let Some(position) = self.script.iter().position(meets) {
            return self.script.remove(position).map(|step| step.fault);
        }
        self.random.as_mut().and_then(Random::draw)
    }
}

impl Random {
    fn draw(&mut self) -> Option<Fault> {
        if self.next() % 1000 >= self.faults_per_thousand {
            return None;
        }
        match self.next() % 3 {
            0 => Some(Fault::Refused),
            1 => Some(Fault::Lost),
            _ => Some(Fault::AnswerLost),
        }
    }

    /// SplitMix64, so that a seed means the same for ever.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl<S: ReadStore + ?Sized> Faulty<S> {
    fn failed(&self, key: &Key, fault: Fault) -> StoreError {
        StoreError::Unavailable {
            object: object_name(self, key),
            reason: match fault {
                Fault::Refused => "injected refusal".to_owned(),
                Fault::Lost | Fault::AnswerLost | Fault::Late => "injected timeout".to_owned(),
            },
        }
    }

    fn before_read(&self, key: &Key) -> Result<(), StoreError> {
        match self.plan().due(Operation::Read, key) {
            None => Ok(()),
            Some(fault) => Err(self.failed(key, fault)),
        }
    }
}

impl<S: WriteStore + ?Sized> Faulty<S> {
    /// Lets the late requests happen now, in the order in which they were made, and says what
    /// became of the attempts to create.
    ///
    /// # Errors
    /// As the store beneath.
    pub async fn let_late_arrive(&self) -> Result<Vec<Creation>, StoreError> {
        let late = std::mem::take(&mut self.plan().late);
        let mut outcomes = Vec::new();
        for (operation, key, bytes) in late {
            match operation {
                Operation::Create => outcomes.push(self.inner.create(&key, bytes).await?),
                Operation::Put | Operation::Read => self.inner.put(&key, bytes).await?,
            }
        }
        Ok(outcomes)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: ReadStore + ?Sized> ReadStore for Faulty<S> {
    fn place(&self) -> String {
        self.inner.place()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.before_read(key)?;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.before_read(key)?;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.before_read(folder)?;
        self.inner.list(folder, limit).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.before_read(folder)?;
        self.inner.list_folders(folder).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl<S: WriteStore + ?Sized> WriteStore for Faulty<S> {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        let due = self.plan().due(Operation::Create, key);
        let Some(fault) = due else {
            return self.inner.create(key, bytes).await;
        };
        match fault {
            Fault::Refused => return Err(self.failed(key, fault)),
            Fault::Lost => {}
            Fault::AnswerLost => {
                // Whatever came of it, nobody hears.
                let _ = self.inner.create(key, bytes).await;
            }
            Fault::Late => self.plan().late.push((Operation::Create, key.clone(), bytes)),
        }
        Ok(Creation::Unknown(self.failed(key, fault)))
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let due = self.plan().due(Operation::Put, key);
        let Some(fault) = due else {
            return self.inner.put(key, bytes).await;
        };
        match fault {
            Fault::Refused | Fault::Lost => {}
            Fault::AnswerLost => self.inner.put(key, bytes).await?,
            Fault::Late => self.plan().late.push((Operation::Put, key.clone(), bytes)),
        }
        Err(self.failed(key, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    fn stores() -> (Arc<MemoryStore>, Faulty<MemoryStore>) {
        let inner = Arc::new(MemoryStore::new());
        (Arc::clone(&inner), Faulty::new(inner))
    }

    #[tokio::test]
    async fn every_pair_of_happened_and_reported_can_be_had() {
        let key = Key::new("root/1");
        for (fault, happens, reported) in [
            (None, true, true),
            (Some(Fault::Refused), false, true),
            (Some(Fault::Lost), false, false),
            (Some(Fault::AnswerLost), true, false),
        ] {
            let (inner, store) = stores();
            if let Some(fault) = fault {
                store.expect(Operation::Create, "root/", fault);
            }
            let answer = store.create(&key, "x".into()).await;
            assert_eq!(inner.get(&key).await.unwrap().is_some(), happens, "{fault:?}");
            let said = !matches!(answer, Ok(Creation::Unknown(_)));
            assert_eq!(said, reported, "{fault:?}");
            assert_eq!(store.outstanding(), 0);
        }
    }

    #[tokio::test]
    async fn a_late_request_happens_when_it_is_let() {
        let (inner, store) = stores();
        let key = Key::new("root/1");
        store.expect(Operation::Create, "", Fault::Late);
        assert!(matches!(store.create(&key, "late".into()).await.unwrap(), Creation::Unknown(_)));
        let _ = store.create(&key, "first".into()).await.unwrap();
        let outcomes = store.let_late_arrive().await.unwrap();
        assert!(matches!(outcomes[..], [Creation::Exists]));
        assert_eq!(inner.get(&key).await.unwrap().unwrap(), "first");
    }

    #[tokio::test]
    async fn a_seed_gives_the_same_faults_every_time() {
        let run = async |seed| {
            let store = Faulty::with_seed(Arc::new(MemoryStore::new()), seed, 300);
            let mut failures = Vec::new();
            for n in 0..100 {
                let created = store.create(&Key::new(format!("{n}")), Bytes::new()).await;
                failures.push(!matches!(created, Ok(Creation::Created)));
            }
            failures
        };
        let first = run(7).await;
        assert_eq!(first, run(7).await);
        assert_ne!(first, run(8).await);
        let count = first.iter().filter(|failed| **failed).count();
        assert!((15..45).contains(&count), "{count}");
    }
}
