//! A client of the service, as programs in Rust use it.

use std::collections::BTreeMap;
use std::time::Duration;

use duramen_proto::v1;
use duramen_proto::v1::transact_request::Data;
use duramen_proto::v1::transactor_client::TransactorClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// Bytes of one message that is received.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// How often a request is sent, before its failure is reported.
const TRIES_MAX: u32 = 10;
/// How often it is sent to a transactor that is busy: it says so because a merge must catch up.
const BUSY_TRIES_MAX: u32 = 150;
/// The first pause between two tries; it doubles with each.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one: fix it.
    #[error("{address:?} is no address such as http://127.0.0.1:7707")]
    Address {
        /// The address as given.
        address: String,
    },
    /// Nobody answers there: start the transactor, or fix the address.
    #[error("no transactor answers at {address}")]
    Unreachable {
        /// The address as given.
        address: String,
        /// What happened.
        source: tonic::transport::Error,
    },
    /// The transactor refused the request, or its outcome is unknown.
    #[error("{}", .0.message())]
    Status(#[from] Box<Status>),
    /// The transactor answered what is no answer.
    #[error("the transactor answered without a {0}")]
    Incomplete(&'static str),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl ClientError {
    /// The status, if the transactor answered with one.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Status(status) => Some(status.code()),
            _ => None,
        }
    }

    /// Which error it is, such as `tx/unique-conflict`, and the facts that go with it.
    #[must_use]
    pub fn info(&self) -> Option<(String, BTreeMap<String, String>)> {
        let Self::Status(status) = self else { return None };
        let info = status.get_details_error_info()?;
        Some((info.reason, info.metadata.into_iter().collect()))
    }
}

/// A connection to a transactor. A handle: cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    inner: TransactorClient<Channel>,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq)]
pub struct Transacted {
    /// The report.
    pub report: v1::TxReport,
    /// The request had been applied before.
    pub replayed: bool,
}

impl Client {
    /// Connects to an address such as `http://127.0.0.1:7707`.
    ///
    /// # Errors
    /// When the address is none, or nobody answers there.
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        let endpoint = Endpoint::from_shared(address.to_owned()).ok();
        // What is no URL may still read as the path of one.
        let endpoint = endpoint
            .filter(|endpoint| endpoint.uri().scheme().is_some())
            .ok_or_else(|| ClientError::Address { address: address.to_owned() })?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true);
        let channel = endpoint
            .connect()
            .await
            .map_err(|source| ClientError::Unreachable { address: address.to_owned(), source })?;
        Ok(Self::new(channel))
    }

    /// Speaks over a channel that exists.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let inner = TransactorClient::new(channel);
        Self { inner: inner.max_decoding_message_size(MESSAGE_BYTES_MAX) }
    }

    /// Creates an empty database; returns its id, 32 hexadecimal digits.
    ///
    /// # Errors
    /// What the transactor answers.
    pub async fn create_database(&self, database: &str) -> Result<String, ClientError> {
        let request = v1::CreateDatabaseRequest { database: database.to_owned() };
        Ok(self.inner.clone().create_database(request).await?.into_inner().database_id)
    }

    /// Lists the databases.
    ///
    /// # Errors
    /// What the transactor answers.
    pub async fn list_databases(&self) -> Result<Vec<v1::DatabaseEntry>, ClientError> {
        let listed = self.inner.clone().list_databases(v1::ListDatabasesRequest {}).await?;
        Ok(listed.into_inner().databases)
    }

    /// Gives up a database.
    ///
    /// # Errors
    /// What the transactor answers.
    pub async fn delete_database(&self, database: &str) -> Result<(), ClientError> {
        let request = v1::DeleteDatabaseRequest { database: database.to_owned() };
        self.inner.clone().delete_database(request).await?;
        Ok(())
    }

    /// Asks how the transactor, and one database if it is named, are doing.
    ///
    /// # Errors
    /// What the transactor answers.
    pub async fn status(&self, database: &str) -> Result<v1::StatusResponse, ClientError> {
        let request = v1::StatusRequest { database: database.to_owned() };
        Ok(self.inner.clone().status(request).await?.into_inner())
    }

    /// Applies a transaction written as EDN, exactly once: whenever that is safe the request is
    /// sent again, with the same request id.
    ///
    /// # Errors
    /// What the transactor answers. `UNKNOWN` and `UNAVAILABLE` come back only when they persist.
    pub async fn transact(&self, database: &str, edn: &str) -> Result<Transacted, ClientError> {
        let data = Data::Edn(edn.to_owned());
        self.transact_request(request(database, data)).await
    }

    /// Applies a transaction of structured operations, as [`Self::transact`] does.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub async fn transact_operations(
        &self,
        database: &str,
        operations: Vec<v1::Operation>,
    ) -> Result<Transacted, ClientError> {
        let data = Data::Operations(v1::Operations { operations });
        self.transact_request(request(database, data)).await
    }

    /// Sends a request once, and reports whatever comes back.
    ///
    /// # Errors
    /// What the transactor answers.
    pub async fn transact_request_once(
        &self,
        request: v1::TransactRequest,
    ) -> Result<Transacted, ClientError> {
        transacted(self.inner.clone().transact(request).await?.into_inner())
    }

    /// Sends a request, and sends it again while that is safe: when nothing was applied, or when
    /// it has an id by which the transactor knows it again.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub async fn transact_request(
        &self,
        request: v1::TransactRequest,
    ) -> Result<Transacted, ClientError> {
        let mut pause = PAUSE_FIRST;
        let mut tries = 1;
        loop {
            match self.inner.clone().transact(request.clone()).await {
                Ok(response) => return transacted(response.into_inner()),
                Err(status) if tries < tries_max(&status, &request) => {
                    tracing::debug!(tries, %status, "sending the request again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    tries += 1;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }
}

fn request(database: &str, data: Data) -> v1::TransactRequest {
    v1::TransactRequest {
        database: database.to_owned(),
        data: Some(data),
        request_id: Uuid::now_v7().to_string(),
        omit_datoms: false,
    }
}

/// How often a request is sent that meets a status. A connection that breaks also reads as
/// `UNAVAILABLE` or `UNKNOWN`, so without an id only the transactor's own word that nothing was
/// applied counts.
fn tries_max(status: &Status, request: &v1::TransactRequest) -> u32 {
    let reason = status.get_details_error_info().map(|info| info.reason);
    match status.code() {
        Code::ResourceExhausted if reason.as_deref() == Some("busy") => BUSY_TRIES_MAX,
        Code::Unavailable | Code::Unknown | Code::Cancelled => {
            let safe = !request.request_id.is_empty() || reason.as_deref() == Some("not-applied");
            if safe { TRIES_MAX } else { 1 }
        }
        _ => 1,
    }
}

fn transacted(response: v1::TransactResponse) -> Result<Transacted, ClientError> {
    let report = response.report.ok_or(ClientError::Incomplete("report"))?;
    Ok(Transacted { report, replayed: response.replayed })
}
