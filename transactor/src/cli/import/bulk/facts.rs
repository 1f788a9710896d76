//! Rows as facts of a load.

use duramen::{AttributeId, EntityId, Schema, Value};
use duramen_transactor::bulk::{BulkLoad, Fact};

use super::later::LaterRow;
use crate::cli::exit::Failure;
use crate::cli::import::keys::{self, Keys};
use crate::cli::import::plan::Plan;
use crate::cli::import::rows::{BadRow, Row};

/// Makes facts of rows.
pub(super) struct Facts<'a> {
    plan: &'a Plan,
    /// The attributes of the columns.
    attributes: Vec<AttributeId>,
    keys: Keys,
}

/// What a row is for a load.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loadable {
    /// A new entity, and what it has.
    New(Vec<(AttributeId, Value)>),
    /// A row about the entity of another one.
    Later(LaterRow),
}

impl<'a> Facts<'a> {
    /// The schema has the attributes of the plan.
    pub(super) fn new(plan: &'a Plan, schema: &Schema) -> Result<Self, Failure> {
        let id = |name| {
            let attribute = schema.attribute_named(name);
            attribute.map(|attribute| attribute.id)
        };
        let attributes: Option<Vec<AttributeId>> = plan.attributes().map(id).collect();
        let attributes = attributes.ok_or_else(|| Failure::invalid("a column has no attribute"))?;
        Ok(Self { plan, attributes, keys: Keys::default() })
    }

    /// Reads a row. Its facts suit the load.
    pub(super) fn of(&mut self, row: &Row, load: &BulkLoad) -> Result<Loadable, BadRow> {
        let cells = self.plan.values(row)?;
        let bad = |column: Option<&str>, message: String| BadRow {
            line: row.line,
            column: column.map(str::to_owned),
            message,
        };
        let mut facts: Vec<(AttributeId, Value)> = Vec::with_capacity(cells.len());
        for (place, values) in &cells {
            let a = self.attributes[*place];
            for (nth, v) in values.iter().enumerate() {
                load.check(a, v).map_err(|reason| bad(Some(self.plan.column(*place)), reason))?;
                // In a set, what is named twice is there once.
                if !values[..nth].contains(v) {
                    facts.push((a, v.clone()));
                }
            }
        }
        if facts.is_empty() {
            return Err(bad(None, "nothing of it is to be loaded".to_owned()));
        }
        let key = cells.iter().find(|(place, _)| self.plan.key() == Some(*place));
        match key.and_then(|(_, values)| values.first()).map(keys::hash) {
            // Only a row that is loaded makes a key known.
            Some(key) if !self.keys.meet(key) => {
                let entity = self.plan.entity_of(cells).to_string();
                Ok(Loadable::Later(LaterRow { line: row.line, key, entity }))
            }
            _ => Ok(Loadable::New(facts)),
        }
    }
}

/// Gives facts their entity.
pub(super) fn about(e: EntityId, facts: Vec<(AttributeId, Value)>) -> impl Iterator<Item = Fact> {
    facts.into_iter().map(move |(a, v)| (e, a, v))
}
