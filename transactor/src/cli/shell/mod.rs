//! `shell`: questions to several databases, one after the other, with what was asked at hand.
//!
//! Reading order: [`statement`] (what can be entered), [`brackets`] (where it ends), [`session`]
//! (the databases, and how they are looked at), [`commands`] and [`asking`] (what is done),
//! [`interrupts`] (Ctrl-C), [`lines`] (terminal or pipe), [`words`] (completion).

mod asking;
mod brackets;
mod commands;
mod interrupts;
mod lines;
mod session;
mod statement;
mod words;

use std::io::IsTerminal;
use std::time::Duration;

use super::arguments::Shell;
use super::configuration::Configuration;
use super::exit::Failure;
use super::output;
use interrupts::Interrupts;
use lines::Lines;
use session::Session;
use words::Words;

/// Reads statements until there are no more. From a pipe it goes on after one that fails, and
/// fails in the end.
pub(crate) async fn run(configuration: &Configuration, flags: &Shell) -> Result<(), Failure> {
    let interactive = std::io::stdin().is_terminal();
    let timeout = (flags.timeout > 0).then(|| Duration::from_secs(flags.timeout));
    let mut session = Session::new(configuration, interactive, timeout);
    for database in &flags.databases {
        session.attach_text(database).await?;
    }
    if interactive {
        // Until now Ctrl-C ended the process.
        session.interrupts = Interrupts::listen()?;
    }
    let words = Words::default();
    let mut lines = match interactive {
        true => Lines::terminal(words.clone(), flags.no_history)?,
        false => Lines::pipe(),
    };
    let mut outcome = Outcome::default();
    loop {
        words.learn(&session);
        session.interrupts.forget();
        let Some(text) = lines.next()? else { break };
        let done = match statement::read(&text) {
            Ok(statement::Statement::Quit) => break,
            Ok(statement) => commands::execute(&mut session, statement, &text).await,
            Err(failure) => Err(failure),
        };
        outcome.statements += 1;
        if let Err(failure) = done {
            output::note(format_args!("error: {failure}"));
            outcome.failed.get_or_insert((failure.exit, 0)).1 += 1;
        }
    }
    if interactive { Ok(()) } else { outcome.result() }
}

/// What became of the statements of a pipe.
#[derive(Debug, Default)]
struct Outcome {
    statements: usize,
    /// How the first one failed, and how many did.
    failed: Option<(super::exit::Exit, usize)>,
}

impl Outcome {
    fn result(self) -> Result<(), Failure> {
        let Some((exit, failed)) = self.failed else { return Ok(()) };
        let statements = self.statements;
        let plural = output::plural(statements);
        Err(Failure::new(exit, format!("{failed} of {statements} statement{plural} failed")))
    }
}
