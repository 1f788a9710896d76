//! Real servers for tests: one that speaks S3, and Azurite.
//!
//! Both are independent of us, run on this machine only, and are put in place by the tests
//! themselves (`provision`). A test that cannot have them fails; it never passes for lack of them.

mod process;
mod provision;

use anyhow::{Context, Result};

use process::Server;

/// A server that speaks the S3 protocol: moto, in memory.
#[derive(Debug)]
pub struct S3Server(Server);

impl S3Server {
    /// Starts a server without buckets on a free port. It ends when this is dropped, and when this
    /// process ends.
    ///
    /// # Errors
    /// When it cannot be put in place or does not start.
    pub async fn start() -> Result<Self> {
        let server = tokio::task::spawn_blocking(|| {
            let environment = provision::python()?;
            Server::start(environment.command("s3.py"))
        });
        server.await?.context("the S3 server of the tests").map(Self)
    }

    /// Makes a bucket, and gives its URL.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn make_bucket(&self, name: &str) -> Result<String> {
        self.0.make(name)?;
        Ok(self.url(name))
    }

    /// The URL of a bucket.
    #[must_use]
    pub fn url(&self, bucket: &str) -> String {
        format!("s3://{bucket}")
    }

    /// The address of the server, for whoever speaks HTTP to it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    /// The options by which a store reaches the server; in capitals they are what the environment
    /// of a command needs.
    #[must_use]
    pub fn options(&self) -> Vec<(String, String)> {
        owned([
            ("aws_endpoint", self.endpoint().as_str()),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", "test"),
            ("aws_region", "us-east-1"),
            ("aws_allow_http", "true"),
        ])
    }
}

/// A server of Azure Blob Storage: Azurite, in memory.
#[derive(Debug)]
pub struct Azurite(Server);

impl Azurite {
    /// The account that every emulator knows.
    pub const ACCOUNT: &str = "devstoreaccount1";
    /// The key of that account, as the documentation of Azurite prints it.
    pub const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// Starts a server without containers on a free port. It ends when this is dropped, and when
    /// this process ends.
    ///
    /// # Errors
    /// When it cannot be put in place or does not start.
    pub async fn start() -> Result<Self> {
        let server = tokio::task::spawn_blocking(|| {
            let environment = provision::node()?;
            Server::start(environment.command("azure.js"))
        });
        server.await?.context("Azurite").map(Self)
    }

    /// Makes a container, and gives its URL.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn make_container(&self, name: &str) -> Result<String> {
        self.0.make(name)?;
        Ok(self.url(name))
    }

    /// The URL of a container.
    #[must_use]
    pub fn url(&self, container: &str) -> String {
        format!("az://{container}")
    }

    /// The options by which a store reaches the server.
    #[must_use]
    pub fn options(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}/{}", self.0.port, Self::ACCOUNT);
        owned([
            ("azure_storage_account_name", Self::ACCOUNT),
            ("azure_storage_account_key", Self::KEY),
            ("azure_endpoint", endpoint.as_str()),
            ("azure_allow_http", "true"),
        ])
    }
}

fn owned<const N: usize>(options: [(&str, &str); N]) -> Vec<(String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    options.map(owned).into()
}
