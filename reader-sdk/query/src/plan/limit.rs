//! What comparisons say about the value of a pattern, so that only a range of facts is read.
//!
//! The comparisons still run after it: a range may be wider than what they say, and never narrower.

use std::ops::Bound;

use duramen_model::Value;

use super::node::{ComputeNode, Node};
use super::resolve::bound_value;
use super::{Argument, MatchNode, Var};
use crate::cell::Cell;

/// The value of a pattern is at most, or at least, something.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    than: Argument,
    is_upper: bool,
}

impl Limit {
    /// What a clause beside a pattern says of the variable that is the pattern's value.
    pub(super) fn all(var: Var, clause: &Node) -> Vec<Self> {
        let Node::Compute(ComputeNode { name, arguments, bind: None, .. }) = clause else {
            return Vec::new();
        };
        let ascends = match name.text() {
            "<" | "<=" => true,
            ">" | ">=" => false,
            _ => return Vec::new(),
        };
        let is_var = |argument: &Argument| matches!(argument, Argument::Var(own) if *own == var);
        let mut limits = Vec::new();
        for pair in arguments.windows(2) {
            let (below, above) = if ascends { (&pair[0], &pair[1]) } else { (&pair[1], &pair[0]) };
            match (is_var(below), is_var(above)) {
                (true, false) => limits.push(Self { than: above.clone(), is_upper: true }),
                (false, true) => limits.push(Self { than: below.clone(), is_upper: false }),
                _ => {}
            }
        }
        limits
    }

    /// The constant that it compares with.
    pub(super) fn constant(argument: &Argument) -> Option<Cell> {
        match argument {
            Argument::Constant(cell) => Some(cell.clone()),
            _ => None,
        }
    }

    /// Whether it compares with a variable.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.than, Argument::Var(_))
    }

    /// Narrows what a pattern reads, where a cell is known to compare with.
    pub(crate) fn narrow(&self, node: &mut MatchNode, known: impl Fn(&Argument) -> Option<Cell>) {
        let Some(facts) = &mut node.facts else { return };
        let (Some(attribute), Some(cell)) = (&facts.attribute, known(&self.than)) else { return };
        let Some(value) = bound_value(&cell, attribute.value_type, self.is_upper) else { return };
        if self.is_upper {
            facts.bounds.1 = tighter(&facts.bounds.1, value, |own, new| own > new);
        } else {
            facts.bounds.0 = tighter(&facts.bounds.0, value, |own, new| own < new);
        }
    }
}

fn tighter(own: &Bound<Value>, new: Value, looser: fn(&Value, &Value) -> bool) -> Bound<Value> {
    match own {
        Bound::Included(own) if !looser(own, &new) => Bound::Included(own.clone()),
        _ => Bound::Included(new),
    }
}
