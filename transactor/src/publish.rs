//! Publishing: creating the next root, and finding out whether that happened.
//!
//! A store may do what it was asked and lose the answer. So a publish has outcomes, not just
//! success and failure, and doubt is settled by reading: the bytes of a root hold a nonce, so
//! whoever reads them back knows whether they are its own. While the name is still free, the same
//! bytes are sent again; they can be created once only, however often and however late they
//! arrive.
//!
//! ```text
//!           created ------------------------------------> Published
//! create    exists, no answer --> read back -- own -----> Published
//!   ^       not created                 |----- other ---> Fenced
//!   |            |                      |----- absent, unreadable
//!   '--- wait <--'<---------------------'
//!          |
//!          '-- tries used up: Refused if nothing was ever in doubt, otherwise Unknown
//! ```
//!
//! [`Attempt`] decides and does nothing else; [`publish`] does what it says.

use std::time::Duration;

use bytes::Bytes;
use duramen_store::{Creation, Key, StoreError, WriteStore};
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// A root that is ready to be created.
#[derive(Debug, Clone)]
#[must_use]
pub struct UnpublishedRoot {
    /// What it will be called.
    pub key: Key,
    /// What it will hold; no other root holds the same.
    pub bytes: Bytes,
}

/// What became of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Publication {
    /// It is in the bucket, for ever.
    Published,
    /// Another root has its name. It is not in the bucket and never will be.
    Fenced,
    /// The store would not create it. It is not in the bucket and never will be.
    Refused(StoreError),
    /// It may be in the bucket, or may still appear there.
    Unknown(StoreError),
}

/// How long a publish is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublishLimits {
    /// How often the root is sent.
    pub tries_max: u32,
    /// The wait after the first failure, in milliseconds; it doubles with each further one.
    pub pause_ms_first: u64,
    /// The longest wait between two tries, in milliseconds.
    pub pause_ms_max: u64,
    /// How long one answer of the store is waited for, in milliseconds.
    pub answer_ms_max: u64,
}

impl Default for PublishLimits {
    fn default() -> Self {
        Self { tries_max: 8, pause_ms_first: 50, pause_ms_max: 2_000, answer_ms_max: 10_000 }
    }
}

/// What to do next about a root.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Create it.
    Create,
    /// Read what has its name.
    ReadBack,
    /// Wait about so long, then create it again.
    Wait(Duration),
    /// Nothing more.
    Done(Publication),
}

/// What was heard of the store.
#[derive(Debug)]
pub enum Heard {
    /// The root was created.
    Created,
    /// There is a root of that name.
    Exists,
    /// The root was certainly not created.
    NotCreated(StoreError),
    /// The root may have been created.
    NoAnswer(StoreError),
    /// What has the name is the root.
    Own,
    /// What has the name is another root.
    Other,
    /// Nothing has the name.
    Absent,
    /// What has the name could not be read.
    Unreadable(StoreError),
}

/// The decisions of one publish, without its effects.
#[derive(Debug)]
pub struct Attempt {
    limits: PublishLimits,
    tries: u32,
    /// Why it is not certain that the root is not there.
    doubt: Option<StoreError>,
}

impl Attempt {
    /// A publish that has not begun. Its first step is [`Step::Create`].
    #[must_use]
    pub const fn new(limits: PublishLimits) -> Self {
        Self { limits, tries: 1, doubt: None }
    }

    /// Decides what to do after something was heard.
    #[must_use]
    pub fn next(&mut self, heard: Heard) -> Step {
        match heard {
            Heard::Created | Heard::Own => Step::Done(Publication::Published),
            Heard::Other => Step::Done(Publication::Fenced),
            Heard::Exists => Step::ReadBack,
            Heard::NoAnswer(error) => {
                self.doubt = Some(error);
                Step::ReadBack
            }
            Heard::NotCreated(error) => {
                if self.doubt.is_none() && !may_pass(&error) {
                    return Step::Done(Publication::Refused(error));
                }
                self.again(Some(error))
            }
            Heard::Absent => self.again(None),
            Heard::Unreadable(error) => {
                self.doubt.get_or_insert(error);
                self.again(None)
            }
        }
    }

    fn again(&mut self, refusal: Option<StoreError>) -> Step {
        if self.tries >= self.limits.tries_max {
            return Step::Done(match (self.doubt.take(), refusal) {
                (Some(doubt), _) => Publication::Unknown(doubt),
                (None, Some(refusal)) => Publication::Refused(refusal),
                (None, None) => Publication::Unknown(vanished()),
            });
        }
        let doublings = (self.tries - 1).min(16);
        let pause = self.limits.pause_ms_first.saturating_mul(1 << doublings);
        self.tries += 1;
        Step::Wait(Duration::from_millis(pause.min(self.limits.pause_ms_max)))
    }
}

/// Whether waiting may help.
fn may_pass(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. })
}

fn vanished() -> StoreError {
    StoreError::Unavailable {
        object: "root".to_owned(),
        reason: "the store says that it exists and that it does not".to_owned(),
    }
}

/// Publishes a root. Whoever calls this must let it finish: a publish that is dropped half-way is
/// one whose outcome is unknown.
pub async fn publish(
    store: &dyn WriteStore,
    root: &UnpublishedRoot,
    limits: PublishLimits,
    random: &Random,
) -> Publication {
    let mut attempt = Attempt::new(limits);
    let mut step = Step::Create;
    loop {
        step = match step {
            Step::Create => attempt.next(create(store, root, limits).await),
            Step::ReadBack => attempt.next(read_back(store, root, limits).await),
            Step::Wait(pause) => {
                tokio::time::sleep(random.jitter(pause)).await;
                Step::Create
            }
            Step::Done(publication) => return publication,
        };
    }
}

async fn create(store: &dyn WriteStore, root: &UnpublishedRoot, limits: PublishLimits) -> Heard {
    let answer = store.create(&root.key, root.bytes.clone());
    match in_time(answer, &root.key, limits).await {
        Ok(Ok(Creation::Created)) => Heard::Created,
        Ok(Ok(Creation::Exists)) => Heard::Exists,
        Ok(Ok(Creation::Unknown(error))) | Err(error) => Heard::NoAnswer(error),
        Ok(Err(error)) => Heard::NotCreated(error),
    }
}

async fn read_back(store: &dyn WriteStore, root: &UnpublishedRoot, limits: PublishLimits) -> Heard {
    match in_time(store.get(&root.key), &root.key, limits).await {
        Ok(Ok(Some(bytes))) if bytes == root.bytes => Heard::Own,
        Ok(Ok(Some(_))) => Heard::Other,
        Ok(Ok(None)) => Heard::Absent,
        Ok(Err(error)) | Err(error) => Heard::Unreadable(error),
    }
}

/// Waits for the store, but not for ever. An answer that comes too late is doubt.
async fn in_time<A>(
    answer: impl Future<Output = A>,
    key: &Key,
    limits: PublishLimits,
) -> Result<A, StoreError> {
    let limit = Duration::from_millis(limits.answer_ms_max);
    tokio::time::timeout(limit, answer).await.map_err(|_| StoreError::Unavailable {
        object: key.to_string(),
        reason: format!("no answer within {} ms", limits.answer_ms_max),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use duramen_store::{MemoryStore, ReadStore};

    use super::*;
    use crate::flaky::{Fault, FlakyStore};

    const LIMITS: PublishLimits =
        PublishLimits { tries_max: 3, pause_ms_first: 5, pause_ms_max: 20, answer_ms_max: 1_000 };

    fn root(n: u64, content: &str) -> UnpublishedRoot {
        let key = Key::new(format!("root/{:020}", u64::MAX - n));
        UnpublishedRoot { key, bytes: Bytes::from(content.to_owned()) }
    }

    async fn published(faults: &[Fault]) -> (Publication, Option<Bytes>) {
        let store = FlakyStore::listed(faults.iter().copied());
        let root = root(1, "mine");
        let publication = publish(&store, &root, LIMITS, &Random::from_seed(1)).await;
        (publication, store.get(&root.key).await.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn every_fault_is_survived_once() {
        for fault in Fault::ALL {
            let (publication, found) = published(&[fault]).await;
            assert_eq!(publication, Publication::Published, "{fault:?}");
            assert_eq!(found.as_deref(), Some(b"mine".as_slice()), "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_each_time_is_not_there() {
        let (publication, found) = published(&[Fault::Refused; 3]).await;
        assert!(matches!(publication, Publication::Refused(_)));
        assert_eq!(found, None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_doubt_makes_later_refusals_doubtful() {
        for doubt in [Fault::RequestLost, Fault::Late] {
            let faults = [doubt, Fault::Refused, Fault::Refused];
            let (publication, _) = published(&faults).await;
            assert!(matches!(publication, Publication::Unknown(_)), "{doubt:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_taken_fences_also_after_doubt() {
        for faults in [vec![], vec![Fault::RequestLost], vec![Fault::AnswerLost]] {
            let store = FlakyStore::listed([Fault::None].into_iter().chain(faults));
            let _ = store.create(&root(1, "theirs").key, root(1, "theirs").bytes).await.unwrap();
            let publication =
                publish(&store, &root(1, "mine"), LIMITS, &Random::from_seed(1)).await;
            assert_eq!(publication, Publication::Fenced);
        }
    }

    #[test]
    fn a_store_that_will_never_take_it_is_not_asked_again() {
        let place = "s3://bucket".to_owned();
        let denied = StoreError::Denied { place, reason: "no credentials".to_owned() };
        let step = Attempt::new(LIMITS).next(Heard::NotCreated(denied.clone()));
        assert_eq!(step, Step::Done(Publication::Refused(denied)));
    }

    #[test]
    fn pauses_double_up_to_their_limit() {
        let limits = PublishLimits { tries_max: 5, ..LIMITS };
        let mut attempt = Attempt::new(limits);
        let mut pauses = Vec::new();
        while let Step::Wait(pause) = attempt.next(Heard::Absent) {
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [5, 10, 20, 20]);
    }

    /// Publishes roots, each after the newest that is listed, and returns those that it was told
    /// are published.
    async fn write(store: Arc<FlakyStore>, name: &'static str, seed: u64) -> Vec<UnpublishedRoot> {
        let random = Random::from_seed(seed);
        let mut acknowledged = Vec::new();
        for i in 0..30 {
            let Ok(listed) = store.list(&Key::new("root"), 1).await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let newest = listed.first().and_then(|key| key.name().parse::<u64>().ok());
            let next = newest.map_or(0, |countdown| u64::MAX - countdown + 1);
            let root = root(next, &format!("{name}-{i}"));
            if publish(&*store, &root, LIMITS, &random).await == Publication::Published {
                acknowledged.push(root);
            }
        }
        acknowledged
    }

    async fn race(seed: u64) -> Vec<(Key, Bytes)> {
        let inner = Arc::new(MemoryStore::new());
        let store = Arc::new(FlakyStore::seeded(Arc::clone(&inner), seed, 12));
        let one = tokio::spawn(write(Arc::clone(&store), "one", seed));
        let two = tokio::spawn(write(store, "two", seed + 1));
        let acknowledged = [one.await.unwrap(), two.await.unwrap()].concat();
        assert!(acknowledged.len() > 5, "seed {seed}: hardly anything was published");
        for root in &acknowledged {
            let found = inner.get(&root.key).await.unwrap();
            assert_eq!(found.as_ref(), Some(&root.bytes), "seed {seed}: {} was lost", root.key);
        }
        // Let what is late arrive.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let keys = inner.list(&Key::new("root"), usize::MAX).await.unwrap();
        for (n, key) in keys.iter().rev().enumerate() {
            assert_eq!(*key, root(n as u64, "").key, "seed {seed}: the numbers are dense");
        }
        let mut objects = Vec::new();
        for key in keys {
            let bytes = inner.get(&key).await.unwrap().unwrap();
            objects.push((key, bytes));
        }
        objects
    }

    #[tokio::test(start_paused = true)]
    async fn two_writers_never_publish_one_number() {
        for seed in 0..50 {
            let objects = race(seed).await;
            if seed == 0 {
                assert_eq!(objects, race(seed).await, "the simulation repeats itself");
            }
        }
    }
}
