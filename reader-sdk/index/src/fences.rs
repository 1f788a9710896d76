//! Fences: where every so manieth record of a long run stands, side by side, so that a search
//! touches few records.

use std::ops::{Bound, Range};

use duramen_model::{Order, Value};

use crate::{KeyRange, Record};

/// How many records lie between two fences. Few in tests, so that small runs have some.
const FENCE_RECORDS: usize = if cfg!(test) { 4 } else { 64 };

/// The first two components of every so manieth record, as numbers.
#[derive(Debug)]
pub(crate) struct Fences(Box<[[u64; 2]]>);

impl Fences {
    /// Fences of sorted records; none of a few, or in an order that begins with no two numbers.
    pub(crate) fn of(order: Order, records: &[Record]) -> Self {
        if records.len() <= FENCE_RECORDS {
            return Self(Box::default());
        }
        let place = |record: &Record| match (order, &record.v) {
            (Order::Eavt, _) => Some([record.e.get(), record.a.get()]),
            (Order::Aevt, _) => Some([record.a.get(), record.e.get()]),
            (Order::Vaet, Value::Ref(to)) => Some([to.get(), record.a.get()]),
            (Order::Avet | Order::Vaet, _) => None,
        };
        let fences = records.iter().step_by(FENCE_RECORDS).map(place);
        Self(fences.collect::<Option<_>>().unwrap_or_default())
    }

    /// Where, among so many records, those that lie in a range are, if there are any, with some
    /// others around them. What comes before is before the range, what comes after is after it.
    pub(crate) fn around(&self, range: &KeyRange, count: usize) -> Range<usize> {
        let limits = limits(range).filter(|_| !self.0.is_empty());
        let Some([low, high]) = limits else { return 0..count };
        let before = self.0.partition_point(|fence| *fence < low);
        let end = before + self.0[before..].partition_point(|fence| *fence <= high);
        let start = before.saturating_sub(1) * FENCE_RECORDS;
        start..(end * FENCE_RECORDS).clamp(start, count)
    }
}

/// The lowest and the highest place in a range, as far as two numbers tell.
fn limits(range: &KeyRange) -> Option<[[u64; 2]; 2]> {
    let e = range.e.map(|e| e.get());
    let a = range.a.map(|a| a.get());
    let (first, second) = match range.order {
        Order::Eavt => (e?, a),
        Order::Aevt => (a?, e),
        Order::Vaet => match &range.v {
            (Bound::Included(Value::Ref(low)), Bound::Included(Value::Ref(high)))
                if low == high =>
            {
                (low.get(), a)
            }
            _ => return None,
        },
        Order::Avet => return None,
    };
    Some([[first, second.unwrap_or(0)], [first, second.unwrap_or(u64::MAX)]])
}
