//! Small questions, one after the other, and a join by value: all decoded in memory.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use duramen::{Db, EntityRef, Input, Query, QueryOptions, TxData, edn};
use duramen_transactor::Settings;

use super::constants::{Constants, one};
use super::{CACHE_BYTES, clock};
use crate::bench::data_set::{DataSet, Place};
use crate::bench::measure::Effort;
use crate::bench::random::Random;
use crate::bench::report::{Figure, Report};
use crate::bench::writer::{Writer, settle};

/// Questions that are asked one after the other.
const ASKED: usize = 500;
/// People of the join by value.
const PEOPLE: u64 = 20_000;
const HOPS: &str = "[:find ?z :in $ ?mail :where [?w :person/email ?mail] [?w :person/friend ?x]
                                                [?x :person/friend ?y] [?y :person/friend ?z]]";
const PAIRS: &str = "[:find ?x ?y :where [?x :salary ?s] [?y :salary ?s]]";
const POINT: &str = "[:find ?name . :in $ ?mail
                      :where [?p :person/email ?mail] [?p :person/first-name ?name]]";
const PACKAGE_POINT: &str = "[:find ?version . :in $ ?name
                              :where [?p :package/name ?name] [?p :package/version ?version]]";

/// Measures the points of a data set.
///
/// # Errors
/// When a question is not answered.
pub async fn measure(place: &Place, effort: Effort) -> Result<String> {
    let mut constants = Constants::of(place).await?;
    let db = place.open(CACHE_BYTES).await?.db().clone();
    let mut figures = look_ups(&db, place, effort).await?;
    let count = effort.choose(ASKED as u64, 5) as usize;
    match place.data {
        DataSet::Packages => {
            let inputs = (0..count).map(|_| one(constants.package())).collect();
            figures.extend(
                prepared(
                    "prepared: the version by the name",
                    &db,
                    PACKAGE_POINT,
                    inputs,
                    10.0,
                    effort,
                )
                .await?,
            );
        }
        DataSet::People(_) => {
            let mut mails = || (0..count).map(|_| one(constants.email())).collect();
            figures.extend(
                prepared(
                    "prepared: the first name by the email address",
                    &db,
                    POINT,
                    mails(),
                    10.0,
                    effort,
                )
                .await?,
            );
            figures.extend(
                prepared("prepared: three hops from one person", &db, HOPS, mails(), 1e4, effort)
                    .await?,
            );
            figures.extend(pairs(place, effort).await?);
        }
    }
    let mut report = Report::default();
    report.add("One after the other, decoded in memory", &place.data.title(), figures);
    Ok(report.to_markdown())
}

/// Looks entities up by values of a unique attribute.
async fn look_ups(db: &Db, place: &Place, effort: Effort) -> Result<Vec<Figure>> {
    let wanted = place.data.some_entities(effort.choose(ASKED as u64, 5) as usize, 9)?;
    let run = async || look_up_all(db, &wanted).await;
    let times = clock::repeat(effort, run).await?;
    Ok(figures("look up by a unique value", times, wanted.len(), 2.0))
}

async fn look_up_all(db: &Db, wanted: &[EntityRef]) -> Result<()> {
    for entity in wanted {
        db.entity_of(entity).await?.context("an entity that is there")?;
    }
    Ok(())
}

/// Asks a prepared query with one input after the other.
async fn prepared(
    what: &str,
    db: &Db,
    text: &str,
    inputs: Vec<Vec<Input>>,
    most: f64,
    effort: Effort,
) -> Result<Vec<Figure>> {
    let of_db = |inputs: &Vec<Input>| [Input::from(db)].into_iter().chain(inputs.clone()).collect();
    let inputs: Vec<Vec<Input>> = inputs.iter().map(of_db).collect();
    let like = inputs.first().context("an input")?.clone();
    let prepared = Query::parse(text)?.prepare(like, &QueryOptions::default()).await?;
    let run = async || {
        for inputs in &inputs {
            prepared.run(inputs.clone()).await?;
        }
        Ok(())
    };
    let times = clock::repeat(effort, run).await?;
    Ok(figures(what, times, inputs.len(), most))
}

/// Finds the pairs of people who have one salary, as in the comparison with other databases.
async fn pairs(place: &Place, effort: Effort) -> Result<Vec<Figure>> {
    let place = Place::new(DataSet::People(PEOPLE), &place.folder().with_file_name("salaries"));
    if !place.is_loaded() {
        load_salaries(&place).await?;
    }
    let db = place.open(CACHE_BYTES).await?.db().clone();
    let query = Query::parse(PAIRS)?;
    let run = async || {
        let found = duramen::q(&query, [Input::from(&db)]).await?.len() as u64;
        ensure!(found > PEOPLE, "{found} pairs of {PEOPLE} people");
        Ok(())
    };
    let times = clock::repeat(effort, run).await?;
    Ok(figures("pairs of people of one salary, of 20 000", times, 1, 4e3))
}

async fn load_salaries(place: &Place) -> Result<()> {
    place.clear()?;
    let writer = Writer::new(place.store(), place.name(), Settings::default());
    writer.create().await?;
    let schema = "[{:db/ident :salary :db/valueType :db.type/long
                    :db/cardinality :db.cardinality/one :db/index true}]";
    writer.send(&TxData::from_form(&edn::read(schema)?)?).await?;
    let mut random = Random::new(1, 1);
    for _ in 0..PEOPLE / 1_000 {
        let mut text = String::from("[");
        for _ in 0..1_000 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{{:salary {}}}", random.below(100_000));
        }
        text.push(']');
        writer.send(&TxData::from_form(&edn::read(&text)?)?).await?;
    }
    writer.stop().await;
    settle(place.store(), place.name(), &Settings::default()).await?;
    place.set_loaded()
}

/// The median and the least of one of so many, in microseconds.
fn figures(what: &str, (median, least): (f64, f64), count: usize, most: f64) -> Vec<Figure> {
    let micros = |seconds: f64| seconds * 1e6 / count as f64;
    vec![
        Figure::new(what, micros(median), "µs").at_most(most),
        Figure::new(format!("{what}: the fastest round"), micros(least), "µs"),
    ]
}
