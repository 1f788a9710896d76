//! Loading a data set.

use std::time::Instant;

use anyhow::Result;
use duramen_db::resolve::TxData;
use duramen_model::edn;
use duramen_transactor::Settings;
use duramen_transactor::bulk::BulkOptions;

use super::{memory, per};
use crate::bench::data_set::{DataSet, Place, SEED};
use crate::bench::importer;
use crate::bench::people::People;
use crate::bench::process;
use crate::bench::report::Figure;
use crate::bench::transactions;
use crate::bench::writer::{Writer, settle};
use crate::packages::transactions as package_transactions;
use crate::packages::{PackageIndex, index};

/// Entities that the generator is timed with.
const GENERATED: u64 = 50_000;
/// Of so many people one is changed some time after the import, so that there is a history.
const PEOPLE_OF_A_CHANGE: u64 = 10;
/// People who are changed by one transaction.
const CHANGES_AT_ONCE: u64 = 250;

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    place.clear()?;
    let figures = match place.data {
        DataSet::People(_) => people(place).await?,
        DataSet::Packages => packages(place).await?,
    };
    settle(place.store(), place.name(), &Settings::default()).await?;
    place.set_loaded()?;
    Ok(figures)
}

/// Imports the people, then changes some of them.
async fn people(place: &Place) -> Result<Vec<Figure>> {
    let generated = generated();
    let options = BulkOptions::default();
    let budget = options.memory_bytes_max as u64;
    let (started, worked) = (Instant::now(), process::processor_seconds());
    let loaded = importer::import(place, options).await?;
    let seconds = started.elapsed().as_secs_f64();
    let working = process::processor_seconds().zip(worked).map(|(now, before)| now - before);
    let mut figures = vec![
        Figure::new("the generator alone, on one core", generated, "datoms/s"),
        Figure::new("imported", loaded.facts as f64, "datoms"),
        Figure::new("import", loaded.facts as f64 / seconds, "datoms/s").at_least(1e6),
    ];
    figures.extend(working.map(|seconds| {
        let rate = loaded.facts as f64 / seconds.max(0.01);
        Figure::new("import, for each second of one core", rate, "datoms/s")
    }));
    figures.extend(memory(budget));
    let writer = Writer::new(place.store(), place.name(), Settings::default());
    let started = Instant::now();
    let datoms = change(&writer, place.data).await?;
    let seconds = started.elapsed().as_secs_f64();
    figures.extend([
        Figure::new("changed by a transactor, 250 people at once", datoms as f64, "datoms"),
        Figure::new("changes", datoms as f64 / seconds, "datoms/s"),
    ]);
    writer.rest().await?;
    writer.stop().await;
    Ok(figures)
}

/// Facts that the generator makes in a second.
fn generated() -> f64 {
    let (mut people, mut count) = (People::new(SEED, 0), 0_u64);
    let started = Instant::now();
    for number in 0..GENERATED {
        people.describe(number, |_, v| count += u64::from(std::hint::black_box(&v) == &v));
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// Changes one in ten people. How many datoms that was.
async fn change(writer: &Writer, data: DataSet) -> Result<u64> {
    let mut people = People::new(SEED, 0);
    let mut datoms = 0;
    for first in (0..data.people()).step_by((CHANGES_AT_ONCE * PEOPLE_OF_A_CHANGE) as usize) {
        let last = (first + CHANGES_AT_ONCE * PEOPLE_OF_A_CHANGE).min(data.people());
        let changed = (first..last).step_by(PEOPLE_OF_A_CHANGE as usize);
        datoms += sent(writer, &transactions::changing(&mut people, changed, 1)?).await?;
    }
    Ok(datoms)
}

/// The package index, and the same some weeks later, by a transactor: who maintains and what is
/// needed are found by their names.
async fn packages(place: &Place) -> Result<Vec<Figure>> {
    let index = PackageIndex::parse(&index::text_of_this_machine()?);
    let writer = Writer::new(place.store(), place.name(), Settings::default());
    writer.create().await?;
    let schema = package_transactions::SCHEMA.to_owned();
    let later = index.later();
    let texts =
        package_transactions::of_index(&index).chain(package_transactions::of_index(&later));
    let started = Instant::now();
    let mut datoms = 0;
    for text in [schema].into_iter().chain(texts) {
        datoms += sent(&writer, &TxData::from_form(&edn::read(&text)?)?).await?;
    }
    writer.rest().await?;
    let seconds = started.elapsed().as_secs_f64();
    writer.stop().await;
    Ok(vec![
        Figure::new("loaded by a transactor", datoms as f64, "datoms"),
        Figure::new("transactor", datoms as f64 / seconds, "datoms/s"),
    ])
}

async fn sent(writer: &Writer, data: &TxData) -> Result<u64> {
    Ok(writer.send(data).await?.record.changes.len() as u64)
}

/// The bytes of a number of datoms, as both tables show it.
pub(super) fn bytes_per_datom(what: &str, bytes: u64, datoms: u64) -> Figure {
    Figure::new(what, per(bytes, datoms), "bytes/datom")
}
