//! A store for tests that does what it is asked and says otherwise, following a seed.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use duramen_store::{Creation, Key, MemoryStore, ReadStore, StoreError, WriteStore};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

/// How often a request is sent that may be repeated.
const TRIES: u32 = 2;

/// What a faulty request does, and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It happens, and the answer arrives.
    None,
    /// It happens, and the answer is lost.
    AnswerLost,
    /// It does not happen, and an error says so.
    Refused,
    /// It does not happen, and the answer is lost.
    RequestLost,
    /// It happens long after the answer was given up.
    Late,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] =
        [Self::None, Self::AnswerLost, Self::Refused, Self::RequestLost, Self::Late];
}

#[derive(Debug)]
enum Script {
    /// These faults for the first creations, then none.
    Listed(Vec<Fault>),
    /// As a seed has it.
    Seeded(Box<Weather>),
}

/// Faults by chance: single ones, and outages that begin with a lost answer.
#[derive(Debug)]
struct Weather {
    random: StdRng,
    /// Faults in a hundred requests.
    percent: u32,
    outage_until: Option<Instant>,
}

impl Weather {
    fn draw(&mut self) -> Fault {
        let now = Instant::now();
        if self.outage_until.is_some_and(|until| now < until) {
            return Fault::RequestLost;
        }
        let dice = self.random.random_range(0..1_000);
        if dice < self.percent {
            let outage = Duration::from_millis(self.random.random_range(100..2_000));
            self.outage_until = Some(now + outage);
            return Fault::AnswerLost;
        }
        if dice < self.percent * 10 {
            return Fault::ALL[self.random.random_range(1..Fault::ALL.len())];
        }
        Fault::None
    }
}

/// A store in memory whose requests take time and go wrong.
#[derive(Debug)]
pub(crate) struct FlakyStore {
    inner: Arc<MemoryStore>,
    script: Mutex<Script>,
}

impl FlakyStore {
    pub(crate) fn listed(faults: impl IntoIterator<Item = Fault>) -> Self {
        let mut faults: Vec<Fault> = faults.into_iter().collect();
        faults.reverse();
        Self { inner: Arc::default(), script: Mutex::new(Script::Listed(faults)) }
    }

    pub(crate) fn seeded(inner: Arc<MemoryStore>, seed: u64, percent: u32) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let weather = Weather { random, percent, outage_until: None };
        Self { inner, script: Mutex::new(Script::Seeded(Box::new(weather))) }
    }

    fn draw(&self, writing: bool) -> (Fault, Duration) {
        let mut script = self.script.lock().unwrap();
        match &mut *script {
            Script::Listed(faults) if writing => {
                (faults.pop().unwrap_or(Fault::None), Duration::from_millis(1))
            }
            Script::Listed(_) => (Fault::None, Duration::from_millis(1)),
            Script::Seeded(weather) => {
                let latency = Duration::from_millis(weather.random.random_range(1..40));
                (weather.draw(), latency)
            }
        }
    }

    /// What may be repeated is repeated underneath, as a store does.
    async fn repeated(&self, key: &Key) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let (fault, latency) = self.draw(false);
            tokio::time::sleep(latency).await;
            if fault == Fault::None {
                return Ok(());
            }
        }
        Err(lost(key))
    }
}

fn lost(key: &Key) -> StoreError {
    StoreError::Unavailable { object: key.to_string(), reason: "made to fail".to_owned() }
}

#[async_trait]
impl ReadStore for FlakyStore {
    fn place(&self) -> String {
        "memory://flaky".to_owned()
    }

    async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.repeated(key).await?;
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        self.repeated(key).await?;
        self.inner.get_range(key, range).await
    }

    async fn list(&self, folder: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.repeated(folder).await?;
        self.inner.list(folder, limit).await
    }

    async fn list_folders(&self, folder: &Key) -> Result<Vec<String>, StoreError> {
        self.repeated(folder).await?;
        self.inner.list_folders(folder).await
    }
}

#[async_trait]
impl WriteStore for FlakyStore {
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<Creation, StoreError> {
        let (fault, latency) = self.draw(true);
        tokio::time::sleep(latency).await;
        match fault {
            Fault::None => self.inner.create(key, bytes).await,
            Fault::AnswerLost => {
                let _ = self.inner.create(key, bytes).await?;
                Ok(Creation::Unknown(lost(key)))
            }
            Fault::Refused => Err(lost(key)),
            Fault::RequestLost => Ok(Creation::Unknown(lost(key))),
            Fault::Late => {
                let (inner, key) = (Arc::clone(&self.inner), key.clone());
                let doubt = lost(&key);
                tokio::spawn(async move {
                    tokio::time::sleep(latency * 100).await;
                    let _ = inner.create(&key, bytes).await;
                });
                Ok(Creation::Unknown(doubt))
            }
        }
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let before = self.draw(false).0 == Fault::AnswerLost;
        if before {
            self.inner.put(key, bytes.clone()).await?;
        }
        self.repeated(key).await?;
        self.inner.put(key, bytes).await
    }
}
