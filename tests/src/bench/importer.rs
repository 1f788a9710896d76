//! Loading people right into a bucket, without a transactor.

use anyhow::Result;
use duramen_transactor::Components;
use duramen_transactor::bulk::{BulkOptions, BulkSchema, Loaded};

use super::data_set::{Place, SEED};
use super::people::People;
use super::schema::{Attribute, AttributeIds};
use super::transactions;

/// Entities of one transaction.
const ENTITIES_AT_ONCE: u64 = 50;

/// Loads the people of a data set into an empty folder. The first entity is the first company.
///
/// # Errors
/// When they cannot be written.
pub async fn import(place: &Place, options: BulkOptions) -> Result<Loaded> {
    import_some(place, options, |_| true).await
}

/// Loads what some attributes say of the people. The entities are the same, whichever these are.
///
/// # Errors
/// When they cannot be written.
pub async fn import_some(
    place: &Place,
    options: BulkOptions,
    wanted: impl Fn(Attribute) -> bool,
) -> Result<Loaded> {
    let components = Components::new(place.store());
    let mut schema = BulkSchema::begin(components, place.name(), options).await?;
    schema.transact(&transactions::definitions()?).await?;
    let mut load = schema.load().await?;
    let (ids, mut people) = (AttributeIds::of(load.db())?, People::new(SEED, 0));
    let entities = place.data.entities();
    let mut next = 0;
    while next < entities {
        let mut facts = Vec::with_capacity(1_000);
        for number in next..(next + ENTITIES_AT_ONCE).min(entities) {
            let e = people.entity(number);
            people.describe(number, |a, v| {
                if wanted(a) {
                    facts.push((e, ids.id(a), v));
                }
            });
        }
        load.transact(facts).await?;
        next += ENTITIES_AT_ONCE;
    }
    Ok(load.finish().await?)
}
