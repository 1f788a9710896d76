//! What questions take from buckets that are far away: of a reader that has just opened the
//! database, of one that asks again, and of one that asks the same with other inputs.

use anyhow::Result;

use super::constants::Constants;
use super::halves::Halves;
use super::question::View;
use super::reader::{Cost, Reader};
use super::table::Table;
use crate::bench::data_set::{DataSet, Place};
use crate::bench::measure::Effort;
use crate::bench::report::{self, Aim};

/// So many readers ask each question, with inputs of their own.
const READERS: u64 = 5;
const HEADS: [&str; 13] = [
    "found",
    "rounds, at most",
    "cold: rounds",
    "GETs",
    "KiB",
    "ms",
    "again: rounds",
    "GETs",
    "ms",
    "other inputs: rounds",
    "GETs",
    "KiB",
    "ms",
];

/// What all readers of a question took, at most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Opening the databases.
    pub open: Cost,
    /// The first question.
    pub cold: Cost,
    /// The same once more.
    pub again: Cost,
    /// The same with other inputs; `None` when it has none.
    pub other: Option<Cost>,
}

/// Measures all questions of a data set.
///
/// # Errors
/// When one is not answered.
pub async fn measure(place: &Place, effort: Effort) -> Result<String> {
    let constants = Constants::of(place).await?;
    let halves = match place.data {
        DataSet::People(_) => Some(Halves::of(place).await?),
        DataSet::Packages => None,
    };
    let about = format!(
        "{READERS} readers each, the most that one of them took. What is asked first is cold: opening \
         is told apart."
    );
    let heading = format!("Rounds: {}, 30 ms a GET", place.data.title());
    let mut table = Table::new(&heading, &about, &HEADS);
    let (mut open, mut lines) = (Cost::default(), Vec::new());
    for (number, question) in super::questions(place.data)?.iter().enumerate() {
        let places = match (&halves, question.view) {
            (Some(halves), View::Halves) => vec![&halves.here, &halves.there],
            _ => vec![place],
        };
        let measured = of_question(&places, number, &constants, effort).await?;
        open = open.max(measured.open);
        lines.push((question.what, cells(&measured, question.rounds_max)));
    }
    table.add("open", &opening(open));
    for (what, cells) in lines {
        table.add(what, &cells);
    }
    Ok(table.into_markdown())
}

/// Measures one question of a data set, by its number.
///
/// # Errors
/// When it is not answered.
pub async fn of_question(
    places: &[&Place],
    number: usize,
    constants: &Constants,
    effort: Effort,
) -> Result<Measured> {
    let mut constants = constants.clone();
    let mut most = Measured::default();
    for _ in 0..effort.choose(READERS, 1) {
        // Parsed anew, as a question remembers how it was answered last.
        let question = super::questions(places[0].data)?.swap_remove(number);
        let (reader, open) = Reader::open(places).await?;
        let asked = question.draw(&reader.databases, &mut constants);
        let cold = reader.ask(&asked).await?;
        let again = reader.ask(&asked).await?;
        most = Measured {
            open: most.open.max(open),
            cold: most.cold.max(cold),
            again: most.again.max(again),
            ..most
        };
        if question.has_inputs(&mut constants) {
            let other = question.draw(&reader.databases, &mut constants);
            let other = reader.ask(&other).await?;
            most.other = Some(most.other.unwrap_or_default().max(other));
        }
    }
    Ok(most)
}

fn opening(cost: Cost) -> Vec<String> {
    let mut cells = vec![String::new(), String::new()];
    cells.extend(shown(cost, None));
    cells.resize(HEADS.len(), String::new());
    cells
}

fn cells(measured: &Measured, rounds_max: Option<u64>) -> Vec<String> {
    let number = report::number;
    let aim = rounds_max.map(|rounds| rounds as f64);
    let [again_rounds, again_gets, _, again_ms] = shown(measured.again, None);
    let mut cells = vec![number(measured.cold.found as f64), aim.map(number).unwrap_or_default()];
    cells.extend(shown(measured.cold, aim));
    cells.extend([again_rounds, again_gets, again_ms]);
    match measured.other {
        Some(other) => cells.extend(shown(other, None)),
        None => cells.resize(HEADS.len(), String::new()),
    }
    cells
}

/// Rounds, GETs, KiB and ms; rounds over the aim in bold.
fn shown(cost: Cost, rounds_max: Option<f64>) -> [String; 4] {
    let (rounds, number) = (cost.trips.rounds as f64, report::number);
    let missed = rounds_max.is_some_and(|most| !Aim::AtMost(most).is_met_by(rounds));
    [
        if missed { format!("**{}**", number(rounds)) } else { number(rounds) },
        number(cost.trips.requests as f64),
        number((cost.trips.bytes as f64 / 1024.0).ceil()),
        number(cost.took.as_secs_f64() * 1e3),
    ]
}
