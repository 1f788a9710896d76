//! Proving that a database is whole.

use std::time::Instant;

use anyhow::{Result, ensure};
use duramen_db::verify::verify;

use super::memory;
use crate::bench::data_set::Place;
use crate::bench::report::Figure;

const CACHE_BYTES: u64 = 64 << 20;

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let started = Instant::now();
    let location = place.location(place.store(), CACHE_BYTES);
    let report = verify(location, &mut |_| {}).await?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(report.is_sound(), "the database is damaged: {:?}", report.findings.first());
    let live: u64 = report.objects.values().map(|tally| tally.live.bytes).sum();
    let unreached: u64 = report.objects.values().map(|tally| tally.unreached.bytes).sum();
    let mut figures = vec![
        Figure::new("findings", report.findings_total as f64, "").at_most(0.0),
        Figure::new("datoms of the log", report.datoms as f64, ""),
        Figure::new("nodes", report.nodes as f64, ""),
        Figure::new("sums compared", report.comparisons as f64, ""),
        Figure::new("rate", report.datoms as f64 / seconds, "datoms/s"),
        Figure::new("objects that the newest root reaches", super::mebibytes(live), "MiB"),
        Figure::new("other objects", super::mebibytes(unreached), "MiB"),
    ];
    figures.extend(memory(CACHE_BYTES));
    Ok(figures)
}
