//! The benchmarks of storage work: on a little data, and without a look at the figures.

use anyhow::{Context, Result, ensure};
use duramen_db::{EntityRef, Selection};
use duramen_tests::bench::data_set::{DataSet, Place, SEED};
use duramen_tests::bench::measure::{Effort, Measurement};
use duramen_tests::bench::people::People;
use duramen_tests::bench::schema::{Attribute, AttributeIds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_measurement_can_be_made_and_the_data_are_what_they_should_be() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(DataSet::People(20_000), folder.path());
    for measurement in Measurement::ALL {
        let figures = measurement.make(&place, Effort::Smoke).await;
        let figures = figures.with_context(|| measurement.to_string())?;
        ensure!(figures.iter().all(|figure| figure.value.is_finite()), "{figures:?}");
    }
    every_fact_is_there(&place).await
}

/// What the generator says of a person is what the database has, but for what was changed.
async fn every_fact_is_there(place: &Place) -> Result<()> {
    let snapshot = place.open(64 << 20).await?;
    let db = snapshot.db();
    let ids = AttributeIds::of(db)?;
    let mut people = People::new(SEED, 0);
    for person in (0..place.data.people()).filter(|person| person % 10 != 0).step_by(7) {
        let number = People::number_of_person(person);
        let email = EntityRef::lookup(Attribute::Email.keyword(), people.email(person));
        let e = db.entity_of(&email).await?.context("an email address is not there")?;
        ensure!(e == people.entity(number), "{email:?} is {e}");
        let facts = db.select(&Selection::all().with_e(e)).await?;
        let mut expected = 0;
        people.describe(number, |a, v| {
            expected += usize::from(facts.iter().any(|f| f.a == ids.id(a) && f.v == v));
        });
        ensure!(facts.len() == expected, "{email:?}: {facts:?}");
    }
    Ok(())
}
