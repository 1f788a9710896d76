//! Running a case.

use anyhow::{Context, Result};
use duramen_model::Symbol;
use duramen_model::edn::{Edn, Form};
use duramen_query::pull::{PullPattern, pull};
use duramen_query::{Input, Query, q};

use super::build::World;
use super::case::{Case, Suite, get};
use super::compare::Comparison;
use super::place::Place;

/// What came of a case.
#[derive(Debug)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Something else, in words.
    Failed(String),
    /// The case goes beyond the dialect and the database leaves that out.
    Skipped(String),
}

/// What a query or a pull gave: a result, or the kind of error and its message.
type Given = Result<Edn, (String, String)>;

/// Runs a case.
pub async fn run(suite: &Suite, case: &Case, place: &Place) -> Verdict {
    match outcome(suite, case, place).await {
        Ok(None) => Verdict::Passed,
        Ok(Some(difference)) if case.is("extension") => Verdict::Skipped(difference),
        Ok(Some(difference)) => Verdict::Failed(difference),
        Err(error) => Verdict::Failed(format!("{error:#}")),
    }
}

/// The difference from what is expected, if there is one.
async fn outcome(suite: &Suite, case: &Case, place: &Place) -> Result<Option<String>> {
    let world = World::build(suite, case, place).await?;
    let expected = case.get("expect-error").and_then(Edn::as_keyword);
    let mut expected = expected.map(|kind| kind.text().to_owned());
    if let Some(kind) = expected.clone().filter(|kind| kind.starts_with("tx/")) {
        match &world.refused {
            None => return Ok(Some(format!("expected {kind}, but the transaction succeeded"))),
            Some(error) if error.code() != kind => {
                return Ok(Some(format!("expected {kind}, got {}: {error}", error.code())));
            }
            Some(_) => expected = None,
        }
    } else if let Some(error) = &world.refused {
        return Ok(Some(format!("the last transaction is refused: {error}")));
    }
    let given = match (case.get("query"), case.get("pull")) {
        (Some(query), _) => asked(case, query, &world).await?,
        (None, Some(pull)) => pulled(pull, &world).await?,
        (None, None) => return Ok(None),
    };
    Ok(difference(case, &world, expected.as_deref(), &given))
}

fn difference(case: &Case, world: &World, error: Option<&str>, given: &Given) -> Option<String> {
    match (error, given) {
        (Some(kind), Err((code, _))) if kind == code => None,
        (Some(kind), Err((code, message))) => {
            Some(format!("expected {kind}, got {code}: {message}"))
        }
        (Some(kind), Ok(edn)) => Some(format!("expected {kind}, got {edn}")),
        (None, Err((code, message))) => Some(format!("{code}: {message}")),
        (None, Ok(edn)) => {
            let strict_numbers = case.is("strict-numbers");
            let comparison = Comparison { ids: &world.ids, strict_numbers };
            let any = match (case.get("expect"), case.get("expect-any-of")) {
                (Some(expected), _) => comparison.matches(expected, edn),
                (None, Some(Edn::Vector(any))) => {
                    any.iter().any(|expected| comparison.matches(&expected.edn, edn))
                }
                (None, _) => true,
            };
            let expected = || case.get("expect").or_else(|| case.get("expect-any-of"));
            (!any).then(|| format!("expected {}, got {edn}", expected().unwrap_or(&Edn::Nil)))
        }
    }
}

async fn asked(case: &Case, query: &Edn, world: &World) -> Result<Given> {
    let default = [Form::from(Edn::from(Symbol::new("$")))];
    let forms = case.get("inputs").and_then(Edn::as_sequence).unwrap_or(&default);
    let mut inputs = Vec::with_capacity(forms.len());
    for form in forms {
        inputs.push(match form.as_symbol() {
            Some(name) if name.text().starts_with('$') => Input::from(world.database(name)?),
            _ => Input::Value(world.with_ids(&form.edn)),
        });
    }
    let query = match Query::from_form(&Form::from(query.clone())) {
        Ok(query) => query,
        Err(error) => return Ok(Err((error.code().to_owned(), error.message))),
    };
    Ok(match q(&query, inputs).await {
        Ok(answer) => Ok(answer.to_edn()),
        Err(error) => Err((error.code().to_owned(), error.message)),
    })
}

async fn pulled(description: &Edn, world: &World) -> Result<Given> {
    let on = get(description, "on").and_then(Edn::as_symbol).cloned();
    let db = world.database(&on.unwrap_or_else(|| Symbol::new("$")))?;
    let form = get(description, "pattern").context("a pull without :pattern")?;
    let pattern = match PullPattern::from_form(&Form::from(form.clone())) {
        Ok(pattern) => pattern,
        Err(error) => return Ok(Err((error.kind.code().to_owned(), error.message))),
    };
    let (entities, many) = match (get(description, "eid"), get(description, "eids")) {
        (Some(eid), _) => (vec![eid], false),
        (None, Some(eids)) => {
            let eids = eids.as_sequence().context(":eids takes a vector")?;
            (eids.iter().map(|form| &form.edn).collect(), true)
        }
        (None, None) => anyhow::bail!("a pull without :eid or :eids"),
    };
    let mut trees = Vec::with_capacity(entities.len());
    for entity in entities {
        match pull(db, &pattern, &world.entity_ref(entity)?).await {
            Ok(tree) => trees.push(Form::from(tree)),
            Err(error) => return Ok(Err((error.kind.code().to_owned(), error.message))),
        }
    }
    let first = || trees.first().map_or(Edn::Nil, |tree| tree.edn.clone());
    Ok(Ok(if many { Edn::Vector(trees) } else { first() }))
}
