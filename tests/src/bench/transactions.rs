//! The same people as transactions for a transactor.
//!
//! They must be applied in order, one after the other: who was transacted before is referred to
//! by the entity that is known to be theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Result;
use duramen_db::resolve::TxData;
use duramen_model::{Edn, EntityId, Form, Keyword, Value, edn};

use super::people::{Fact, People};
use super::schema;

/// The transaction that defines the attributes.
///
/// # Errors
/// Never, unless the schema is wrong.
pub fn definitions() -> Result<TxData> {
    Ok(TxData::from_form(&edn::read(&schema::schema())?)?)
}

/// A transaction that adds the entities of some numbers, which are new, and the number of its
/// facts.
///
/// # Errors
/// Never, unless the generator is wrong.
pub fn adding(people: &mut People, numbers: Range<u64>) -> Result<(TxData, u64)> {
    let first = people.entity(numbers.start);
    let mut entities: BTreeMap<EntityId, Vec<Fact>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    let mut count = 0;
    for fact in people.facts(numbers) {
        named.extend(reference(&fact.v).filter(|to| *to >= first));
        entities.entry(fact.e).or_default().push(fact);
        count += 1;
    }
    let entity = |(e, facts): (EntityId, Vec<Fact>)| {
        let id = named.contains(&e).then(|| (keyword("db/id"), temporary(e)));
        let fact = |fact: Fact| {
            let value = match reference(&fact.v) {
                Some(to) if to >= first => temporary(to),
                _ => Edn::from_value(fact.v).into(),
            };
            (Edn::Value(fact.a.keyword().into()).into(), value)
        };
        Form::from(Edn::Map(id.into_iter().chain(together(facts.into_iter().map(fact))).collect()))
    };
    let forms = entities.into_iter().map(entity).collect();
    Ok((TxData::from_form(&Edn::Vector(forms).into())?, count))
}

/// A transaction that adds one entity of a number that is not there yet, whatever entity it gets.
/// Those that it refers to are among the first `known` numbers.
///
/// # Errors
/// Never, unless the generator is wrong.
pub fn newcomer(people: &mut People, number: u64, known: u64) -> Result<TxData> {
    let facts: Vec<Fact> = people.facts([number]).collect();
    let fact = |fact: Fact| {
        let v = match reference(&fact.v) {
            Some(to) => people.entity(people.number_of(to) % known).into(),
            None => fact.v,
        };
        (Edn::Value(fact.a.keyword().into()).into(), Edn::from_value(v).into())
    };
    let map = Edn::Map(together(facts.into_iter().map(fact)));
    Ok(TxData::from_form(&Edn::Vector(vec![map.into()]).into())?)
}

/// A transaction that changes something about some people, who are there.
///
/// # Errors
/// Never, unless the generator is wrong.
pub fn changing(
    people: &mut People,
    persons: impl IntoIterator<Item = u64>,
    time: u64,
) -> Result<TxData> {
    let mut forms = Vec::new();
    for person in persons.into_iter().collect::<BTreeSet<_>>() {
        let e = people.entity(People::number_of_person(person));
        let mut entries = vec![(keyword("db/id"), Form::from(Edn::from_value(e.into())))];
        people.change(person, time, |a, v| {
            entries.push((Edn::Value(a.keyword().into()).into(), Edn::from_value(v).into()));
        });
        forms.push(Form::from(Edn::Map(entries)));
    }
    Ok(TxData::from_form(&Edn::Vector(forms).into())?)
}

/// Entries with the same key, which follow one another, as one with a vector.
fn together(entries: impl Iterator<Item = (Form, Form)>) -> Vec<(Form, Form)> {
    let mut joined: Vec<(Form, Form)> = Vec::new();
    for (key, value) in entries {
        match joined.last_mut() {
            Some((last, Form { edn: Edn::Vector(values), .. })) if *last == key => {
                values.push(value);
            }
            Some((last, first)) if *last == key => {
                *first = Edn::Vector(vec![first.clone(), value]).into();
            }
            _ => joined.push((key, value)),
        }
    }
    joined
}

fn reference(v: &Value) -> Option<EntityId> {
    if let Value::Ref(to) = v { Some(*to) } else { None }
}

fn keyword(name: &str) -> Form {
    Edn::Value(Keyword::new(name).into()).into()
}

fn temporary(e: EntityId) -> Form {
    Edn::Value(Value::string(e.offset().to_string())).into()
}
