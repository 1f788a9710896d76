//! The program `duramen`: the transactor, and the command line.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
