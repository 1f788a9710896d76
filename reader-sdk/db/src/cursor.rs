//! The cursor: the datoms of a stretch, batch by batch, with bounded memory.

use std::cmp::Ordering;

use duramen_index::Cursor;
use duramen_model::{Datom, Order};
use futures_util::future;

use crate::DbError;
use crate::window::{self, Window};

/// Reads the datoms of a stretch batch by batch, in order. Memory holds a few leaves at a time,
/// however long the stretch.
#[derive(Debug)]
pub struct DatomCursor {
    order: Order,
    open: Side,
    /// `None` where closed facts do not matter.
    closed: Option<Side>,
}

/// One of the two layers.
#[derive(Debug)]
struct Side {
    /// `None` at the end.
    cursor: Option<Cursor>,
    window: Window,
    ahead: Vec<Datom>,
}

impl DatomCursor {
    pub(crate) fn new(order: Order, window: Window, open: Cursor, closed: Option<Cursor>) -> Self {
        let side = |cursor| Side { cursor: Some(cursor), window, ahead: Vec::new() };
        Self { order, open: side(open), closed: closed.map(side) }
    }

    /// The next datoms, at least one; `None` at the end.
    ///
    /// # Errors
    /// When the store fails, or an object in it is damaged. What follows is then unknown.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<Datom>>, DbError> {
        let Some(closed) = &mut self.closed else {
            self.open.fill().await?;
            return Ok(some(std::mem::take(&mut self.open.ahead)));
        };
        future::try_join(self.open.fill(), closed.fill()).await?;
        let (open, closed) = take_settled(self.order, &mut self.open.ahead, &mut closed.ahead);
        Ok(some(window::merge(self.order, open, closed)))
    }
}

impl Side {
    /// Reads on until there is something, or the end.
    async fn fill(&mut self) -> Result<(), DbError> {
        while self.ahead.is_empty()
            && let Some(cursor) = &mut self.cursor
        {
            match cursor.next_batch().await? {
                Some(records) => self.ahead = self.window.datoms(records),
                None => self.cursor = None,
            }
        }
        Ok(())
    }
}

/// Takes from both sides what nothing that is still to be read can come before: everything up to
/// the smaller of the last ones at hand. A side at its end has nothing at hand.
fn take_settled(
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
