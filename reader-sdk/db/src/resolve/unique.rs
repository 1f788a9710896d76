//! Seventh stage: a unique value belongs to one entity after the transaction.

use std::collections::HashMap;

use duramen_model::{Schema, Unique};

use super::error::{TxError, TxErrorKind};
use super::expand::Saying;
use super::known::{Known, Question};
use super::net::Changes;
use super::show::{show_entity, show_value};

/// Checks the unique values that the changes assert.
pub(crate) async fn check_unique(changes: &Changes, known: &mut Known<'_>) -> Result<(), TxError> {
    let schema = known.schema();
    let is_unique = |change: &&Saying| {
        change.added && schema.attribute(change.a).is_some_and(|a| a.unique.is_some())
    };
    let asserted: Vec<&Saying> = changes.all().iter().filter(is_unique).collect();
    for change in &asserted {
        known.ask(Question::Owners(change.a, change.v.clone()));
    }
    known.fetch().await?;
    let mut claimed = HashMap::with_capacity(asserted.len());
    for change in asserted {
        let owners = known.answer(&Question::Owners(change.a, change.v.clone())).iter();
        let mut others = owners.filter(|fact| fact.e != change.e);
        if let Some(fact) = others.find(|fact| !changes.retracts(fact.e, fact.a, &fact.v)) {
            return Err(taken(change, show_entity(fact.e, schema), schema));
        }
        if claimed.insert((change.a, &change.v), change.e).is_some() {
            return Err(taken(change, "another entity of this transaction".to_owned(), schema));
        }
    }
    Ok(())
}

fn taken(change: &Saying, owner: String, schema: &Schema) -> TxError {
    let attribute = schema.attribute(change.a);
    let ident = attribute.map(|attribute| attribute.ident.to_string()).unwrap_or_default();
    let advice = match attribute.and_then(|attribute| attribute.unique) {
        Some(Unique::Value) => "choose another value, or name the entity by its id",
        Some(Unique::Identity) | None => "choose another value, or retract that one first",
    };
    let message = format!("{ident} {} belongs to {owner}: {advice}", show_value(&change.v));
    TxError::new(TxErrorKind::UniqueConflict, message).in_statement(change.statement)
}
