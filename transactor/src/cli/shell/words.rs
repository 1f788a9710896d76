//! Completion: commands, attributes and databases.

use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::brackets::is_open;
use super::session::Session;
use super::statement::COMMANDS;

/// Sections of a query and what else is often typed.
const SECTIONS: [&str; 9] =
    [":find", ":in", ":with", ":where", ":having", ":order-by", ":limit", ":offset", ":keys"];

/// Words that may be completed; shared between the session, which learns them, and the editor.
#[derive(Clone, Default)]
pub(super) struct Words {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// `:ns/name`
    attributes: Vec<String>,
    /// Without the dollar.
    databases: Vec<String>,
}

impl Words {
    /// Takes over the names that the session knows.
    pub(super) fn learn(&self, session: &Session) {
        let attributes = session.databases.iter().flat_map(|attached| {
            let db = attached.last();
            db.schema().attributes().map(|own| own.ident.to_string()).collect::<Vec<_>>()
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.attributes = attributes.collect();
        known.attributes.sort_unstable();
        known.attributes.dedup();
        known.databases = session.databases.iter().map(|own| own.name.clone()).collect();
    }
}

impl Known {
    /// Where the word before a place begins, and what it may become.
    fn candidates(&self, line: &str, place: usize) -> (usize, Vec<String>) {
        let before = line.get(..place).unwrap_or(line);
        let breaks = |c: char| c.is_whitespace() || "()[]{}\",'".contains(c);
        let start = before
            .rfind(breaks)
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        let first = before[..start].trim().is_empty();
        let command = before.trim_start().starts_with(':');
        let mut found = Vec::new();
        let mut add = |candidate: &str| {
            if candidate.starts_with(word) {
                found.push(candidate.to_owned());
            }
        };
        if first {
            COMMANDS.iter().for_each(|(name, ..)| add(name));
        } else if let Some(name) = word.strip_prefix('$') {
            let own = self.databases.iter().filter(|own| own.starts_with(name));
            own.for_each(|own| add(&format!("${own}")));
        } else if word.starts_with(':') {
            SECTIONS.iter().for_each(|section| add(section));
            self.attributes.iter().for_each(|attribute| add(attribute));
        } else if command && !is_open(before) {
            self.databases.iter().for_each(|own| add(own));
        }
        (start, found)
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        place: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.candidates(line, place))
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_open(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_completed_by_where_they_stand() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let known = Known {
            attributes: texts(&[":item/left", ":item/sku", ":whole/item"]),
            databases: texts(&["stock", "shop"]),
        };
        let found = |line: &str| known.candidates(line, line.len());
        assert_eq!(found(":as"), (0, texts(&[":as-of"])));
        assert_eq!(found("[:find ?e :where [?e :it"), (21, texts(&[":item/left", ":item/sku"])));
        assert_eq!(found("[:find ?e :wh"), (10, texts(&[":where", ":whole/item"])));
        assert_eq!(found("[:find ?e :in $st"), (14, texts(&["$stock"])));
        assert_eq!(found(":as-of s"), (7, texts(&["stock", "shop"])));
        assert_eq!(found("[?s"), (1, texts(&[])));
        assert_eq!(found("é:"), (0, texts(&[])));
    }
}
