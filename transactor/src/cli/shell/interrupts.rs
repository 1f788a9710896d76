//! Ctrl-C while a statement is worked on.

use std::time::{Duration, Instant};

use duramen::CancelToken;
use tokio::sync::{oneshot, watch};

use crate::cli::exit::Failure;
use crate::cli::output;

/// How long work that was called off may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// How often Ctrl-C was pressed. From a pipe it ends the process, so nothing is counted.
#[derive(Clone)]
pub(super) struct Interrupts(Option<watch::Receiver<u64>>);

impl Interrupts {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Counts from now on. The listener stays, so that none is lost between two statements.
    pub(super) fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        let mut signals = {
            use tokio::signal::unix::{SignalKind, signal};
            signal(SignalKind::interrupt())?
        };
        #[cfg(windows)]
        let mut signals = tokio::signal::windows::ctrl_c()?;
        let (sender, receiver) = watch::channel(0);
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(Some(receiver)))
    }

    /// Leaves aside what was pressed until now: it was about the statement before.
    pub(super) fn forget(&mut self) {
        if let Some(receiver) = &mut self.0 {
            receiver.mark_unchanged();
        }
    }

    /// Comes back when Ctrl-C is pressed, or was since the last that was forgotten.
    async fn next(&mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.changed().await.is_ok()
        {
            // The terminal shows ^C in the middle of a line.
            output::note("");
            return;
        }
        std::future::pending().await
    }

    /// Gives up waiting for something when Ctrl-C is pressed.
    pub(super) async fn waiting<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let (begun, mut interrupts) = (Instant::now(), self.clone());
        tokio::select! {
            done = work => Ok(done),
            () = interrupts.next() => Err(called_off(begun)),
        }
    }

    /// Computes in a thread of its own, so that nothing that waits for Ctrl-C, for the network or
    /// for a clock is held up. Ctrl-C calls it off; what does not end then is left behind.
    pub(super) async fn computing<T: Send + 'static>(
        &self,
        cancel: &CancelToken,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (begun, mut interrupts) = (Instant::now(), self.clone());
        let (sender, mut receiver) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        // Nobody may be there any more to take the result.
        let compute = move || drop(sender.send(runtime.block_on(work)));
        std::thread::Builder::new().name("statement".to_owned()).spawn(compute)?;
        tokio::select! {
            done = &mut receiver => done.map_err(|_| Failure::invalid("the statement broke off")),
            () = interrupts.next() => {
                cancel.cancel();
                let _ = tokio::time::timeout(GRACE, &mut receiver).await;
                Err(called_off(begun))
            }
        }
    }
}

fn called_off(begun: Instant) -> Failure {
    Failure::invalid(format!("called off after {}", output::milliseconds(begun.elapsed())))
}
