//! What datoms must fulfil beyond lying in the stretch that is read, tested column by column.

use std::ops::Bound;

use duramen_db::columns::passing;
use duramen_db::{Columns, Texts, ValueColumn, ValueRef, Values};
use duramen_model::{Datom, Value};

use super::{cell, places_agree};
use crate::cell::Cell;
use crate::plan::{Facts, MatchNode, Slot};

/// What datoms must fulfil beyond lying in the stretch that is read.
pub(crate) struct Residual<'n> {
    node: &'n MatchNode,
    facts: &'n Facts,
    values: Values,
    /// A constant that the attribute gave no type to.
    untyped: Option<&'n Cell>,
    /// Whether a variable stands in two places.
    repeated: bool,
}

/// The members of a batch that are left; `None` while all are.
type Left = Option<Vec<usize>>;

impl<'n> Residual<'n> {
    /// For a stretch that says nothing about these values.
    pub(crate) fn new(node: &'n MatchNode, facts: &'n Facts, values: Values) -> Self {
        let untyped = match node.terms.get(2) {
            Some(Slot::Constant(cell)) if facts.v.is_none() => Some(cell),
            _ => None,
        };
        Self { node, facts, values, untyped, repeated: node.repeated_var() }
    }

    /// Those of the datoms that are left of a batch that fulfil everything; `None` when all do.
    pub(super) fn passed(&self, batch: &Columns, left: Left) -> Left {
        let len = batch.len();
        let mut left = self.by_value(&batch.v, left);
        if let Some(t) = self.facts.t {
            left = narrowed(left, len, |at| batch.t[at] == t);
        }
        if let Some(wanted) = self.facts.added {
            let added = |at: usize| batch.added.as_ref().is_none_or(|added| added[at]);
            left = narrowed(left, len, |at| added(at) == wanted);
        }
        if let Some(untyped) = self.untyped {
            left = narrowed(left, len, |at| Cell::from_value(&batch.v.value(at)) == *untyped);
        }
        if self.repeated {
            let agree = |at: usize| {
                let datom = batch.datom(at);
                places_agree(self.node, |place| cell(&datom, place))
            };
            left = narrowed(left, len, agree);
        }
        left
    }

    /// Whether a datom fulfils everything.
    pub(crate) fn passes(&self, datom: &Datom) -> bool {
        self.values.contains(&datom.v)
            && self.facts.t.is_none_or(|t| datom.t == t)
            && self.facts.added.is_none_or(|wanted| datom.added == wanted)
            && self.untyped.is_none_or(|untyped| Cell::from_value(&datom.v) == *untyped)
            && (!self.repeated || places_agree(self.node, |place| cell(datom, place)))
    }

    fn by_value(&self, column: &ValueColumn, left: Left) -> Left {
        let len = column.len();
        match (&self.values, column) {
            (Values::Any, _) => left,
            (Values::Is(Value::Long(wanted)), ValueColumn::Long(longs)) => {
                narrowed(left, len, |at| longs[at] == *wanted)
            }
            (Values::Is(wanted), ValueColumn::Text(texts)) => {
                is_text(texts, ValueRef::from(wanted), left)
            }
            (Values::Is(wanted), _) => {
                let wanted = ValueRef::from(wanted);
                narrowed(left, len, |at| column.get(at) == wanted)
            }
            (Values::Within(low, high), ValueColumn::Long(longs))
                if let Some((low, high)) = closed(low, high) =>
            {
                narrowed(left, len, |at| (low <= longs[at]) & (longs[at] <= high))
            }
            (Values::Within(low, high), _) => {
                let is_above = |at: usize| match low {
                    Bound::Included(low) => column.get(at) >= ValueRef::from(low),
                    Bound::Excluded(low) => column.get(at) > ValueRef::from(low),
                    Bound::Unbounded => true,
                };
                let is_below = |at: usize| match high {
                    Bound::Included(high) => column.get(at) <= ValueRef::from(high),
                    Bound::Excluded(high) => column.get(at) < ValueRef::from(high),
                    Bound::Unbounded => true,
                };
                narrowed(left, len, |at| is_above(at) && is_below(at))
            }
        }
    }
}

fn narrowed(left: Left, len: usize, mut passes: impl FnMut(usize) -> bool) -> Left {
    match left {
        None => passing(len, passes),
        Some(mut left) => {
            left.retain(|at| passes(*at));
            Some(left)
        }
    }
}

/// Those that are one text; each text of a dictionary is looked at once.
fn is_text(texts: &Texts, wanted: ValueRef<'_>, left: Left) -> Left {
    let text = match wanted {
        ValueRef::String(text)
        | ValueRef::Keyword(text)
        | ValueRef::Symbol(text)
        | ValueRef::Uri(text)
            if wanted.value_type() == texts.value_type() =>
        {
            text
        }
        _ => return Some(Vec::new()),
    };
    let Some(places) = texts.places() else {
        return narrowed(left, texts.len(), |at| texts.get(at) == text);
    };
    let last = places.iter().max().copied().unwrap_or_default();
    let is_it: Vec<bool> = (0..=last).map(|place| texts.distinct(place) == text).collect();
    narrowed(left, texts.len(), |at| is_it[places[at] as usize])
}

/// Bounds of longs as the least and the greatest within them.
fn closed(low: &Bound<Value>, high: &Bound<Value>) -> Option<(i64, i64)> {
    let low = match low {
        Bound::Included(Value::Long(low)) => *low,
        Bound::Excluded(Value::Long(low)) => low.checked_add(1)?,
        Bound::Unbounded => i64::MIN,
        _ => return None,
    };
    let high = match high {
        Bound::Included(Value::Long(high)) => *high,
        Bound::Excluded(Value::Long(high)) => high.checked_sub(1)?,
        Bound::Unbounded => i64::MAX,
        _ => return None,
    };
    Some((low, high))
}
