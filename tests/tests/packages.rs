//! The package index of this machine, loaded through a transactor and asked about by another
//! process, on a folder and on an S3 server; what is installed lies in the other of the two.
#![allow(clippy::print_stderr, reason = "the figures of the run are worth seeing")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use duramen_tests::daemon::Daemon;
use duramen_tests::packages::index;
use duramen_tests::servers::S3Server;
use tokio::process::Command;

type Options = Vec<(String, String)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_in_a_folder_join_what_is_installed_on_s3() -> Result<()> {
    let world = World::new().await?;
    world.run(&world.folder_url(), &world.bucket_url()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_on_s3_join_what_is_installed_in_a_folder() -> Result<()> {
    let world = World::new().await?;
    world.run(&world.bucket_url(), &world.folder_url()).await
}

/// A folder, an S3 server, and the texts.
struct World {
    folder: tempfile::TempDir,
    server: S3Server,
    bucket: String,
}

impl World {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let text = tokio::task::spawn_blocking(index::text_of_this_machine).await??;
        std::fs::write(folder.path().join("packages.txt"), text)?;
        let installed: BTreeMap<String, String> = index::installed()?;
        ensure!(installed.len() > 20, "only {} packages are installed", installed.len());
        std::fs::write(folder.path().join("installed.json"), serde_json::to_vec(&installed)?)?;
        let server = S3Server::start().await?;
        let bucket = server.make_bucket("packages")?;
        Ok(Self { folder, server, bucket })
    }

    fn folder_url(&self) -> String {
        format!("file://{}/stores", self.folder.path().display())
    }

    fn bucket_url(&self) -> String {
        self.bucket.clone()
    }

    fn options(&self) -> Options {
        self.server.options()
    }

    async fn run(&self, packages: &str, installed: &str) -> Result<()> {
        let (first, second) = (
            Daemon::start(packages, &self.options()).await?,
            Daemon::start(installed, &self.options()).await?,
        );
        for (daemon, database) in [(&first, "packages"), (&second, "installed")] {
            let client = duramen_transactor::client::Client::connect(&daemon.server).await?;
            client.create_database(database).await?;
        }
        let text = self.file("packages.txt");
        let json = self.file("installed.json");
        let loaded = self.packages(&["load", &first.server, &text, "packages"]).await?;
        ensure!(figure(&loaded, "datoms=")? > 500_000, "{loaded}");
        self.packages(&["load-later", &first.server, &text, "packages"]).await?;
        self.packages(&["load-installed", &second.server, &json, "installed"]).await?;
        let first_load = figure(&loaded, "t=")?.to_string();
        let urls = (format!("{packages}/packages"), format!("{installed}/installed"));
        self.packages(&["ask", &urls.0, &urls.1, &text, &json, &first_load]).await?;
        // The answers are the same when nobody writes any more.
        first.stop().await?;
        second.stop().await?;
        self.packages(&["ask", &urls.0, &urls.1, &text, &json, &first_load]).await?;
        Ok(())
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the program `packages` as a process of its own.
    async fn packages(&self, words: &[&str]) -> Result<String> {
        let program = Path::new(env!("CARGO_BIN_EXE_packages"));
        let environment =
            self.options().into_iter().map(|(name, value)| (name.to_uppercase(), value));
        let command = Command::new(program)
            .args(words)
            .envs(environment)
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = command.await?;
        let text = String::from_utf8(output.stdout)?;
        eprintln!("packages {}\n{text}", words[0]);
        ensure!(output.status.success(), "packages {} ended with {}", words[0], output.status);
        Ok(text)
    }
}

fn figure(text: &str, name: &str) -> Result<u64> {
    let word = text.split_whitespace().rev().find_map(|word| word.strip_prefix(name));
    word.and_then(|figure| figure.parse().ok()).with_context(|| format!("no {name} in {text}"))
}
