//! Crossings: two patterns that bind one variable between them.
//!
//! Of a triangle, `[?a :knows ?b] [?b :knows ?c] [?c :knows ?a]`, a join of two patterns can be far
//! larger than the answer. Where the last two cross in `?c`, each row takes the shorter of the two
//! lists of candidates and looks its members up in the other, so that no more is looked at than a
//! worst-case optimal join may look at (Ngo, Porat, Ré and Rudra, "Worst-case optimal join
//! algorithms", PODS 2012).

use std::sync::Arc;

use super::Run;
use super::column::Column;
use super::pair_set::PairSet;
use super::relation::{Pairing, Relation};
use super::scan::{Directory, Scan};
use crate::budget::Meter;
use crate::error::QueryError;
use crate::plan::{Action, Match, MatchNode, Step, Var};

/// A pattern between a variable that is bound and one that is not.
struct Side<'s> {
    matching: &'s Match,
    /// The place of the bound variable.
    bound: usize,
    /// The place of the other.
    free: usize,
}

/// What one side has for the rows.
struct Candidates<'c> {
    keys: &'c [i64],
    free: &'c [i64],
    directory: Arc<Directory>,
    pairs: Arc<PairSet>,
}

impl Run<'_> {
    /// Runs two steps as one, if they are patterns that cross in a variable, and are scanned both.
    pub(super) async fn crossed(
        &mut self,
        first: &Step,
        second: &Step,
        input: &Relation,
    ) -> Result<Option<Relation>, QueryError> {
        let Some((var, sides)) = sides(first, second, input) else { return Ok(None) };
        if !sides.iter().all(|side| self.scans(&side.matching.node, input.len())) {
            return Ok(None);
        }
        self.meter().at(first.span);
        let before = self.context.trace.map(|trace| trace.now());
        let (mut scans, mut keys) = (Vec::new(), Vec::new());
        for side in &sides {
            scans.push(self.scanned(&side.matching.node).await?);
            keys.push(self.keys(side.matching, input).await?);
        }
        let mut candidates = Vec::with_capacity(sides.len());
        for ((side, scan), keys) in sides.iter().zip(&scans).zip(&keys) {
            let Some((_, Column::Longs(keys))) = keys.columns.first() else { return Ok(None) };
            let Some(found) = self.candidates(side, scan, keys) else { return Ok(None) };
            candidates.push(found);
        }
        let [a, b] = candidates.as_slice() else { return Ok(None) };
        let (rows, values) = met(a, b, self.meter())?;
        let relation = input.gather(&rows).with(var, Column::Longs(values));
        self.meter().check_rows(relation.len(), relation.row_bytes())?;
        if let (Some(trace), Some(before)) = (self.context.trace, before) {
            trace.record(first.id, input.len(), relation.len(), before);
            trace.record(second.id, relation.len(), relation.len(), trace.now());
        }
        Ok(Some(super::kept(relation, second, false)))
    }

    fn candidates<'c>(
        &mut self,
        side: &Side<'_>,
        scan: &'c Scan,
        keys: &'c [i64],
    ) -> Option<Candidates<'c>> {
        let indexes = &mut self.matches.entry(side.matching.node.id).or_default().indexes;
        let directory = scan.directory(side.bound, indexes)?;
        let pairs = scan.pair_set((side.bound, side.free), indexes)?;
        Some(Candidates { keys, free: scan.longs(side.free)?, directory, pairs })
    }
}

/// The variable in which two steps cross, and what each is.
fn sides<'s>(first: &'s Step, second: &'s Step, input: &Relation) -> Option<(Var, [Side<'s>; 2])> {
    let (Action::Match(a), Action::Match(b)) = (&first.action, &second.action) else { return None };
    let ((var, a), (other, b)) = (side(a, input)?, side(b, input)?);
    (var == other).then_some((var, [a, b]))
}

fn side<'s>(matching: &'s Match, input: &Relation) -> Option<(Var, Side<'s>)> {
    let node: &MatchNode = &matching.node;
    let facts = node.facts.as_ref().filter(|facts| !facts.never)?;
    if facts.a.is_none() || node.vars().len() != 2 {
        return None;
    }
    let (e, v) = (node.var(0)?, node.var(2)?);
    let (bound, free, var) = match (input.position(e).is_some(), input.position(v).is_some()) {
        (true, false) => (0, 2, v),
        (false, true) => (2, 0, e),
        _ => return None,
    };
    Some((var, Side { matching, bound, free }))
}

/// For each row what both sides have: the numbers of the rows, and the values.
fn met(
    a: &Candidates<'_>,
    b: &Candidates<'_>,
    meter: &Meter,
) -> Result<(Vec<usize>, Vec<i64>), QueryError> {
    let mut pairing = Pairing::with_capacity(a.keys.len(), meter);
    let mut values = Vec::with_capacity(a.keys.len());
    for (row, (key_a, key_b)) in a.keys.iter().zip(b.keys).enumerate() {
        meter.tick(row)?;
        let (of_a, of_b) = (a.directory.find(*key_a), b.directory.find(*key_b));
        let (shorter, free, other, key) = match of_a.len() <= of_b.len() {
            true => (of_a, a.free, b, key_b),
            false => (of_b, b.free, a, key_a),
        };
        shorter.each(|at| {
            if other.pairs.contains(*key, free[at]) {
                values.push(free[at]);
                pairing.push(row, at)?;
            }
            Ok(())
        })?;
    }
    Ok((pairing.finish().0, values))
}
