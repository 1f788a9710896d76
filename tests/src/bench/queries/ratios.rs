//! The past against now, and a join of two databases against the same of one; all in memory.

use anyhow::Result;
use duramen::Db;

use super::constants::Constants;
use super::halves::Halves;
use super::question::{Asked, Question, View};
use super::table::Table;
use super::{CACHE_BYTES, clock, people};
use crate::bench::data_set::{DataSet, Place};
use crate::bench::measure::Effort;
use crate::bench::report;

/// What the second may take of the first's time.
const RATIO_MAX: f64 = 1.2;
/// Inputs that are drawn for a question.
const DRAWN: u64 = 10;

/// Measures the ratios of a data set.
///
/// # Errors
/// When a question is not answered.
pub async fn measure(place: &Place, effort: Effort) -> Result<String> {
    let mut text = of_the_past(place, effort).await?;
    if let DataSet::People(_) = place.data {
        text += &of_two(place, effort).await?;
    }
    Ok(text)
}

async fn of_the_past(place: &Place, effort: Effort) -> Result<String> {
    let heading = format!("As of earlier, against now: {}", place.data.title());
    let about = format!(
        "Before all changes, of which there is one for ten people. Decoded in \
         memory, in turns, medians; aim ≤ {RATIO_MAX}."
    );
    let heads = ["found", "now, ms", "as of earlier, ms", "as of earlier / now"];
    let mut table = Table::new(&heading, &about, &heads);
    let mut constants = Constants::of(place).await?;
    let db = place.open(CACHE_BYTES).await?.db().clone();
    let dbs = [db];
    for question in super::questions(place.data)? {
        if question.view == View::Now {
            let now = rich(&question, &dbs, &mut constants, effort).await?;
            let then = now.seen(|db| db.as_of(constants.before));
            let compared = clock::compare([&now, &then], effort).await?;
            table.add(question.what, &cells(&compared));
        }
    }
    Ok(table.into_markdown())
}

async fn of_two(place: &Place, effort: Effort) -> Result<String> {
    let heading = format!("Two databases, against one: {}", place.data.title());
    let about = format!(
        "The attributes of one half in one folder, those of the other in another, and all \
         of them in a third. Decoded in memory, in turns, medians; aim ≤ {RATIO_MAX}."
    );
    let heads = ["found", "in one, ms", "in two, ms", "in two / in one"];
    let mut table = Table::new(&heading, &about, &heads);
    let halves = Halves::of(place).await?;
    let mut dbs = Vec::new();
    for half in [&halves.here, &halves.there, &halves.whole] {
        dbs.push(half.open(CACHE_BYTES).await?.db().clone());
    }
    let constants = Constants::of(place).await?;
    for (of_one, of_two) in people::of_halves(false)?.iter().zip(people::of_halves(true)?) {
        // The same constants for both.
        let in_one = rich(of_one, &dbs[2..], &mut constants.clone(), effort).await?;
        let in_two = rich(&of_two, &dbs[..2], &mut constants.clone(), effort).await?;
        let compared = clock::compare([&in_one, &in_two], effort).await?;
        let [one, two] = compared.found;
        anyhow::ensure!(one == two, "{}: {one} in one, {two} in two", of_two.what);
        table.add(of_two.what, &cells(&compared));
    }
    Ok(table.into_markdown())
}

/// A question with the inputs, of some that are drawn, that find most.
async fn rich(
    question: &Question,
    dbs: &[Db],
    constants: &mut Constants,
    effort: Effort,
) -> Result<Asked> {
    let mut best = question.draw(dbs, constants);
    let mut most = best.run().await?;
    for _ in 1..effort.choose(DRAWN, 1) {
        let other = question.draw(dbs, constants);
        let found = other.run().await?;
        if found > most {
            (best, most) = (other, found);
        }
    }
    Ok(best)
}

fn cells(compared: &clock::Compared) -> Vec<String> {
    let number = report::number;
    let [first, second] = compared.found;
    let found = match first == second {
        true => number(first as f64),
        false => format!("{} / {}", number(first as f64), number(second as f64)),
    };
    let ratio = format!("{:.2}", compared.ratio);
    let ratio = if compared.ratio > RATIO_MAX { format!("**{ratio}**") } else { ratio };
    let [a, b] = compared.seconds.map(|seconds| number(seconds * 1e3));
    vec![found, a, b, ratio]
}
