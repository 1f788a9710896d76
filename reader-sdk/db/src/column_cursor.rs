//! Reads the datoms of a stretch as columns, batch by batch.

use std::collections::VecDeque;

use duramen_index::{Cursor, IndexError, Layer, Leaf, Picks, Slice, Stretch, UnsortedCursor};
use duramen_model::{Datom, Order, T};
use futures_util::future;

use crate::DbError;
use crate::columns::{Attributes, Columns, Part};
use crate::cursor::{Side, take_settled};
use crate::window::{self, Window};

/// Reads the datoms of a stretch as columns, batch by batch. Memory holds what
/// [`DatomCursor`](crate::DatomCursor) holds.
#[derive(Debug)]
pub struct ColumnCursor(Way);

#[derive(Debug)]
enum Way {
    Sorted(Box<Sorted>),
    /// The open facts, then the closed ones where they matter.
    Unsorted(Vec<Facts>),
}

/// In order.
#[derive(Debug)]
struct Sorted {
    order: Order,
    open: Facts,
    /// Open facts that have to be merged with closed ones.
    mixing: Vec<Datom>,
    /// `None` where closed facts do not matter.
    closed: Option<Side>,
}

/// The facts of a layer.
#[derive(Debug)]
struct Facts {
    layer: Layer,
    window: Window,
    /// `None` at the end.
    cursor: Option<Reading>,
    /// What was read.
    ahead: VecDeque<Part>,
}

/// What facts are read with.
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
        let open = Facts::new(Layer::Current, window, Reading::Sorted(open));
        let closed = closed.map(|closed| Side::new(closed, window, window::is_by_time(order)));
        Self(Way::Sorted(Box::new(Sorted { order, open, mixing: Vec::new(), closed })))
    }

    pub(crate) fn unsorted(
        window: Window,
        open: UnsortedCursor,
        closed: Option<UnsortedCursor>,
    ) -> Self {
        let layers = [(Layer::Current, Some(open)), (Layer::History, closed)];
        let facts = layers.into_iter().filter_map(|(layer, cursor)| {
            Some(Facts::new(layer, window, Reading::Unsorted(cursor?)))
        });
        Self(Way::Unsorted(facts.collect()))
    }

    /// The next datoms, at least one; `None` at the end. Where a batch begins and ends depends on
    /// how the facts are kept.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged. What follows is then unknown.
    pub async fn next_batch(&mut self) -> Result<Option<Columns>, DbError> {
        Ok(self.next_part().await?.map(Part::into_columns))
    }

    /// The next datoms, at least one, as they are kept, so that nothing is copied; `None` at the
    /// end.
    ///
    /// # Errors
    /// As for [`Self::next_batch`].
    pub async fn next_part(&mut self) -> Result<Option<Part>, DbError> {
        match &mut self.0 {
            Way::Sorted(sorted) => sorted.next().await,
            Way::Unsorted(layers) => {
                future::try_join_all(layers.iter_mut().map(Facts::fill)).await?;
                Ok(layers.iter_mut().find_map(|facts| facts.ahead.pop_front()))
            }
        }
    }
}

impl Sorted {
    async fn next(&mut self) -> Result<Option<Part>, DbError> {
        let Some(closed) = &mut self.closed else {
            self.open.fill().await?;
            return Ok(self.open.ahead.pop_front());
        };
        future::try_join(self.open.fill(), closed.fill(self.order)).await?;
        if self.mixing.is_empty()
            && let Some(part) = self.open.ahead.pop_front()
        {
            let batch = part.into_columns();
            if is_before(self.order, &batch, &closed.ahead) {
                return Ok(Some(batch.into()));
            }
            self.mixing = batch.datoms().collect();
        }
        let (open, past) = take_settled(self.order, &mut self.mixing, &mut closed.ahead);
        let mixed = window::merge(self.order, open, past);
        Ok((!mixed.is_empty()).then(|| Columns::from(mixed).into()))
    }
}

impl Facts {
    const fn new(layer: Layer, window: Window, cursor: Reading) -> Self {
        Self { layer, window, cursor: Some(cursor), ahead: VecDeque::new() }
    }

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
            self.ahead.push_back(Columns::from(datoms).into());
        }
    }

    fn add_shown(&mut self, columns: Columns, shown: Option<Vec<usize>>) {
        if shown.as_ref().is_none_or(|shown| !shown.is_empty()) {
            self.ahead.push_back(Part { columns, shown });
        }
    }

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
            match self.layer {
                Layer::Current => {
                    let shown = self.window.open(&columns.t);
                    self.add_shown(columns, shown);
                }
                Layer::History => self.add_closed(columns, leaf.closed()?.at(&field.rows)),
            }
        }
        Ok(())
    }

    /// Adds facts that were closed at these times.
    fn add_closed(&mut self, columns: Columns, closed: Slice<T>) {
        let shown = self.window.closed(&columns.t, &closed);
        if !self.window.history {
            return self.add_shown(columns, shown);
        }
        let added = Some(vec![false; columns.len()].into());
        let retracted = Columns { t: closed, added, ..columns.clone() };
        self.add_shown(columns, shown);
        let shown = self.window.open(&retracted.t);
        self.add_shown(retracted, shown);
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
