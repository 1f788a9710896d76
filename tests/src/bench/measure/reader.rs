//! The memory of a reader that asks for points, ranges and the past.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use duramen_db::{AttributeRef, Db, Selection};
use duramen_index::KeyRange;
use duramen_model::{Order, T};

use super::{Effort, mebibytes};
use crate::bench::data_set::Place;
use crate::bench::process;
use crate::bench::random::Random;
use crate::bench::report::Figure;

/// What a small reader keeps of decoded nodes.
const CACHE_BYTES: u64 = 64 << 20;
/// What it may take in all.
const MEMORY_MAX: u64 = 256 << 20;
/// Facts of one range.
const RANGE: usize = 1_000;

pub(super) async fn measure(place: &Place, effort: Effort) -> Result<Vec<Figure>> {
    // The text of the packages is large: what it takes is no reader's.
    let points = place.data.some_entities(effort.choose(1_000, 10) as usize, 5)?;
    let half = points.len() / 2;
    process::reset_memory_peak();
    let started = Instant::now();
    let snapshot = place.open(CACHE_BYTES).await?;
    let db = snapshot.db();
    let opened = started.elapsed();
    let started = Instant::now();
    for wanted in &points[..half] {
        let e = db.entity_of(wanted).await?.with_context(|| format!("{wanted:?}"))?;
        ensure!(!db.select(&Selection::all().with_e(e)).await?.is_empty(), "{wanted:?} is empty");
    }
    let of_points = started.elapsed().as_secs_f64() / half as f64;
    let started = Instant::now();
    let ranges = effort.choose(50, 2);
    for _ in 0..ranges {
        range(place, db).await?;
    }
    let of_ranges = started.elapsed().as_secs_f64() / ranges as f64;
    let mut random = Random::new(11, 0);
    let started = Instant::now();
    for wanted in &points[half..] {
        // Each view is used for the first time.
        let t = T::new(1 + random.below(db.basis_t().get())).context("t")?;
        let then = db.as_of(t);
        if let Some(e) = then.entity_of(wanted).await? {
            then.select(&Selection::all().with_e(e)).await?;
        }
    }
    let of_the_past = started.elapsed().as_secs_f64() / half as f64;
    let mut figures = vec![
        Figure::new("open", opened.as_secs_f64() * 1e3, "ms"),
        Figure::new("look up and describe an entity", of_points * 1e6, "µs"),
        Figure::new("a range of 1 000 facts by value", of_ranges * 1e6, "µs"),
        Figure::new(
            "as of a time for the first time: look up and describe",
            of_the_past * 1e6,
            "µs",
        ),
    ];
    let peak = process::memory_peak().map(mebibytes);
    let most = mebibytes(MEMORY_MAX);
    figures.extend(peak.map(|mib| Figure::new("memory in all, at most", mib, "MiB").at_most(most)));
    Ok(figures)
}

/// Facts of the indexed attribute, the first thousand.
async fn range(place: &Place, db: &Db) -> Result<()> {
    let a = db.attribute(&AttributeRef::Ident(place.data.indexed())).context("the attribute")?;
    let mut cursor = db.cursor(&KeyRange::all(Order::Avet).with_a(a.id));
    let mut count = 0;
    while let Some(batch) = cursor.next_batch().await?.filter(|_| count < RANGE) {
        count += batch.len();
    }
    ensure!(count > 0, "the range is empty");
    Ok(())
}
