//! The cursor: the datoms of a stretch, batch by batch, with bounded memory.

use std::cmp::Ordering;

use duramen_index::Cursor;
use duramen_model::{Datom, Order};
use futures_util::future;

use crate::DbError;
use crate::window::{self, Window};

/// Reads the datoms of a stretch batch by batch, in order. Memory holds a few leaves at a time,
/// however long the stretch; where closed facts matter also what the view sees of the past of one
/// attribute of one entity.
#[derive(Debug)]
pub struct DatomCursor {
    order: Order,
    open: Side,
    /// `None` where closed facts do not matter.
    closed: Option<Side>,
}

/// One of the two layers.
#[derive(Debug)]
pub(crate) struct Side {
    /// `None` at the end.
    cursor: Option<Cursor>,
    window: Window,
    /// What was read, in the order of the view.
    pub(crate) ahead: Vec<Datom>,
    /// What cannot be sorted before all of its group was read.
    waiting: Vec<Datom>,
    is_by_time: bool,
}

impl DatomCursor {
    pub(crate) fn new(order: Order, window: Window, open: Cursor, closed: Option<Cursor>) -> Self {
        let open = Side::new(open, window, false);
        let side = |closed| Side::new(closed, window, window::is_by_time(order));
        Self { order, open, closed: closed.map(side) }
    }

    /// The next datoms, at least one; `None` at the end.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged. What follows is then unknown.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Datom>>, DbError> {
        let Some(closed) = &mut self.closed else {
            self.open.fill(self.order).await?;
            return Ok(some(std::mem::take(&mut self.open.ahead)));
        };
        future::try_join(self.open.fill(self.order), closed.fill(self.order)).await?;
        let (open, closed) = take_settled(self.order, &mut self.open.ahead, &mut closed.ahead);
        Ok(some(window::merge(self.order, open, closed)))
    }
}

impl Side {
    pub(crate) const fn new(cursor: Cursor, window: Window, is_by_time: bool) -> Self {
        let cursor = Some(cursor);
        Self { cursor, window, ahead: Vec::new(), waiting: Vec::new(), is_by_time }
    }

    /// Reads on until there is something, or the end.
    pub(crate) async fn fill(&mut self, order: Order) -> Result<(), DbError> {
        while self.ahead.is_empty()
            && let Some(cursor) = &mut self.cursor
        {
            let batch = cursor.next_batch().await?;
            if batch.is_none() {
                self.cursor = None;
            }
            let datoms = batch.map(|records| self.window.datoms(records));
            self.ahead = match self.is_by_time {
                true => self.settle(order, datoms),
                false => datoms.unwrap_or_default(),
            };
        }
        Ok(())
    }

    /// Takes datoms that are in the order of time within an entity and attribute, and gives those
    /// that are complete in the order of the view.
    fn settle(&mut self, order: Order, datoms: Option<Vec<Datom>>) -> Vec<Datom> {
        let is_end = datoms.is_none();
        self.waiting.extend(datoms.unwrap_or_default());
        let last = self.waiting.last().filter(|_| !is_end).map(|datom| (datom.e, datom.a));
        let others = self.waiting.iter().rev().take_while(|datom| Some((datom.e, datom.a)) == last);
        let complete = self.waiting.len() - others.count();
        let rest = self.waiting.split_off(complete);
        let mut settled = std::mem::replace(&mut self.waiting, rest);
        window::sort(order, &mut settled);
        settled
    }
}

/// Takes from both sides what nothing that is still to be read can come before: everything up to
/// the smaller of the last ones at hand. A side at its end has nothing at hand.
pub(crate) fn take_settled(
    order: Order,
    open: &mut Vec<Datom>,
    closed: &mut Vec<Datom>,
) -> (Vec<Datom>, Vec<Datom>) {
    let (Some(last_open), Some(last_closed)) = (open.last(), closed.last()) else {
        return (std::mem::take(open), std::mem::take(closed));
    };
    match window::compare(order, last_open, last_closed) {
        Ordering::Less | Ordering::Equal => {
            let settled = closed.partition_point(|d| window::compare(order, d, last_open).is_le());
            (std::mem::take(open), closed.drain(..settled).collect())
        }
        Ordering::Greater => {
            let settled = open.partition_point(|d| window::compare(order, d, last_closed).is_le());
            (open.drain(..settled).collect(), std::mem::take(closed))
        }
    }
}

fn some(batch: Vec<Datom>) -> Option<Vec<Datom>> {
    Some(batch).filter(|batch| !batch.is_empty())
}
