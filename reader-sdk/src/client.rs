//! The client: what connections share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duramen_index::{Fetching, NodeCache, NodeCaches};
use duramen_query::{PlanCache, PlanCacheStats, QueryOptions};
use duramen_store::{RawCache, Stores};

use crate::timer::{Sleep, Timer};
use crate::{Connection, Error, place};

/// How much of the decoded nodes is kept in memory when nothing else is said, in bytes.
const CACHE_BYTES_DEFAULT: u64 = 128 << 20;

/// What connections share: open stores, a cache of decoded nodes, a timer. Cheap to clone.
///
/// An application has one, whatever the number of its databases, so that one budget of memory
/// serves them all.
///
/// ```
/// let client = duramen::Client::builder()
///     .option("aws_region", "eu-central-1")
///     .cache_bytes(64 << 20)
///     .build();
/// # let _ = client;
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) parts: Arc<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) stores: Stores,
    pub(crate) caches: NodeCaches,
    pub(crate) timer: Timer,
    plans: PlanCache,
}

/// Sets up a [`Client`].
#[derive(Default)]
pub struct ClientBuilder {
    stores: Option<Stores>,
    options: Vec<(String, String)>,
    cache_bytes: Option<u64>,
    raw: Option<Arc<dyn RawCache>>,
    fetching: Option<Fetching>,
    plans_max: Option<usize>,
    timer: Timer,
}

impl Client {
    /// Starts setting up.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Options of queries that keep their plans with this client, for the next time they are asked.
    #[must_use]
    pub fn query_options(&self) -> QueryOptions {
        QueryOptions { plans: Some(self.parts.plans.clone()), ..QueryOptions::default() }
    }

    /// What the plans that are kept have been asked for.
    #[must_use]
    pub fn plan_stats(&self) -> PlanCacheStats {
        self.parts.plans.stats()
    }

    /// Connects to a database. The URL is that of the store, and the name of the database after
    /// it: `s3://bucket/prefix/name`.
    ///
    /// # Errors
    /// When the URL is wrong, there is no such database, or the store cannot be read.
    pub async fn connect(&self, url: &str) -> Result<Connection, Error> {
        let (place, name) = place::split(url)?;
        let store = self.parts.stores.open_read(&place)?;
        Connection::open(Arc::clone(&self.parts), store, name).await
    }

    /// Waits until what was read is in the disk cache, as far as it will be. A program that ends
    /// calls it, or loses some of it; without such a cache there is nothing to wait for.
    pub async fn flush_disk_cache(&self) {
        if let Some(raw) = &self.parts.caches.raw {
            raw.flush().await;
        }
    }
}

impl ClientBuilder {
    /// Uses stores that were set up elsewhere, in place of options.
    #[must_use]
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Sets an option of the stores, such as `aws_region`; a later one of the same name counts.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// Sets options of the stores.
    #[must_use]
    pub fn options<N: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let options = options.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.options.extend(options);
        self
    }

    /// Takes the options of the stores that are in the environment, such as `AWS_REGION`; see
    /// [`options_from_env`].
    #[must_use]
    pub fn options_from_env(self) -> Self {
        self.options(options_from_env())
    }

    /// How much of the decoded nodes is kept in memory, in bytes; 128 MiB when nothing is said.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = Some(bytes);
        self
    }

    /// Keeps what was read in a folder, of which it may take about so many bytes. It outlives the
    /// process, and processes may share it: what is in it is compared with its BLAKE3 before use.
    /// A database is then fetched once and not at every start. Trouble with the folder fails no
    /// query.
    ///
    /// ```
    /// let folder = std::env::temp_dir().join("duramen-cache");
    /// let client = duramen::Client::builder().disk_cache(folder, 4 << 30).build();
    /// # let _ = client;
    /// ```
    #[must_use]
    #[cfg(not(target_arch = "wasm32"))]
    pub fn disk_cache(self, path: impl Into<std::path::PathBuf>, bytes: u64) -> Self {
        self.raw_cache(Arc::new(duramen_store::FolderCache::new(path, bytes)))
    }

    /// Keeps what was read in a cache of one's own, such as a browser's database.
    #[must_use]
    pub fn raw_cache(mut self, cache: Arc<dyn RawCache>) -> Self {
        self.raw = Some(cache);
        self
    }

    /// How much is asked of stores at once; what suits the URL when nothing is said.
    #[must_use]
    pub fn fetching(mut self, fetching: Fetching) -> Self {
        self.fetching = Some(fetching);
        self
    }

    /// How many plans of queries are kept; 256 when nothing is said. See
    /// [`Client::query_options`].
    #[must_use]
    pub fn plans_max(mut self, plans: usize) -> Self {
        self.plans_max = Some(plans);
        self
    }

    /// How to wait. Needed in browsers only, for [`Connection::sync`]; elsewhere there is a timer
    /// that works under every runtime.
    #[must_use]
    pub fn sleep(mut self, sleep: impl Fn(Duration) -> Sleep + Send + Sync + 'static) -> Self {
        self.timer = Timer::new(sleep);
        self
    }

    /// Makes the client. Nothing is sent yet.
    #[must_use]
    pub fn build(self) -> Client {
        let options = self.options;
        let stores = self.stores.unwrap_or_else(|| Stores::builder().options(options).build());
        let caches = NodeCaches {
            decoded: NodeCache::new(self.cache_bytes.unwrap_or(CACHE_BYTES_DEFAULT)),
            raw: self.raw,
            fetching: self.fetching,
        };
        let plans = self.plans_max.map(PlanCache::new).unwrap_or_default();
        Client { parts: Arc::new(Parts { stores, caches, timer: self.timer, plans }) }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secret.
        let options: Vec<&str> = self.options.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ClientBuilder")
            .field("options", &options)
            .field("cache_bytes", &self.cache_bytes)
            .field("raw_cache", &self.raw)
            .field("fetching", &self.fetching)
            .finish_non_exhaustive()
    }
}

/// Connects to a database with a client of its own, whose stores take their options from the
/// environment by [`options_from_env`]. The URL is that of the store, and the name of the
/// database after it: `s3://bucket/prefix/name`.
///
/// An application that has several databases makes one [`Client`] for them.
///
/// # Errors
/// When the URL is wrong, there is no such database, or the store cannot be read.
pub async fn connect(url: &str) -> Result<Connection, Error> {
    Client::builder().options_from_env().build().connect(url).await
}

/// The options of stores that the environment holds, such as `AWS_ACCESS_KEY_ID`,
/// `GOOGLE_APPLICATION_CREDENTIALS` and `AZURE_STORAGE_ACCOUNT_NAME`, with their values.
///
/// Nothing else of the SDK looks at the environment, and only [`connect`] does so unasked. In a
/// browser there is none.
#[must_use]
#[cfg(not(target_arch = "wasm32"))]
pub fn options_from_env() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let named = |(name, _): &(String, String)| duramen_store::recognized_option(name);
    std::env::vars_os().filter_map(text).filter(named).collect()
}

/// The options of stores that the environment holds; in a browser there is none.
#[must_use]
#[cfg(target_arch = "wasm32")]
pub fn options_from_env() -> Vec<(String, String)> {
    Vec::new()
}
