//! Loading a data set through a transactor.

use std::time::Instant;

use anyhow::Result;
use duramen_db::resolve::TxData;
use duramen_model::edn;
use duramen_transactor::Settings;

use super::{memory, per};
use crate::bench::data_set::{DataSet, Place, SEED};
use crate::bench::people::People;
use crate::bench::report::Figure;
use crate::bench::transactions;
use crate::bench::writer::{Writer, settle};
use crate::packages::transactions as package_transactions;
use crate::packages::{PackageIndex, index};

/// Entities of one transaction.
const ENTITIES_AT_ONCE: u64 = 50;
/// Of so many people one is changed some time after the load, so that there is a history.
const PEOPLE_OF_A_CHANGE: u64 = 10;
/// Entities that the generator is timed with.
const GENERATED: u64 = 50_000;
/// People who are changed by one transaction.
const CHANGES_AT_ONCE: u64 = 250;

pub(super) async fn measure(place: &Place) -> Result<Vec<Figure>> {
    place.clear()?;
    let settings = Settings::default();
    let started = Instant::now();
    let writer = Writer::new(place.store(), place.name(), settings.clone());
    writer.create().await?;
    let datoms = match place.data {
        DataSet::People(_) => people(&writer, place.data).await?,
        DataSet::Packages => packages(&writer).await?,
    };
    writer.rest().await?;
    writer.stop().await;
    let seconds = started.elapsed().as_secs_f64();
    settle(place.store(), place.name(), &settings).await?;
    place.set_loaded()?;
    let mut figures = vec![
        Figure::new("datoms", datoms as f64, ""),
        Figure::new("the generator alone, on one core", generated(), "datoms/s"),
        Figure::new("through a transactor", datoms as f64 / seconds, "datoms/s"),
    ];
    figures.extend(memory(settings.cache_bytes_max));
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

/// Adds the people, then changes some of them. How many datoms that was.
async fn people(writer: &Writer, data: DataSet) -> Result<u64> {
    let mut datoms = sent(writer, &transactions::definitions()?).await?;
    let mut people = People::new(SEED, writer.db().await?.next_ids().user);
    let entities = data.entities();
    for first in (0..entities).step_by(ENTITIES_AT_ONCE as usize) {
        let numbers = first..(first + ENTITIES_AT_ONCE).min(entities);
        datoms += sent(writer, &transactions::adding(&mut people, numbers)?.0).await?;
    }
    for first in (0..data.people()).step_by((CHANGES_AT_ONCE * PEOPLE_OF_A_CHANGE) as usize) {
        let last = (first + CHANGES_AT_ONCE * PEOPLE_OF_A_CHANGE).min(data.people());
        let changed = (first..last).step_by(PEOPLE_OF_A_CHANGE as usize);
        datoms += sent(writer, &transactions::changing(&mut people, changed, 1)?).await?;
    }
    Ok(datoms)
}

async fn packages(writer: &Writer) -> Result<u64> {
    let index = PackageIndex::parse(&index::text_of_this_machine()?);
    let schema = package_transactions::SCHEMA.to_owned();
    let later = index.later();
    let texts =
        package_transactions::of_index(&index).chain(package_transactions::of_index(&later));
    let mut datoms = 0;
    for text in [schema].into_iter().chain(texts) {
        datoms += sent(writer, &TxData::from_form(&edn::read(&text)?)?).await?;
    }
    Ok(datoms)
}

async fn sent(writer: &Writer, data: &TxData) -> Result<u64> {
    Ok(writer.send(data).await?.record.changes.len() as u64)
}

/// The bytes of a number of datoms, as both tables show it.
pub(super) fn bytes_per_datom(what: &str, bytes: u64, datoms: u64) -> Figure {
    Figure::new(what, per(bytes, datoms), "bytes/datom")
}
