//! The program `duramen`: the transactor, and the command line.

mod cli;

/// Large answers, merges and loads come and go; the system's allocator gives their memory back each
/// time, and has it zeroed again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
