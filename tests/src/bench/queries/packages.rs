//! What is asked of the package index.

use anyhow::Result;

use super::constants::{one, rules};
use super::question::{Question, View};

const FACTS: &str = "[:find ?a ?v :in $ ?name :where [?p :package/name ?name] [?p ?a ?v]]";
const NEEDS: &str = "[[(needs ?p ?d) [?p :package/depends ?d]]
                      [(needs ?p ?d) [?p :package/depends ?x] (needs ?x ?d)]]";
const PULL: &str = "[:package/name :package/version :package/summary
                     {:package/maintainer [:maintainer/address]}]";
/// A join of three patterns takes no more rounds, whatever the reader knows.
const JOIN_ROUNDS: u64 = 6;

/// All of them.
///
/// # Errors
/// Never, unless one is wrong.
pub fn questions() -> Result<Vec<Question>> {
    let mut questions = of_few()?;
    questions.extend(of_many()?);
    Ok(questions)
}

/// What leads from one entity to others.
fn of_few() -> Result<Vec<Question>> {
    Ok(vec![
        Question::query(
            "a package by its name",
            "[:find ?p . :in $ ?name :where [?p :package/name ?name]]",
            |constants| one(constants.package()),
        )?
        .within(2),
        Question::query("all facts of a package", FACTS, |constants| one(constants.package()))?,
        Question::query(
            "what needs a package (2 patterns)",
            "[:find ?p :in $ ?name :where [?d :package/name ?name] [?p :package/depends ?d]]",
            |constants| one(constants.needed()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "and the versions of those (3 patterns)",
            "[:find ?p ?version :in $ ?name
              :where [?d :package/name ?name] [?p :package/depends ?d]
                     [?p :package/version ?version]]",
            |constants| one(constants.needed()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "all that a package needs, by a rule",
            "[:find ?d :in $ % ?name :where [?p :package/name ?name] (needs ?p ?d)]",
            |constants| vec![rules(NEEDS), constants.package().into()],
        )?,
        Question::query("all facts of a package, as of earlier", FACTS, |c| one(c.package()))?
            .of(View::Before),
        Question::query(
            "all that was ever said of a package",
            "[:find ?a ?v ?tx ?op :in $ ?name
              :where [?p :package/name ?name] [?p ?a ?v ?tx ?op]]",
            |constants| one(constants.package()),
        )?
        .of(View::History),
    ])
}

/// What reads a part of many entities.
fn of_many() -> Result<Vec<Question>> {
    Ok(vec![
        Question::query(
            "packages of a section with their sizes (2 patterns)",
            "[:find ?p ?kib :in $ ?section
              :where [?p :package/section ?section] [?p :package/installed-kib ?kib]]",
            |constants| one(constants.section()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "and who maintains them (3 patterns)",
            "[:find ?p ?address :in $ ?section
              :where [?p :package/section ?section] [?p :package/maintainer ?m]
                     [?m :maintainer/address ?address]]",
            |constants| one(constants.section()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "the ten who maintain most",
            "[:find ?address (count ?p)
              :where [?p :package/maintainer ?m] [?m :maintainer/address ?address]
              :order-by [(count ?p) :desc ?address] :limit 10]",
            |_| Vec::new(),
        )?,
        Question::query(
            "how many have each priority",
            "[:find ?priority (count ?p) :where [?p :package/priority ?priority]]",
            |_| Vec::new(),
        )?,
        Question::pull("a package pulled, with the maintainer", PULL, 1)?,
        Question::pull("1,000 packages pulled at once", PULL, 1_000)?,
    ])
}
