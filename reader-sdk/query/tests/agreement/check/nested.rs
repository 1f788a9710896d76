//! Queries, as a whole and within others: from what is given to rows of an answer.

use duramen_model::edn::Edn;
use duramen_model::{Keyword, Value};

use super::answer::{found, plain};
use super::language::{Bind, Given, Query, Term, VARS};
use super::naive::{Bindings, Evaluator, GivesUp, Outcome, bindings_of};

/// The rows of a query's answer.
pub(crate) fn answer(
    evaluator: &Evaluator<'_>,
    query: &Query,
    start: Vec<Bindings>,
) -> Outcome<Vec<Vec<Edn>>> {
    let bindings = bindings_of(evaluator, query, start)?;
    found(&query.find, &bindings)
}

/// What a query begins with.
pub(crate) fn given(query: &Query) -> (Vec<Bindings>, [bool; VARS]) {
    let mut flags = [false; VARS];
    let mut start = vec![vec![None; VARS]];
    for given in &query.given {
        given.vars().iter().for_each(|var| flags[*var] = true);
        let rows: Vec<Vec<Value>> = match given {
            Given::One(_, term) => vec![vec![input(term)]],
            Given::Some(_, terms) => terms.iter().map(|term| vec![input(term)]).collect(),
            Given::Pair(_, terms) => vec![terms.iter().map(input).collect()],
            Given::Grouped(_, groups) => {
                let rows = groups.iter().flat_map(|(first, rest)| {
                    rest.iter().map(|second| vec![input(first), input(second)])
                });
                rows.collect()
            }
            Given::Rows(_, rows) => {
                rows.iter().map(|row| row.iter().map(input).collect()).collect()
            }
        };
        let vars = given.vars();
        start = start
            .iter()
            .flat_map(|bindings: &Bindings| {
                rows.iter().filter_map(|row| {
                    vars.iter().zip(row).try_fold(bindings.clone(), |mut bindings, (var, value)| {
                        match &bindings[*var] {
                            Some(own) if own != value => return None,
                            _ => bindings[*var] = Some(value.clone()),
                        }
                        Some(bindings)
                    })
                })
            })
            .collect();
    }
    (start, flags)
}

/// What is given for a term: an ident is a keyword.
pub(crate) fn input(term: &Term) -> Value {
    match term {
        Term::Constant(value) => value.clone(),
        Term::Named(name) => Value::Keyword(Keyword::new(*name)),
        Term::Blank | Term::Var(_) => unreachable!("nothing to give"),
    }
}

/// The rows that a query within gives for its arguments, which are scalars.
pub(crate) fn nested(
    evaluator: &Evaluator<'_>,
    query: &Query,
    arguments: &[Value],
    bind: &Bind,
) -> Outcome<Vec<Vec<Value>>> {
    let mut inner = evaluator.inner();
    let mut start: Bindings = vec![None; VARS];
    for (given, value) in query.given.iter().zip(arguments) {
        for var in given.vars() {
            inner.given[var] = true;
            start[var] = Some(value.clone());
        }
    }
    let rows = answer(&inner, query, vec![start])?;
    let value = |edn: &Edn| plain(edn).ok_or(GivesUp);
    let rows =
        rows.iter().map(|row| row.iter().map(value).collect()).collect::<Outcome<Vec<_>>>()?;
    match bind {
        // The find is a scalar or a tuple, of aggregates over everything.
        Bind::Scalar(_) | Bind::Tuple(_) if rows.len() > 1 => Err(GivesUp),
        _ => Ok(rows),
    }
}
