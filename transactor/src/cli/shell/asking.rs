//! Queries and pulls: what stands at which place of `:in`, how they are called off, what is shown.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use duramen::{
    Answer, CancelToken, DbExt, Edn, Error, Explanation, Form, Input, Limits, Query, QueryOptions,
    QueryText, Span, explain_analyze, q_with,
};

use super::session::{Session, no_database};
use crate::cli::exit::Failure;
use crate::cli::query::inputs;
use crate::cli::text::Text;
use crate::cli::{output, pull};

/// What is shown of a query or a pull.
enum Asked {
    Answer(Answer),
    Pulled(Edn),
    Steps(Explanation),
}

/// Answers a query, or shows its steps.
pub(super) async fn query(
    session: &Session,
    text: &Text,
    form: &Form,
    values: VecDeque<Form>,
    explain: bool,
) -> Result<(), Failure> {
    let query = Query::from_form(form).map_err(|error| refused(session, text, error.into()))?;
    let inputs = session.interrupts.waiting(inputs_of(session, form, values)).await??;
    let cancel = CancelToken::new();
    let options = QueryOptions {
        limits: Limits { time_max: session.timeout, ..Limits::default() },
        cancel: Some(cancel.clone()),
        plans: Some(session.plans.clone()),
        ..QueryOptions::default()
    };
    let begun = Instant::now();
    let asked = async move {
        match explain {
            true => {
                let asked = explain_analyze(&query, inputs, &options).await;
                asked.map(|(_, steps)| Asked::Steps(steps))
            }
            false => q_with(&query, inputs, &options).await.map(Asked::Answer),
        }
    };
    let asked = session.interrupts.computing(&cancel, asked).await?;
    let asked = asked.map_err(|error| refused(session, text, error))?;
    show(session, asked, begun.elapsed()).await
}

/// Shows an answer and how long it took; also that may be called off, as it may be long.
async fn show(session: &Session, asked: Asked, elapsed: Duration) -> Result<(), Failure> {
    let format = session.format;
    let cancel = CancelToken::new();
    let called_off = cancel.clone();
    let shown = async move {
        let text = match asked {
            Asked::Answer(answer) => output::answer_text(&answer, format)?,
            Asked::Pulled(pulled) if format.json => output::json_text(&pulled)?,
            Asked::Pulled(pulled) => output::edn_text(&pulled),
            Asked::Steps(steps) if format.json => steps.to_json(),
            Asked::Steps(steps) => steps.to_string().trim_end().to_owned(),
        };
        output::lines(&text, || !called_off.is_cancelled())
    };
    session.interrupts.computing(&cancel, shown).await??;
    match session.timing {
        true => output::line(output::milliseconds(elapsed)),
        false => Ok(()),
    }
}

/// What is wrong, with its place in what was entered, or in the rules.
fn refused(session: &Session, text: &Text, error: Error) -> Failure {
    let (of_rules, span) = match &error {
        Error::Query(error) => (error.text == QueryText::Rules, error.span),
        Error::Pull(error) => (false, error.span),
        _ => (false, Span::default()),
    };
    match of_rules {
        true => Text::new("rules", session.rules_text()).wrong_at(error.into(), span),
        false => text.wrong_at(error.into(), span),
    }
}

/// The inputs in the order of `:in`: databases by their names, the rules of the session, and the
/// values that follow the query.
async fn inputs_of(
    session: &Session,
    query: &Form,
    mut values: VecDeque<Form>,
) -> Result<Vec<Input>, Failure> {
    let dollar = Edn::from(duramen::Symbol::new("$"));
    let places = inputs::places(query).unwrap_or_else(|| vec![&dollar]);
    let mut inputs = Vec::with_capacity(places.len());
    for place in places {
        let name = place.as_symbol().map_or("", duramen::Symbol::text);
        let input = match (name.strip_prefix('$'), name) {
            (Some(source), _) => match (session.source(source), values.pop_front()) {
                (Some(attached), value) => {
                    value.into_iter().for_each(|value| values.push_front(value));
                    Input::Db(attached.db(session.follow).await?)
                }
                (None, Some(value)) => inputs::relation(place, &value).map(Input::Relation)?,
                (None, None) if source.is_empty() => return Err(no_database()),
                (None, None) => {
                    return Err(Failure::usage(format!(
                        "nothing is given for {place}: :attach {source} URL, or rows after the query"
                    )));
                }
            },
            (None, name) if name.starts_with('%') => {
                let text = Text::new("rules", session.rules_text());
                Input::Rules(text.form()?)
            }
            _ => Input::Value(value_for(place, &mut values)?),
        };
        inputs.push(input);
    }
    match values.front() {
        None => Ok(inputs),
        Some(value) => {
            let value = &value.edn;
            Err(Failure::usage(format!("the query has no place in :in for {value}")))
        }
    }
}

fn value_for(place: &Edn, values: &mut VecDeque<Form>) -> Result<Edn, Failure> {
    let value = values.pop_front().map(|form| form.edn);
    value.ok_or_else(|| {
        let message = format!("nothing is given for {place} in :in: write it after the query");
        Failure::usage(message)
    })
}

/// Shows what a pattern asks for of an entity.
pub(super) async fn pulled(
    session: &Session,
    text: &Text,
    database: Option<&str>,
    pattern: &Form,
    entity: &Form,
) -> Result<(), Failure> {
    let attached = session.source(database.unwrap_or("")).ok_or_else(no_database)?;
    let entity = pull::reference_of(text, entity)?;
    let begun = Instant::now();
    let db = session.interrupts.waiting(attached.db(session.follow)).await??;
    let pattern = pattern.clone();
    let pulled = async move { db.pull(&pattern, entity).await };
    let pulled = session.interrupts.computing(&CancelToken::new(), pulled).await?;
    let pulled = pulled.map_err(|error| refused(session, text, error))?;
    show(session, Asked::Pulled(pulled), begun.elapsed()).await
}
