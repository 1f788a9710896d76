//! A server in the test's own process, on ports of its own.
#![allow(dead_code)]

use std::sync::Arc;

use duramen_db::{Db, Location, Snapshot};
use duramen_index::NodeCache;
use duramen_store::layout::DatabaseName;
use duramen_store::{ReadStore, WriteStore};
use duramen_transactor::client::Client;
use duramen_transactor::{Components, Listeners, ServeError, Settings, serve};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The schema that the tests use.
pub(crate) const SCHEMA: &str = r#"
[{:db/ident :person/email :db/valueType :db.type/string :db/cardinality :db.cardinality/one
  :db/unique :db.unique/identity}
 {:db/ident :person/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
 {:db/ident :person/alias :db/valueType :db.type/string :db/cardinality :db.cardinality/many}
 {:db/ident :person/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
 {:db/ident :person/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]"#;

/// A running server.
pub(crate) struct TestServer {
    pub(crate) grpc: String,
    pub(crate) http: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl TestServer {
    pub(crate) async fn start(store: Arc<dyn WriteStore>, settings: Settings) -> Self {
        Self::start_measured(store, settings, None).await
    }

    pub(crate) async fn start_measured(
        store: Arc<dyn WriteStore>,
        settings: Settings,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (grpc_at, http_at) = (grpc.local_addr().unwrap(), http.local_addr().unwrap());
        let settings = Settings { address: format!("http://{grpc_at}"), ..settings };
        let listeners = Listeners { grpc, http: Some(http) };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or(()) };
        let components = Components::new(store);
        let served = tokio::spawn(serve(listeners, components, settings, metrics, shutdown));
        Self { grpc: format!("http://{grpc_at}"), http: format!("http://{http_at}"), stop, served }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.grpc).await.unwrap()
    }

    /// Stops it in the orderly way.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }

    /// Stops it as a crash would.
    pub(crate) fn kill(self) {
        self.served.abort();
    }
}

/// The newest snapshot, as a reader opens it from the bucket alone.
pub(crate) async fn snapshot(store: &Arc<dyn WriteStore>, name: &str) -> Snapshot {
    let store: Arc<dyn ReadStore> = Arc::clone(store) as _;
    let name = DatabaseName::new(name).unwrap();
    Snapshot::open(Location::new(store, name, NodeCache::new(1 << 24))).await.unwrap()
}

/// The newest database, as a reader sees it.
pub(crate) async fn db(store: &Arc<dyn WriteStore>, name: &str) -> Db {
    snapshot(store, name).await.db().clone()
}
