//! Where network clients run.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// Runs what needs tokio: in the caller's runtime, or, when the caller lives on another executor,
/// in one of our own, which is started on first use.
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
        if Handle::try_current().is_ok() {
            return Ok(future.await);
        }
        let task = self.own()?.spawn(future);
        task.await.map_err(|error| error.to_string())
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

impl Drop for Executor {
    fn drop(&mut self) {
        let own = self.own.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = own.take() {
            // A plain drop would wait, which panics when the last store is dropped in a task.
            runtime.shutdown_background();
        }
    }
}
