//! The HTTP side: whether the process lives, whether it can serve, and how it is doing.
//!
//! ```text
//! /         how the databases are doing, as JSON
//! /livez    200 while the process runs
//! /readyz   200 while requests are accepted, 503 while it starts or drains
//! /metrics  Prometheus text
//! ```

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::transactor::Transactor;

/// What the pages are made of.
#[derive(Debug, Clone)]
struct Pages {
    transactor: Transactor,
    metrics: Option<PrometheusHandle>,
}

/// The pages of a transactor. Without a handle of the metrics there is no `/metrics`.
pub fn router(transactor: Transactor, metrics: Option<PrometheusHandle>) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Pages { transactor, metrics })
}

async fn overview(State(pages): State<Pages>) -> impl IntoResponse {
    let status = pages.transactor.status();
    let databases: Vec<_> = status
        .databases
        .iter()
        .map(|database| {
            json!({
                "database": database.name.as_str(),
                "id": database.id.map(|id| id.to_string()),
                "state": database.state.name(),
                "t": database.t.map(duramen_model::T::get),
                "root": database.root,
                "epoch": database.epoch,
                "checkpoint_t": database.checkpoint_t.map(duramen_model::T::get),
                "novelty": {
                    "transactions": database.novelty.transactions,
                    "datoms": database.novelty.datoms,
                    "bytes": database.novelty.bytes,
                },
                "queued": database.queued,
                "merging": database.merging,
            })
        })
        .collect();
    Json(json!({
        "version": status.version,
        "store": status.store,
        "uptime_ms": status.uptime_ms,
        "ready": pages.transactor.is_ready(),
        "databases": databases,
    }))
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if pages.transactor.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

async fn metrics_text(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.metrics {
        Some(handle) => {
            handle.run_upkeep();
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (StatusCode::OK, kind, handle.render())
        }
        None => {
            let kind = [(header::CONTENT_TYPE, "text/plain")];
            (StatusCode::NOT_FOUND, kind, "metrics are not collected\n".to_owned())
        }
    }
}
