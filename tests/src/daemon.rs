//! The transactor as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a transactor may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running `duramen serve`. It is killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Where it answers gRPC, as a URL.
    pub server: String,
    /// Where it answers HTTP, as a URL.
    pub http: String,
}

impl Daemon {
    /// Starts a transactor on free ports, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start(store: &str, options: &[(String, String)]) -> Result<Self> {
        let mut command = Command::new(binary()?);
        command.args([
            "serve",
            "--store",
            store,
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
        ]);
        for (name, value) in options {
            command.arg("--store-option").arg(format!("{name}={value}"));
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY_WITHIN, lines.next_line()).await??;
        let line = line.context("the transactor ended before it was ready")?;
        let address = |name: &str| {
            let word = line.split(' ').find_map(|word| word.strip_prefix(name));
            word.map(|address| format!("http://{address}")).with_context(|| line.clone())
        };
        Ok(Self { server: address("grpc=")?, http: address("http=")?, child })
    }

    /// Kills it with SIGKILL, as a crash would.
    ///
    /// # Errors
    /// When it was gone already.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it with SIGTERM to stop, and waits until it has.
    ///
    /// # Errors
    /// When it stops with a failure.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("it is running")?;
        let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        ensure!(asked.success(), "no signal could be sent");
        let status = self.child.wait().await?;
        ensure!(status.success(), "the transactor stopped with {status}");
        Ok(())
    }
}

/// The binary `duramen`, built from this workspace the way that the running tests were.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BINARY.get_or_init(|| build().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path.clone()),
        Err(reason) => bail!("{reason}"),
    }
}

fn build() -> Result<PathBuf> {
    // The tests run from target/<profile>/deps.
    let folder = std::env::current_exe()?;
    let folder = folder.ancestors().find(|path| path.join("deps").is_dir()).context("target")?;
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "duramen-transactor", "--bin", "duramen"]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap_or(Path::new(".")));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    ensure!(built.success(), "the binary cannot be built");
    Ok(folder.join("duramen"))
}
