//! A root on its way into the bucket.

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use duramen_db::OpenedRoot;
use duramen_store::{Key, StoreError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::background::Spilled;
use super::batch::Batch;
use crate::publish::{Publication, UnpublishedRoot, publish};
use crate::transactor::Context;

/// A root on its way into the bucket, and what it makes visible. The publish is a task of its own:
/// it ends by itself, whatever becomes of those who wait for it.
#[derive(Debug)]
pub(crate) struct Flight {
    /// The root.
    pub(crate) root: OpenedRoot,
    /// The transactions that it adds.
    pub(crate) batch: Batch,
    /// The segments that it is the first to name, oldest first.
    pub(crate) spilled: Vec<Spilled>,
    /// When it departed.
    pub(crate) departed: Instant,
    publishing: JoinHandle<Publication>,
}

/// A root that is ready to depart.
#[derive(Debug)]
pub(crate) struct Departure {
    /// The root.
    pub(crate) root: OpenedRoot,
    /// The segments that it is the first to name, oldest first.
    pub(crate) spilled: Vec<Spilled>,
    /// What must be in the bucket before it.
    pub(crate) before: Option<Before>,
}

/// An object that must be in the bucket before the root that names it.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) key: Key,
    pub(crate) object: Bytes,
}

impl Flight {
    /// Sends a root off.
    pub(crate) fn depart(
        context: &Arc<Context>,
        key: Key,
        departure: Departure,
        batch: Batch,
    ) -> Self {
        let Departure { root, spilled, before } = departure;
        let object = UnpublishedRoot { key, bytes: root.object.clone() };
        let publishing = tokio::spawn(send(Arc::clone(context), object, before));
        Self { root, batch, spilled, publishing, departed: Instant::now() }
    }

    /// Waits for the outcome.
    async fn landed(&mut self) -> Publication {
        let publication = (&mut self.publishing).await.unwrap_or_else(|broken| {
            Publication::Unknown(StoreError::Unavailable {
                object: format!("root {}", self.root.root.place.n),
                reason: format!("the publish broke off: {broken}"),
            })
        });
        metrics::histogram!("duramen_publish_seconds")
            .record(self.departed.elapsed().as_secs_f64());
        publication
    }
}

/// Waits for the outcome of a flight; for ever when there is none.
pub(crate) async fn landed(flight: &mut Option<Flight>) -> Publication {
    match flight {
        Some(flight) => flight.landed().await,
        None => pending().await,
    }
}

async fn send(context: Arc<Context>, root: UnpublishedRoot, before: Option<Before>) -> Publication {
    let store = &**context.store();
    if let Some(Before { key, object }) = before
        && let Err(error) = store.put(&key, object).await
    {
        // The root was not sent, so it is certain that it is not there.
        return Publication::Refused(error);
    }
    publish(store, &root, context.settings.publish, context.random()).await
}
