//! What a transaction has to know of the database, asked for in batches.
//!
//! A stage first asks all its questions, then fetches all answers at once, then reads them: one
//! round to the store per stage, however many datoms a transaction has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use duramen_model::{AttributeId, Datom, EntityId, Schema, T, Value};

use crate::{Db, DbError, Selection};

/// A question about the open facts of the database before the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// The values that an entity has for an attribute.
    Values(EntityId, AttributeId),
    /// One fact, if it is open.
    Fact(EntityId, AttributeId, Value),
    /// All facts of an entity.
    Entity(EntityId),
    /// All facts that refer to an entity.
    References(EntityId),
    /// The facts that give any entity a value.
    Owners(AttributeId, Value),
    /// All facts of an attribute.
    Column(AttributeId),
}

/// The answers got so far, and the questions still open.
#[derive(Debug)]
pub(crate) struct Known<'db> {
    db: &'db Db,
    answers: HashMap<Question, Vec<Datom>>,
    open: Vec<Question>,
}

impl<'db> Known<'db> {
    pub(crate) fn new(db: &'db Db) -> Self {
        Self { db, answers: HashMap::new(), open: Vec::new() }
    }

    pub(crate) fn schema(&self) -> &'db Schema {
        self.db.schema()
    }

    /// The newest transaction of the database.
    pub(crate) fn basis_t(&self) -> T {
        self.db.basis_t()
    }

    /// Asks a question, unless it was asked before.
    pub(crate) fn ask(&mut self, question: Question) {
        if let Entry::Vacant(vacant) = self.answers.entry(question) {
            self.open.push(vacant.key().clone());
            vacant.insert(Vec::new());
        }
    }

    /// Gets the answers to all open questions, together.
    pub(crate) async fn fetch(&mut self) -> Result<(), DbError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let questions = std::mem::take(&mut self.open);
        let selections: Vec<Selection> = questions.iter().map(Question::selection).collect();
        let answers = self.db.select_many(&selections).await?;
        self.answers.extend(questions.into_iter().zip(answers));
        Ok(())
    }

    /// The answer to a question that was asked and fetched. What was never asked has no answer:
    /// that is how a new entity is known to have no facts.
    pub(crate) fn answer(&self, question: &Question) -> &[Datom] {
        self.answers.get(question).map_or(&[], Vec::as_slice)
    }
}

impl Question {
    fn selection(&self) -> Selection {
        let all = Selection::all();
        match self.clone() {
            Self::Values(e, a) => all.with_e(e).with_a(a),
            Self::Fact(e, a, v) => all.with_e(e).with_a(a).with_v(v),
            Self::Entity(e) => all.with_e(e),
            Self::References(e) => all.with_v(Value::Ref(e)),
            Self::Owners(a, v) => all.with_a(a).with_v(v),
            Self::Column(a) => all.with_a(a),
        }
    }
}
