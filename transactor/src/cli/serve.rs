//! `serve`: runs the transactor.

use std::net::SocketAddr;

use duramen::Stores;
use duramen_transactor::instruments;
use duramen_transactor::server::{self, Listeners, ServeError};
use duramen_transactor::settings::Settings;
use duramen_transactor::transactor::Components;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;

use super::arguments::Serve;
use super::configuration::Configuration;
use super::exit::{Exit, Failure};
use super::output;

/// Serves until the process is told to stop.
pub(crate) async fn run(configuration: &Configuration, flags: &Serve) -> Result<(), Failure> {
    let serving = configuration.serving(flags)?;
    let stores = Stores::builder().options(configuration.store_options.clone()).build();
    let store = stores.open(&serving.store).map_err(ServeError::from)?;
    let grpc = bind(&serving.listen).await?;
    let http = match &serving.http {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let metrics = instruments::collector()
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
    instruments::describe();
    let addresses = Addresses::of(&grpc, http.as_ref())?;
    let settings = addresses.tell(serving.settings);
    let ready = addresses.line(&store.place());
    let stop = stop_signal()?;
    // The server waits for the end only once requests are taken.
    let shutdown = async move {
        if let Err(failure) = output::line(ready) {
            tracing::warn!(%failure, "standard output is closed");
        }
        stop.await;
    };
    let listeners = Listeners { grpc, http };
    let components = Components::new(store);
    Ok(server::serve(listeners, components, settings, Some(metrics), shutdown).await?)
}

async fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::usage(format!("cannot listen on {address}: {error}")))
}

/// Where a server really listens: port 0 takes a free one.
struct Addresses {
    grpc: SocketAddr,
    http: Option<SocketAddr>,
}

impl Addresses {
    fn of(grpc: &TcpListener, http: Option<&TcpListener>) -> Result<Self, Failure> {
        let http = http.map(TcpListener::local_addr).transpose()?;
        Ok(Self { grpc: grpc.local_addr()?, http })
    }

    /// Unless told otherwise, clients of another transactor are referred to where this one listens,
    /// if that is an address.
    fn tell(&self, settings: Settings) -> Settings {
        if settings.address.is_empty() && !self.grpc.ip().is_unspecified() {
            return Settings { address: format!("http://{}", self.grpc), ..settings };
        }
        settings
    }

    fn line(&self, place: &str) -> String {
        let http = self.http.map_or_else(|| "off".to_owned(), |address| address.to_string());
        format!("listening grpc={} http={http} store={place}", self.grpc)
    }
}

/// Completes when the process is told to stop. Listens from now on.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Completes when the process is told to stop.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    Ok(async {
        // Without a handler the process ends as it is; nothing acknowledged is lost.
        let _ = tokio::signal::ctrl_c().await;
    })
}
