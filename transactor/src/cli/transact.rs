//! `transact`: transactions, one after another.

use duramen::{Edn, Form, Span};
use duramen_proto::v1::TransactRequest;
use duramen_proto::v1::transact_request::Data;
use duramen_transactor::client::{Client, ClientError, Transacted};
use uuid::Uuid;

use super::arguments::{Format, Transact};
use super::configuration::Configuration;
use super::exit::{Exit, Failure};
use super::text::Text;
use super::{output, report, transactor};

/// Applies what was typed, or what is in a file, and prints a report of each transaction.
pub(crate) async fn run(configuration: &Configuration, flags: &Transact) -> Result<(), Failure> {
    let text = Text::given("transaction", flags.data.as_deref(), flags.file.as_deref())?;
    let forms = transactions(&text)?;
    if flags.request_id.is_some() && forms.len() > 1 {
        let message = format!("a request id is for one transaction: there are {}", forms.len());
        return Err(Failure::usage(message));
    }
    let client = transactor(configuration, &flags.of.at).await?;
    for form in &forms {
        let transacted = apply(&client, flags, &text, form.span).await?;
        print(&transacted, flags)?;
    }
    Ok(())
}

/// The transactions of a text: each top-level vector is one.
fn transactions(text: &Text) -> Result<Vec<Form>, Failure> {
    let forms = text.forms()?;
    if forms.is_empty() {
        let failure = Failure::invalid("expected a transaction, found the end of the text");
        return Err(text.wrong(failure, text.content.len(), text.content.len()));
    }
    for form in &forms {
        if !matches!(form.edn, Edn::Vector(_) | Edn::List(_)) {
            let message = format!(
                "a transaction is a vector, such as [{{:item/left 40}}], not {}",
                form.edn.kind()
            );
            return Err(text.wrong_at(Failure::invalid(message), form.span));
        }
    }
    Ok(forms)
}

async fn apply(
    client: &Client,
    flags: &Transact,
    text: &Text,
    span: Span,
) -> Result<Transacted, Failure> {
    let start = span.start as usize;
    let edn = &text.content[start..span.end as usize];
    let id = flags.request_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    let request = TransactRequest {
        database: flags.of.database.clone(),
        data: Some(Data::Edn(edn.to_owned())),
        request_id: id.clone(),
        omit_datoms: false,
    };
    client.transact_request(request).await.map_err(|error| {
        let place = place(&error);
        match (Failure::from(error), place) {
            (failure, Some((from, to))) => text.wrong(failure, start + from, start + to),
            (failure, None) if failure.exit == Exit::Unknown => failure.adding(format_args!(
                "it may have been applied: sent again with --request-id {id} it is applied once"
            )),
            (failure, None) => failure,
        }
    })
}

/// Which bytes of a transaction are at fault.
fn place(error: &ClientError) -> Option<(usize, usize)> {
    let (_, facts) = error.info()?;
    let fact = |name: &str| facts.get(name)?.parse::<usize>().ok();
    match (fact("start"), fact("end"), fact("offset")) {
        (Some(start), Some(end), _) if end > 0 => Some((start, end)),
        (_, _, Some(offset)) => Some((offset, offset + 1)),
        _ => None,
    }
}

fn print(transacted: &Transacted, flags: &Transact) -> Result<(), Failure> {
    let report = report::edn(transacted, flags.datoms);
    match flags.format {
        Format { json: true, .. } => output::json(&report),
        Format { edn: true, .. } => output::line(&report),
        _ => output::edn(&report),
    }
}
