//! Reading all values of one attribute.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use duramen_db::{AttributeRef, Db};
use duramen_index::KeyRange;
use duramen_model::{AttributeId, Order, Value};

use super::memory;
use crate::bench::data_set::Place;
use crate::bench::report::Figure;

/// Keeps all that one attribute takes of 100 M datoms.
const CACHE_BYTES: u64 = 1 << 30;
/// How often a warm scan is repeated; the fastest counts.
const REPETITIONS: usize = 5;

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let snapshot = place.open(CACHE_BYTES).await?;
    let db = snapshot.db();
    let a = db.attribute(&AttributeRef::Ident(place.data.number())).context("the attribute")?.id;
    let started = Instant::now();
    let first = sum(db, a).await?;
    let cold = started.elapsed().as_secs_f64();
    let bytes = snapshot.node_stats().bytes as f64;
    let mut warm = f64::MAX;
    for _ in 0..REPETITIONS {
        let started = Instant::now();
        ensure!(sum(db, a).await? == first, "a scan does not repeat");
        warm = warm.min(started.elapsed().as_secs_f64());
    }
    let rate = |seconds: f64| first.count as f64 / seconds / 1e6;
    let mut figures = vec![
        Figure::new("values", first.count as f64, ""),
        Figure::new("decoded before", rate(warm), "M datoms/s").at_least(200.0),
        Figure::new("read, verified and decoded", rate(cold), "M datoms/s").at_least(30.0),
        Figure::new("read, verified and decoded: bytes", bytes / cold / 1e6, "MB/s"),
        Figure::new("bytes read for a datom", bytes / first.count as f64, "bytes"),
    ];
    figures.extend(memory(CACHE_BYTES));
    Ok(figures)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: i64,
}

/// How many values an attribute has, and the sum of those that are integers.
///
/// # Errors
/// When they cannot be read.
pub async fn sum_of(db: &Db, a: AttributeId) -> Result<(u64, i64)> {
    let Sum { count, sum } = sum(db, a).await?;
    Ok((count, sum))
}

async fn sum(db: &Db, a: AttributeId) -> Result<Sum> {
    let mut cursor = db.cursor(&KeyRange::all(Order::Aevt).with_a(a));
    let mut sum = Sum::default();
    while let Some(batch) = cursor.next_batch().await? {
        sum.count += batch.len() as u64;
        for datom in &batch {
            if let Value::Long(number) = datom.v {
                sum.sum = sum.sum.wrapping_add(number);
            }
        }
    }
    Ok(sum)
}
