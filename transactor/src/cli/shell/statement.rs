//! What can be entered: commands, which begin with a colon, queries and pulls.

use std::collections::VecDeque;
use std::time::Duration;

use duramen::{Edn, Form};

use crate::cli::arguments::Format;
use crate::cli::exit::Failure;
use crate::cli::sources::{Named, Time};
use crate::cli::text::Text;

/// The commands: name, what follows it, what it does.
pub(super) const COMMANDS: [(&str, &str, &str); 19] = [
    (":attach", "[NAME] URL", "opens a database; the first one is $, each is $NAME"),
    (":detach", "NAME", "closes a database"),
    (":databases", "", "lists the databases, and how they are looked at"),
    (":schema", "[NAME] [PREFIX]", "lists attributes"),
    (":as-of", "[NAME] T|INSTANT|now", "looks at a database as of a time"),
    (":since", "[NAME] T|INSTANT|off", "looks at what was added after a time"),
    (":history", "[NAME] on|off", "looks at all that ever was, retractions included"),
    (":follow", "on|off", "whether each statement sees what is newest; on at first"),
    (":refresh", "", "looks for what is new"),
    (":rules", "[RULES|clear]", "adds to the rules that % stands for; alone it shows them"),
    (":explain", "QUERY", "shows the steps of a query, and what they cost"),
    (":pull", "[$NAME] PATTERN ENTITY", "shows an entity, as (pull PATTERN ENTITY) does"),
    (":timing", "on|off", "whether times are shown"),
    (":timeout", "SECONDS|off", "how long a query may take"),
    (":table", "", "shows answers as tables"),
    (":edn", "", "shows answers as EDN"),
    (":json", "", "shows answers as JSON"),
    (":help", "", "shows this"),
    (":quit", "", "ends the shell, as Ctrl-D does"),
];

/// What was entered.
#[derive(Debug)]
pub(super) enum Statement {
    Nothing,
    Query {
        query: Form,
        inputs: VecDeque<Form>,
    },
    Explain {
        query: Form,
        inputs: VecDeque<Form>,
    },
    Pull {
        database: Option<String>,
        pattern: Form,
        entity: Form,
    },
    Attach {
        name: Option<String>,
        url: String,
    },
    Detach(String),
    Databases,
    Schema(Vec<String>),
    /// `None` for the present.
    AsOf(Option<String>, Option<Time>),
    Since(Option<String>, Option<Time>),
    History(Option<String>, bool),
    Follow(bool),
    Refresh,
    ShowRules,
    ClearRules,
    AddRules(Vec<Form>),
    Timing(bool),
    Timeout(Option<Duration>),
    Show(Format),
    Help,
    Quit,
}

/// Reads a statement.
pub(super) fn read(text: &Text) -> Result<Statement, Failure> {
    let content = text.content.trim();
    let words: Vec<&str> = content.split_whitespace().collect();
    match words.split_first() {
        None => Ok(Statement::Nothing),
        Some((&(":explain" | ":pull" | ":rules"), rest)) if rest != ["clear"] => forms(text),
        Some((name, rest)) if name.starts_with(':') => command(name, rest),
        Some(_) => forms(text),
    }
}

/// A statement that is EDN, or goes on with it.
fn forms(text: &Text) -> Result<Statement, Failure> {
    let mut forms: VecDeque<Form> = text.forms()?.into();
    let Some(first) = forms.pop_front() else { return Ok(Statement::Nothing) };
    match &first.edn {
        edn if is(edn, "explain") => match forms.pop_front() {
            Some(query) => Ok(Statement::Explain { query, inputs: forms }),
            None => Err(usage(":explain")),
        },
        edn if is(edn, "rules") => match forms.pop_front() {
            None => Ok(Statement::ShowRules),
            Some(Form { edn: Edn::Vector(rules), .. }) if forms.is_empty() => {
                Ok(Statement::AddRules(one_or_many(rules)))
            }
            Some(_) => Err(usage(":rules")),
        },
        edn if is(edn, "pull") => pull(forms.into_iter()),
        Edn::List(parts) if parts.first().is_some_and(|form| symbol(form) == "pull") => {
            pull(parts.iter().skip(1).cloned())
        }
        Edn::Vector(_) | Edn::Map(_) => Ok(Statement::Query { query: first, inputs: forms }),
        other => {
            let message = format!(
                "expected a query, (pull PATTERN ENTITY) or a command, found {}: try :help",
                other.kind()
            );
            Err(text.wrong_at(Failure::invalid(message), first.span))
        }
    }
}

/// A single rule may stand without the brackets around it: `[(name ?a) clause…]`.
fn one_or_many(rules: Vec<Form>) -> Vec<Form> {
    match rules.first() {
        Some(Form { edn: Edn::List(_), .. }) => vec![Form::from(Edn::Vector(rules))],
        _ => rules,
    }
}

fn pull(forms: impl Iterator<Item = Form>) -> Result<Statement, Failure> {
    let mut forms: VecDeque<Form> = forms.collect();
    let database = forms.front().and_then(|form| symbol(form).strip_prefix('$')).map(str::to_owned);
    if database.is_some() {
        forms.pop_front();
    }
    match (forms.pop_front(), forms.pop_front(), forms.pop_front()) {
        (Some(pattern), Some(entity), None) => Ok(Statement::Pull { database, pattern, entity }),
        _ => Err(usage(":pull")),
    }
}

fn is(edn: &Edn, name: &str) -> bool {
    edn.as_keyword().is_some_and(|keyword| keyword.text() == name)
}

fn symbol(form: &Form) -> &str {
    form.as_symbol().map_or("", duramen::Symbol::text)
}

fn command(name: &str, words: &[&str]) -> Result<Statement, Failure> {
    let json = Format { json: true, edn: false };
    let edn = Format { json: false, edn: true };
    Ok(match (name, words) {
        (":attach", [text]) => {
            let Named { name, rest } = Named::parse(text);
            Statement::Attach { name: name.map(str::to_owned), url: rest.to_owned() }
        }
        (":attach", [name, url]) => {
            Statement::Attach { name: Some(plain(name)), url: (*url).to_owned() }
        }
        (":detach", [name]) => Statement::Detach(plain(name)),
        (":databases", []) => Statement::Databases,
        (":schema", words) if words.len() <= 2 => {
            Statement::Schema(words.iter().map(|word| (*word).to_owned()).collect())
        }
        (":as-of" | ":since", [.., time]) if words.len() <= 2 => {
            let named = (words.len() == 2).then(|| plain(words[0]));
            let time = match *time {
                "now" | "off" => None,
                time => Some(Time::parse(name, time)?),
            };
            match name {
                ":as-of" => Statement::AsOf(named, time),
                _ => Statement::Since(named, time),
            }
        }
        (":history", [switch]) => Statement::History(None, on(name, switch)?),
        (":history", [database, switch]) => {
            Statement::History(Some(plain(database)), on(name, switch)?)
        }
        (":follow", [switch]) => Statement::Follow(on(name, switch)?),
        (":refresh", []) => Statement::Refresh,
        (":rules", ["clear"]) => Statement::ClearRules,
        (":timing", [switch]) => Statement::Timing(on(name, switch)?),
        (":timeout", ["off"]) => Statement::Timeout(None),
        (":timeout", [seconds]) => {
            let seconds = seconds.parse().map_err(|_| usage(name))?;
            Statement::Timeout(Some(Duration::from_secs(seconds)))
        }
        (":table", []) => Statement::Show(Format { json: false, edn: false }),
        (":edn", []) => Statement::Show(edn),
        (":json", []) => Statement::Show(json),
        (":help", _) => Statement::Help,
        (":quit" | ":exit", []) => Statement::Quit,
        _ => return Err(usage(name)),
    })
}

/// The name without the dollar.
fn plain(name: &str) -> String {
    name.trim_start_matches('$').to_owned()
}

fn on(command: &str, switch: &str) -> Result<bool, Failure> {
    match switch {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(usage(command)),
    }
}

fn usage(command: &str) -> Failure {
    match COMMANDS.iter().find(|(name, ..)| *name == command) {
        Some((name, arguments, _)) => Failure::usage(format!("expected {name} {arguments}")),
        None => Failure::usage(format!("no command {command}: try :help")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Statement, Failure> {
        super::read(&Text::new("statement", text))
    }

    #[test]
    fn statements_are_told_apart() {
        assert!(matches!(read("  "), Ok(Statement::Nothing)));
        assert!(matches!(read("; words"), Ok(Statement::Nothing)));
        assert!(matches!(
            read("[:find ?e :in ?e] 5"),
            Ok(Statement::Query { inputs, .. }) if inputs.len() == 1
        ));
        assert!(matches!(read("{:find [?e]}"), Ok(Statement::Query { .. })));
        assert!(matches!(read(":explain [:find ?e]"), Ok(Statement::Explain { .. })));
        for pull in ["(pull [*] 17)", ":pull [*] 17"] {
            assert!(matches!(read(pull), Ok(Statement::Pull { database: None, .. })), "{pull}");
        }
        assert!(matches!(
            read("(pull $shop [*] [:a/b 1])"),
            Ok(Statement::Pull { database: Some(name), .. }) if name == "shop"
        ));
        assert!(
            matches!(read(":rules [[(r ?a) [?a]]]"), Ok(Statement::AddRules(rules)) if rules.len() == 1)
        );
        assert!(
            matches!(read(":rules [(r ?a) [?a]]"), Ok(Statement::AddRules(rules)) if rules.len() == 1)
        );
        assert!(matches!(read(":rules clear"), Ok(Statement::ClearRules)));
        assert!(matches!(read(":as-of shop 2024-05-01"), Ok(Statement::AsOf(Some(_), Some(_)))));
        assert!(matches!(read(":as-of now"), Ok(Statement::AsOf(None, None))));
        assert!(matches!(
            read(":attach shop=s3://a/b"),
            Ok(Statement::Attach { name: Some(name), url }) if name == "shop" && url == "s3://a/b"
        ));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text| read(text).unwrap_err().to_string();
        assert_eq!(told(":timing"), "expected :timing on|off");
        assert_eq!(told(":select"), "no command :select: try :help");
        assert!(told("17").contains("line 1, column 1: expected a query"), "{}", told("17"));
        assert!(told("(pull [*])").starts_with("expected :pull"));
        assert!(told("[:find").contains("line 1"), "{}", told("[:find"));
    }
}
