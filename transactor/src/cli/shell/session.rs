//! The databases of a session, and how they are looked at.

use std::collections::HashSet;
use std::time::Duration;

use duramen::{Client, Connection, Db, Edn, Form, PlanCache, Symbol};

use super::interrupts::Interrupts;
use crate::cli::arguments::Format;
use crate::cli::configuration::Configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::sources::{self, Named, Time};

/// Plans that are kept for queries that are asked again.
const PLANS_MAX: usize = 128;

/// What lasts from one statement to the next.
pub(super) struct Session {
    client: Client,
    pub(super) databases: Vec<Attached>,
    rules: Vec<Form>,
    /// Whether each statement sees what is newest.
    pub(super) follow: bool,
    pub(super) timing: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) format: Format,
    pub(super) plans: PlanCache,
    pub(super) interrupts: Interrupts,
}

/// A database that is open.
pub(super) struct Attached {
    /// Without the dollar.
    pub(super) name: String,
    pub(super) url: String,
    connection: Connection,
    pub(super) as_of: Option<Time>,
    pub(super) since: Option<Time>,
    pub(super) history: bool,
}

impl Session {
    pub(super) fn new(
        configuration: &Configuration,
        interactive: bool,
        timeout: Option<Duration>,
    ) -> Self {
        Self {
            client: sources::client(configuration),
            databases: Vec::new(),
            rules: Vec::new(),
            follow: true,
            timing: interactive,
            timeout,
            format: Format { json: false, edn: false },
            plans: PlanCache::new(PLANS_MAX),
            interrupts: Interrupts::none(),
        }
    }

    /// Opens a database given as `NAME=URL` or as its URL alone.
    pub(super) async fn attach_text(&mut self, text: &str) -> Result<(), Failure> {
        let Named { name, rest } = Named::parse(text);
        self.attach(name, rest).await
    }

    /// Opens a database, which is called as it is in its store where no name is given.
    pub(super) async fn attach(&mut self, name: Option<&str>, url: &str) -> Result<(), Failure> {
        let connecting = sources::connect(&self.client, url);
        let connection = self.interrupts.waiting(connecting).await??;
        let name = name.unwrap_or_else(|| connection.name()).to_owned();
        if self.databases.iter().any(|own| own.name == name) {
            let message = format!("{name} is attached already: give another name before the URL");
            return Err(Failure::new(Exit::Conflict, message));
        }
        let url = url.to_owned();
        let attached = Attached { name, url, connection, as_of: None, since: None, history: false };
        self.databases.push(attached);
        Ok(())
    }

    pub(super) fn detach(&mut self, name: &str) -> Result<(), Failure> {
        let at = self.place(Some(name))?;
        self.databases.remove(at);
        Ok(())
    }

    /// The database of a name; without a name the only one.
    pub(super) fn named(&mut self, name: Option<&str>) -> Result<&mut Attached, Failure> {
        let at = self.place(name)?;
        Ok(&mut self.databases[at])
    }

    /// The database that `$` or `$name` stands for, if it is attached.
    pub(super) fn source(&self, symbol: &str) -> Option<&Attached> {
        match symbol {
            "" => self.databases.first(),
            name => self.databases.iter().find(|own| own.name == name),
        }
    }

    fn place(&self, name: Option<&str>) -> Result<usize, Failure> {
        let names = || {
            let names: Vec<&str> = self.databases.iter().map(|own| own.name.as_str()).collect();
            names.join(", ")
        };
        match (name, self.databases.as_slice()) {
            (_, []) => Err(no_database()),
            (None, [_]) => Ok(0),
            (None, _) => Err(Failure::usage(format!("say which database: {}", names()))),
            (Some(name), databases) => {
                databases.iter().position(|own| own.name == name).ok_or_else(|| {
                    Failure::usage(format!("no database {name} is attached, but {}", names()))
                })
            }
        }
    }

    /// Adds rules; those of a name replace what there was of that name.
    pub(super) fn add_rules(&mut self, rules: Vec<Form>) {
        let names: HashSet<Symbol> = rules.iter().filter_map(rule_name).collect();
        self.rules.retain(|rule| rule_name(rule).is_none_or(|name| !names.contains(&name)));
        self.rules.extend(rules);
    }

    pub(super) fn clear_rules(&mut self) {
        self.rules.clear();
    }

    /// The text of all rules, a line for each.
    pub(super) fn rules_text(&self) -> String {
        let lines: Vec<String> = self.rules.iter().map(Form::to_string).collect();
        format!("[{}]", lines.join("\n "))
    }
}

pub(super) fn no_database() -> Failure {
    Failure::usage("no database is attached: :attach NAME URL")
}

fn rule_name(rule: &Form) -> Option<Symbol> {
    let head = rule.as_sequence()?.first()?;
    let Edn::List(parts) = &head.edn else { return None };
    parts.first()?.as_symbol().cloned()
}

impl Attached {
    /// The database as it is looked at: what is newest, or what was seen last.
    pub(super) async fn db(&self, newest: bool) -> Result<Db, Failure> {
        let mut db = match newest {
            true => self.connection.db().await?,
            false => self.connection.last_db(),
        };
        if let Some(time) = self.as_of {
            db = db.as_of(time.t(&db).await?);
        }
        if let Some(time) = self.since {
            db = db.since(time.t(&db).await?);
        }
        Ok(if self.history { db.history() } else { db })
    }

    /// What was seen last, as a whole.
    pub(super) fn last(&self) -> Db {
        self.connection.last_db()
    }
}
