//! Which rows of a leaf lie in a range.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use duramen_model::Order;

use super::Leaf;
use crate::key::is_by_time;
use crate::keys::first;
use crate::{IndexError, KeyRange, Times};

impl Leaf {
    /// Which rows lie in a range. Decodes the columns that tell, and no other.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        let all = 0..self.count;
        match range.order {
            Order::Eavt => {
                self.of_value(self.of_attribute(self.of_entity(all, range)?, range)?, range)
            }
            Order::Aevt => {
                self.of_value(self.of_entity(self.of_attribute(all, range)?, range)?, range)
            }
            Order::Avet => {
                self.of_entity(self.of_value(self.of_attribute(all, range)?, range)?, range)
            }
            Order::Vaet => {
                self.of_entity(self.of_attribute(self.of_value(all, range)?, range)?, range)
            }
        }
    }

    /// Of the rows in a range of the history layer, which may matter within some times: what was
    /// closed early is passed over where the rows are sorted by that.
    pub(crate) fn narrow(
        &self,
        rows: Range<usize>,
        range: &KeyRange,
        times: Times,
    ) -> Result<Range<usize>, IndexError> {
        let of_one = range.e.is_some() && range.a.is_some();
        match times.after {
            Some(after) if of_one && is_by_time(self.order, self.layer) => {
                let closed = self.closed()?;
                Ok(first(rows.clone(), |row| closed[row] > after)..rows.end)
            }
            _ => Ok(rows),
        }
    }

    fn of_entity(&self, rows: Range<usize>, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        let Some(e) = range.e.filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let entities = self.entities()?;
        Ok(between(rows, |row| entities[row].cmp(&e)))
    }

    fn of_attribute(
        &self,
        rows: Range<usize>,
        range: &KeyRange,
    ) -> Result<Range<usize>, IndexError> {
        let Some(a) = range.a.filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let places = self.places()?;
        let attribute = |row| self.fields.fields[places.locate(&self.fields, row).0].a;
        Ok(between(rows, |row| attribute(row).cmp(&a)))
    }

    fn of_value(&self, rows: Range<usize>, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        if rows.is_empty() || matches!(range.v, (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(rows);
        }
        let (places, columns) = (self.places()?, self.values_in(rows.clone())?);
        Ok(between(rows, |row| {
            let (field, rank) = places.locate(&self.fields, row);
            columns[field].map_or(Ordering::Less, |values| range.value(values.get(rank)))
        }))
    }
}

/// The rows that are neither before nor after what is looked for.
fn between(rows: Range<usize>, position: impl Fn(usize) -> Ordering) -> Range<usize> {
    let start = first(rows.clone(), |row| position(row).is_ge());
    start..first(start..rows.end, |row| position(row).is_gt())
}
