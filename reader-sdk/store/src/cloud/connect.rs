//! Clients and credentials.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientConfigKey, CredentialProvider, Error, RetryConfig};

use super::answer::{Service, readable};
use super::bucket::{Bucket, Clients};
use super::executor::{Executor, Places};
use super::website::Website;
use crate::place::{Place, Scheme};
use crate::{StoreError, WriteStore};

/// How long credentials may take to fetch, such as from the metadata service of a machine. Where
/// there is no such service, this is how soon a missing credential shows.
const CREDENTIALS_WITHIN: Duration = Duration::from_secs(5);

/// What is set for a place.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Names in small letters, and values.
    pub(crate) options: Vec<(String, String)>,
    /// For how long a request that may be repeated is repeated.
    pub(crate) retry_for: Duration,
    /// How many stretches of objects are read at once.
    pub(crate) stretches_at_once_max: usize,
}

/// Whether a store option is known, by any service. Such are `aws_region`, `region` and `timeout`.
pub(crate) fn is_option(name: &str) -> bool {
    name.parse::<AmazonS3ConfigKey>().is_ok()
        || name.parse::<GoogleConfigKey>().is_ok()
        || name.parse::<AzureConfigKey>().is_ok()
        || name.parse::<ClientConfigKey>().is_ok()
}

/// Whether a variable of the environment is meant for stores: `AWS_…`, `GOOGLE_…` and `AZURE_…`, as
/// far as they are options of [`StoresBuilder::options`](crate::StoresBuilder::options). Case does
/// not matter. This crate reads no environment; a program that wants to passes what this accepts:
///
/// ```
/// use duramen_store::{Stores, recognized_option};
///
/// let options = std::env::vars().filter(|(name, _)| recognized_option(name));
/// let stores = Stores::builder().options(options).build();
/// ```
#[must_use]
pub fn recognized_option(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.split_once('_') {
        Some(("aws", _)) => name.parse::<AmazonS3ConfigKey>().is_ok(),
        Some(("google", _)) => name.parse::<GoogleConfigKey>().is_ok(),
        Some(("azure", _)) => name.parse::<AzureConfigKey>().is_ok(),
        _ => false,
    }
}

/// Opens a bucket or a web server. Sends nothing.
pub(crate) fn connect(
    place: &Place,
    settings: &Settings,
    executor: &Arc<Executor>,
) -> Result<Arc<dyn WriteStore>, StoreError> {
    let connection = Connection { place, settings };
    let stretches = Places::new(settings.stretches_at_once_max);
    let service = match place.scheme {
        Scheme::S3 => Service::S3,
        Scheme::Gcs => Service::Gcs,
        Scheme::Azure => Service::Azure,
        Scheme::Http | Scheme::File | Scheme::Memory => {
            let client =
                connection.website().map_err(|e| connection.failed(Service::Website, &e))?;
            let executor = Arc::clone(executor);
            let website = Website::new(place.base.clone(), client, executor, stretches);
            return Ok(Arc::new(website));
        }
    };
    let clients = connection.clients(service);
    Ok(Arc::new(Bucket {
        service,
        place: place.base.clone(),
        lists_in_order: !connection.is_set("s3_express"),
        clients: clients.map_err(|error| connection.failed(service, &error))?,
        executor: Arc::clone(executor),
        stretches,
    }))
}

struct Connection<'a> {
    place: &'a Place,
    settings: &'a Settings,
}

/// Makes the two clients of a bucket, which share one source of credentials. What is set for
/// other services is passed over.
macro_rules! clients {
    ($connection:expr, $service:expr, $builder:ty, $key:ty) => {{
        let build = |retry: RetryConfig| {
            let builder =
                <$builder>::new().with_url($connection.place.base.as_str()).with_retry(retry);
            let options = $connection.options().into_iter();
            options.fold(builder, |builder, (name, value)| match name.parse::<$key>() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            })
        };
        let credentials = build(retry_within(CREDENTIALS_WITHIN)).build()?;
        let credentials = Arc::new(Bounded {
            service: $service,
            provider: Arc::clone(credentials.credentials()),
        });
        let patient = build(retry_within($connection.settings.retry_for));
        Ok(Clients {
            patient: Arc::new(patient.with_credentials(Arc::clone(&credentials) as _).build()?),
            once: Arc::new(build(no_retry()).with_credentials(credentials).build()?),
        })
    }};
}

impl Connection<'_> {
    fn clients(&self, service: Service) -> Result<Clients, Error> {
        match service {
            Service::S3 => clients!(self, service, AmazonS3Builder, AmazonS3ConfigKey),
            Service::Gcs => clients!(self, service, GoogleCloudStorageBuilder, GoogleConfigKey),
            Service::Azure | Service::Website => {
                clients!(self, service, MicrosoftAzureBuilder, AzureConfigKey)
            }
        }
    }

    fn website(&self) -> Result<Arc<dyn object_store::ObjectStore>, Error> {
        let builder = HttpBuilder::new()
            .with_url(self.place.base.as_str())
            .with_retry(retry_within(self.settings.retry_for));
        let options = self.options().into_iter();
        let builder = options.fold(builder, |builder, (name, value)| match name.parse() {
            Ok(key) => builder.with_config(key, value),
            Err(_) => builder,
        });
        Ok(Arc::new(builder.build()?))
    }

    /// What is set, after what follows from it: whoever writes `http://` means it.
    fn options(&self) -> Vec<(String, String)> {
        let endpoints = self.settings.options.iter();
        let mut plain = endpoints.filter(|(name, value)| {
            (name.contains("endpoint") || name == "google_base_url") && value.starts_with("http://")
        });
        let mut options = Vec::new();
        if plain.next().is_some() || self.place.base.starts_with("http://") {
            options.push(("allow_http".to_owned(), "true".to_owned()));
        }
        options.extend(self.settings.options.iter().cloned());
        options
    }

    fn is_set(&self, flag: &str) -> bool {
        let options = self.settings.options.iter();
        options.rev().find(|(name, _)| name.ends_with(flag)).is_some_and(|(_, value)| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y")
        })
    }

    /// What a client that cannot be made means: mostly that something is not set.
    fn failed(&self, service: Service, error: &Error) -> StoreError {
        let reason = readable(&error.to_string());
        let place = self.place.to_string();
        if reason.to_ascii_lowercase().contains("url") {
            return StoreError::Url { url: place, reason };
        }
        let hint = service.credentials();
        StoreError::Denied { place, reason: format!("{reason}; {hint}") }
    }
}

fn retry_within(limit: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
        max_retries: 20,
        retry_timeout: limit,
    }
}

fn no_retry() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Credentials that come soon or not at all.
struct Bounded<P: ?Sized> {
    service: Service,
    provider: Arc<P>,
}

impl<P: ?Sized> fmt::Debug for Bounded<P> {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("service", &self.service).finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: CredentialProvider + ?Sized> CredentialProvider for Bounded<P>
where
    P::Credential: Send + Sync,
{
    type Credential = P::Credential;

    async fn get_credential(&self) -> Result<Arc<P::Credential>, Error> {
        let fetched = tokio::time::timeout(CREDENTIALS_WITHIN, self.provider.get_credential());
        let missing = |source| Error::Unauthenticated { path: "credentials".to_owned(), source };
        match fetched.await {
            Ok(Ok(credential)) => Ok(credential),
            Ok(Err(error)) => Err(missing(Box::new(error))),
            Err(_) => Err(missing(
                format!("no credentials within {} s", CREDENTIALS_WITHIN.as_secs()).into(),
            )),
        }
    }
}
