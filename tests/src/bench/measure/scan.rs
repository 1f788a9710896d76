//! Reading all values of one attribute.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use duramen_db::{AttributeRef, Db};
use duramen_index::{KeyRange, Layer, Stretch, Values};
use duramen_model::{AttributeId, Order, Value};
use duramen_store::{Latency, ReadStore};

use super::memory;
use crate::bench::bucket::Trees;
use crate::bench::data_set::Place;
use crate::bench::far::Far;
use crate::bench::report::Figure;

/// Keeps all that one attribute takes of 100 M datoms.
const CACHE_BYTES: u64 = 1 << 30;
/// How often a scan is repeated; the fastest counts.
const REPETITIONS: usize = 7;

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let snapshot = place.open(CACHE_BYTES).await?;
    let db = snapshot.db();
    let a = db.attribute(&AttributeRef::Ident(place.data.number())).context("the attribute")?.id;
    let first = columns(&*trees(place, place.store()).await?, a).await?;
    let mut figures = vec![Figure::new("values", first.count as f64, "")];
    figures.extend(of_columns(place, a, first).await?);
    let of_view = async || sum_of(db, a).await.map(|(count, sum)| Sum { count, sum });
    let (of_view, _) = fastest(first, of_view).await?;
    figures.push(Figure::new("columns of a view, decoded before", of_view, "M datoms/s"));
    let (datoms, _) = fastest(first, async || datoms(db, a).await).await?;
    figures.push(Figure::new("one datom after the other, decoded before", datoms, "M datoms/s"));
    figures.extend(memory(CACHE_BYTES));
    Ok(figures)
}

async fn of_columns(place: &Place, a: AttributeId, first: Sum) -> Result<Vec<Figure>> {
    let warm = trees(place, place.store()).await?;
    let (decoded, _) = fastest(first, async || columns(&warm, a).await).await?;
    let bytes = warm.nodes.stats().bytes as f64;
    let open = async || trees(place, place.store()).await;
    let (near, seconds) = fastest(first, async || columns(&*open().await?, a).await).await?;
    let far = Arc::new(Far::new(place.store(), Latency::BUCKET.read));
    let far = trees(place, far).await?;
    let started = Instant::now();
    ensure!(columns(&far, a).await? == first, "a scan does not repeat");
    let cold = started.elapsed().as_secs_f64();
    Ok(vec![
        Figure::new("columns, decoded before", decoded, "M datoms/s").at_least(200.0),
        Figure::new("columns, read, verified and decoded", near, "M datoms/s").at_least(30.0),
        Figure::new("columns, read, verified and decoded: bytes", bytes / seconds / 1e6, "MB/s"),
        Figure::new("columns, 30 ms a request", first.count as f64 / cold / 1e6, "M datoms/s"),
        Figure::new("columns, 30 ms a request: bytes", bytes / cold / 1e6, "MB/s"),
        Figure::new("bytes read for a datom", bytes / first.count as f64, "bytes"),
    ])
}

/// The trees of the order in which an attribute lies together, with a cache that is empty.
async fn trees(place: &Place, store: Arc<dyn ReadStore>) -> Result<Box<Trees>> {
    Ok(Box::new(Trees::of(place, store, CACHE_BYTES).await?))
}

/// Repeats a scan. The most that it read in a second, in millions, and how long that took.
async fn fastest(first: Sum, scan: impl AsyncFn() -> Result<Sum>) -> Result<(f64, f64)> {
    let mut seconds = f64::MAX;
    for _ in 0..REPETITIONS {
        let started = Instant::now();
        ensure!(scan().await? == first, "a scan does not repeat");
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    Ok((first.count as f64 / seconds / 1e6, seconds))
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
    let mut cursor = db.columns(&KeyRange::all(Order::Aevt).with_a(a));
    let (mut count, mut sum) = (0, 0_i64);
    while let Some(columns) = cursor.next_batch().await? {
        count += columns.len() as u64;
        if let Values::Long(values) = &columns.v {
            sum = values.iter().fold(sum, |sum, v| sum.wrapping_add(*v));
        }
    }
    Ok((count, sum))
}

async fn datoms(db: &Db, a: AttributeId) -> Result<Sum> {
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

async fn columns(trees: &Trees, a: AttributeId) -> Result<Sum> {
    let index = trees.index(Order::Aevt, Layer::Current);
    let mut cursor = index.cursor(&trees.nodes, &KeyRange::all(Order::Aevt).with_a(a));
    let mut sum = Sum::default();
    while let Some(stretches) = cursor.next_stretches().await? {
        for stretch in stretches {
            sum.count += stretch.len() as u64;
            sum.sum = sum.sum.wrapping_add(of_stretch(stretch)?);
        }
    }
    Ok(sum)
}

fn of_stretch(stretch: Stretch) -> Result<i64> {
    if let Stretch::Leaf { leaf, rows } = &stretch
        && let Some(fields) = leaf.fields_in(rows)?
    {
        let sum = |values: &[i64]| values.iter().fold(0_i64, |sum, v| sum.wrapping_add(*v));
        let integers = fields.iter().map(|field| match &field.values {
            Values::Long(values) => sum(values),
            _ => 0,
        });
        return Ok(integers.fold(0, i64::wrapping_add));
    }
    let integers = stretch.into_records()?.into_iter().map(|record| match record.v {
        Value::Long(number) => number,
        _ => 0,
    });
    Ok(integers.fold(0, i64::wrapping_add))
}
