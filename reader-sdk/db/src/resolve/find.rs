//! Second stage: lookup refs are looked up, in the database as it was before the transaction.

use std::collections::HashMap;

use duramen_model::{EntityId, Keyword, Value};

use super::error::{TxError, TxErrorKind};
use super::explode::Exploded;
use super::known::{Known, Question};
use super::show::show_value;
use super::temps::{LookupRef, Temps};
use super::term::{Found, LookupId, Named, Operand, Term};

/// What the second stage hands on.
#[derive(Debug)]
pub(crate) struct FoundTerms {
    pub(crate) terms: Vec<Term<Found>>,
    pub(crate) temps: Temps,
}

/// Resolves lookup refs, all together.
pub(crate) async fn find(exploded: Exploded, known: &mut Known<'_>) -> Result<FoundTerms, TxError> {
    let Exploded { terms, temps, lookups, own_idents } = exploded;
    let entities = look_up(lookups.all(), known).await?;
    let names = Names { entities, own_idents };
    let mut found = Vec::with_capacity(terms.len());
    for term in terms {
        let term = term.map(|named| names.find(named));
        found.push(term.map_err(|(statement, error)| error.in_statement(statement))?);
    }
    Ok(FoundTerms { terms: found, temps })
}

struct Names {
    /// The entities that the lookup refs lead to.
    entities: Vec<EntityId>,
    own_idents: HashMap<Keyword, Named>,
}

impl Names {
    fn find(&self, named: Named) -> Result<Found, TxError> {
        match named {
            Named::Entity(e) => Ok(Found::Entity(e)),
            Named::Temp(temp) => Ok(Found::Temp(temp)),
            Named::Lookup(LookupId(index)) => Ok(Found::Entity(self.entities[index])),
            Named::Own(ident) => match self.own_idents.get(&ident) {
                Some(Named::Own(_)) | None => Err(TxError::new(
                    TxErrorKind::Schema,
                    format!(":db/tupleAttrs names {ident}, which is no attribute"),
                )),
                Some(named) => self.find(named.clone()),
            },
        }
    }
}

/// Looks up all lookup refs. One that is the value of another comes before it, so there are as
/// many rounds as they are deep: nearly always one.
async fn look_up(lookups: &[LookupRef], known: &mut Known<'_>) -> Result<Vec<EntityId>, TxError> {
    let mut entities: Vec<EntityId> = Vec::with_capacity(lookups.len());
    while entities.len() < lookups.len() {
        let ready: Vec<Value> = lookups[entities.len()..]
            .iter()
            .map_while(|lookup| value_of(&lookup.v, &entities))
            .collect();
        let round = &lookups[entities.len()..][..ready.len()];
        if round.is_empty() {
            let message = "a lookup ref is part of itself";
            return Err(TxError::new(TxErrorKind::UnresolvedEntity, message));
        }
        for (lookup, value) in round.iter().zip(&ready) {
            known.ask(Question::Owners(lookup.a, value.clone()));
        }
        known.fetch().await?;
        for (lookup, value) in round.iter().zip(ready) {
            entities.push(owner(lookup, value, known)?);
        }
    }
    Ok(entities)
}

fn owner(lookup: &LookupRef, value: Value, known: &Known<'_>) -> Result<EntityId, TxError> {
    let schema = known.schema();
    let attribute = schema.attribute(lookup.a).map(|attribute| attribute.ident.to_string());
    let shown = show_value(&value);
    // A name that was given up still leads to its entity.
    if let (duramen_model::builtin::IDENT, Value::Keyword(ident)) = (lookup.a, &value)
        && let Some(e) = schema.entity(ident)
    {
        return Ok(e);
    }
    match known.answer(&Question::Owners(lookup.a, value)) {
        [fact, ..] => Ok(fact.e),
        [] => {
            let message = format!(
                "no entity has {} {shown}; an entity of this transaction is named by a \
                 temporary id instead",
                attribute.unwrap_or_default()
            );
            let error = TxError::new(TxErrorKind::UnresolvedEntity, message);
            Err(error.at(lookup.statement, lookup.span))
        }
    }
}

/// The value to look up; `None` while it waits for another lookup ref.
fn value_of(operand: &Operand<Named>, entities: &[EntityId]) -> Option<Value> {
    let named = operand.clone().map(&mut |named| match named {
        Named::Entity(e) => Ok(e),
        Named::Lookup(LookupId(index)) => entities.get(index).copied().ok_or(()),
        Named::Temp(_) | Named::Own(_) => Err(()),
    });
    named.ok().map(Operand::into_value)
}
