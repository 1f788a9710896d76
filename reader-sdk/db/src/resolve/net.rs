//! Sixth stage: sayings become the changes that the transaction makes.
//!
//! What is so already makes no change, the value of an attribute with one value is replaced, and a
//! transaction that contradicts itself is refused.

use duramen_model::{AttributeId, Cardinality, Datom, EntityId, Schema, T, Value};

use crate::Change;

use super::error::{TxError, TxErrorKind};
use super::expand::{Saying, fact_question};
use super::known::{Known, Question};
use super::show::{show_entity, show_value};

/// The changes of a transaction, in the order of entity, attribute and value.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    sorted: Vec<Saying>,
}

/// Works out what changes.
pub(crate) fn net(mut sayings: Vec<Saying>, known: &Known<'_>) -> Result<Changes, TxError> {
    sayings.sort_by(|x, y| {
        let place = (x.e, x.a).cmp(&(y.e, y.a)).then_with(|| x.v.cmp(&y.v));
        place.then_with(|| x.added.cmp(&y.added)).then_with(|| x.statement.cmp(&y.statement))
    });
    // Said twice is said once.
    sayings.dedup_by(|later, earlier| {
        later.added == earlier.added
            && (later.e, later.a) == (earlier.e, earlier.a)
            && later.v == earlier.v
    });
    let mut changes = Changes { sorted: Vec::with_capacity(sayings.len()) };
    for said in sayings.chunk_by(|x, y| (x.e, x.a) == (y.e, y.a)) {
        check(said, known.schema())?;
        changes.replace(said, known);
        changes
            .sorted
            .extend(said.iter().filter(|saying| changes_something(saying, known)).cloned());
    }
    changes.sort();
    Ok(changes)
}

/// Checks that what is said of one entity and attribute can all be true.
fn check(said: &[Saying], schema: &Schema) -> Result<(), TxError> {
    let both = said.windows(2).find(|pair| pair[0].v == pair[1].v);
    if let Some([one, other]) = both {
        let (fact, statement) = (show_fact(one, schema), one.statement.max(other.statement));
        return Err(conflict(format!("{fact} is both asserted and retracted"), statement));
    }
    let one = schema.attribute(said[0].a).map(|a| a.cardinality) == Some(Cardinality::One);
    let mut asserted = said.iter().filter(|saying| saying.added);
    if let (true, Some(first), Some(second)) = (one, asserted.next(), asserted.next()) {
        let (fact, statement) = (show_fact(first, schema), first.statement.max(second.statement));
        let second = show_value(&second.v);
        let message = format!("{fact} and {second} are both asserted: the attribute has one value");
        return Err(conflict(message, statement));
    }
    Ok(())
}

fn conflict(message: String, statement: usize) -> TxError {
    TxError::new(TxErrorKind::DatomsConflict, message).in_statement(statement)
}

fn show_fact(saying: &Saying, schema: &Schema) -> String {
    let ident = schema.attribute(saying.a).map(|a| a.ident.to_string()).unwrap_or_default();
    format!("{} {ident} {}", show_entity(saying.e, schema), show_value(&saying.v))
}

fn changes_something(saying: &Saying, known: &Known<'_>) -> bool {
    if !saying.added {
        return saying.closes.is_some();
    }
    let question = fact_question(saying.e, saying.a, || saying.v.clone(), known.schema());
    !known.answer(&question).iter().any(|fact| fact.v == saying.v)
}

impl Changes {
    /// Retracts the value that an assertion replaces.
    fn replace(&mut self, said: &[Saying], known: &Known<'_>) {
        let Some(new) = said.iter().find(|saying| saying.added) else { return };
        if known.schema().attribute(new.a).map(|a| a.cardinality) != Some(Cardinality::One) {
            return;
        }
        for fact in known.answer(&Question::Values(new.e, new.a)) {
            if said.iter().all(|saying| saying.v != fact.v) {
                self.sorted.push(Saying::retraction(fact, new.statement));
            }
        }
    }

    fn sort(&mut self) {
        self.sorted.sort_by(|x, y| {
            (x.e, x.a, x.added).cmp(&(y.e, y.a, y.added)).then_with(|| x.v.cmp(&y.v))
        });
    }

    /// Takes in further changes.
    pub(crate) fn extend(&mut self, further: impl IntoIterator<Item = Saying>) {
        let before = self.sorted.len();
        self.sorted.extend(further);
        if self.sorted.len() > before {
            self.sort();
        }
    }

    /// All changes.
    pub(crate) fn all(&self) -> &[Saying] {
        &self.sorted
    }

    /// The changes to one attribute of an entity.
    pub(crate) fn of(&self, e: EntityId, a: AttributeId) -> &[Saying] {
        let start = self.sorted.partition_point(|change| (change.e, change.a) < (e, a));
        let rest = &self.sorted[start..];
        &rest[..rest.partition_point(|change| (change.e, change.a) == (e, a))]
    }

    /// Whether a fact is retracted.
    pub(crate) fn retracts(&self, e: EntityId, a: AttributeId, v: &Value) -> bool {
        self.of(e, a).iter().any(|change| !change.added && change.v == *v)
    }

    /// The changes as the record of transaction `t` has them.
    pub(crate) fn into_changes(self, t: T) -> Vec<Change> {
        let change = |saying: Saying| Change {
            datom: Datom { e: saying.e, a: saying.a, v: saying.v, t, added: saying.added },
            closes: saying.closes,
        };
        self.sorted.into_iter().map(change).collect()
    }
}
