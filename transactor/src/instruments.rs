//! What is measured. The binary collects it; without a collector measuring costs next to nothing.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use crate::error::TransactError;
use crate::request::Answer;

/// Upper bounds of the buckets for times, in seconds: from a local disk to a bucket far away.
const SECONDS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0];
/// Upper bounds of the buckets for counts.
const COUNTS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0];

/// A collector of what is measured here, with fitting buckets.
///
/// # Errors
/// Never with the buckets that are there.
pub fn collector() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_transactions".to_owned()), &COUNTS)
}

/// Says what each measure means; to be called once a collector is installed.
pub fn describe() {
    describe_counter!("duramen_requests_total", "Transact requests, by what became of them.");
    describe_histogram!("duramen_request_seconds", Unit::Seconds, "Time to the answer.");
    describe_counter!("duramen_transactions_total", "Transactions published.");
    describe_counter!("duramen_datoms_total", "Datoms published.");
    describe_counter!("duramen_publishes_total", "Roots sent, by what became of them.");
    describe_histogram!("duramen_publish_seconds", Unit::Seconds, "Time to publish a root.");
    describe_histogram!("duramen_batch_transactions", "Transactions that a root made visible.");
    describe_counter!("duramen_merges_total", "Merges, by what became of them.");
    describe_histogram!("duramen_merge_seconds", Unit::Seconds, "Time of a merge.");
    describe_gauge!("duramen_novelty_datoms", "Datoms that are not merged yet.");
    describe_gauge!("duramen_novelty_bytes", Unit::Bytes, "Log that is not merged yet.");
    describe_gauge!("duramen_t", "The newest published transaction.");
}

/// Notes the answer to a request.
pub(crate) fn answered(answer: &Answer, after: Duration) {
    let outcome = match answer {
        Ok(receipt) if receipt.replayed => "replayed",
        Ok(_) => "applied",
        Err(TransactError::Busy { .. }) => "busy",
        Err(TransactError::Unknown { .. }) => "unknown",
        Err(TransactError::NotApplied { .. } | TransactError::Elsewhere { .. }) => "not_applied",
        Err(TransactError::Store(_)) => "store",
        Err(_) => "refused",
    };
    counter!("duramen_requests_total", "outcome" => outcome).increment(1);
    histogram!("duramen_request_seconds").record(after.as_secs_f64());
}
