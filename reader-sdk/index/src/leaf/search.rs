//! Which rows of a leaf lie in a range.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use duramen_model::{AttributeId, EntityId, Order};

use super::{Leaf, opened};
use crate::key::{Place, is_by_time};
use crate::keys::{Fields, Places, first};
use crate::picks::{Picks, gallop};
use crate::sought::{Keys, Sought};
use crate::value_ref::ValueRef;
use crate::{IndexError, KeyRange, Times};

/// A row that is looked at. The columns that are needed are decoded.
struct Row<'a> {
    leaf: &'a Leaf,
    places: &'a Places,
    entities: &'a [EntityId],
    row: usize,
}

impl<'a> Place<'a> for Row<'a> {
    fn e(&self) -> EntityId {
        self.entities[self.row]
    }

    fn a(&self) -> AttributeId {
        let field = self.places.locate(&self.leaf.fields, self.row).0;
        self.leaf.fields.fields[field].a
    }

    fn v(&self) -> ValueRef<'a> {
        let (field, rank) = self.places.locate(&self.leaf.fields, self.row);
        opened(&self.leaf.values[field]).get(rank)
    }
}

impl Leaf {
    /// Which rows are sought. Decodes the columns that tell, and no other.
    pub(crate) fn pick(&self, sought: &Sought) -> Result<Picks, IndexError> {
        let rows = self.stretch(&sought.around)?;
        let Some(keys) = sought.keys().filter(|_| !rows.is_empty()) else { return Ok(rows.into()) };
        let entities: &[EntityId] = self.entities()?;
        match (self.order, keys) {
            (Order::Eavt, Keys::Facts(own, attributes)) => {
                let rows = sought.pick_by(rows, own.len(), |row, key| entities[row].cmp(&own[key]));
                self.with_attributes(rows, attributes)
            }
            (Order::Eavt | Order::Aevt, Keys::Entities(own)) if sought.is_by_key_alone() => {
                Ok(sought.pick_by(rows, own.len(), |row, key| entities[row].cmp(&own[key])))
            }
            _ => {
                let places = self.places()?;
                if sought.looks_at_values() {
                    self.open_values(&rows.clone().into())?;
                }
                Ok(sought.pick(rows, |row| Row { leaf: self, places, entities, row }))
            }
        }
    }

    /// Those rows that have one of some attributes.
    fn with_attributes(&self, rows: Picks, own: &[AttributeId]) -> Result<Picks, IndexError> {
        let fields = self.fields.fields.iter();
        let is_wanted: Vec<bool> = fields.map(|f| own.binary_search(&f.a).is_ok()).collect();
        if is_wanted.iter().all(|is_wanted| *is_wanted) {
            return Ok(rows);
        }
        let places = self.places()?;
        let field = |row: usize| places.locate(&self.fields, row).0;
        Ok(rows.iter().filter(|row| is_wanted[field(*row)]).collect::<Vec<_>>().into())
    }

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

    /// Which rows are sought and may matter within some times.
    pub(crate) fn pick_within(&self, sought: &Sought, times: Times) -> Result<Picks, IndexError> {
        let rows = self.pick(sought)?;
        match rows.range() {
            Some(range) => Ok(self.narrow(range, &sought.range, times)?.into()),
            None => Ok(rows),
        }
    }

    /// Of the rows in a range of the history layer, which may matter within some times: what was
    /// closed early is passed over where the rows are sorted by that.
    fn narrow(
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
        let entities: &[EntityId] = self.entities()?;
        Ok(between(rows, |row| entities[row].cmp(&e)))
    }

    fn of_attribute(
        &self,
        rows: Range<usize>,
        range: &KeyRange,
    ) -> Result<Range<usize>, IndexError> {
        let Some(a) = range.a.filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let places = self.places()?;
        if matches!(places, Places::InOrder) {
            let Fields { fields, starts } = &*self.fields;
            let (from, to) =
                (fields.partition_point(|f| f.a < a), fields.partition_point(|f| f.a <= a));
            let start = rows.start.max(starts[from]);
            return Ok(start..rows.end.min(starts[to]).max(start));
        }
        let attribute = |row| self.fields.fields[places.locate(&self.fields, row).0].a;
        Ok(between(rows, |row| attribute(row).cmp(&a)))
    }

    fn of_value(&self, rows: Range<usize>, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        if rows.is_empty() || matches!(range.v, (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(rows);
        }
        self.open_values(&rows.clone().into())?;
        let places = self.places()?;
        Ok(between(rows, |row| {
            let (field, rank) = places.locate(&self.fields, row);
            range.value(opened(&self.values[field]).get(rank))
        }))
    }
}

/// The rows that are neither before nor after what is looked for.
fn between(rows: Range<usize>, position: impl Fn(usize) -> Ordering) -> Range<usize> {
    let start = first(rows.clone(), |row| position(row).is_ge());
    start..gallop(start..rows.end, |row| position(row).is_eq())
}
