//! Work beside the commits: spilling the tail to segments, and the hint at the newest root.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use duramen_db::SegmentRef;
use duramen_model::T;
use duramen_store::{Key, StoreError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::merging::MergeBase;

/// Work that runs by itself, and is given up when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Background<R>(Option<JoinHandle<R>>);

impl<R: Send + 'static> Background<R> {
    pub(crate) const fn idle() -> Self {
        Self(None)
    }

    pub(crate) fn start(work: impl Future<Output = R> + Send + 'static) -> Self {
        Self(Some(tokio::spawn(work)))
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Waits for the result; for ever when nothing runs. `None` when the work broke off.
    pub(crate) async fn done(&mut self) -> Option<R> {
        match &mut self.0 {
            Some(task) => {
                let result = task.await;
                self.0 = None;
                result.ok()
            }
            None => pending().await,
        }
    }
}

impl<R> Drop for Background<R> {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// A stretch of the log that is in a segment, and the value after it.
#[derive(Debug, Clone)]
pub(crate) struct Spilled {
    pub(crate) reference: SegmentRef,
    pub(crate) base: MergeBase,
}

/// The segment that takes over the tail. It uploads beside the root that still holds the tail, and
/// is named by a later one.
#[derive(Debug)]
pub(crate) struct Spill {
    upload: Background<Result<(), StoreError>>,
    spilled: Option<Spilled>,
}

impl Spill {
    pub(crate) const fn idle() -> Self {
        Self { upload: Background::idle(), spilled: None }
    }

    pub(crate) fn start(
        spilled: Spilled,
        upload: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) -> Self {
        Self { upload: Background::start(upload), spilled: Some(spilled) }
    }

    /// One that is uploaded and can be named.
    pub(crate) const fn ready(spilled: Spilled) -> Self {
        Self { upload: Background::idle(), spilled: Some(spilled) }
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.spilled.is_none()
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.upload.is_running()
    }

    /// Waits for the upload; for ever when none runs. False when it failed: the tail still has it
    /// all, and a later root spills it.
    pub(crate) async fn done(&mut self) -> bool {
        match self.upload.done().await {
            Some(Ok(())) => true,
            failed => {
                tracing::warn!(?failed, "a segment was not written");
                self.spilled = None;
                false
            }
        }
    }

    /// What is uploaded, and can be named.
    pub(crate) const fn uploaded(&self) -> Option<&Spilled> {
        if self.is_running() { None } else { self.spilled.as_ref() }
    }

    /// Takes what is uploaded, to be named.
    pub(crate) fn take(&mut self) -> Option<Spilled> {
        if self.is_running() { None } else { self.spilled.take() }
    }

    /// The value after the segment.
    pub(crate) fn base_mut(&mut self) -> Option<&mut MergeBase> {
        self.spilled.as_mut().map(|spilled| &mut spilled.base)
    }

    /// Gives up a segment that holds transactions after `t`: they were never published, and their
    /// numbers will be given to others.
    pub(crate) fn take_back(&mut self, t: T) {
        if self.spilled.as_ref().is_some_and(|spilled| spilled.reference.t_last > t) {
            *self = Self::idle();
        }
    }
}

/// The hint at the newest root: written now and then, beside everything else.
#[derive(Debug)]
pub(crate) struct Head {
    pause: Duration,
    written: Option<Instant>,
    stale: bool,
    upload: Background<Result<(), StoreError>>,
}

impl Head {
    pub(crate) const fn new(pause: Duration) -> Self {
        Self { pause, written: None, stale: false, upload: Background::idle() }
    }

    /// There is a newer root.
    pub(crate) const fn outdate(&mut self) {
        self.stale = true;
    }

    /// Whether the hint names an older root.
    pub(crate) const fn is_stale(&self) -> bool {
        self.stale
    }

    /// Waits until the hint that is being written is there.
    pub(crate) async fn written(&mut self) {
        if self.upload.is_running()
            && let Some(Err(error)) = self.upload.done().await
        {
            tracing::debug!(%error, "the hint at the newest root was not written");
        }
    }

    /// Waits until the hint is to be written; for ever while it is up to date.
    pub(crate) async fn due(&mut self) {
        self.written().await;
        match (self.stale, self.written) {
            (false, _) => pending().await,
            (true, None) => {}
            (true, Some(written)) => sleep_until(written + self.pause).await,
        }
    }

    /// Writes the hint.
    pub(crate) fn write(
        &mut self,
        store: std::sync::Arc<dyn duramen_store::WriteStore>,
        key: Key,
        object: Bytes,
    ) {
        self.stale = false;
        self.written = Some(Instant::now());
        self.upload = Background::start(async move { store.put(&key, object).await });
    }
}
