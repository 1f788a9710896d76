//! The service: requests in, reports out.

use duramen_db::resolve::TxData;
use duramen_model::edn::{self, Limits};
use duramen_model::{Form, T};
use duramen_proto::v1;
use duramen_proto::v1::transact_request::Data;
use duramen_proto::v1::transactor_server::Transactor as Service;
use duramen_store::layout::DatabaseName;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{BadField, operations, status, values};
use crate::error::TransactError;
use crate::request::{Receipt, RequestKey, TxRequest};
use crate::requests::{self, Digest};
use crate::status::{DatabaseState, DatabaseStatus};
use crate::transactor::Transactor;

/// A request of so many bytes takes noticeable time to parse.
const LARGE_BYTES: usize = 128 << 10;

/// The gRPC face of a transactor.
#[derive(Debug, Clone)]
pub struct TransactorService {
    transactor: Transactor,
}

impl TransactorService {
    /// The face of a transactor.
    #[must_use]
    pub const fn new(transactor: Transactor) -> Self {
        Self { transactor }
    }
}

#[tonic::async_trait]
impl Service for TransactorService {
    async fn create_database(
        &self,
        request: Request<v1::CreateDatabaseRequest>,
    ) -> Result<Response<v1::CreateDatabaseResponse>, Status> {
        let name = database_name(&request.get_ref().database)?;
        let created = self.transactor.create_database(&name).await;
        let id = created.map_err(|error| status::of(&error))?;
        Ok(Response::new(v1::CreateDatabaseResponse { database_id: id.to_string() }))
    }

    async fn list_databases(
        &self,
        _: Request<v1::ListDatabasesRequest>,
    ) -> Result<Response<v1::ListDatabasesResponse>, Status> {
        let listed = self.transactor.list_databases().await;
        let databases = listed.map_err(|error| status::of(&error))?.into_iter();
        let databases = databases.map(|(name, id)| v1::DatabaseEntry {
            database: name.to_string(),
            database_id: id.to_string(),
        });
        Ok(Response::new(v1::ListDatabasesResponse { databases: databases.collect() }))
    }

    async fn delete_database(
        &self,
        request: Request<v1::DeleteDatabaseRequest>,
    ) -> Result<Response<v1::DeleteDatabaseResponse>, Status> {
        let name = database_name(&request.get_ref().database)?;
        let deleted = self.transactor.delete_database(&name).await;
        deleted.map_err(|error| status::of(&error))?;
        Ok(Response::new(v1::DeleteDatabaseResponse {}))
    }

    async fn transact(
        &self,
        request: Request<v1::TransactRequest>,
    ) -> Result<Response<v1::TransactResponse>, Status> {
        let request = request.into_inner();
        let name = database_name(&request.database)?;
        let omit_datoms = request.omit_datoms;
        let request = parsed(request).await?;
        let answer = self.transactor.transact(&name, request).await;
        let receipt = answer.map_err(|error| status::of(&error))?;
        let replayed = receipt.replayed;
        let report = Some(report(&receipt, omit_datoms));
        Ok(Response::new(v1::TransactResponse { report, replayed }))
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusResponse>, Status> {
        let name = &request.get_ref().database;
        let own = self.transactor.status();
        let mut databases: Vec<_> = own.databases.iter().map(database_status).collect();
        if !name.is_empty() {
            let name = database_name(name)?;
            databases.retain(|database| database.database == name.as_str());
            if databases.is_empty() {
                let unopened = self.transactor.look_up(&name).await;
                databases.push(database_status(&unopened.map_err(|error| status::of(&error))?));
            }
        }
        Ok(Response::new(v1::StatusResponse {
            version: own.version.to_owned(),
            store: own.store,
            uptime_ms: own.uptime_ms,
            databases,
        }))
    }
}

fn database_name(name: &str) -> Result<DatabaseName, Status> {
    DatabaseName::new(name).map_err(|error| invalid("database", error))
}

fn invalid(field: &str, reason: impl ToString) -> Status {
    status::of(&TransactError::invalid(field, reason))
}

/// Takes a request apart, outside the one task that serializes the writes; a large one on a thread
/// where it delays nobody.
async fn parsed(request: v1::TransactRequest) -> Result<TxRequest, Status> {
    if request.encoded_len() < LARGE_BYTES {
        return tx_request(request);
    }
    let parsed = tokio::task::spawn_blocking(|| tx_request(request)).await;
    parsed.unwrap_or_else(|_| Err(Status::internal("the request could not be taken apart")))
}

fn tx_request(request: v1::TransactRequest) -> Result<TxRequest, Status> {
    let bytes = request.encoded_len();
    let Some(data) = request.data else {
        return Err(invalid("data", "expected EDN text or operations"));
    };
    let key = match request.request_id.as_str() {
        "" => None,
        id => Some(request_key(id, &data)?),
    };
    let form = form(&data)?;
    let data = TxData::from_form(&form);
    let data = data.map_err(|error| status::of(&error.into()))?;
    Ok(TxRequest { data, key, bytes })
}

fn form(data: &Data) -> Result<Form, Status> {
    match data {
        // The size of a message is limited before it comes here.
        Data::Edn(text) => {
            edn::read_with(text, Limits { text_bytes_max: usize::MAX, ..Limits::default() })
                .map_err(|error| status::of_edn(&error))
        }
        Data::Operations(operations) => {
            operations::decode(operations).map_err(|bad: BadField| status::of_field(&bad))
        }
    }
}

fn request_key(id: &str, data: &Data) -> Result<RequestKey, Status> {
    let id = Uuid::parse_str(id).map_err(|error| invalid("request_id", error))?;
    let version = || invalid("request_id", "expected a UUID of version 7, which holds its time");
    let time = requests::time_of(id).ok_or_else(version)?;
    Ok(RequestKey { id, time, digest: digest(data) })
}

/// What tells one request from another: BLAKE3 of what it asks for.
fn digest(data: &Data) -> Digest {
    let mut hasher = blake3::Hasher::new();
    match data {
        Data::Edn(text) => hasher.update(b"edn\0").update(text.as_bytes()),
        Data::Operations(operations) => {
            hasher.update(b"operations\0").update(&operations.encode_to_vec())
        }
    };
    *hasher.finalize().as_bytes()
}

fn report(receipt: &Receipt, omit_datoms: bool) -> v1::TxReport {
    let record = &receipt.record;
    let mut report = v1::TxReport {
        t: record.t.get(),
        tx: record.t.entity().get(),
        instant_ms: record.instant.millis(),
        tempids: record.tempids.iter().map(|(name, e)| (name.clone(), e.get())).collect(),
        root: receipt.root,
        ..v1::TxReport::default()
    };
    if omit_datoms {
        return report;
    }
    let schema = receipt.db.schema();
    for datom in record.datoms() {
        report.datoms.push(values::encode_datom(datom));
        if let Some(ident) = schema.ident(datom.a.entity()) {
            report.attributes.entry(datom.a.get()).or_insert_with(|| ident.text().to_owned());
        }
    }
    report
}

fn database_status(database: &DatabaseStatus) -> v1::DatabaseStatus {
    let state = match database.state {
        DatabaseState::Opening => v1::DatabaseState::Opening,
        DatabaseState::Serving => v1::DatabaseState::Serving,
        DatabaseState::Fenced => v1::DatabaseState::Fenced,
        DatabaseState::Closed => v1::DatabaseState::Closed,
    };
    v1::DatabaseStatus {
        database: database.name.to_string(),
        database_id: database.id.map(|id| id.to_string()).unwrap_or_default(),
        state: state.into(),
        t: database.t.map_or(0, T::get),
        root: database.root,
        epoch: database.epoch,
        checkpoint_t: database.checkpoint_t.map_or(0, T::get),
        novelty_transactions: database.novelty.transactions,
        novelty_datoms: database.novelty.datoms,
        novelty_bytes: database.novelty.bytes,
        queued: database.queued,
        merging: database.merging,
    }
}
