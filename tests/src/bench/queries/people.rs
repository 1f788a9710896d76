//! What is asked of the people.

use anyhow::Result;
use duramen::Input;

use super::Constants;
use super::constants::{one, rules};
use super::question::{Question, View};

const FACTS: &str = "[:find ?a ?v :in $ ?mail :where [?p :person/email ?mail] [?p ?a ?v]]";
const COLLEAGUES: &str = "[:find ?p ?title :in $ ?name
    :where [?c :company/name ?name] [?p :person/company ?c] [?p :person/title ?title]]";
const KNOWS: &str = "[[(knows ?x ?y) [?x :person/friend ?y]]
                      [(knows ?x ?y) [?x :person/friend ?z] (knows ?z ?y)]]";
const PULL: &str =
    "[:person/first-name :person/last-name :person/age {:person/company [:company/name]}]";
/// A join of three patterns takes no more rounds, whatever the reader knows.
const JOIN_ROUNDS: u64 = 6;

/// All of them.
///
/// # Errors
/// Never, unless one is wrong.
pub fn questions() -> Result<Vec<Question>> {
    let mut questions = of_few()?;
    questions.extend(of_many()?);
    questions.extend(of_views()?);
    Ok(questions)
}

/// What leads from one entity to others.
fn of_few() -> Result<Vec<Question>> {
    Ok(vec![
        Question::query(
            "a person by the email address",
            "[:find ?p . :in $ ?mail :where [?p :person/email ?mail]]",
            |constants| one(constants.email()),
        )?
        .within(2),
        Question::query("all facts of a person", FACTS, |constants| one(constants.email()))?,
        Question::query(
            "the people of a company (2 patterns)",
            "[:find ?p :in $ ?name :where [?c :company/name ?name] [?p :person/company ?c]]",
            |constants| one(constants.company()),
        )?
        .within(JOIN_ROUNDS),
        Question::query("and their titles (3 patterns)", COLLEAGUES, |c| one(c.company()))?
            .within(JOIN_ROUNDS),
        Question::query(
            "friends of a person's friends",
            "[:find ?z :in $ ?mail
              :where [?x :person/email ?mail] [?x :person/friend ?y] [?y :person/friend ?z]]",
            |constants| one(constants.email()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "and their friends",
            "[:find ?z :in $ ?mail :where [?w :person/email ?mail] [?w :person/friend ?x]
                                          [?x :person/friend ?y] [?y :person/friend ?z]]",
            |constants| one(constants.email()),
        )?,
        Question::query(
            "all whom a person knows through others, by a rule",
            "[:find ?y :in $ % ?mail :where [?x :person/email ?mail] (knows ?x ?y)]",
            |constants| vec![rules(KNOWS), constants.early_email().into()],
        )?,
    ])
}

/// What reads a part of many entities.
fn of_many() -> Result<Vec<Question>> {
    Ok(vec![
        Question::query(
            "people of two ages, a range of values",
            "[:find ?p ?age :in $ ?from
              :where [?p :person/age ?age] [(+ ?from 2) ?to] [(<= ?from ?age)] [(< ?age ?to)]]",
            |constants| one(constants.age()),
        )?,
        Question::query(
            "people of a last name and their cities (2 patterns)",
            "[:find ?p ?city :in $ ?name
              :where [?p :person/last-name ?name] [?p :person/city ?city]]",
            |constants| one(constants.last_name()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "and the names of their companies (3 patterns)",
            "[:find ?p ?company :in $ ?name
              :where [?p :person/last-name ?name] [?p :person/company ?c]
                     [?c :company/name ?company]]",
            |constants| one(constants.last_name()),
        )?
        .within(JOIN_ROUNDS),
        Question::query(
            "how many have each title",
            "[:find ?title (count ?p) :where [?p :person/title ?title]]",
            |_| Vec::new(),
        )?,
        Question::pull("a person pulled, with the company", PULL, 1)?,
        Question::pull("1,000 people pulled at once", PULL, 1_000)?,
    ])
}

/// What is about other times, and about two databases.
fn of_views() -> Result<Vec<Question>> {
    let draw = |constants: &mut Constants| one(constants.email());
    let mut questions = vec![
        Question::query("all facts of a person, as of earlier", FACTS, draw)?.of(View::Before),
        Question::query("a company's people and titles, as of earlier", COLLEAGUES, |constants| {
            one(constants.company())
        })?
        .of(View::Before),
        Question::query(
            "all that was ever said of a person",
            "[:find ?a ?v ?tx ?op :in $ ?mail
              :where [?p :person/email ?mail] [?p ?a ?v ?tx ?op]]",
            draw,
        )?
        .of(View::History),
    ];
    questions.extend(of_halves(true)?.into_iter().take(2));
    Ok(questions)
}

/// Joins of two databases, or the same of one.
///
/// # Errors
/// Never, unless one is wrong.
pub fn of_halves(two: bool) -> Result<Vec<Question>> {
    let text = |two_of: &str| match two {
        true => two_of.to_owned(),
        false => two_of.replace(" $b", "").replace("$b ", ""),
    };
    let question =
        |what, of_two: &str, draw: fn(&mut Constants) -> Vec<Input>| -> Result<Question> {
            Ok(Question::query(what, &text(of_two), draw)?.of(View::Halves))
        };
    Ok(vec![
        question(
            "two databases: a company's people here, their titles there",
            "[:find ?p ?title :in $ $b ?name
              :where [?c :company/name ?name] [?p :person/company ?c] [$b ?p :person/title ?title]]",
            |constants| one(constants.company()),
        )?,
        question(
            "two databases: people of a last name here, their cities there",
            "[:find ?p ?city :in $ $b ?name
              :where [?p :person/last-name ?name] [$b ?p :person/city ?city]]",
            |constants| one(constants.last_name()),
        )?,
        question(
            "two databases: a person's friends there, their names here",
            "[:find ?y ?name :in $ $b ?mail
              :where [?x :person/email ?mail] [$b ?x :person/friend ?y]
                     [?y :person/first-name ?name]]",
            |constants| one(constants.email()),
        )?,
        question(
            "two databases: ages here, mean salaries there",
            "[:find ?age (avg ?salary) :with ?p :in $ $b
              :where [?p :person/age ?age] [$b ?p :person/salary ?salary]]",
            |_| Vec::new(),
        )?,
        question(
            "two databases: everybody's last name here, city there",
            "[:find ?p ?name ?city :in $ $b
              :where [?p :person/last-name ?name] [$b ?p :person/city ?city]]",
            |_| Vec::new(),
        )?,
    ])
}
