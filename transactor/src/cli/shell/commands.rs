//! What statements do.

use duramen::{Attribute, Cardinality, Edn, Unique};

use super::asking;
use super::session::{Attached, Session, no_database};
use super::statement::{COMMANDS, Statement};
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::text::Text;

/// Does what was entered; the text is for showing what is wrong in it.
pub(super) async fn execute(
    session: &mut Session,
    statement: Statement,
    text: &Text,
) -> Result<(), Failure> {
    match statement {
        Statement::Query { query, inputs } => {
            asking::query(session, text, &query, inputs, false).await
        }
        Statement::Explain { query, inputs } => {
            asking::query(session, text, &query, inputs, true).await
        }
        Statement::Pull { database, pattern, entity } => {
            asking::pulled(session, text, database.as_deref(), &pattern, &entity).await
        }
        Statement::Attach { name, url } => session.attach(name.as_deref(), &url).await,
        Statement::Detach(name) => session.detach(&name),
        Statement::Databases => databases(session),
        Statement::Schema(words) => schema(session, &words).await,
        Statement::Refresh => refresh(session).await,
        Statement::ShowRules => output::line(session.rules_text()),
        Statement::Help => help(),
        Statement::Nothing | Statement::Quit => Ok(()),
        change => set(session, change),
    }
}

/// Statements that change how others are answered.
fn set(session: &mut Session, statement: Statement) -> Result<(), Failure> {
    match statement {
        Statement::AsOf(name, time) => session.named(name.as_deref())?.as_of = time,
        Statement::Since(name, time) => session.named(name.as_deref())?.since = time,
        Statement::History(name, on) => session.named(name.as_deref())?.history = on,
        Statement::Follow(on) => session.follow = on,
        Statement::ClearRules => session.clear_rules(),
        Statement::AddRules(rules) => session.add_rules(rules),
        Statement::Timing(on) => session.timing = on,
        Statement::Timeout(timeout) => session.timeout = timeout,
        Statement::Show(format) => session.format = format,
        _ => {}
    }
    Ok(())
}

fn help() -> Result<(), Failure> {
    output::line("A query: [:find ?e :in $ ?x :where [?e :ns/name ?x]] 17")?;
    output::line(
        "  Inputs follow it. It may go on over several lines, until all brackets are closed.",
    )?;
    output::line("A pull: (pull [*] [:ns/name \"value\"]) or (pull $NAME PATTERN ENTITY)\n")?;
    for (name, arguments, what) in COMMANDS {
        output::line(format_args!("{:<34} {what}", format!("{name} {arguments}")))?;
    }
    Ok(())
}

fn show(session: &Session, columns: &[&str], rows: &[Vec<Edn>]) -> Result<(), Failure> {
    if session.format.json || session.format.edn {
        let row =
            |row: &Vec<Edn>| Edn::Vector(row.iter().cloned().map(duramen::Form::from).collect());
        let all = Edn::Vector(rows.iter().map(row).map(duramen::Form::from).collect());
        return if session.format.json { output::json(&all) } else { output::edn(&all) };
    }
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    output::line(output::table(&columns, rows).trim_fmt())
}

fn databases(session: &Session) -> Result<(), Failure> {
    let row = |(at, attached): (usize, &Attached)| {
        let name =
            if at == 0 { format!("$ ${}", attached.name) } else { format!("${}", attached.name) };
        let time = |time: &Option<_>| match time {
            Some(time) => format!("{time}"),
            None => String::new(),
        };
        let history = if attached.history { "on" } else { "" };
        let t = i64::try_from(attached.last().basis_t().get()).unwrap_or(i64::MAX);
        let cells = [name, attached.url.clone(), time(&attached.as_of), time(&attached.since)];
        let mut row: Vec<Edn> = cells.into_iter().map(Edn::from).collect();
        row.extend([Edn::from(history), Edn::from(t)]);
        row
    };
    let rows: Vec<Vec<Edn>> = session.databases.iter().enumerate().map(row).collect();
    show(session, &["database", "url", "as of", "since", "history", "newest t"], &rows)
}

async fn refresh(session: &Session) -> Result<(), Failure> {
    for attached in &session.databases {
        session.interrupts.waiting(attached.db(true)).await??;
        output::line(format_args!("${} is at t {}", attached.name, attached.last().basis_t()))?;
    }
    Ok(())
}

/// Attributes of all databases, or of the one that the first word names, whose names begin so.
async fn schema(session: &Session, words: &[String]) -> Result<(), Failure> {
    let named = words.first().and_then(|word| session.source(word.trim_start_matches('$')));
    let (databases, prefix): (Vec<&Attached>, _) = match (named, words) {
        (Some(attached), [_, rest @ ..]) => (vec![attached], rest.first()),
        (_, [prefix]) => (session.databases.iter().collect(), Some(prefix)),
        (_, []) => (session.databases.iter().collect(), None),
        (_, [name, ..]) => {
            return Err(Failure::usage(format!("no database {name} is attached")));
        }
    };
    if databases.is_empty() {
        return Err(no_database());
    }
    let prefix = prefix.map_or("", |prefix| prefix.trim_start_matches(':'));
    let mut rows = Vec::new();
    for attached in databases {
        let db = session.interrupts.waiting(attached.db(session.follow)).await??;
        let mut attributes: Vec<&Attribute> = db.schema().attributes().collect();
        // What every database has is shown to whoever asks for it.
        attributes.retain(|own| match prefix {
            "" => !own.ident.to_string().starts_with(":db"),
            prefix => own.ident.to_string()[1..].starts_with(prefix),
        });
        attributes.sort_by_key(|own| own.ident.to_string());
        rows.extend(attributes.into_iter().map(|own| attribute_row(&attached.name, own)));
    }
    show(session, &["database", "attribute", "type", "cardinality", "more", "doc"], &rows)
}

fn attribute_row(database: &str, attribute: &Attribute) -> Vec<Edn> {
    let cardinality = match attribute.cardinality {
        Cardinality::One => "one",
        Cardinality::Many => "many",
    };
    let mut more = Vec::new();
    match attribute.unique {
        Some(Unique::Identity) => more.push("identity"),
        Some(Unique::Value) => more.push("unique"),
        None if attribute.index => more.push("index"),
        None => {}
    }
    more.extend(attribute.component.then_some("component"));
    more.extend(attribute.no_history.then_some("no history"));
    vec![
        Edn::from(format!("${database}")),
        Edn::from(attribute.ident.clone()),
        Edn::from(attribute.value_type.name()),
        Edn::from(cardinality),
        Edn::from(more.join(", ")),
        Edn::from(attribute.doc.as_deref().unwrap_or("")),
    ]
}
