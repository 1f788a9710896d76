//! Log lines, which go to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::arguments::{Command, LogFormat};
use super::exit::Failure;

/// Which log lines are written, such as `info` or `duramen_transactor=debug,warn`.
const FILTER: &str = "DURAMEN_LOG";

/// Starts to write log lines.
pub(crate) fn start(command: &Command) -> Result<(), Failure> {
    let (default, format) = match command {
        Command::Serve(serve) => ("info", serve.log_format),
        Command::Demo(_) => ("off", LogFormat::Text),
        _ => ("warn", LogFormat::Text),
    };
    let filter = match std::env::var(FILTER) {
        Ok(text) => EnvFilter::try_new(&text)
            .map_err(|error| Failure::usage(format!("{FILTER}={text}: {error}")))?,
        Err(_) => EnvFilter::new(default),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
