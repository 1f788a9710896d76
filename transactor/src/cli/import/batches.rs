//! Rows, put together to transactions.

use duramen::{Edn, Form};

use super::plan::Plan;
use super::rows::{BadRow, Row, Rows};

/// Entities that are transacted together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The entities, each with the line that it is in.
    pub(crate) entities: Vec<(u64, Form)>,
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
}

/// The batches of a file.
pub(crate) struct Batches<'a> {
    rows: Rows,
    plan: &'a Plan,
    rows_max: usize,
    /// How many more bad rows are passed over; `None` after one too many.
    bad_left: Option<u64>,
}

impl<'a> Batches<'a> {
    /// Batches of at most `rows_max` rows. The bad row that follows `bad_max` others is the last
    /// that is read, so what is loaded then is what stands before it.
    pub(crate) fn new(rows: Rows, plan: &'a Plan, rows_max: u32, bad_max: u64) -> Self {
        let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
        Self { rows, plan, rows_max, bad_left: Some(bad_max) }
    }

    fn entity(&self, row: &Row) -> Result<Form, BadRow> {
        self.plan.entity(row).map(Form::from)
    }
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.bad_left?;
        let mut batch = Batch::default();
        while batch.entities.len() < self.rows_max {
            let Some(row) = self.rows.next() else { break };
            let entity = row.and_then(|row| {
                batch.end = row.end;
                Ok((row.line, self.entity(&row)?))
            });
            match entity {
                Ok(entity) => batch.entities.push(entity),
                Err(bad) => {
                    batch.bad.push(bad);
                    self.bad_left = self.bad_left.and_then(|left| left.checked_sub(1));
                    // What is before it is loaded, so that nothing is held up by bad rows.
                    break;
                }
            }
        }
        (!batch.entities.is_empty() || !batch.bad.is_empty()).then_some(batch)
    }
}
