//! Seventh stage: a unique value belongs to one entity after the transaction.

use std::collections::HashMap;

use duramen_model::{Schema, Unique, Value};

use super::error::{TxError, TxErrorKind};
use super::expand::Saying;
use super::known::{Known, Question};
use super::net::Changes;
use super::show::{show_entity, show_value};

/// Bytes of a unique value. A longer one is kept by its hash, and could not be looked up in order.
const UNIQUE_BYTES_MAX: usize = 4096;

/// Checks the unique values that the changes assert.
pub(crate) async fn check_unique(changes: &Changes, known: &mut Known<'_>) -> Result<(), TxError> {
    let schema = known.schema();
    let is_unique = |change: &&Saying| {
        change.added && schema.attribute(change.a).is_some_and(|a| a.unique.is_some())
    };
    let asserted: Vec<&Saying> = changes.all().iter().filter(is_unique).collect();
    for change in &asserted {
        check_length(change, schema)?;
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

fn check_length(change: &Saying, schema: &Schema) -> Result<(), TxError> {
    let bytes = bytes_of(&change.v);
    if bytes <= UNIQUE_BYTES_MAX {
        return Ok(());
    }
    let ident = schema.attribute(change.a).map(|a| a.ident.to_string()).unwrap_or_default();
    let message =
        format!("{ident} is unique and is given {bytes} bytes, at most {UNIQUE_BYTES_MAX} go");
    Err(TxError::new(TxErrorKind::WrongType, message).in_statement(change.statement))
}

/// The length of a value, as far as it can be long.
fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Uri(text) => text.len(),
        Value::Keyword(name) => name.text().len(),
        Value::Symbol(name) => name.text().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::BigInt(number) => bytes_of_bits(number.bits()),
        Value::BigDec(number) => bytes_of_bits(number.as_bigint_and_scale().0.bits()),
        Value::Tuple(members) => members.iter().flatten().map(bytes_of).sum(),
        _ => 0,
    }
}

fn bytes_of_bits(bits: u64) -> usize {
    usize::try_from(bits / 8).unwrap_or(usize::MAX)
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
