//! The service as a client sees it, over gRPC.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use duramen_db::Selection;
use duramen_model::Keyword;
use duramen_proto::v1;
use duramen_proto::v1::transact_request::Data;
use duramen_store::{MemoryStore, WriteStore};
use duramen_transactor::Settings;
use duramen_transactor::client::{Client, ClientError};
use support::{SCHEMA, TestServer, db, snapshot};
use tonic::Code;
use uuid::Uuid;

async fn started() -> (Arc<dyn WriteStore>, TestServer, Client) {
    let store: Arc<dyn WriteStore> = Arc::new(MemoryStore::new());
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    (store, server, client)
}

async fn with_people() -> (Arc<dyn WriteStore>, TestServer, Client) {
    let (store, server, client) = started().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    (store, server, client)
}

fn request(database: &str, edn: &str, id: Uuid) -> v1::TransactRequest {
    v1::TransactRequest {
        database: database.to_owned(),
        data: Some(Data::Edn(edn.to_owned())),
        request_id: id.to_string(),
        omit_datoms: false,
    }
}

/// The status and the reason of a failure.
fn failure<T: std::fmt::Debug>(result: Result<T, ClientError>) -> (Code, String) {
    let error = result.unwrap_err();
    let (reason, _) = error.info().expect("every status says which error it is");
    (error.code().unwrap(), reason)
}

#[tokio::test]
async fn a_transaction_is_in_the_bucket_when_it_is_answered() {
    let (store, server, client) = with_people().await;
    let done = client
        .transact("cat", r#"[{:db/id "ann" :person/email "a@x" :person/name "Ann"}]"#)
        .await
        .unwrap();
    let report = done.report;
    assert_eq!((report.t, done.replayed), (2, false));
    assert_eq!(report.datoms.len(), 3);
    let names: Vec<&str> = report.attributes.values().map(String::as_str).collect();
    assert!(names.contains(&"person/email") && names.contains(&"db/txInstant"), "{names:?}");

    let snapshot = snapshot(&store, "cat").await;
    assert_eq!(snapshot.root().place.n, report.root);
    let name = snapshot.db().schema().attribute_named(&Keyword::new("person/name")).unwrap().id;
    let found = snapshot.db().select(&Selection::all().with_a(name)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].e.get(), report.tempids["ann"]);
    server.stop().await;
}

#[tokio::test]
async fn operations_do_what_their_forms_do() {
    let (_, server, client) = with_people().await;
    let text = |text: &str| {
        let value = v1::Value { kind: Some(v1::value::Kind::String(text.to_owned())) };
        v1::Operand { kind: Some(v1::operand::Kind::Value(value)) }
    };
    let entity = Some(v1::EntityRef { kind: Some(v1::entity_ref::Kind::Tempid("bob".to_owned())) });
    let attributes = vec![
        v1::AttributeValues { attribute: "person/name".to_owned(), values: vec![text("Bob")] },
        v1::AttributeValues {
            attribute: "person/alias".to_owned(),
            values: vec![text("b"), text("bobby")],
        },
    ];
    let map = v1::EntityMap { entity, attributes };
    let operation = v1::Operation { kind: Some(v1::operation::Kind::Entity(map)) };
    let done = client.transact_operations("cat", vec![operation]).await.unwrap();
    assert_eq!(done.report.datoms.len(), 4);
    assert!(done.report.tempids.contains_key("bob"));
    server.stop().await;
}

#[tokio::test]
async fn databases_come_and_go() {
    let (_, server, client) = started().await;
    let first = client.create_database("cat").await.unwrap();
    assert_eq!(failure(client.create_database("cat").await).0, Code::AlreadyExists);
    client.create_database("ant").await.unwrap();
    let listed = client.list_databases().await.unwrap();
    let names: Vec<_> = listed.iter().map(|entry| entry.database.as_str()).collect();
    assert_eq!(names, ["ant", "cat"]);

    client.transact("cat", SCHEMA).await.unwrap();
    client.delete_database("cat").await.unwrap();
    client.delete_database("ant").await.unwrap();
    assert!(client.list_databases().await.unwrap().is_empty());
    let refused = failure(client.transact("cat", SCHEMA).await);
    assert_eq!(refused, (Code::NotFound, "database/not-found".to_owned()));
    assert_eq!(failure(client.delete_database("cat").await).0, Code::NotFound);

    let second = client.create_database("cat").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(client.transact("cat", SCHEMA).await.unwrap().report.t, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_report() {
    let (_, server, client) = with_people().await;
    let id = Uuid::now_v7();
    let ann = r#"[{:db/id "ann" :person/name "Ann"}]"#;
    let first = client.transact_request(request("cat", ann, id)).await.unwrap();
    let second = client.transact_request(request("cat", ann, id)).await.unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.report, v1::TxReport { root: first.report.root, ..second.report });

    let other = client.transact_request(request("cat", "[]", id)).await;
    assert_eq!(failure(other), (Code::AlreadyExists, "request/reused".to_owned()));

    // A request that was refused was not applied: its id is free.
    let id = Uuid::now_v7();
    let wrong = client.transact_request(request("cat", "[[:db/add 1 :no/such 1]]", id)).await;
    assert_eq!(failure(wrong).0, Code::InvalidArgument);
    client.transact_request(request("cat", ann, id)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn each_fault_has_its_status_and_its_reason() {
    let (_, server, client) = with_people().await;
    let refused = |database: &'static str, edn: &'static str| {
        let client = client.clone();
        async move { failure(client.transact(database, edn).await) }
    };
    let is = |code, reason: &str| (code, reason.to_owned());
    client.transact("cat", r#"[{:person/email "a@x" :person/age 7}]"#).await.unwrap();
    assert_eq!(refused("cat", "[{").await, is(Code::InvalidArgument, "edn/malformed"));
    assert_eq!(refused("cat", "{}").await, is(Code::InvalidArgument, "tx/malformed"));
    let unknown = refused("cat", "[{:no/such 1}]").await;
    assert_eq!(unknown, is(Code::InvalidArgument, "tx/unknown-attribute"));
    let wrong = refused("cat", "[{:person/name 1}]").await;
    assert_eq!(wrong, is(Code::InvalidArgument, "tx/wrong-type"));
    let cas = refused("cat", r#"[[:db/cas [:person/email "a@x"] :person/age 8 9]]"#).await;
    assert_eq!(cas, is(Code::Aborted, "tx/cas-failed"));
    let nobody = refused("cat", r#"[[:db/add [:person/email "z"] :person/age 1]]"#).await;
    assert_eq!(nobody, is(Code::FailedPrecondition, "tx/unresolved-entity"));
    let nowhere = refused("dog", "[]").await;
    assert_eq!(nowhere, is(Code::NotFound, "database/not-found"));
    let unnamable = refused("No Such", "[]").await;
    assert_eq!(unnamable, is(Code::InvalidArgument, "request/invalid"));

    let old = Uuid::from_u128(0x6ba7b810_9dad_41d1_80b4_00c04fd430c8);
    let version = client.transact_request(request("cat", "[]", old)).await;
    assert_eq!(failure(version), is(Code::InvalidArgument, "request/invalid"));
    let ahead = uuid::Builder::from_unix_timestamp_millis(4_000_000_000_000, &[0; 10]).into_uuid();
    let future = client.transact_request(request("cat", "[]", ahead)).await;
    assert_eq!(failure(future), is(Code::InvalidArgument, "request/invalid"));
    let empty = v1::TransactRequest { data: None, ..request("cat", "", Uuid::now_v7()) };
    let empty = client.transact_request(empty).await;
    assert_eq!(failure(empty), is(Code::InvalidArgument, "request/invalid"));

    // Nothing of all this took effect, and the process goes on.
    assert_eq!(client.transact("cat", "[]").await.unwrap().report.t, 3);
    server.stop().await;
}

#[tokio::test]
async fn wrong_edn_is_told_with_its_place() {
    let (_, server, client) = with_people().await;
    let error = client.transact("cat", "[{:person/name \"Ann\"}\n oops)").await.unwrap_err();
    let (_, metadata) = error.info().unwrap();
    assert_eq!((metadata["line"].as_str(), metadata["column"].as_str()), ("2", "6"), "{error}");
    let edn = r#"[[:db/add "a" :person/name "A"] [:db/add "a" :person/age "old"]]"#;
    let error = client.transact("cat", edn).await.unwrap_err();
    let (_, metadata) = error.info().unwrap();
    assert_eq!(metadata["statement"], "1", "{error}");
    server.stop().await;
}

#[tokio::test]
async fn concurrent_clients_get_one_serial_order() {
    let (store, server, client) = with_people().await;
    let writers = (0..16).map(|writer| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut ts = Vec::new();
            for i in 0..20 {
                let edn = format!(r#"[{{:person/email "{writer}-{i}" :person/age {i}}}]"#);
                ts.push(client.transact("cat", &edn).await.unwrap().report.t);
            }
            ts
        })
    });
    let mut all = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let ts = writer.await.unwrap();
        assert!(ts.is_sorted());
        all.extend(ts);
    }
    all.sort_unstable();
    assert_eq!(all, (2..322).collect::<Vec<_>>());
    let snapshot = snapshot(&store, "cat").await;
    let age = snapshot.db().schema().attribute_named(&Keyword::new("person/age")).unwrap().id;
    assert_eq!(snapshot.db().select(&Selection::all().with_a(age)).await.unwrap().len(), 320);
    // Those who waited together went together.
    assert!(snapshot.root().place.n < 200, "{} roots", snapshot.root().place.n);
    server.stop().await;
}

#[tokio::test]
async fn cancelling_a_call_does_not_cancel_the_transaction() {
    let (store, server, client) = with_people().await;
    for i in 0..10 {
        let edn = format!(r#"[{{:person/email "{i}"}}]"#);
        let call = client.transact("cat", &edn);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(200 * i), call).await;
    }
    server.stop().await;
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    // Whatever was applied was applied whole, and what follows is in order.
    let t = server.client().await.transact("cat", "[]").await.unwrap().report.t;
    assert_eq!(db(&store, "cat").await.basis_t().get(), t);
    server.stop().await;
}

#[tokio::test]
async fn status_tells_how_a_database_is_doing() {
    let (_, server, client) = with_people().await;
    client.create_database("idle").await.unwrap();
    let status = client.status("cat").await.unwrap();
    assert_eq!(status.store, "memory://");
    let [cat] = &status.databases[..] else { panic!("{status:?}") };
    assert_eq!((cat.state(), cat.t, cat.epoch), (v1::DatabaseState::Serving, 1, 1));
    let idle = client.status("idle").await.unwrap();
    assert_eq!(idle.databases[0].state(), v1::DatabaseState::Closed);
    assert_eq!(failure(client.status("none").await).0, Code::NotFound);
    assert_eq!(client.status("").await.unwrap().databases.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn status_lists_no_database_that_never_was() {
    let (_store, _server, client) = with_people().await;
    let (code, _) = failure(client.transact("nobody", "[]").await);
    assert_eq!(code, Code::NotFound);
    let names = client.status("").await.unwrap().databases.into_iter().map(|d| d.database);
    assert_eq!(names.collect::<Vec<_>>(), ["cat"]);
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let (_, server, _) = started().await;
    let channel = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let service = "duramen.v1.Transactor".to_owned();
    let check = tonic_health::pb::HealthCheckRequest { service };
    let answer = health.check(check).await.unwrap().into_inner();
    assert_eq!(answer.status(), tonic_health::pb::health_check_response::ServingStatus::Serving);

    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let ask = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(
            "duramen.v1.Transactor".to_owned(),
        )),
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let answers = reflection.server_reflection_info(futures_util::stream::iter([ask])).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let found = matches!(
        answer.message_response,
        Some(MessageResponse::FileDescriptorResponse(ref files))
            if !files.file_descriptor_proto.is_empty()
    );
    assert!(found, "{answer:?}");
    server.stop().await;
}
