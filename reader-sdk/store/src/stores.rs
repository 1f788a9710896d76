//! Opening stores by URL.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::place::{Place, Scheme};
use crate::{Key, MemoryStore, ReadStore, StoreError, Within, WriteStore};

/// How many stretches of packs are read from a bucket at once, unless set: enough for the bandwidth
/// of a machine, and few enough for its memory, at 4 MiB each.
const STRETCHES_AT_ONCE_MAX: usize = 32;

type Layer = Arc<dyn Fn(Arc<dyn WriteStore>) -> Arc<dyn WriteStore> + Send + Sync>;

/// Opens stores by URL, and keeps them open: every place of a bucket shares one set of
/// connections, and every clone of this shares the stores in memory.
///
/// Reads no environment: whoever wants that passes it in, as far as
/// [`recognized_option`](crate::recognized_option) says.
///
/// ```
/// use duramen_store::Stores;
///
/// let stores = Stores::builder()
///     .options([("aws_region", "eu-central-1")])
///     .build();
/// let store = stores.open("memory://example")?;
/// assert_eq!(store.place(), "memory://example");
/// # Ok::<(), duramen_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stores(Arc<Shared>);

struct Shared {
    settings: StoresBuilder,
    open: Mutex<BTreeMap<OpenKey, Arc<dyn WriteStore>>>,
    #[cfg(not(target_arch = "wasm32"))]
    executor: Arc<crate::cloud::Executor>,
}

/// A folder that is not there means two things, so it is opened for each.
type OpenKey = (String, Access);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Any,
    ReadFile,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.lock();
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .field("open", &open.keys())
            .finish_non_exhaustive()
    }
}

impl Default for Stores {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl Stores {
    /// Starts setting up.
    #[must_use]
    pub fn builder() -> StoresBuilder {
        StoresBuilder::default()
    }

    /// Opens a place to write to. Sends nothing yet: a bucket that is not there, and credentials
    /// that are wrong, show with the first request.
    ///
    /// # Errors
    /// `Url` when the URL or an option is wrong, `Unsupported` for `https`, `Denied` when there are
    /// obviously no credentials.
    pub fn open(&self, url: &str) -> Result<Arc<dyn WriteStore>, StoreError> {
        if let Some(store) = self.0.settings.stores.get(bare(url)) {
            return Ok(Arc::clone(store));
        }
        let place = Place::parse(url)?;
        if place.scheme == Scheme::Http {
            return Err(StoreError::Unsupported {
                place: place.to_string(),
                reason: "a web server is read only: write to the bucket behind it".to_owned(),
            });
        }
        self.0.open(&place, Access::Any)
    }

    /// Opens a place to read from.
    ///
    /// # Errors
    /// `Url` when the URL or an option is wrong, `Denied` when there are obviously no credentials.
    pub fn open_read(&self, url: &str) -> Result<Arc<dyn ReadStore>, StoreError> {
        let settings = &self.0.settings;
        if let Some(store) = settings.read_stores.get(bare(url)) {
            return Ok(Arc::clone(store));
        }
        if let Some(store) = settings.stores.get(bare(url)) {
            return Ok(Arc::clone(store) as Arc<dyn ReadStore>);
        }
        let place = Place::parse(url)?;
        let access = match place.scheme {
            Scheme::File => Access::ReadFile,
            _ => Access::Any,
        };
        Ok(self.0.open(&place, access)?)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OpenKey, Arc<dyn WriteStore>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, place: &Place, access: Access) -> Result<Arc<dyn WriteStore>, StoreError> {
        let base = self.base(place, access)?;
        if place.folder == Key::new("") {
            return Ok(base);
        }
        Ok(Arc::new(Within::new(base, place.folder.clone())))
    }

    /// The store of the whole bucket, opened at most once. The lock is held meanwhile, so that two
    /// callers never get two memories; opening does no I/O.
    fn base(&self, place: &Place, access: Access) -> Result<Arc<dyn WriteStore>, StoreError> {
        let mut open = self.lock();
        let key = (place.base.clone(), access);
        if let Some(store) = open.get(&key) {
            return Ok(Arc::clone(store));
        }
        let layers = self.settings.layers.iter();
        let store = layers.fold(self.connect(place, access)?, |store, layer| layer(store));
        open.insert(key, Arc::clone(&store));
        Ok(store)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn connect(&self, place: &Place, access: Access) -> Result<Arc<dyn WriteStore>, StoreError> {
        use crate::file::{FileStore, MissingFolder};

        Ok(match place.scheme {
            Scheme::Memory => Arc::new(memory(place)),
            Scheme::File => {
                let missing = match access {
                    Access::Any => MissingFolder::Empty,
                    Access::ReadFile => MissingFolder::NoPlace,
                };
                Arc::new(FileStore::new(place.file_path(), missing))
            }
            Scheme::S3 | Scheme::Gcs | Scheme::Azure | Scheme::Http => {
                let settings = crate::cloud::Settings {
                    options: self.settings.options_of(place)?,
                    retry_for: self.settings.retry_for,
                    stretches_at_once_max: self.settings.stretches_at_once_max,
                };
                crate::cloud::connect(place, &settings, &self.executor)?
            }
        })
    }

    #[cfg(target_arch = "wasm32")]
    fn connect(&self, place: &Place, _: Access) -> Result<Arc<dyn WriteStore>, StoreError> {
        match place.scheme {
            Scheme::Memory => Ok(Arc::new(memory(place))),
            _ => Err(StoreError::Unsupported {
                place: place.to_string(),
                reason: "a browser reads through a store that the page registers".to_owned(),
            }),
        }
    }
}

fn memory(place: &Place) -> MemoryStore {
    MemoryStore::named(place.base.trim_start_matches("memory://"))
}

fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// How stores are to be opened.
#[derive(Clone)]
pub struct StoresBuilder {
    /// With the places whose URLs begin so.
    options: Vec<(String, String, String)>,
    retry_for: Duration,
    stretches_at_once_max: usize,
    layers: Vec<Layer>,
    stores: BTreeMap<String, Arc<dyn WriteStore>>,
    read_stores: BTreeMap<String, Arc<dyn ReadStore>>,
}

impl Default for StoresBuilder {
    fn default() -> Self {
        Self {
            options: Vec::new(),
            retry_for: Duration::from_secs(30),
            stretches_at_once_max: STRETCHES_AT_ONCE_MAX,
            layers: Vec::new(),
            stores: BTreeMap::new(),
            read_stores: BTreeMap::new(),
        }
    }
}

/// Names options and not their values: some are secrets.
impl fmt::Debug for StoresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options.iter().map(|(place, name, _)| (place, name));
        f.debug_struct("StoresBuilder")
            .field("options", &options.collect::<Vec<_>>())
            .field("retry_for", &self.retry_for)
            .field("stretches_at_once_max", &self.stretches_at_once_max)
            .finish_non_exhaustive()
    }
}

impl StoresBuilder {
    /// Sets options of all stores, such as `aws_access_key_id`, `aws_endpoint`,
    /// `google_service_account`, `azure_storage_account_name`: the names are those of the crate
    /// `object_store`. Case does not matter. Later ones win.
    #[must_use]
    pub fn options<K, V>(self, options: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: Into<String>,
    {
        self.place_options("", options)
    }

    /// Sets options of the stores whose URLs begin with `place` only; they win over those of all.
    #[must_use]
    pub fn place_options<K, V>(
        mut self,
        place: &str,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self
    where
        K: AsRef<str>,
        V: Into<String>,
    {
        let options = options.into_iter().map(|(name, value)| {
            let name = name.as_ref().to_ascii_lowercase();
            (place.to_owned(), name, value.into())
        });
        self.options.extend(options);
        self
    }

    /// For how long a request that may be repeated is repeated while a store does not answer; 30
    /// seconds unless set. Creating is never repeated.
    #[must_use]
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.retry_for = limit;
        self
    }

    /// How many stretches of packs are read from a bucket at once; 32 unless set. Others wait for
    /// their turn; what is read whole, such as a root, does not. A bucket in the same region brings
    /// some 85 MB/s to each.
    #[must_use]
    pub fn stretches_at_once(mut self, count: usize) -> Self {
        self.stretches_at_once_max = count;
        self
    }

    /// Wraps every bucket that is opened: to count, delay or fail what is asked of it.
    #[must_use]
    pub fn layer(
        mut self,
        layer: impl Fn(Arc<dyn WriteStore>) -> Arc<dyn WriteStore> + Send + Sync + 'static,
    ) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Gives a store of one's own under a URL, of whatever scheme.
    #[must_use]
    pub fn store(mut self, url: &str, store: Arc<dyn WriteStore>) -> Self {
        self.stores.insert(bare(url).to_owned(), store);
        self
    }

    /// Gives a store of one's own, to read only, under a URL of whatever scheme.
    #[must_use]
    pub fn read_store(mut self, url: &str, store: Arc<dyn ReadStore>) -> Self {
        self.read_stores.insert(bare(url).to_owned(), store);
        self
    }

    /// Ends setting up.
    #[must_use]
    pub fn build(self) -> Stores {
        Stores(Arc::new(Shared {
            settings: self,
            open: Mutex::default(),
            #[cfg(not(target_arch = "wasm32"))]
            executor: Arc::default(),
        }))
    }

    /// What is set for a place, general options first.
    #[cfg(not(target_arch = "wasm32"))]
    fn options_of(&self, place: &Place) -> Result<Vec<(String, String)>, StoreError> {
        let url = place.to_string();
        let mut options = Vec::new();
        for general in [true, false] {
            for (begin, name, value) in &self.options {
                if begin.is_empty() != general || !url.starts_with(begin.as_str()) {
                    continue;
                }
                if !crate::cloud::is_option(name) {
                    return Err(StoreError::Url {
                        url,
                        reason: format!("there is no store option {name:?}"),
                    });
                }
                options.push((name.clone(), value.clone()));
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Observed;
    use crate::observed::Counters;

    #[tokio::test]
    async fn memory_is_shared_by_name_and_by_clone() {
        let stores = Stores::default();
        let key = Key::new("x");
        let put = stores.open("memory://m/folder").unwrap();
        put.put(&key, "1".into()).await.unwrap();
        let again = stores.clone().open_read("memory://m/folder/").unwrap();
        assert_eq!(again.get(&key).await.unwrap().unwrap(), "1");
        let whole = stores.open("memory://m").unwrap();
        assert_eq!(whole.get(&Key::new("folder/x")).await.unwrap().unwrap(), "1");
        let other = stores.open("memory://n/folder").unwrap();
        assert_eq!(other.get(&key).await.unwrap(), None);
        let elsewhere = Stores::default().open("memory://m/folder").unwrap();
        assert_eq!(elsewhere.get(&key).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_folder_is_made_by_writing_only() {
        let above = tempfile::tempdir().unwrap();
        let url = format!("file://{}/a/b", above.path().display());
        let stores = Stores::default();
        let reader = stores.open_read(&url).unwrap();
        let key = Key::new("x");
        let missing = reader.get(&key).await.unwrap_err();
        assert!(matches!(missing, StoreError::NoPlace { .. }), "{missing}");
        stores.open(&url).unwrap().put(&key, "1".into()).await.unwrap();
        assert_eq!(reader.get(&key).await.unwrap().unwrap(), "1");
    }

    #[tokio::test]
    async fn layers_wrap_what_is_opened_and_ones_own_stores_are_found() {
        let counters = Counters::new();
        let shared = counters.clone();
        let own: Arc<MemoryStore> = Arc::default();
        let stores = Stores::builder()
            .layer(move |store| Arc::new(Observed::with(store, shared.clone())))
            .store("idb://mine/", Arc::clone(&own) as Arc<dyn WriteStore>)
            .build();
        stores.open("memory://m").unwrap().get(&Key::new("x")).await.unwrap();
        assert_eq!(counters.read().gets, 1);
        let mine = stores.open("idb://mine").unwrap();
        mine.put(&Key::new("x"), "1".into()).await.unwrap();
        assert!(own.get(&Key::new("x")).await.unwrap().is_some());
    }

    #[test]
    fn options_are_checked_and_not_shown() {
        let stores = Stores::builder()
            .options([("AWS_SECRET_ACCESS_KEY", "secret"), ("aws_acess_key_id", "k")])
            .build();
        let wrong = stores.open("s3://bucket").unwrap_err().to_string();
        assert!(wrong.contains("\"aws_acess_key_id\""), "{wrong}");
        assert!(!format!("{stores:?}").contains("secret\""));
    }

    #[test]
    fn the_web_is_read_only() {
        let refused = Stores::default().open("https://host/x").unwrap_err();
        assert!(matches!(refused, StoreError::Unsupported { .. }));
    }
}
