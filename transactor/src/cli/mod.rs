//! The command line: a module for each command, and what they share.
//!
//! Reading order: [`arguments`] (what was typed), [`configuration`] (what holds), [`exit`] (how a
//! command fails), [`text`] and [`output`] (what goes in and out), then the commands.

mod arguments;
mod configuration;
mod databases;
mod demo;
mod exit;
mod import;
mod log;
mod logging;
mod output;
mod pull;
mod query;
mod report;
mod serve;
mod shell;
mod sources;
mod status;
mod text;
mod transact;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use duramen_transactor::client::Client;

use arguments::{Arguments, Command, OfServer};
use configuration::Configuration;
use exit::Failure;

/// Runs the command that was typed.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(format_args!("error: {failure}"));
            ExitCode::from(failure.exit.code())
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Failure> {
    logging::start(&arguments.command)?;
    let options = duramen::options_from_env();
    let configuration = Configuration::load(
        arguments.config.as_deref(),
        &arguments.store_options,
        options.into_iter(),
    )?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(Box::pin(execute(arguments.command, configuration)))
}

async fn execute(command: Command, configuration: Configuration) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve::run(&configuration, &serve).await,
        Command::Create(of) => databases::create(&configuration, &of).await,
        Command::List(at) => databases::list(&configuration, &at).await,
        Command::Drop(of) => databases::drop(&configuration, &of).await,
        Command::Transact(transact) => transact::run(&configuration, &transact).await,
        Command::Query(query) => query::run(&configuration, &query).await,
        Command::Pull(pull) => pull::run(&configuration, &pull).await,
        Command::Shell(shell) => shell::run(&configuration, &shell).await,
        Command::Log(log) => log::run(&configuration, &log).await,
        Command::Status(status) => status::run(&configuration, &status).await,
        Command::Verify(verify) => verify::run(&configuration, &verify).await,
        Command::Import(import) => import::run(&configuration, &import).await,
        Command::Demo(demo) => demo::run(&demo).await,
    }
}

/// Connects to the transactor that is meant.
async fn transactor(configuration: &Configuration, at: &OfServer) -> Result<Client, Failure> {
    Ok(Client::connect(&configuration.server(at.server.as_deref())).await?)
}
