//! Fourth stage: temporary ids that are no entity of the database get new ids.

use std::collections::BTreeMap;

use duramen_model::entity::Partition;
use duramen_model::{AttributeId, EntityId, builtin};

use crate::NextIds;

use super::error::{TxError, TxErrorKind};
use super::find::FoundTerms;
use super::temps::Temps;
use super::term::{Found, Op, TempId, Term};
use super::upsert::Identities;

/// What the fourth stage hands on: terms that name every entity by its id.
#[derive(Debug)]
pub(crate) struct Allocated {
    pub(crate) terms: Vec<Term<EntityId>>,
    /// What the named temporary ids became.
    pub(crate) tempids: BTreeMap<String, EntityId>,
    /// The ids that remain.
    pub(crate) next: NextIds,
}

/// How the terms use a temporary id.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    /// Something is asserted of it.
    asserted: bool,
    /// A value type is asserted of it: it becomes an attribute.
    attribute: bool,
    /// A statement that names it, in whatever place.
    statement: Option<usize>,
}

/// Gives ids to all temporary ids, in the order in which they first occur.
pub(crate) fn allocate(
    found: FoundTerms,
    identities: &Identities,
    mut next: NextIds,
) -> Result<Allocated, TxError> {
    let FoundTerms { terms, temps } = found;
    let uses = uses(&terms, temps.len());
    check_all_asserted(&uses, &temps)?;
    let entities = give_ids(&uses, identities, &mut next)?;
    let mut named = Vec::with_capacity(terms.len());
    for term in terms {
        let term = term.map(|found| match found {
            Found::Entity(e) => Ok(e),
            Found::Temp(temp) => entities[temp.0].ok_or_else(no_ids_left),
        });
        named.push(term.map_err(|(_, error)| error)?);
    }
    let tempid = |(index, e): (usize, &Option<EntityId>)| {
        Some((temps.name(TempId(index))?.to_string(), (*e)?))
    };
    let tempids = entities.iter().enumerate().filter_map(tempid).collect();
    Ok(Allocated { terms: named, tempids, next })
}

fn uses(terms: &[Term<Found>], temps: usize) -> Vec<Use> {
    let mut uses = vec![Use::default(); temps];
    for Term { statement, op } in terms {
        if let Found::Temp(temp) = op.entity() {
            let known = &mut uses[temp.0];
            known.asserted |= op.asserts();
            known.attribute |= matches!(op, Op::Add { a: builtin::VALUE_TYPE, .. });
            known.statement.get_or_insert(*statement);
        }
        op.each_reference(|found| {
            if let Found::Temp(temp) = found {
                uses[temp.0].statement.get_or_insert(*statement);
            }
        });
    }
    uses
}

/// A temporary id that is only referred to is most likely misspelt.
fn check_all_asserted(uses: &[Use], temps: &Temps) -> Result<(), TxError> {
    for (index, known) in uses.iter().enumerate() {
        if let (Some(statement), false) = (known.statement, known.asserted) {
            let message = format!(
                "nothing is asserted of {}, which is a temporary id: assert a fact of it, or \
                 refer to an entity by its id, ident or a lookup ref",
                temps.describe(TempId(index))
            );
            let error = TxError::new(TxErrorKind::TempidNotAnEntity, message);
            return Err(error.in_statement(statement));
        }
    }
    Ok(())
}

/// The entity of each temporary id that is used.
fn give_ids(
    uses: &[Use],
    identities: &Identities,
    next: &mut NextIds,
) -> Result<Vec<Option<EntityId>>, TxError> {
    let mut attribute = vec![false; uses.len()];
    for (index, known) in uses.iter().enumerate() {
        attribute[identities.representative(TempId(index)).0] |= known.attribute;
    }
    let mut entities = vec![None; uses.len()];
    for (index, known) in uses.iter().enumerate() {
        if known.statement.is_none() {
            continue;
        }
        let temp = TempId(index);
        let representative = identities.representative(temp).0;
        let e = match identities.entity(temp).or(entities[representative]) {
            Some(e) => e,
            None if attribute[representative] => take_attribute(next)?,
            None => take_user(next)?,
        };
        entities[representative] = Some(e);
        entities[index] = Some(e);
    }
    Ok(entities)
}

/// Whether an id has been given to an entity that is neither builtin nor a transaction.
pub(crate) fn has_given(next: NextIds, e: EntityId) -> bool {
    match e.partition() {
        Partition::Attributes => (AttributeId::FIRST_USER.get()..next.attribute).contains(&e.get()),
        // Further partitions belong to branches, and none has been given one yet.
        Partition::Users(2) => e.offset() < next.user,
        Partition::Transactions | Partition::Users(_) => false,
    }
}

fn take_attribute(next: &mut NextIds) -> Result<EntityId, TxError> {
    let e = EntityId::new(next.attribute)
        .filter(|e| e.partition() == Partition::Attributes)
        .ok_or_else(no_ids_left)?;
    next.attribute += 1;
    Ok(e)
}

fn take_user(next: &mut NextIds) -> Result<EntityId, TxError> {
    let e = EntityId::user(next.user).ok_or_else(no_ids_left)?;
    next.user += 1;
    Ok(e)
}

fn no_ids_left() -> TxError {
    TxError::new(TxErrorKind::Malformed, "the database has no entity ids left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_once_given() {
        let mut next = NextIds::FIRST;
        let e = take_user(&mut next).expect("room");
        assert!(has_given(next, e));
        assert!(!has_given(next, EntityId::user(1).expect("small")));
        let a = take_attribute(&mut next).expect("room");
        assert_eq!(a, AttributeId::FIRST_USER.entity());
        assert!(has_given(next, a));
        assert!(!has_given(next, EntityId::constant(13)));
    }
}
