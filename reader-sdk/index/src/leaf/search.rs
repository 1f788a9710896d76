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

/// So many rows are gone through one by one.
const FEW_ROWS: usize = 16;

/// Which fields of a leaf have one of some attributes.
struct WantedFields<'a> {
    fields: &'a Fields,
    own: &'a [AttributeId],
    /// A bit for each of the first fields.
    first: u64,
    has_all: bool,
}

impl<'a> WantedFields<'a> {
    /// Takes attributes that ascend.
    fn new(fields: &'a Fields, own: &'a [AttributeId]) -> Self {
        let (mut first, mut has_all, mut rest) = (0_u64, true, own);
        for (number, field) in fields.fields.iter().take(u64::BITS as usize).enumerate() {
            while rest.first().is_some_and(|a| *a < field.a) {
                rest = &rest[1..];
            }
            let is_wanted = rest.first() == Some(&field.a);
            first |= u64::from(is_wanted) << number;
            has_all &= is_wanted;
        }
        has_all &= fields.len() <= u64::BITS as usize;
        Self { fields, own, first, has_all }
    }

    /// Whether none has.
    fn has_none(&self) -> bool {
        self.first == 0 && self.fields.len() <= u64::BITS as usize
    }

    fn has(&self, field: usize) -> bool {
        match field < u64::BITS as usize {
            true => self.first >> field & 1 == 1,
            false => self.own.binary_search(&self.fields.fields[field].a).is_ok(),
        }
    }
}

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
        let Some(keys) = sought.keys() else { return Ok(self.stretch(&sought.range)?.into()) };
        match (self.order, keys) {
            (Order::Eavt, Keys::Facts(own, attributes)) => {
                self.of_entities(sought, own, Some(attributes))
            }
            (Order::Eavt, Keys::Entities(own)) if !sought.range.is_bounded() => {
                let attributes = sought.range.a.as_ref().map(std::slice::from_ref);
                self.of_entities(sought, own, attributes)
            }
            (Order::Aevt, Keys::Entities(own)) if sought.is_by_key_alone() => {
                let rows = self.stretch(&sought.around)?;
                Ok(sought.pick_entities(rows, self.entities()?, own))
            }
            _ => {
                let rows = self.stretch(&sought.around)?;
                let (places, entities) = (self.places()?, &**self.entities()?);
                if sought.looks_at_values() {
                    self.open_values(&rows.clone().into())?;
                }
                Ok(sought.pick(rows, |row| Row { leaf: self, places, entities, row }))
            }
        }
    }

    /// In EAVT the rows that have one of some entities, and one of some attributes if these are
    /// given.
    fn of_entities(
        &self,
        sought: &Sought,
        own: &[EntityId],
        attributes: Option<&[AttributeId]>,
    ) -> Result<Picks, IndexError> {
        let wanted = attributes.map(|own| WantedFields::new(&self.fields, own));
        if wanted.as_ref().is_some_and(WantedFields::has_none) {
            return Ok((0..0).into());
        }
        let rows = sought.pick_entities(0..self.count, self.entities()?, own);
        let Some(wanted) = wanted.filter(|wanted| !wanted.has_all && !rows.is_empty()) else {
            return Ok(rows);
        };
        let places = self.places()?;
        let is_wanted = |row: &usize| wanted.has(places.locate(&self.fields, *row).0);
        Ok(rows.iter().filter(is_wanted).collect::<Vec<_>>().into())
    }

    /// Whether some row may have an attribute.
    fn has_attribute(&self, a: AttributeId) -> bool {
        self.fields.fields.iter().any(|field| field.a == a)
    }

    /// Which rows lie in a range. Decodes the columns that tell, and no other.
    pub(crate) fn stretch(&self, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        let all = 0..self.count;
        match range.order {
            // A few names are gone through faster than many rows are searched.
            Order::Eavt if range.a.is_some_and(|a| !self.has_attribute(a)) => Ok(0..0),
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
        let entities = &self.entities()?[rows.clone()];
        let start = entities.partition_point(|own| *own < e);
        let end = gallop(start..entities.len(), |row| entities[row] == e);
        Ok(rows.start + start..rows.start + end)
    }

    fn of_attribute(
        &self,
        rows: Range<usize>,
        range: &KeyRange,
    ) -> Result<Range<usize>, IndexError> {
        let Some(a) = range.a.filter(|_| !rows.is_empty()) else { return Ok(rows) };
        let places = self.places()?;
        if matches!(places, Places::InOrder) {
            let own = self.fields.of_attribute(a);
            let start = rows.start.max(own.start);
            return Ok(start..rows.end.min(own.end).max(start));
        }
        let attribute = |row| self.fields.fields[places.locate(&self.fields, row).0].a;
        if rows.len() <= FEW_ROWS {
            let start = rows.clone().find(|row| attribute(*row) >= a).unwrap_or(rows.end);
            let end = (start..rows.end).find(|row| attribute(*row) != a).unwrap_or(rows.end);
            return Ok(start..end);
        }
        Ok(between(rows, |row| attribute(row).cmp(&a)))
    }

    fn of_value(&self, rows: Range<usize>, range: &KeyRange) -> Result<Range<usize>, IndexError> {
        if rows.is_empty() || matches!(range.v, (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(rows);
        }
        self.open_values(&rows.clone().into())?;
        let places = self.places()?;
        // Mostly all are of one attribute, and one type.
        if matches!(places, Places::InOrder) {
            let (field, rank) = places.locate(&self.fields, rows.start);
            let ranks = rank..rank + rows.len();
            if ranks.end <= self.fields.keys_of(field) {
                let found = opened(&self.values[field]).within(ranks, range);
                let row = |found: usize| rows.start + found - rank;
                return Ok(row(found.start)..row(found.end));
            }
        }
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
