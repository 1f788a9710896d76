//! Questions: queries and pulls, with inputs that are drawn.

use anyhow::{Result, ensure};
use duramen::{Db, DbExt, EntityId, Input, PullPattern, Query};

use super::Constants;

/// Something that is asked of a data set.
#[derive(Debug)]
pub struct Question {
    /// What tables call it.
    pub what: &'static str,
    /// Of which databases.
    pub view: View,
    /// Rounds that it may take of a reader that has just opened the database.
    pub rounds_max: Option<u64>,
    kind: Kind,
}

/// Draws the inputs of a query that come after its databases.
pub type Draw = fn(&mut Constants) -> Vec<Input>;

#[derive(Debug)]
enum Kind {
    /// Parsed once, as whoever asks again and again does.
    Query(Query, Draw),
    /// Of so many entities.
    Pull(PullPattern, usize),
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The newest value of the database.
    Now,
    /// The database before its last changes.
    Before,
    /// All that ever was.
    History,
    /// Two databases, of which each has a half of the facts.
    Halves,
}

/// A question with its inputs.
#[derive(Debug)]
pub enum Asked {
    /// A query.
    Query(Query, Vec<Input>),
    /// A pull.
    Pull(Db, PullPattern, Vec<EntityId>),
}

impl Question {
    /// A query of the newest value.
    ///
    /// # Errors
    /// When it is none.
    pub fn query(what: &'static str, text: &str, draw: Draw) -> Result<Self> {
        let kind = Kind::Query(Query::parse(text)?, draw);
        Ok(Self { what, view: View::Now, rounds_max: None, kind })
    }

    /// A pull of so many entities.
    ///
    /// # Errors
    /// When the pattern is none.
    pub fn pull(what: &'static str, pattern: &str, entities: usize) -> Result<Self> {
        let kind = Kind::Pull(PullPattern::parse(pattern)?, entities);
        Ok(Self { what, view: View::Now, rounds_max: None, kind })
    }

    /// The same of something else.
    #[must_use]
    pub fn of(self, view: View) -> Self {
        Self { view, ..self }
    }

    /// The same with the most rounds that it should take.
    #[must_use]
    pub fn within(self, rounds: u64) -> Self {
        Self { rounds_max: Some(rounds), ..self }
    }

    /// Whether it could be asked with other inputs: there are some, and they were drawn.
    #[must_use]
    pub fn has_inputs(&self, constants: &mut Constants) -> bool {
        match &self.kind {
            Kind::Query(_, draw) => !draw(constants).is_empty(),
            Kind::Pull(..) => true,
        }
    }

    /// The question with inputs, of databases that are seen as it wants them.
    #[must_use]
    pub fn draw(&self, databases: &[Db], constants: &mut Constants) -> Asked {
        let mut dbs = databases.iter().map(|db| match self.view {
            View::Now | View::Halves => db.clone(),
            View::Before => db.as_of(constants.before),
            View::History => db.history(),
        });
        match &self.kind {
            Kind::Query(query, draw) => {
                let dbs: Vec<Input> = dbs.map(Input::Db).collect();
                let inputs = dbs.into_iter().chain(draw(constants)).collect();
                Asked::Query(query.clone(), inputs)
            }
            Kind::Pull(pattern, count) => {
                let db = dbs.next().unwrap_or_else(Db::genesis);
                let entities = (0..*count).map(|_| constants.entity()).collect();
                Asked::Pull(db, pattern.clone(), entities)
            }
        }
    }
}

impl Asked {
    /// Asks. How many rows or maps there are.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn run(&self) -> Result<usize> {
        match self {
            Self::Query(query, inputs) => {
                Ok(duramen::q(query, inputs.iter().cloned()).await?.len())
            }
            Self::Pull(db, pattern, entities) => {
                let found = db.pull_many(pattern, entities).await?;
                ensure!(found.iter().all(|map| *map != duramen::Edn::Nil), "an entity is empty");
                Ok(found.len())
            }
        }
    }

    /// The same of other values of its databases.
    #[must_use]
    pub fn seen(&self, see: impl Fn(&Db) -> Db) -> Self {
        match self {
            Self::Query(query, inputs) => {
                let seen = |input: &Input| match input {
                    Input::Db(db) => Input::Db(see(db)),
                    other => other.clone(),
                };
                Self::Query(query.clone(), inputs.iter().map(seen).collect())
            }
            Self::Pull(db, pattern, entities) => {
                Self::Pull(see(db), pattern.clone(), entities.clone())
            }
        }
    }
}
