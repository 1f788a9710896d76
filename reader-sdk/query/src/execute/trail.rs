//! Rules that follow one attribute from entity to entity.
//!
//! ```text
//! (reach ?a ?b)  [?a :knows ?b]
//! (reach ?a ?b)  [?a :knows ?c] (reach ?c ?b)
//! ```
//!
//! Such a rule often has many rounds of few rows. What is found in one is what is asked in the next,
//! so it is followed from pair to pair: nothing is made of a round but the pairs of the next.

use duramen_db::{Db, KeyRange, Keys};
use duramen_model::{Datom, EntityId, Order, Span, Value, ValueType};

use super::Run;
use super::column::Column;
use super::lookup::TOGETHER_MAX;
use super::recursion::{RuleState, recursive_call};
use super::relation::Relation;
use super::scan::Residual;
use crate::cell::{entity_long, long_entity};
use crate::error::QueryError;
use crate::plan::{Action, Facts, Match, Mode, RulePlan, Slot, Step, Var};
use crate::source::Source;

/// A pattern that a rule follows.
struct Trail<'p> {
    matching: &'p Match,
    facts: &'p Facts,
    order: Order,
    /// Whether the first parameter is the one that is asked.
    is_first: bool,
}

/// How many pairs are followed at a time.
const ASKED_MAX: usize = 4 * TOGETHER_MAX;

/// What was asked at first, and what is asked now.
type Asked = (i64, i64);

impl Run<'_> {
    /// Follows what was asked of a rule and not answered yet, while so few entities are asked at a
    /// time that they are looked up. What is left is asked still.
    pub(super) async fn follow(&mut self, rule: usize, span: Span) -> Result<(), QueryError> {
        let plan = self.plan;
        let Some(trail) = Trail::of(rule, &plan.rules[rule]) else { return Ok(()) };
        let sources = self.sources;
        let Source::Db(db) = &sources[trail.matching.node.source] else { return Ok(()) };
        // Who looks at what each step does wants to see it.
        if self.context.trace.is_some() || self.scans(&trail.matching.node, 1) {
            return Ok(());
        }
        let Some(mut asked) = self.rules[rule].take_pairs(ASKED_MAX) else { return Ok(()) };
        let mut found: Vec<Asked> = Vec::new();
        for round in 0.. {
            let Some(entities) = self.few(&trail, &asked) else { break };
            self.check_round(rule, round, span)?;
            let range = KeyRange { a: trail.facts.a, ..KeyRange::all(trail.order) };
            let datoms = trail.datoms(db, &range, entities).await;
            let datoms = datoms.map_err(|error| QueryError::from_db(error, span))?;
            let before = found.len();
            asked = self.rules[rule].next_pairs(&asked, &datoms, |d| trail.ends(d), &mut found);
            self.hold_pairs(found.len() - before)?;
            self.check_rows(found.len(), span)?;
        }
        let rows = trail.answers(&plan.rules[rule], &found);
        self.rules[rule].leave(&asked, &rows);
        Ok(())
    }

    /// The entities that are asked, if they are few, and to be looked up.
    fn few(&mut self, trail: &Trail<'_>, asked: &[Asked]) -> Option<Vec<EntityId>> {
        if asked.len() > ASKED_MAX {
            return None;
        }
        let mut longs: Vec<i64> = asked.iter().map(|(_, asked)| *asked).collect();
        longs.sort_unstable();
        longs.dedup();
        let node = &trail.matching.node;
        if longs.is_empty() || longs.len() > TOGETHER_MAX || self.scans(node, longs.len()) {
            return None;
        }
        self.count_looked_up(node, longs.len());
        Some(longs.into_iter().filter_map(long_entity).collect())
    }
}

impl<'p> Trail<'p> {
    /// The pattern that a rule follows, if it does nothing else.
    fn of(number: usize, rule: &'p RulePlan) -> Option<Self> {
        rule.roots.as_ref()?;
        let ([_, _], [_, _], [base, again]) = (&*rule.params, &*rule.modes, &*rule.branches) else {
            return None;
        };
        let ([first], [_, call]) = (&**base, &**again) else { return None };
        let twin = rule.twins.get(1)?.as_ref()?;
        let is_first = rule.modes[1] == Mode::Free;
        let (asked, free) = match is_first {
            true => (0, 1),
            false => (1, 0),
        };
        let Action::Match(matching) = &first.action else { return None };
        let next = next_of(call, number, asked)?;
        let (asked, free) = (rule.params[asked], rule.params[free]);
        if rule.bound().len() != 1 || !twin.names.contains(&(free, next)) || next == free {
            return None;
        }
        let node = &matching.node;
        let order = match (node.var(0)?, node.var(2)?) {
            (e, v) if (e, v) == (asked, free) => Order::Eavt,
            (e, v) if (e, v) == (free, asked) => Order::Vaet,
            _ => return None,
        };
        let facts = node.facts.as_ref().filter(|facts| !facts.never)?;
        let refers = facts.attribute.as_ref()?.value_type == ValueType::Ref;
        let is_plain = [1, 3, 4].iter().all(|place| node.var(*place).is_none());
        (refers && is_plain).then_some(Self { matching, facts, order, is_first })
    }

    /// The facts of some entities that the pattern matches.
    async fn datoms(
        &self,
        db: &Db,
        range: &KeyRange,
        entities: Vec<EntityId>,
    ) -> Result<Vec<Datom>, duramen_db::DbError> {
        let mut datoms = db.datoms_among(range, Keys::Entities(entities.into())).await?;
        let residual = Residual::new(&self.matching.node, self.facts, self.facts.selection().v);
        datoms.retain(|datom| residual.passes(datom));
        Ok(datoms)
    }

    /// The entity by which a fact was found, and the one at its other end.
    fn ends(&self, datom: &Datom) -> Option<(i64, i64)> {
        let Value::Ref(to) = datom.v else { return None };
        let (from, to) = (entity_long(datom.e), entity_long(to));
        Some(if self.order == Order::Eavt { (from, to) } else { (to, from) })
    }

    /// What was found as rows over the parameters.
    fn answers(&self, rule: &RulePlan, found: &[Asked]) -> Relation {
        let (roots, ends): (Vec<i64>, Vec<i64>) = found.iter().copied().unzip();
        let (roots, ends) = (Column::Longs(roots), Column::Longs(ends));
        let columns = if self.is_first { vec![roots, ends] } else { vec![ends, roots] };
        Relation::new(rule.params.clone(), columns, found.len())
    }
}

impl RuleState {
    /// Takes what is asked and was not answered yet, if it is pairs of numbers, and few.
    fn take_pairs(&mut self, pairs_max: usize) -> Option<Vec<Asked>> {
        let is_few = self.new_demand.len() <= pairs_max;
        self.handed.as_ref().filter(|handed| is_few && handed.is_of_pairs())?;
        let [Column::Longs(roots), Column::Longs(asked)] = self.new_demand.columns.as_slice()
        else {
            return None;
        };
        let pairs = roots.iter().copied().zip(asked.iter().copied()).collect();
        self.new_demand = Relation::empty(self.new_demand.vars.clone());
        Some(pairs)
    }

    /// What is asked next, given the facts of what is asked now. What is asked next is found: what
    /// was asked before was found before, or is what was asked at first.
    fn next_pairs(
        &mut self,
        asked: &[Asked],
        datoms: &[Datom],
        ends: impl Fn(&Datom) -> Option<(i64, i64)>,
        found: &mut Vec<Asked>,
    ) -> Vec<Asked> {
        let Some(handed) = &mut self.handed else { return Vec::new() };
        let mut by_asked: Vec<Asked> = asked.iter().map(|(root, own)| (*own, *root)).collect();
        by_asked.sort_unstable();
        let mut next = Vec::with_capacity(datoms.len());
        for (own, end) in datoms.iter().filter_map(ends) {
            let start = by_asked.partition_point(|(asked, _)| *asked < own);
            for (_, root) in by_asked[start..].iter().take_while(|(asked, _)| *asked == own) {
                let is_new = handed.insert_pair(*root, end);
                if is_new {
                    next.push((*root, end));
                }
                if is_new || *root == end {
                    found.push((*root, end));
                }
            }
        }
        next
    }

    /// Leaves what is asked still, and answers.
    fn leave(&mut self, asked: &[Asked], answers: &Relation) {
        let (roots, asked): (Vec<i64>, Vec<i64>) = asked.iter().copied().unzip();
        let rows = asked.len();
        let columns = vec![Column::Longs(roots), Column::Longs(asked)];
        self.new_demand.append(&Relation::new(self.new_demand.vars.clone(), columns, rows));
        self.answers.insert(answers);
    }
}

/// The variable that a recursive call asks next.
fn next_of(call: &Step, rule: usize, asked: usize) -> Option<Var> {
    let call = recursive_call(call).filter(|call| call.rule == rule)?;
    call.arguments.get(asked).and_then(Slot::var)
}
