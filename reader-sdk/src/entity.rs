//! An entity: what is known of it in one view of a database.

use std::collections::BTreeMap;

use duramen_db::{Db, EntityRef, Selection};
use duramen_model::{EntityId, Keyword, Value};

use crate::Error;

/// What is known of an entity in one view of a database, read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    id: EntityId,
    ident: Option<Keyword>,
    facts: BTreeMap<Keyword, Vec<Value>>,
}

impl Entity {
    /// Reads an entity; `None` when there is no such entity, or nothing is known of it.
    pub(crate) async fn read(db: &Db, e: &EntityRef) -> Result<Option<Self>, Error> {
        let Some(id) = db.entity_of(e).await? else { return Ok(None) };
        if db.is_history() {
            return Err(Error::call("an entity has no one state in a history: use another view"));
        }
        let mut facts = BTreeMap::<Keyword, Vec<Value>>::new();
        for datom in db.select(&Selection::all().with_e(id)).await? {
            if let Some(attribute) = db.schema().attribute(datom.a) {
                facts.entry(attribute.ident.clone()).or_default().push(datom.v);
            }
        }
        let ident = db.schema().ident(id).cloned();
        Ok((!facts.is_empty()).then_some(Self { id, ident, facts }))
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> EntityId {
        self.id
    }

    /// Its name, if it has one.
    #[must_use]
    pub const fn ident(&self) -> Option<&Keyword> {
        self.ident.as_ref()
    }

    /// A value of an attribute, as in `get("person/name")`; of several the first.
    pub fn get(&self, attribute: impl Into<Keyword>) -> Option<&Value> {
        self.all(attribute).first()
    }

    /// The values of an attribute, in their order.
    pub fn all(&self, attribute: impl Into<Keyword>) -> &[Value] {
        self.facts.get(&attribute.into()).map_or(&[], Vec::as_slice)
    }

    /// The attributes that it has, with their values, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&Keyword, &[Value])> {
        self.facts.iter().map(|(attribute, values)| (attribute, values.as_slice()))
    }
}
