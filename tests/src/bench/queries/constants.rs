//! What questions are asked with: values that the data have, drawn from a seed.

use std::iter;

use anyhow::{Context, Result};
use duramen::{Db, DbExt, EntityId, Input, Keyword, T, Value, edn};

use super::CACHE_BYTES;
use crate::bench::data_set::{DataSet, Place, SEED};
use crate::bench::people::{PEOPLE_OF_A_COMPANY, People};
use crate::bench::random::Random;
use crate::bench::words;

/// Rules about early people lead to a few thousand others and not to half of all.
const EARLY: u64 = 2_000;

/// Draws values.
#[derive(Debug, Clone)]
pub struct Constants {
    /// The last transaction before the data were changed.
    pub before: T,
    random: Random,
    people: People,
    persons: u64,
    entities: Vec<EntityId>,
    names: Vec<String>,
    needed: Vec<String>,
    sections: Vec<String>,
}

impl Constants {
    /// Values that a data set has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of(place: &Place) -> Result<Self> {
        let db = place.open(CACHE_BYTES).await?.db().clone();
        let mut constants = Self {
            before: last_of(&db, place.data).await?,
            random: Random::new(SEED, 77),
            people: People::new(SEED, 0),
            persons: place.data.people(),
            entities: Vec::new(),
            names: Vec::new(),
            needed: Vec::new(),
            sections: Vec::new(),
        };
        if place.data == DataSet::Packages {
            constants.learn_packages(&db).await?;
        }
        Ok(constants)
    }

    async fn learn_packages(&mut self, db: &Db) -> Result<()> {
        let packages = "[:find ?p ?name :where [?p :package/section] [?p :package/name ?name]
                         :order-by ?p]";
        let packages: Vec<(i64, String)> = db.q(packages, []).await?.rows_as()?;
        for (id, name) in packages {
            self.entities.extend(u64::try_from(id).ok().and_then(EntityId::new));
            self.names.push(name);
        }
        let needed = "[:find [?name ...] :where [_ :package/depends ?d] [?d :package/name ?name]
                       :order-by ?name]";
        self.needed = db.q(needed, []).await?.rows_as()?;
        let sections = "[:find [?s ...] :where [_ :package/section ?s] :order-by ?s]";
        self.sections = db.q(sections, []).await?.rows_as()?;
        Ok(())
    }

    /// A person or a package.
    pub fn entity(&mut self) -> EntityId {
        match self.entities.len() as u64 {
            0 => self.people.entity(People::number_of_person(self.random.below(self.persons))),
            count => self.entities[self.random.below(count) as usize],
        }
    }

    /// Whose email address it is.
    pub fn email(&mut self) -> Value {
        self.people.email(self.random.below(self.persons))
    }

    /// The email address of somebody who came early.
    pub fn early_email(&mut self) -> Value {
        let early = EARLY.min(self.persons);
        self.people.email(early / 2 + self.random.below(early / 2))
    }

    /// The name of a company.
    pub fn company(&mut self) -> Value {
        let companies = self.persons.div_ceil(PEOPLE_OF_A_COMPANY);
        let number = self.random.below(companies) * (PEOPLE_OF_A_COMPANY + 1);
        let mut name = Value::Boolean(false);
        self.people.describe(number, |_, v| name = v);
        name
    }

    /// A last name, none of the commonest.
    pub fn last_name(&mut self) -> Value {
        let names: Vec<&str> = words::LAST_NAMES.split_whitespace().collect();
        let half = names.len() as u64 / 2;
        Value::string(names[(half + self.random.below(half)) as usize])
    }

    /// An age that few have reached.
    pub fn age(&mut self) -> i64 {
        75 + self.random.below(10) as i64
    }

    /// The name of a package.
    pub fn package(&mut self) -> Value {
        drawn(&mut self.random, &self.names)
    }

    /// The name of a package that another needs.
    pub fn needed(&mut self) -> Value {
        drawn(&mut self.random, &self.needed)
    }

    /// A section.
    pub fn section(&mut self) -> Value {
        drawn(&mut self.random, &self.sections)
    }
}

fn drawn(random: &mut Random, among: &[String]) -> Value {
    Value::string(among[random.below(among.len() as u64) as usize].as_str())
}

/// One value as all inputs.
pub fn one(value: impl Into<Input>) -> Vec<Input> {
    iter::once(value.into()).collect()
}

/// Rules as an input.
///
/// # Panics
/// When the text is not read: it is that of a program.
#[must_use]
pub fn rules(text: &str) -> Input {
    Input::Rules(edn::read(text).expect("rules that were written down"))
}

/// The transaction that came last before the changes: the newest of an attribute that they leave
/// alone.
async fn last_of(db: &Db, data: DataSet) -> Result<T> {
    let a = Keyword::new(match data {
        DataSet::People(_) => "person/joined",
        DataSet::Packages => "package/name",
    });
    let query = "[:find (max ?tx) . :in $ ?a :where [_ ?a _ ?tx]]";
    let answer = db.q(query, one(a)).await?;
    let tx = answer.rows().first().and_then(|row| row[0].as_long()).context("a transaction")?;
    let tx = u64::try_from(tx).ok().and_then(EntityId::new).context("a transaction's id")?;
    tx.t().context("a transaction's time")
}
