//! Making a failing case small: whatever can be left out is.

use std::time::{Duration, Instant};

use super::case::{Case, Difference, Verdict, ask};
use super::language::{Clause, Element, Find, Given, Shape};
use super::views::View;

const TIME_MAX: Duration = Duration::from_secs(30);

/// The smallest case found that fails in the same way.
pub(crate) async fn shrink(mut case: Case, mut difference: Difference) -> (Case, Difference) {
    #[allow(clippy::disallowed_methods, reason = "somebody waits")]
    let started = Instant::now();
    let mut at = 0;
    loop {
        let candidates = smaller(&case);
        let Some(candidate) = candidates.into_iter().nth(at) else { return (case, difference) };
        if started.elapsed() > TIME_MAX {
            return (case, difference);
        }
        let world = candidate.plan.build().await;
        match ask(&world, &candidate.query).await {
            // What comes before this has failed to help already.
            Verdict::Differs(found) if found.failed == difference.failed => {
                (case, difference) = (candidate, found);
            }
            _ => at += 1,
        }
    }
}

/// The case with one thing less, in all ways.
fn smaller(case: &Case) -> Vec<Case> {
    let mut smaller = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        change(&mut changed);
        smaller.push(changed);
    };
    for at in 0..case.query.views.len() {
        if case.query.views.len() > 1 {
            with(&|case| {
                case.query.views.remove(at);
            });
        }
    }
    for clauses in fewer(&case.query.clauses) {
        with(&|case| {
            case.query.clauses.clone_from(&clauses);
            keep_bound(case);
        });
    }
    for at in 0..case.query.given.len() {
        with(&|case| {
            case.query.given.remove(at);
            keep_bound(case);
        });
    }
    for (at, given) in case.query.given.iter().enumerate() {
        for fewer in fewer_rows(given) {
            with(&|case| case.query.given[at] = fewer.clone());
        }
    }
    shorter_find(&case.query.find, &mut with);
    for number in 0..2 {
        let plan = &case.plan.databases[number];
        if plan.steps.is_some() {
            with(&|case| case.plan.databases[number].steps = None);
        }
        for at in 0..plan.steps.as_ref().map_or(0, Vec::len) {
            with(&|case| {
                let steps = case.plan.databases[number].steps.as_mut();
                steps.expect("there are some").remove(at);
            });
        }
        for (at, transaction) in plan.transactions.iter().enumerate() {
            with(&|case| drop(case.plan.databases[number].transactions.remove(at)));
            for statement in 0..transaction.len() {
                with(&|case| {
                    case.plan.databases[number].transactions[at].remove(statement);
                });
            }
        }
        for at in 0..plan.speculated.len() {
            with(&|case| drop(case.plan.databases[number].speculated.remove(at)));
        }
    }
    for at in 0..case.plan.rows.len() {
        with(&|case| drop(case.plan.rows.remove(at)));
    }
    for (at, view) in case.plan.views.iter().enumerate() {
        let plain = View { database: view.database, ..View::default() };
        if format!("{view:?}") != format!("{plain:?}") {
            with(&|case| case.plan.views[at] = plain);
        }
    }
    smaller
}

/// The input with one row less.
fn fewer_rows(given: &Given) -> Vec<Given> {
    fn without<R: Clone>(rows: &[R]) -> impl Iterator<Item = Vec<R>> + '_ {
        (0..rows.len()).map(|at| [&rows[..at], &rows[at + 1..]].concat())
    }
    match given {
        Given::One(..) | Given::Pair(..) => Vec::new(),
        Given::Some(var, terms) => without(terms).map(|terms| Given::Some(*var, terms)).collect(),
        Given::Rows(vars, rows) => without(rows).map(|rows| Given::Rows(*vars, rows)).collect(),
        Given::Grouped(vars, groups) => {
            without(groups).map(|groups| Given::Grouped(*vars, groups)).collect()
        }
    }
}

/// The clauses with one less, at whatever depth.
fn fewer(clauses: &[Clause]) -> Vec<Vec<Clause>> {
    let mut all = Vec::new();
    for at in 0..clauses.len() {
        let mut less = clauses.to_vec();
        less.remove(at);
        all.push(less);
        for changed in smaller_clauses(&clauses[at]) {
            let mut less = clauses.to_vec();
            less[at] = changed;
            all.push(less);
        }
    }
    all
}

fn smaller_clauses(clause: &Clause) -> Vec<Clause> {
    let not_empty = |clauses: &Vec<Clause>| !clauses.is_empty();
    match clause {
        Clause::Not(inner) => fewer(inner).into_iter().filter(not_empty).map(Clause::Not).collect(),
        Clause::NotJoin(vars, inner) => {
            let inner = fewer(inner).into_iter().filter(not_empty);
            inner.map(|inner| Clause::NotJoin(vars.clone(), inner)).collect()
        }
        Clause::Or(branches) => fewer_branches(branches).into_iter().map(Clause::Or).collect(),
        Clause::OrJoin(needed, vars, branches) => fewer_branches(branches)
            .into_iter()
            .map(|branches| Clause::OrJoin(needed.clone(), vars.clone(), branches))
            .collect(),
        Clause::Nested(query, arguments, bind) => fewer(&query.clauses)
            .into_iter()
            .filter(not_empty)
            .map(|clauses| {
                let mut query = query.clone();
                query.clauses = clauses;
                Clause::Nested(query, arguments.clone(), bind.clone())
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn fewer_branches(branches: &[Vec<Clause>]) -> Vec<Vec<Vec<Clause>>> {
    let mut all = Vec::new();
    for at in 0..branches.len() {
        let mut less = branches.to_vec();
        less.remove(at);
        if !less.is_empty() {
            all.push(less);
        }
        for branch in fewer(&branches[at]).into_iter().filter(|branch| !branch.is_empty()) {
            let mut less = branches.to_vec();
            less[at] = branch;
            all.push(less);
        }
    }
    all
}

/// Leaves out of the answer what is not bound any more.
fn keep_bound(case: &mut Case) {
    let vars = case.query.vars();
    let find = &mut case.query.find;
    let before = find.all().count();
    find.elements.retain(|element| vars.contains(&element.var()));
    find.with.retain(|var| vars.contains(var));
    find.hidden.retain(|element| vars.contains(&element.var()));
    let places = find.all().count();
    if places < before {
        // What they name may stand elsewhere now.
        find.having = None;
        find.order.clear();
    }
}

/// What makes a case smaller.
type Change<'c> = &'c dyn Fn(&mut Case);

fn shorter_find(find: &Find, with: &mut dyn FnMut(Change<'_>)) {
    if find.elements.len() > 1 {
        for at in 0..find.elements.len() {
            with(&|case| {
                let find = &mut case.query.find;
                find.elements.remove(at);
                find.order.clear();
                find.having = None;
                find.hidden.clear();
            });
        }
    }
    if !find.hidden.is_empty() {
        with(&|case| {
            let find = &mut case.query.find;
            find.order.clear();
            find.having = None;
            find.hidden.clear();
        });
    }
    if find.keys {
        with(&|case| case.query.find.keys = false);
    }
    if find.amounts_given {
        with(&|case| case.query.find.amounts_given = false);
    }
    if find.elements.iter().any(|element| matches!(element, Element::Aggregate(..))) {
        with(&|case| {
            let vars = case.query.vars();
            case.query.find.elements = vars.into_iter().map(Element::Var).collect();
            case.query.find.with.clear();
            case.query.find.hidden.clear();
            case.query.find.order.clear();
            case.query.find.having = None;
            case.query.find.shape = Shape::Relation;
        });
    }
    if !find.with.is_empty() {
        with(&|case| case.query.find.with.clear());
    }
    if find.having.is_some() {
        with(&|case| case.query.find.having = None);
    }
    if !find.order.is_empty() {
        with(&|case| case.query.find.order.clear());
    }
    if find.shape != Shape::Relation {
        with(&|case| case.query.find.shape = Shape::Relation);
    }
    if find.limit.is_some() || find.offset.is_some() {
        with(&|case| (case.query.find.limit, case.query.find.offset) = (None, None));
    }
}
