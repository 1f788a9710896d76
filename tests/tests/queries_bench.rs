//! The benchmarks of queries work, and joins take no more rounds than they should: on a little
//! data, and without a look at the times.

use anyhow::{Result, ensure};
use duramen_tests::bench::data_set::{DataSet, Place};
use duramen_tests::bench::measure::{Effort, Measurement};
use duramen_tests::bench::queries::constants::Constants;
use duramen_tests::bench::queries::question::View;
use duramen_tests::bench::queries::{Part, people, rounds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_can_be_measured() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(DataSet::People(20_000), folder.path());
    for part in Part::ALL {
        let text = part.measure(&place, Effort::Smoke).await?;
        ensure!(text.contains("people 20 k"), "{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_take_no_more_rounds_than_they_should() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(DataSet::People(200_000), folder.path());
    Measurement::Load.make(&place, Effort::Smoke).await?;
    let constants = Constants::of(&place).await?;
    for (number, question) in people::questions()?.iter().enumerate() {
        let Some(most) = question.rounds_max.filter(|_| question.view == View::Now) else {
            continue;
        };
        let found = rounds::of_question(&[&place], number, &constants, Effort::Smoke).await?;
        let trips = found.cold.trips;
        ensure!(trips.rounds <= most, "{}: {trips:?}", question.what);
        ensure!(found.again.trips.requests == 0, "{}: {:?}", question.what, found.again);
    }
    Ok(())
}
