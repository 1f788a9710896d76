//! What a transaction has to know of the database, asked for in batches.
//!
//! A stage first asks all its questions, then fetches all answers at once, then reads them: one
//! round to the store per stage, however many datoms a transaction has.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use duramen_model::{AttributeId, Datom, EntityId, Schema, Value};

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
        let scattered = |question: &Question| match question {
            Question::Owners(a, _) => !self.db.finds_values_of(*a),
            _ => false,
        };
        let questions = std::mem::take(&mut self.open);
        let (scattered, mut direct): (Vec<_>, Vec<_>) = questions.into_iter().partition(scattered);
        direct.extend(columns(&scattered).filter(|column| !self.answers.contains_key(column)));
        let selections: Vec<Selection> = direct.iter().map(Question::selection).collect();
        let answers = self.db.select_many(&selections).await?;
        self.answers.extend(direct.into_iter().zip(answers));
        self.answer_from_columns(scattered);
        Ok(())
    }

    /// Finds the owners of values that no order finds, as the attribute was made unique not long
    /// ago: in all of its facts, gone through once for all questions.
    fn answer_from_columns(&mut self, questions: Vec<Question>) {
        let mut owners: HashMap<Question, Vec<Datom>> =
            questions.iter().map(|question| (question.clone(), Vec::new())).collect();
        for fact in columns(&questions).flat_map(|column| self.answer(&column)) {
            if let Some(known) = owners.get_mut(&Question::Owners(fact.a, fact.v.clone())) {
                known.push(fact.clone());
            }
        }
        self.answers.extend(owners);
    }

    /// The answer to a question that was asked and fetched. What was never asked has no answer:
    /// that is how a new entity is known to have no facts.
    pub(crate) fn answer(&self, question: &Question) -> &[Datom] {
        self.answers.get(question).map_or(&[], Vec::as_slice)
    }
}

/// The columns that the owners of values are found in, each once.
fn columns(questions: &[Question]) -> impl Iterator<Item = Question> {
    let attributes: BTreeSet<AttributeId> = questions
        .iter()
        .filter_map(|question| match question {
            Question::Owners(a, _) => Some(*a),
            _ => None,
        })
        .collect();
    attributes.into_iter().map(Question::Column)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use duramen_model::builtin;

    use super::*;
    use crate::facts::Facts;

    #[tokio::test]
    async fn owners_that_no_order_finds_are_found_in_the_column() {
        let mut facts = Facts::genesis();
        facts.avet_lacks = Arc::new(HashSet::from([builtin::IDENT]));
        let db = Db::of(facts);
        let known = &mut Known::new(&db);
        let owners = |ident: &str| Question::Owners(builtin::IDENT, Value::Keyword(ident.into()));
        for ident in ["db/doc", "db/ident", "db/nothing"] {
            known.ask(owners(ident));
        }
        known.fetch().await.expect("in memory");
        let found = |ident| known.answer(&owners(ident)).iter().map(|fact| fact.e).collect();
        let [doc, ident, nothing]: [Vec<EntityId>; 3] =
            ["db/doc", "db/ident", "db/nothing"].map(found);
        assert_eq!(doc, [builtin::DOC.entity()]);
        assert_eq!(ident, [builtin::IDENT.entity()]);
        assert_eq!(nothing, []);
    }
}
