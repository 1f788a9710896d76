//! Rows, put together to transactions.

use std::collections::HashSet;

use duramen::{Edn, Form};

use super::plan::Plan;
use super::rows::{BadRow, Row, Rows};

/// Entities that are transacted together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The entities, each with the line that it is in.
    pub(crate) entities: Vec<(u64, Form)>,
    /// What tells the entities apart from others: no two of a batch have one in common.
    pub(crate) keys: HashSet<u128>,
    /// Where the last row ends, in bytes of the file.
    pub(crate) end: u64,
    /// The rows that are no entities.
    pub(crate) bad: Vec<BadRow>,
}

impl Batch {
    /// The transaction.
    pub(crate) fn edn(&self) -> String {
        let forms = self.entities.iter().map(|(_, entity)| entity.clone());
        Edn::Vector(forms.collect()).to_string()
    }

    /// Takes a row, unless another one of the batch is about the same entity: in one transaction
    /// they would contradict each other.
    fn take(&mut self, entity: Entity) -> Option<Entity> {
        if entity.keys.iter().any(|key| self.keys.contains(key)) {
            return Some(entity);
        }
        self.keys.extend(entity.keys);
        self.entities.push((entity.line, entity.form));
        self.end = entity.end;
        None
    }
}

/// A row that is an entity.
struct Entity {
    line: u64,
    end: u64,
    keys: Vec<u128>,
    form: Form,
}

/// The batches of a file.
pub(crate) struct Batches<'a> {
    rows: Rows,
    plan: &'a Plan,
    rows_max: usize,
    /// How many more bad rows are passed over; `None` after one too many.
    bad_left: Option<u64>,
    /// The row that the next batch begins with.
    next: Option<Entity>,
}

impl<'a> Batches<'a> {
    /// Batches of at most `rows_max` rows. The bad row that follows `bad_max` others is the last
    /// that is read, so what is loaded then is what stands before it.
    pub(crate) fn new(rows: Rows, plan: &'a Plan, rows_max: u32, bad_max: u64) -> Self {
        let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
        Self { rows, plan, rows_max, bad_left: Some(bad_max), next: None }
    }

    fn entity(&self, row: &Row) -> Result<Entity, BadRow> {
        let values = self.plan.values(row)?;
        let keys = self.plan.keys(&values).collect();
        let form = Form::from(self.plan.entity_of(values));
        Ok(Entity { line: row.line, end: row.end, keys, form })
    }
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.bad_left?;
        let mut batch = Batch::default();
        if let Some(first) = self.next.take() {
            self.next = batch.take(first);
        }
        while batch.entities.len() < self.rows_max {
            let Some(row) = self.rows.next() else { break };
            match row.and_then(|row| self.entity(&row)) {
                Ok(entity) => self.next = batch.take(entity),
                Err(bad) => {
                    batch.bad.push(bad);
                    self.bad_left = self.bad_left.and_then(|left| left.checked_sub(1));
                    // What is before it is loaded, so that nothing is held up by bad rows.
                    break;
                }
            }
            if self.next.is_some() {
                break;
            }
        }
        (!batch.entities.is_empty() || !batch.bad.is_empty()).then_some(batch)
    }
}
