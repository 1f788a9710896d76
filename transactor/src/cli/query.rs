//! `query`: one question to any number of databases, answered from their buckets.

mod inputs;

use std::time::{Duration, Instant};

use duramen::{Error, Query as Parsed, Span, q};

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
    let answer = q(&query, inputs).await.map_err(|error| refused(&text, error))?;
    let answered = begun.elapsed();
    output::answer(&answer, flags.format)?;
    if flags.sources.stats {
        tell_cost(&sources, opened, answered);
    }
    sources::close(&sources).await;
    Ok(())
}

fn refused(text: &Text, error: Error) -> Failure {
    let span = match &error {
        Error::Query(error) => error.span,
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
