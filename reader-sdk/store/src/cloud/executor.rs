//! Where network clients run.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Runs what needs tokio: in the caller's runtime, or, when the caller lives on another executor,
/// in one of our own, which is started on first use. Either way as a task of its own: what was
/// asked once goes on while its asker does something else, until the asker gives it up.
#[derive(Debug, Default)]
pub(crate) struct Executor {
    own: Mutex<Option<Runtime>>,
}

impl Executor {
    /// Runs a future to its end.
    ///
    /// # Errors
    /// The reason why it could not be run.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(_) => self.own()?,
        };
        let mut task = Task(runtime.spawn(future));
        (&mut task.0).await.map_err(|error| error.to_string())
    }

    fn own(&self) -> Result<Handle, String> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = own.as_ref() {
            return Ok(runtime.handle().clone());
        }
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("duramen-store").enable_all();
        let runtime =
            builder.build().map_err(|error| format!("no thread for network clients: {error}"))?;
        let handle = runtime.handle().clone();
        *own = Some(runtime);
        Ok(handle)
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many of some requests are under way at once. Whoever waits for a place or has one is a
/// task of the [`Executor`], so that no place is held by somebody who does not go on.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Asks when there is a place.
    pub(super) async fn ask<T>(self, question: impl Future<Output = T>) -> T {
        // The places are never closed, and if they were, reading would matter more.
        let _place = self.0.acquire().await.ok();
        question.await
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        let own = self.own.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = own.take() {
            // A plain drop would wait, which panics when the last store is dropped in a task.
            runtime.shutdown_background();
        }
    }
}
