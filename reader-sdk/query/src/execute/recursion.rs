//! Rules: answered for what is asked of them, and round by round where they recur.
//!
//! Each rule, for each way of calling it, keeps a table of *demand* (the arguments that callers
//! have bound so far) and a table of *answers*. Rules that depend on each other run together
//! until neither grows. The bodies are cut at their recursive calls; before each cut lies a table
//! of the rows that have *arrived* there. A round pushes only what is new: new demand from the
//! start of each body, new answers from each call on, joined with what has arrived there before.
//!
//! A rule that only hands its question on (see `plan/recur.rs`) needs no answers of its own on the
//! way: its demand carries the question asked at first, and what a body without the call gives are
//! answers to that one.
//!
//! A rule that does nothing but follow an attribute is followed (`trail.rs`) while its rounds are
//! small.
//!
//! Tables stay until the query ends, so a rule that is called again goes on from where it was.

use std::collections::{BTreeMap, BTreeSet};

use duramen_model::Span;

use super::Run;
use super::column::Column;
use super::relation::{Relation, Table};
use crate::budget::{Budget, Meter};
use crate::cell::Cell;
use crate::error::QueryError;
use crate::plan::{Action, Invoke, RulePlan, Slot, Step, Twin, Var};

/// What finds a row in a table.
const INDEX_BYTES: usize = 48;

/// What is known of a rule so far.
#[derive(Debug)]
pub(crate) struct RuleState {
    demand: Table,
    pub(super) answers: Table,
    /// What came in since the last round.
    pub(super) new_demand: Relation,
    new_answers: Relation,
    /// For each body, for each of its recursive calls, the rows that have arrived there.
    arrived: Vec<Vec<Option<Table>>>,
    /// For a rule that hands its question on, what was asked at first beside what is asked now.
    pub(super) handed: Option<Table>,
}

impl RuleState {
    pub(crate) fn new(rule: &RulePlan) -> Self {
        let bound = rule.bound();
        let calls = |steps: &Vec<Step>| {
            let recursive = |step: &&Step| recursive_call(step).is_some();
            steps.iter().filter(recursive).map(|_| None).collect()
        };
        let asked = match &rule.roots {
            Some(roots) => [roots.as_slice(), bound.as_slice()].concat(),
            None => bound.clone(),
        };
        Self {
            demand: Table::new(bound.clone(), Vec::new()),
            answers: Table::new(rule.params.clone(), bound),
            handed: rule.roots.as_ref().map(|_| Table::new(asked.clone(), Vec::new())),
            new_demand: Relation::empty(asked),
            new_answers: Relation::empty(rule.params.clone()),
            arrived: rule.branches.iter().map(calls).collect(),
        }
    }
}

impl Invoke {
    /// Whether several answers may look the same to the caller.
    pub(super) fn repeats(&self) -> bool {
        self.arguments.iter().any(|slot| matches!(slot, Slot::Any))
    }
}

impl RuleState {
    /// Takes in what is asked, as far as it was not before; gives that.
    fn take_in(&mut self, asked: &Relation) -> Relation {
        let new = match &mut self.handed {
            Some(handed) => handed.insert(asked),
            None => asked.clone(),
        };
        self.new_demand.append(&new);
        new
    }
}

/// Rows over the parameters, in which the bound ones hold what was asked at first.
fn answers_to_roots(rule: &RulePlan, roots: &[Var], rows: &Relation) -> Relation {
    let bound = rule.bound();
    let holder = |param: &Var| match bound.iter().position(|own| own == param) {
        Some(at) => roots[at],
        None => *param,
    };
    let columns: Vec<Var> = rule.params.iter().map(holder).collect();
    Relation::new(rule.params.clone(), rows.select(&columns).columns, rows.len())
}

pub(super) fn recursive_call(step: &Step) -> Option<&Invoke> {
    match &step.action {
        Action::Invoke(invoke) if invoke.recursive => Some(invoke),
        _ => None,
    }
}

impl Run<'_> {
    /// Joins with the answers of a rule, after computing them for the rows of the input.
    pub(super) async fn invoke(
        &mut self,
        invoke: &Invoke,
        input: &Relation,
        span: Span,
    ) -> Result<Relation, QueryError> {
        self.ask(invoke, input);
        self.complete(invoke.rule, span).await?;
        let answers = &self.rules[invoke.rule].answers;
        join_answers(&self.plan.rules[invoke.rule], invoke, input, answers, self.meter())
    }

    /// Adds what the rows of a relation ask of a rule to its demand.
    fn ask(&mut self, invoke: &Invoke, input: &Relation) {
        let rule = &self.plan.rules[invoke.rule];
        let bound = rule.bound();
        let columns = bound_columns(rule, invoke, input);
        let asked = Relation::new(bound, columns, input.len());
        let state = &mut self.rules[invoke.rule];
        let new = state.demand.insert(&asked);
        let new = match &rule.roots {
            Some(roots) => Relation::new(roots.clone(), new.columns.clone(), new.len()).beside(new),
            None => new,
        };
        state.take_in(&new);
    }

    /// Runs a rule, and those that it depends on in a circle, until nothing new comes.
    async fn complete(&mut self, rule: usize, span: Span) -> Result<(), QueryError> {
        let circle = Circle::of(&self.plan.rules, self.plan.rules[rule].component);
        let mut touched: BTreeSet<usize> = circle.calls.keys().copied().collect();
        for round in 0.. {
            self.check_round(rule, round, span)?;
            self.follow(rule, span).await?;
            let news = self.news(&touched);
            if news.is_empty() {
                break;
            }
            touched = self.round(&circle, &news, span).await?;
        }
        Ok(())
    }

    /// Refuses a round too many.
    pub(super) fn check_round(
        &self,
        rule: usize,
        round: usize,
        span: Span,
    ) -> Result<(), QueryError> {
        self.meter().check()?;
        if round <= self.meter().limits.rounds_max {
            return Ok(());
        }
        let name = &self.plan.rules[rule].name;
        let message = format!("the rule {name} has not come to an end after {round} rounds");
        self.meter().at(span);
        Err(self.meter().over(Budget::Rounds, message))
    }

    /// Takes what came in since the last round, to the rules that something may have come to.
    fn news(&mut self, touched: &BTreeSet<usize>) -> BTreeMap<usize, News> {
        let take = |relation: &mut Relation| {
            let empty = Relation::empty(relation.vars.clone());
            std::mem::replace(relation, empty)
        };
        let mut news = BTreeMap::new();
        for &rule in touched {
            let state = &mut self.rules[rule];
            if !state.new_demand.is_empty() || !state.new_answers.is_empty() {
                let demand = take(&mut state.new_demand);
                news.insert(rule, News { demand, answers: take(&mut state.new_answers) });
            }
        }
        news
    }

    /// Runs the bodies that news concern; gives the rules that something may have come to.
    async fn round(
        &mut self,
        circle: &Circle,
        news: &BTreeMap<usize, News>,
        span: Span,
    ) -> Result<BTreeSet<usize>, QueryError> {
        let plan = self.plan;
        let mut touched = BTreeSet::new();
        for member in circle.concerned(news) {
            touched.insert(member);
            touched.extend(&circle.calls[&member]);
            let rule = &plan.rules[member];
            let demand = match news.get(&member) {
                Some(own) => own.demand.clone(),
                None => Relation::empty(self.rules[member].new_demand.vars.clone()),
            };
            let mut found = Vec::with_capacity(rule.branches.len());
            for (number, steps) in rule.branches.iter().enumerate() {
                let place = Place { rule: member, branch: number };
                let rows = match &rule.roots {
                    Some(roots) => self.hand_on(place, steps, &demand, roots, &mut found).await?,
                    None if demand.is_empty() && !hears(steps, news) => continue,
                    None => self.push(place, steps, demand.clone(), news).await?,
                };
                let state = &mut self.rules[member];
                let new = state.answers.insert(&rows.project(&rule.params));
                state.new_answers.append(&new);
                let answers = state.answers.relation().len();
                self.hold_rows(&new)?;
                self.check_rows(answers, span)?;
            }
        }
        Ok(touched)
    }

    /// Pushes new demand and new answers through a body, and gives the rows at its end.
    async fn push(
        &mut self,
        place: Place,
        steps: &[Step],
        demand: Relation,
        news: &BTreeMap<usize, News>,
    ) -> Result<Relation, QueryError> {
        let mut flow = demand;
        let mut rest = steps;
        let mut call = 0;
        while let Some(at) = rest.iter().position(|step| recursive_call(step).is_some()) {
            flow = self.steps(&rest[..at], flow).await?;
            let step = &rest[at];
            if let Some(invoke) = recursive_call(step) {
                flow = self.pass(place, call, invoke, &flow, news)?;
                self.check_rows(flow.len(), step.span)?;
                flow = super::kept(flow, step, invoke.repeats());
            }
            call += 1;
            rest = &rest[at + 1..];
        }
        self.steps(rest, flow).await
    }

    /// Runs a body of a rule that hands its question on: either it asks the next question, or it
    /// gives answers, which are answers to what was asked at first. Adds what its own steps have
    /// found to what those of earlier bodies have.
    async fn hand_on(
        &mut self,
        place: Place,
        steps: &[Step],
        asked: &Relation,
        roots: &[Var],
        found: &mut Vec<Relation>,
    ) -> Result<Relation, QueryError> {
        let plan = self.plan;
        let rule = &plan.rules[place.rule];
        let call = steps.last().and_then(recursive_call);
        let own = if call.is_some() { &steps[..steps.len() - 1] } else { steps };
        let rows = match rule.twins.get(place.branch).and_then(Option::as_ref) {
            Some(twin) => {
                let rows = found[twin.branch].clone().renamed(&twin.names);
                if let (Some(trace), Some(step)) = (self.context.trace, own.first()) {
                    trace.record(step.id, asked.len(), rows.len(), trace.now());
                }
                rows
            }
            None => self.steps(own, asked.clone()).await?,
        };
        let is_twin = |twin: &Twin| twin.branch == place.branch;
        let again = rule.twins.iter().flatten().any(is_twin);
        found.push(if again { rows.clone() } else { Relation::default() });
        if rows.is_empty() {
            return Ok(Relation::empty(rule.params.clone()));
        }
        let Some(call) = call else { return Ok(answers_to_roots(rule, roots, &rows)) };
        let next = Relation::new(rule.bound(), bound_columns(rule, call, &rows), rows.len());
        let asked = rows.select(roots).beside(next);
        let new = self.rules[place.rule].take_in(&asked);
        self.hold_rows(&new)?;
        Ok(Relation::empty(rule.params.clone()))
    }

    /// Passes rows through a recursive call: the new ones meet all answers, those that arrived
    /// before meet the new answers.
    fn pass(
        &mut self,
        place: Place,
        call: usize,
        invoke: &Invoke,
        flow: &Relation,
        news: &BTreeMap<usize, News>,
    ) -> Result<Relation, QueryError> {
        let meter = self.meter();
        let callee = &self.plan.rules[invoke.rule];
        let slot = &mut self.rules[place.rule].arrived[place.branch][call];
        let mut arrived = slot.take().unwrap_or_else(|| arrival_table(callee, invoke, flow));
        let answers = news.get(&invoke.rule).map(|news| &news.answers);
        let mut passed = match answers {
            Some(answers) if !answers.is_empty() => {
                meet_new_answers(callee, invoke, &arrived, answers, meter)?
            }
            _ => Relation::empty(passed_vars(invoke, flow)),
        };
        let new = arrived.insert(flow);
        self.rules[place.rule].arrived[place.branch][call] = Some(arrived);
        self.ask(invoke, &new);
        let answers = &self.rules[invoke.rule].answers;
        passed.append(&join_answers(callee, invoke, &new, answers, meter)?);
        self.hold_rows(&new)?;
        Ok(passed)
    }

    /// Counts rows that stay in a table, with what finds them there.
    fn hold_rows(&self, rows: &Relation) -> Result<(), QueryError> {
        self.meter().hold(rows.len().saturating_mul(rows.row_bytes() + INDEX_BYTES))
    }

    /// Counts pairs of numbers that stay in two tables.
    pub(super) fn hold_pairs(&self, pairs: usize) -> Result<(), QueryError> {
        const ROW_BYTES: usize = 2 * size_of::<i64>();
        self.meter().hold(pairs.saturating_mul(2 * (ROW_BYTES + INDEX_BYTES)))
    }
}

/// What came in to a rule before a round.
struct News {
    demand: Relation,
    answers: Relation,
}

/// Rules that depend on each other. Of thousands in a circle a round looks only at those that
/// something came to.
struct Circle {
    /// The rules that each calls, and those that call each.
    calls: BTreeMap<usize, BTreeSet<usize>>,
    callers: BTreeMap<usize, BTreeSet<usize>>,
}

impl Circle {
    fn of(rules: &[RulePlan], component: usize) -> Self {
        let (mut calls, mut callers) = (BTreeMap::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for (number, rule) in rules.iter().enumerate().filter(|(_, own)| own.component == component)
        {
            let invokes = rule.branches.iter().flatten().filter_map(recursive_call);
            let own: BTreeSet<usize> = invokes.map(|invoke| invoke.rule).collect();
            for callee in &own {
                callers.entry(*callee).or_default().insert(number);
            }
            calls.insert(number, own);
        }
        Self { calls, callers }
    }

    /// Rules that were asked something new, and those that call rules with new answers.
    fn concerned(&self, news: &BTreeMap<usize, News>) -> BTreeSet<usize> {
        let mut concerned = BTreeSet::new();
        for (rule, own) in news {
            if !own.demand.is_empty() {
                concerned.insert(*rule);
            }
            if !own.answers.is_empty() {
                concerned.extend(self.callers.get(rule).into_iter().flatten());
            }
        }
        concerned
    }
}

/// Whether a body calls a rule with new answers.
fn hears(steps: &[Step], news: &BTreeMap<usize, News>) -> bool {
    let mut calls = steps.iter().filter_map(recursive_call);
    calls.any(|invoke| news.get(&invoke.rule).is_some_and(|news| !news.answers.is_empty()))
}

/// A body of a rule.
#[derive(Clone, Copy)]
struct Place {
    rule: usize,
    branch: usize,
}

/// The columns for the parameters that the caller binds.
fn bound_columns(rule: &RulePlan, invoke: &Invoke, input: &Relation) -> Vec<Column> {
    let bound = rule.bound();
    let column = |(param, slot): (&Var, &Slot<Cell>)| {
        bound.contains(param).then(|| match slot {
            Slot::Constant(cell) => Column::repeated(cell, input.len()),
            Slot::Var(var) => input.column(*var).expect("the planner knows what is bound").clone(),
            Slot::Any => unreachable!("a blank argument is not bound"),
        })
    };
    rule.params.iter().zip(&invoke.arguments).filter_map(column).collect()
}

/// The rows that arrive at a call, keyed by the variables that the caller binds.
fn arrival_table(rule: &RulePlan, invoke: &Invoke, flow: &Relation) -> Table {
    let bound = rule.bound();
    let key = |(param, slot): (&Var, &Slot<Cell>)| slot.var().filter(|_| bound.contains(param));
    let key = rule.params.iter().zip(&invoke.arguments).filter_map(key).collect();
    Table::new(flow.vars.clone(), key)
}

fn passed_vars(invoke: &Invoke, flow: &Relation) -> Vec<Var> {
    let mut vars = flow.vars.clone();
    for var in invoke.arguments.iter().filter_map(Slot::var) {
        if !vars.contains(&var) {
            vars.push(var);
        }
    }
    vars
}

/// Joins rows with the answers of a rule on what the caller binds.
fn join_answers(
    rule: &RulePlan,
    invoke: &Invoke,
    input: &Relation,
    answers: &Table,
    meter: &Meter,
) -> Result<Relation, QueryError> {
    let columns = bound_columns(rule, invoke, input);
    let columns: Vec<&Column> = columns.iter().collect();
    let (rows, found) = answers.probe(&columns, input.len(), meter)?;
    let answers = answers.relation();
    meter.check_rows(rows.len(), input.row_bytes() + answers.row_bytes())?;
    Ok(with_arguments(rule, invoke, input.gather(&rows), &answers.gather(&found)))
}

/// Joins the rows that have arrived at a call with new answers.
fn meet_new_answers(
    rule: &RulePlan,
    invoke: &Invoke,
    arrived: &Table,
    answers: &Relation,
    meter: &Meter,
) -> Result<Relation, QueryError> {
    let bound = rule.bound();
    let matches_constants = |row: &usize| {
        rule.params.iter().zip(&invoke.arguments).all(|(param, slot)| match slot {
            Slot::Constant(cell) => {
                answers.column(*param).is_some_and(|column| column.get(*row) == *cell)
            }
            Slot::Any | Slot::Var(_) => true,
        })
    };
    let rows: Vec<usize> = (0..answers.len()).filter(matches_constants).collect();
    let answers = answers.gather(&rows);
    let key = |(param, slot): (&Var, &Slot<Cell>)| {
        let keyed = slot.var().is_some() && bound.contains(param);
        keyed.then(|| answers.column(*param)).flatten()
    };
    let columns: Vec<&Column> = rule.params.iter().zip(&invoke.arguments).filter_map(key).collect();
    let (found, rows) = arrived.probe(&columns, answers.len(), meter)?;
    let arrived = arrived.relation();
    meter.check_rows(rows.len(), arrived.row_bytes() + answers.row_bytes())?;
    Ok(with_arguments(rule, invoke, arrived.gather(&rows), &answers.gather(&found)))
}

/// Adds the answers' columns under the names of the arguments. A variable that stands for two
/// arguments keeps the rows where the two agree.
fn with_arguments(
    rule: &RulePlan,
    invoke: &Invoke,
    input: Relation,
    answers: &Relation,
) -> Relation {
    let bound = rule.bound();
    let mut joined = input;
    let mut agree: Option<Vec<bool>> = None;
    for (param, slot) in rule.params.iter().zip(&invoke.arguments) {
        let (Some(var), Some(column)) = (slot.var(), answers.column(*param)) else { continue };
        match joined.column(var) {
            None => joined = joined.with(var, column.clone()),
            Some(_) if bound.contains(param) => {}
            Some(own) => {
                let agree = agree.get_or_insert_with(|| vec![true; answers.len()]);
                for (row, agrees) in agree.iter_mut().enumerate() {
                    *agrees &= own.get(row) == column.get(row);
                }
            }
        }
    }
    match agree {
        Some(agree) => {
            let rows: Vec<usize> = (0..joined.len()).filter(|&row| agree[row]).collect();
            joined.gather(&rows)
        }
        None => joined,
    }
}
