//! What has been read of the database so far, in few rounds.

use std::collections::{HashMap, HashSet};

use duramen_db::{Db, Selection};
use duramen_model::{AttributeId, Datom, EntityId, Value};

use super::PullError;
use super::plan::{Place, Plan};

/// Something to read of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// All facts of an entity.
    Entity(EntityId),
    /// The values that an entity has for an attribute.
    Forward(EntityId, AttributeId),
    /// The entities that refer to an entity by an attribute.
    Reverse(EntityId, AttributeId),
}

/// What has been read. Nothing is read twice.
#[derive(Default)]
pub(super) struct Facts {
    answers: HashMap<Question, Vec<Datom>>,
}

impl Facts {
    /// Reads what the plans need of their entities, all of it in one round.
    pub(super) async fn read<'a>(
        &mut self,
        db: &Db,
        wanted: impl Iterator<Item = (EntityId, &'a Plan)>,
    ) -> Result<(), PullError> {
        let mut seen = HashSet::new();
        let mut questions = Vec::new();
        for (e, plan) in wanted {
            let missing = |question: &Question| !self.answers.contains_key(question);
            for question in asked(e, plan).filter(missing) {
                if seen.insert(question) {
                    questions.push(question);
                }
            }
        }
        if questions.is_empty() {
            return Ok(());
        }
        let selections: Vec<Selection> = questions.iter().map(|q| q.selection()).collect();
        let answers = db.select_many(&selections).await?;
        self.answers.extend(questions.into_iter().zip(answers));
        Ok(())
    }

    /// All facts of an entity that a wildcard asked for, in the order of their attributes.
    pub(super) fn entity(&self, e: EntityId) -> &[Datom] {
        self.answers.get(&Question::Entity(e)).map_or(&[], Vec::as_slice)
    }

    /// The facts that an entry shows.
    pub(super) fn at(&self, e: EntityId, place: Place) -> &[Datom] {
        match place {
            Place::Nowhere => &[],
            Place::Reverse(a) => self.answer(Question::Reverse(e, a)),
            Place::Forward(a) => match self.answers.get(&Question::Entity(e)) {
                Some(all) => {
                    let start = all.partition_point(|datom| datom.a < a);
                    let end = all.partition_point(|datom| datom.a <= a);
                    &all[start..end]
                }
                None => self.answer(Question::Forward(e, a)),
            },
        }
    }

    fn answer(&self, question: Question) -> &[Datom] {
        self.answers.get(&question).map_or(&[], Vec::as_slice)
    }
}

/// What a plan needs to know of an entity. A wildcard's answer serves the attributes asked for
/// by name too.
fn asked(e: EntityId, plan: &Plan) -> impl Iterator<Item = Question> {
    let whole = plan.wildcard.then_some(Question::Entity(e));
    let each = plan.entries.iter().filter_map(move |entry| match entry.place {
        Place::Forward(a) => (!plan.wildcard).then_some(Question::Forward(e, a)),
        Place::Reverse(a) => Some(Question::Reverse(e, a)),
        Place::Nowhere => None,
    });
    whole.into_iter().chain(each)
}

impl Question {
    fn selection(self) -> Selection {
        match self {
            Self::Entity(e) => Selection::default().with_e(e),
            Self::Forward(e, a) => Selection::default().with_e(e).with_a(a),
            Self::Reverse(e, a) => Selection::default().with_a(a).with_v(Value::Ref(e)),
        }
    }
}
