//! `query`: one question to any number of databases, answered from their buckets.

pub(crate) mod inputs;

use std::time::{Duration, Instant};

use duramen::{
    Answer, Error, Explanation, Query as Parsed, QueryOptions, QueryText, Span, explain_analyze,
    q_with,
};

use super::arguments::Query;
use super::configuration::Configuration;
use super::exit::Failure;
use super::output;
use super::sources::{self, Source};
use super::text::Text;

/// Answers a query and prints the answer.
pub(crate) async fn run(configuration: &Configuration, flags: &Query) -> Result<(), Failure> {
    let text = Text::given("query", flags.query.as_deref(), flags.file.as_deref())?;
    let form = text.form()?;
    let query = Parsed::from_form(&form).map_err(|error| refused(&text, error.into()))?;
    let values = inputs::read(&flags.inputs)?;
    let begun = Instant::now();
    let sources = sources::open(configuration, &flags.sources).await?;
    let opened = begun.elapsed();
    let inputs = inputs::arrange(&form, &sources, values)?;
    let options = QueryOptions::default();
    let asked = match flags.explain {
        true => {
            let asked = explain_analyze(&query, inputs, &options).await;
            asked.map(|(_, steps)| Asked::Steps(steps))
        }
        false => q_with(&query, inputs, &options).await.map(Asked::Answer),
    };
    let asked = asked.map_err(|error| refused(&text, error))?;
    let answered = begun.elapsed();
    match asked {
        Asked::Answer(answer) => output::answer(&answer, flags.format)?,
        Asked::Steps(steps) if flags.format.json => output::line(steps.to_json())?,
        Asked::Steps(steps) => output::line(steps.to_string().trim_end())?,
    }
    if flags.sources.stats {
        tell_cost(&sources, opened, answered);
    }
    sources::close(&sources).await;
    Ok(())
}

/// What is shown of a query.
enum Asked {
    Answer(Answer),
    Steps(Explanation),
}

fn refused(text: &Text, error: Error) -> Failure {
    let span = match &error {
        Error::Query(error) if error.text == QueryText::Query => error.span,
        _ => Span::default(),
    };
    text.wrong_at(error.into(), span)
}

/// As in `cost: 9 GETs, 2 listings, 3.1 KiB; 12.0 ms to open 2 databases, 3.0 ms to answer`.
fn tell_cost(sources: &[Source], opened: Duration, answered: Duration) {
    let databases = sources.len();
    output::note(format_args!(
        "cost: {}; {} to open {databases} database{}, {} to answer",
        sources::cost(sources),
        output::milliseconds(opened),
        output::plural(databases),
        output::milliseconds(answered.saturating_sub(opened)),
    ));
}
