//! Asking the engine and the naive evaluator the same.

use std::fmt;
use std::ops::{Add, Range};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use duramen_model::Value;
use duramen_model::edn::{self, Edn, Form};
use duramen_query::{
    Budget, Clock, Input, Limits, PlanCache, QueryErrorKind, QueryOptions, q_with,
};
use futures_util::FutureExt;

use super::answer::{difference, is_shown};
use super::generate::any_query;
use super::language::{Given, Query, Term};
use super::naive::Evaluator;
use super::nested::{answer, given, input};
use super::random::Random;
use super::rules::rules_texts;
use super::shrink::shrink;
use super::world::{World, WorldPlan};

/// How long the engine may take for what is small.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Rows between two steps: a few hundred facts are joined.
const ROWS_MAX: usize = 1_000_000;

/// A world and a query.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) plan: WorldPlan,
    pub(crate) query: Query,
}

/// What came of a query.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Both found the same; so many rows.
    Agreed(usize),
    /// The engine refuses it, as it may.
    Refused,
    /// It is too large to be compared.
    TooLarge,
    /// They differ, and how.
    Differs(Difference),
}

#[derive(Debug)]
pub(crate) struct Difference {
    /// Whether the engine failed; otherwise its answer is wrong.
    pub(crate) failed: bool,
    pub(crate) text: String,
}

/// How many queries came to what.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) agreed: u64,
    /// Of those that agreed, how many had rows.
    pub(crate) with_rows: u64,
    pub(crate) refused: u64,
    pub(crate) too_large: u64,
}

impl Tally {
    const fn found(&mut self, rows: usize) {
        self.agreed += 1;
        self.with_rows += (rows > 0) as u64;
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            agreed: self.agreed + other.agreed,
            with_rows: self.with_rows + other.with_rows,
            refused: self.refused + other.refused,
            too_large: self.too_large + other.too_large,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agreed, with_rows, refused, too_large } = self;
        write!(
            f,
            "{agreed} agreed ({with_rows} with rows), {refused} refused, {too_large} too large"
        )
    }
}

/// Asks some queries of a world; returns what differs, made small.
pub(crate) fn ask_world(
    seed: u64,
    world: u64,
    queries: Range<u64>,
    tally: &mut Tally,
) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let plan = WorldPlan::any(&mut Random::new(&[seed, world]));
    runtime.block_on(async {
        let built = match AssertUnwindSafe(plan.build()).catch_unwind().await {
            Ok(built) => built,
            Err(_) => return Some(format!("seed {seed}, world {world}: cannot be built")),
        };
        for number in queries {
            let query = any_query(&mut Random::new(&[seed, world, number]), &plan.views);
            match ask(&built, &query).await {
                Verdict::Agreed(rows) => tally.found(rows),
                Verdict::Refused => tally.refused += 1,
                Verdict::TooLarge => tally.too_large += 1,
                Verdict::Differs(difference) => {
                    let case = Case { plan: plan.clone(), query };
                    return Some(report((seed, world, number), case, difference).await);
                }
            }
        }
        None
    })
}

async fn report(
    (seed, world, number): (u64, u64, u64),
    case: Case,
    difference: Difference,
) -> String {
    let (case, difference) = shrink(case, difference).await;
    let views: Vec<_> =
        case.query.views.iter().map(|pair| pair.map(|at| case.plan.views[at])).collect();
    format!(
        "seed {seed}, world {world}, query {number}:\n{}\ngiven {:?}\nviews {views:?}\n{}rows {:?}\n{}",
        case.query.text(),
        case.query.given,
        case.plan.text(),
        case.plan.rows,
        difference.text,
    )
}

/// Asks both, of all the views that the query names.
pub(crate) async fn ask(world: &World, query: &Query) -> Verdict {
    if query.find.elements.is_empty() {
        return Verdict::Refused;
    }
    let text = query.text();
    #[allow(clippy::disallowed_methods, reason = "what is limited is real time")]
    let started = Instant::now();
    let options = QueryOptions {
        limits: Limits { rows_max: ROWS_MAX, time_max: Some(TIME_MAX), ..Limits::default() },
        clock: Some(Clock::new(move || started.elapsed())),
        plans: (query.views.len() > 1).then(|| PlanCache::new(8)),
        ..QueryOptions::default()
    };
    let mut rows = 0;
    for views in &query.views {
        match ask_once(world, query, *views, &text, &options).await {
            Verdict::Agreed(more) => rows += more,
            other => return other,
        }
    }
    Verdict::Agreed(rows)
}

async fn ask_once(
    world: &World,
    query: &Query,
    views: [usize; 3],
    text: &str,
    options: &QueryOptions,
) -> Verdict {
    let sources = views.map(|at| &world.views[at]);
    let [first, second, third] = sources;
    let mut evaluator = Evaluator::new([&first.1, &second.1, &world.relation, &third.1]);
    let (start, flags) = given(query);
    evaluator.given = flags;
    let Ok(expected) = answer(&evaluator, query, start) else { return Verdict::TooLarge };
    let mut inputs = vec![Input::from(&first.0), Input::from(&second.0)];
    let rows = world.relation.rows.iter();
    inputs.push(Input::Relation(
        rows.map(|row| row.iter().cloned().map(Edn::Value).collect()).collect(),
    ));
    inputs.push(Input::from(&third.0));
    for set in rules_texts(query.rule_sets) {
        inputs.push(Input::Rules(edn::read(&set).expect("rules")));
    }
    inputs.extend(query.given.iter().map(|given| Input::Value(input_of(given))));
    let amounts = query.find.inputs().into_iter();
    inputs.extend(amounts.map(|(_, value)| Input::Value(Edn::Value(value))));
    let parsed = match duramen_query::Query::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    let asked = AssertUnwindSafe(q_with(&parsed, inputs, options)).catch_unwind().await;
    let rows = match asked {
        Ok(Ok(answer)) => {
            let shown = answer.to_edn();
            let rows = answer.into_rows();
            if !is_shown(&query.find, &shown, &rows) {
                let text = format!("shown as {shown}");
                return Verdict::Differs(Difference { failed: false, text });
            }
            rows
        }
        Ok(Err(error)) => return refused(&error),
        Err(_) => {
            return Verdict::Differs(Difference { failed: true, text: "a panic".to_owned() });
        }
    };
    match difference(&query.find, expected, &rows) {
        Ok(None) => Verdict::Agreed(rows.len()),
        Ok(Some(text)) => Verdict::Differs(Difference { failed: false, text }),
        Err(_) => Verdict::TooLarge,
    }
}

/// Queries that bind too little, or compare what cannot be compared on the way, may be refused, and
/// so may tuples in the place of lookup refs.
fn refused(error: &duramen_query::QueryError) -> Verdict {
    match error.kind {
        QueryErrorKind::Unbound | QueryErrorKind::OrVariables | QueryErrorKind::FunctionError => {
            Verdict::Refused
        }
        QueryErrorKind::UnknownAttribute => Verdict::Refused,
        QueryErrorKind::Malformed if error.message.contains("unique") => Verdict::Refused,
        QueryErrorKind::Limit(Budget::Rows | Budget::Memory) => Verdict::TooLarge,
        _ => Verdict::Differs(Difference { failed: true, text: error.to_string() }),
    }
}

fn input_of(given: &Given) -> Edn {
    let form = |value: Value| Form::from(Edn::Value(value));
    let forms = |terms: &mut dyn Iterator<Item = Value>| Edn::Vector(terms.map(form).collect());
    match given {
        Given::One(_, term) => Edn::Value(input(term)),
        Given::Some(_, terms) => forms(&mut terms.iter().map(input)),
        Given::Pair(_, terms) => forms(&mut terms.iter().map(input)),
        Given::Grouped(_, groups) => {
            let group = |(first, rest): &(Term, Vec<Term>)| {
                let rest = Form::from(forms(&mut rest.iter().map(input)));
                Form::from(Edn::Vector(vec![form(input(first)), rest]))
            };
            Edn::Vector(groups.iter().map(group).collect())
        }
        Given::Rows(_, rows) => {
            let rows = rows.iter().map(|row| Form::from(forms(&mut row.iter().map(input))));
            Edn::Vector(rows.collect())
        }
    }
}
