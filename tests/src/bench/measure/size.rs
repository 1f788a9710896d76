//! Bytes for each datom, by index and in all.

use anyhow::Result;
use duramen_index::Layer;
use duramen_model::Order;

use super::load::bytes_per_datom;
use crate::bench::bucket::{IndexSize, Objects, Survey};
use crate::bench::data_set::Place;
use crate::bench::report::Figure;

/// Kinds of objects that hold the log.
const LOG: [&str; 3] = ["segment", "log", "log-index"];

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    let survey = Survey::of(place, place.store()).await?;
    let objects = Objects::of(&[place.folder()], &place.name())?;
    let open = survey.records(Layer::Current, Order::Eavt);
    let closed = survey.records(Layer::History, Order::Eavt);
    // A closed fact was said twice: that it is, and that it is no longer.
    let datoms = open + 2 * closed;
    let mut figures = vec![
        Figure::new("datoms", datoms as f64, ""),
        Figure::new("of them in the history", 2.0 * closed as f64, ""),
    ];
    for (&(layer, order), index) in &survey.indexes {
        figures.push(of_index(layer, order, index));
    }
    let log: u64 = LOG.iter().map(|kind| objects.bytes_of_kind(kind)).sum();
    let checkpoint = survey.checkpoint.as_ref().map_or(0, |(_, bytes)| *bytes);
    let live = survey.node_bytes() + log + checkpoint;
    figures.push(bytes_per_datom("log", log, datoms));
    figures.push(bytes_per_datom("all indexes", survey.node_bytes(), datoms));
    figures.push(bytes_per_datom("in all: indexes, log, checkpoint", live, datoms).at_most(20.0));
    figures.push(Figure::new("checkpoint", checkpoint as f64 / 1024.0, "KiB"));
    let levels = survey.indexes.values().map(|index| index.levels).max().unwrap_or(0);
    figures.push(Figure::new("levels of the highest tree", levels as f64, ""));
    let runs = survey.indexes.values().map(|index| index.runs).max().unwrap_or(0);
    figures.push(Figure::new("runs of one index, at most", runs as f64, ""));
    Ok(figures)
}

fn of_index(layer: Layer, order: Order, index: &IndexSize) -> Figure {
    let layer = match layer {
        Layer::Current => "current",
        Layer::History => "history",
    };
    let order = format!("{order:?}").to_uppercase();
    let bytes = index.bytes as f64 / index.records.max(1) as f64;
    Figure::new(format!("{layer} {order}"), bytes, "bytes/record").at_most(8.0)
}
