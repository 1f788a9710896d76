//! Running the program.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of the program, about to be made.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    stdin: String,
}

/// What a call of the program left.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Calls the program, in an environment that says nothing and a folder with no settings.
pub(crate) fn duramen(words: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duramen"));
    command.args(words).env_clear().current_dir(std::env::temp_dir());
    // What the instance says about itself is no business of a test.
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    Program { command, stdin: String::new() }
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// The call as it is, for whoever makes it in another way.
    pub(crate) fn command(self) -> Command {
        self.command
    }

    pub(crate) fn run(mut self) -> Output {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // A program that needs no input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Output {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Lets it run for so long, then kills it; the exit code when it had come to its end.
    pub(crate) fn killed_after(mut self, delay_ms: u64) -> Option<i32> {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = self.command.spawn().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(delay_ms) {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    }

    pub(crate) fn succeeds(self) -> Output {
        let output = self.run();
        assert_eq!(output.code, Some(0), "{output:?}");
        output
    }

    /// Fails with an exit code and says why.
    pub(crate) fn fails_with(self, code: i32) -> Output {
        let output = self.run();
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(output.stderr.starts_with("error: "), "{output:?}");
        output
    }
}

/// A transactor in a process of its own, on a temporary folder.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: Option<TempDir>,
    line: String,
    address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    pub(crate) fn start_in(folder: TempDir) -> Self {
        let store = format!("file://{}", folder.path().to_str().unwrap());
        let words =
            ["serve", "--store", &store, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut command = duramen(&words).command;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let grpc = line.split("grpc=").nth(1).unwrap_or_else(|| panic!("{line:?}"));
        let address = format!("http://{}", grpc.split(' ').next().unwrap());
        Self { child, folder: Some(folder), line, address }
    }

    /// A call of the program that is about this server.
    pub(crate) fn on(&self, words: &[&str]) -> Program {
        duramen(words).env("DURAMEN_SERVER", &self.address)
    }

    /// The URL of a database for readers.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("file://{}/{database}", self.folder().to_str().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it said when it was ready.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Tells it to stop; it ends well, and soon. The folder stays.
    pub(crate) fn stop(mut self) -> TempDir {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(0));
        self.folder.take().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
