//! Columns: the datoms of a stretch as plain typed columns, for whoever reads many.
//!
//! The columns of a leaf are handed over as they are, without a look at each datom, wherever no
//! younger run and no closed fact interferes.

use std::collections::VecDeque;

use duramen_index::{Cursor, IndexError, Leaf, Picks, Stretch, UnsortedCursor};
use duramen_model::{AttributeId, Datom, EntityId, Order, T};
use futures_util::future;

// A query reads through this crate alone, and needs their names.
pub use duramen_index::values::{ByteStrings, Texts};
pub use duramen_index::{KeyRange, Keys, Slice, ValueRef, Values as ValueColumn};

use crate::DbError;
use crate::cursor::{Side, take_settled};
use crate::window::{self, Window};

/// Some datoms of a stretch, as columns: the n-th member of each is of the n-th datom. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The entities.
    pub e: Slice<EntityId>,
    /// The attributes.
    pub a: Attributes,
    /// The values. Typed where all are of one type, as they are where the attribute is one.
    pub v: ValueColumn,
    /// The transactions that said so.
    pub t: Slice<T>,
    /// Which are assertions; `None` where all are, as in every view but a history.
    pub added: Option<Slice<bool>>,
}

/// The attributes of some datoms.
#[derive(Debug, Clone)]
pub enum Attributes {
    /// All have the same.
    One(AttributeId),
    /// Each has its own.
    Each(Slice<AttributeId>),
}

impl Attributes {
    /// The attribute of a datom.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn get(&self, index: usize) -> AttributeId {
        match self {
            Self::One(a) => *a,
            Self::Each(column) => column[index],
        }
    }
}

impl Columns {
    /// How many datoms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.e.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.e.is_empty()
    }

    /// One of the datoms.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn datom(&self, index: usize) -> Datom {
        Datom {
            e: self.e[index],
            a: self.a.get(index),
            v: self.v.value(index),
            t: self.t[index],
            added: self.added.as_ref().is_none_or(|added| added[index]),
        }
    }

    /// The datoms one by one.
    pub fn datoms(&self) -> impl Iterator<Item = Datom> {
        (0..self.len()).map(|index| self.datom(index))
    }

    fn gather(&self, places: &[usize]) -> Self {
        Self {
            e: places.iter().map(|place| self.e[*place]).collect(),
            a: match &self.a {
                Attributes::One(a) => Attributes::One(*a),
                Attributes::Each(column) => {
                    Attributes::Each(places.iter().map(|place| column[*place]).collect())
                }
            },
            v: self.v.gather(places),
            t: places.iter().map(|place| self.t[*place]).collect(),
            added: None,
        }
    }
}

impl From<Vec<Datom>> for Columns {
    fn from(datoms: Vec<Datom>) -> Self {
        let first = datoms.first().map_or(AttributeId::MIN, |datom| datom.a);
        let a = match datoms.iter().all(|datom| datom.a == first) {
            true => Attributes::One(first),
            false => Attributes::Each(datoms.iter().map(|datom| datom.a).collect()),
        };
        let all_added = datoms.iter().all(|datom| datom.added);
        Self {
            e: datoms.iter().map(|datom| datom.e).collect(),
            a,
            v: datoms.iter().map(|datom| &datom.v).collect(),
            t: datoms.iter().map(|datom| datom.t).collect(),
            added: (!all_added).then(|| datoms.iter().map(|datom| datom.added).collect()),
        }
    }
}

/// Reads the datoms of a stretch as columns, batch by batch, in order. Memory holds what
/// [`DatomCursor`](crate::DatomCursor) holds.
#[derive(Debug)]
pub struct ColumnCursor {
    order: Order,
    open: Open,
    /// Open facts that have to be merged with closed ones.
    mixing: Vec<Datom>,
    /// `None` where closed facts do not matter.
    closed: Option<Side>,
    /// Whether open and closed facts come in one order.
    is_sorted: bool,
}

/// The open facts.
#[derive(Debug)]
struct Open {
    window: Window,
    /// `None` at the end.
    cursor: Option<Reading>,
    /// What was read.
    ahead: VecDeque<Columns>,
}

/// What open facts are read with.
#[derive(Debug)]
enum Reading {
    Sorted(Cursor),
    Unsorted(UnsortedCursor),
}

impl Reading {
    async fn next_stretches(&mut self) -> Result<Option<Vec<Stretch>>, IndexError> {
        match self {
            Self::Sorted(cursor) => cursor.next_stretches().await,
            Self::Unsorted(cursor) => cursor.next_stretches().await,
        }
    }
}

impl ColumnCursor {
    pub(crate) fn new(order: Order, window: Window, open: Cursor, closed: Option<Cursor>) -> Self {
        Self::reading(order, window, Reading::Sorted(open), closed)
    }

    pub(crate) fn unsorted(
        order: Order,
        window: Window,
        open: UnsortedCursor,
        closed: Option<Cursor>,
    ) -> Self {
        Self::reading(order, window, Reading::Unsorted(open), closed)
    }

    fn reading(order: Order, window: Window, open: Reading, closed: Option<Cursor>) -> Self {
        let is_sorted = matches!(open, Reading::Sorted(_));
        Self {
            order,
            open: Open { window, cursor: Some(open), ahead: VecDeque::new() },
            mixing: Vec::new(),
            closed: closed.map(|closed| Side::new(closed, window, window::is_by_time(order))),
            is_sorted,
        }
    }

    /// The next datoms, at least one; `None` at the end. Where a batch begins and ends depends on
    /// how the facts are kept.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged. What follows is then unknown.
    pub async fn next_batch(&mut self) -> Result<Option<Columns>, DbError> {
        let Some(closed) = &mut self.closed else {
            self.open.fill().await?;
            return Ok(self.open.ahead.pop_front());
        };
        future::try_join(self.open.fill(), closed.fill(self.order)).await?;
        if !self.is_sorted {
            if let Some(batch) = self.open.ahead.pop_front() {
                return Ok(Some(batch));
            }
            let past = std::mem::take(&mut closed.ahead);
            return Ok((!past.is_empty()).then(|| past.into()));
        }
        if self.mixing.is_empty()
            && let Some(batch) = self.open.ahead.pop_front()
        {
            if is_before(self.order, &batch, &closed.ahead) {
                return Ok(Some(batch));
            }
            self.mixing = batch.datoms().collect();
        }
        let (open, past) = take_settled(self.order, &mut self.mixing, &mut closed.ahead);
        let mixed = window::merge(self.order, open, past);
        Ok(Some(mixed).filter(|mixed| !mixed.is_empty()).map(Columns::from))
    }
}

impl Open {
    /// Reads on until there is something, or the end.
    async fn fill(&mut self) -> Result<(), DbError> {
        while self.ahead.is_empty()
            && let Some(cursor) = &mut self.cursor
        {
            let Some(stretches) = cursor.next_stretches().await? else {
                self.cursor = None;
                break;
            };
            for stretch in stretches {
                match stretch {
                    Stretch::Records(records) => self.add(self.window.datoms(records)),
                    Stretch::Leaf { leaf, rows } => self.add_rows(&leaf, &rows)?,
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, datoms: Vec<Datom>) {
        if !datoms.is_empty() {
            self.ahead.push_back(datoms.into());
        }
    }

    /// Adds rows of open facts.
    fn add_rows(&mut self, leaf: &Leaf, rows: &Picks) -> Result<(), DbError> {
        let Some(fields) = leaf.fields_in(rows)? else {
            self.add(self.window.datoms(leaf.records_at(rows)?));
            return Ok(());
        };
        for field in fields {
            let columns = Columns {
                e: leaf.entities()?.at(&field.rows),
                a: Attributes::One(field.a),
                v: field.values,
                t: leaf.added()?.at(&field.rows),
                added: None,
            };
            self.ahead.extend(self.seen(columns));
        }
        Ok(())
    }

    /// What the window shows of open facts.
    fn seen(&self, columns: Columns) -> Option<Columns> {
        if !self.window.is_narrow() || columns.t.iter().all(|t| self.window.contains(*t)) {
            return Some(columns);
        }
        let is_seen = |place: &usize| self.window.contains(columns.t[*place]);
        let places: Vec<usize> = (0..columns.len()).filter(is_seen).collect();
        (!places.is_empty()).then(|| columns.gather(&places))
    }
}

/// Whether open facts all come before the closed ones at hand. If none are at hand, there are none
/// any more.
fn is_before(order: Order, open: &Columns, closed: &[Datom]) -> bool {
    match (open.len().checked_sub(1), closed.first()) {
        (Some(last), Some(first)) => window::compare(order, &open.datom(last), first).is_lt(),
        _ => true,
    }
}
