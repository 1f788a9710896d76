//! The server: a function of listeners and a shutdown future.

use std::time::Duration;

use duramen_proto::v1::transactor_server::TransactorServer;
use duramen_store::{Key, StoreError, probe};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;

use crate::api::service::TransactorService;
use crate::http;
use crate::settings::{Settings, SettingsError};
use crate::transactor::{Components, Transactor};

/// The name of the service, as health checks ask for it.
const SERVICE: &str = "duramen.v1.Transactor";
/// How long an idle connection goes before it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Calls that one connection has open at a time; more wait at the client.
const STREAMS_MAX: u32 = 4_096;

/// Where a server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For HTTP, if it is wanted.
    pub http: Option<TcpListener>,
}

/// Why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot work: fix it.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store cannot be used: the cause says why.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// gRPC cannot be served.
    #[error("gRPC cannot be served")]
    Grpc(#[from] tonic::transport::Error),
    /// The reflection service cannot be made of the descriptors.
    #[error("the descriptors of the service are damaged")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// HTTP cannot be served.
    #[error("HTTP cannot be served")]
    Http(#[from] std::io::Error),
}

/// Serves until `shutdown` completes; then takes no new connections, answers what waits, and
/// returns. `shutdown` is polled only once the store has proved fit and requests are taken.
///
/// # Errors
/// When the settings or the store are unfit, before anything is served; later when a listener
/// fails.
pub async fn serve(
    listeners: Listeners,
    components: Components,
    settings: Settings,
    metrics: Option<PrometheusHandle>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    settings.check()?;
    probe::create_only(&*components.store, &Key::new("")).await?;
    let drain_limit = Duration::from_millis(settings.drain_ms_max);
    let transactor = Transactor::new(components, settings);
    let stopping = CancellationToken::new();
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status(SERVICE, ServingStatus::Serving).await;
    let grpc = routes(&transactor)?.add_service(health_service);
    let serving = async {
        tokio::try_join!(
            serve_grpc(listeners.grpc, grpc, stopping.clone()),
            serve_http(listeners.http, http::router(transactor.clone(), metrics), stopping.clone()),
        )
        .map(|_| ())
    };
    tokio::pin!(serving);
    let failed = tokio::select! {
        served = &mut serving => Some(served),
        () = shutdown => None,
    };
    tracing::info!("draining");
    transactor.retire();
    health.set_service_status(SERVICE, ServingStatus::NotServing).await;
    stopping.cancel();
    let served = match failed {
        Some(served) => served,
        // Open requests are answered first. Whoever keeps a connection open is not waited for.
        None => tokio::time::timeout(drain_limit, serving).await.unwrap_or(Ok(())),
    };
    transactor.drain(drain_limit).await;
    served
}

/// The gRPC services but for health.
fn routes(transactor: &Transactor) -> Result<Routes, ServeError> {
    let message_bytes_max = transactor.settings().message_bytes_max;
    let service = TransactorServer::new(TransactorService::new(transactor.clone()))
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(usize::MAX);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(duramen_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Routes::new(service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}

async fn serve_grpc(
    listener: TcpListener,
    routes: Routes,
    stopping: CancellationToken,
) -> Result<(), ServeError> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .max_concurrent_streams(Some(STREAMS_MAX))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stopping.cancelled_owned())
        .await?;
    Ok(())
}

async fn serve_http(
    listener: Option<TcpListener>,
    router: axum::Router,
    stopping: CancellationToken,
) -> Result<(), ServeError> {
    let Some(listener) = listener else {
        stopping.cancelled_owned().await;
        return Ok(());
    };
    axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned()).await?;
    Ok(())
}
