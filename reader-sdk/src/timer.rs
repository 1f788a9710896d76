//! Waiting, without a runtime of our own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A future that is ready after a while. `Send` except in browsers.
#[cfg(not(target_arch = "wasm32"))]
pub type Sleep = futures_util::future::BoxFuture<'static, ()>;
/// A future that is ready after a while. `Send` except in browsers.
#[cfg(target_arch = "wasm32")]
pub type Sleep = futures_util::future::LocalBoxFuture<'static, ()>;

/// A way to wait.
#[derive(Clone)]
pub(crate) struct Timer(Option<Arc<dyn Fn(Duration) -> Sleep + Send + Sync>>);

impl Timer {
    pub(crate) fn new(sleep: impl Fn(Duration) -> Sleep + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sleep)))
    }

    /// What waits for a while; `None` where there is no timer.
    pub(crate) fn sleep(&self, pause: Duration) -> Option<Sleep> {
        self.0.as_ref().map(|sleep| sleep(pause))
    }
}

impl Default for Timer {
    /// A timer that works under every runtime. A browser has none that is not its own: there the
    /// application brings it.
    fn default() -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        return Self::new(|pause| Box::pin(futures_timer::Delay::new(pause)));
        #[cfg(target_arch = "wasm32")]
        return Self(None);
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.is_some()).finish()
    }
}
