//! What survives: restarts, takeovers, merges, large transactions.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duramen_db::{Db, Selection};
use duramen_model::{Keyword, T, Value};
use duramen_proto::v1;
use duramen_proto::v1::transact_request::Data;
use duramen_store::delayed::{Delayed, Latency};
use duramen_store::file::{FileStore, MissingFolder};
use duramen_store::layout::{DatabaseFolder, DatabaseName};
use duramen_store::{MemoryStore, WriteStore};
use duramen_transactor::Settings;
use duramen_transactor::settings::NoveltyLimits;
use support::{SCHEMA, TestServer, db, snapshot};
use tonic::Code;
use uuid::Uuid;

fn memory() -> Arc<dyn WriteStore> {
    Arc::new(MemoryStore::new())
}

fn request(edn: &str, id: Uuid) -> v1::TransactRequest {
    v1::TransactRequest {
        database: "cat".to_owned(),
        data: Some(Data::Edn(edn.to_owned())),
        request_id: id.to_string(),
        omit_datoms: false,
    }
}

async fn emails(db: &Db) -> BTreeSet<String> {
    let a = db.schema().attribute_named(&Keyword::new("person/email")).unwrap().id;
    let datoms = db.select(&Selection::all().with_a(a)).await.unwrap();
    let text = |v: &Value| match v {
        Value::String(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    datoms.iter().map(|datom| text(&datom.v)).collect()
}

#[tokio::test]
async fn a_new_server_goes_on_where_the_last_one_stopped() {
    let store = memory();
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let id = Uuid::now_v7();
    let ann = request(r#"[{:db/id "a" :person/email "ann"}]"#, id);
    let first = client.transact_request(ann.clone()).await.unwrap();
    server.stop().await;

    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    let again = client.transact_request(ann).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.report.tempids, first.report.tempids);
    let next = client.transact("cat", r#"[{:person/email "bob"}]"#).await.unwrap();
    assert_eq!(next.report.t, first.report.t + 1);
    assert_eq!(
        emails(&db(&store, "cat").await).await,
        BTreeSet::from(["ann", "bob"].map(str::to_owned))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_deposed_refers_to_the_new_one_and_loses_nothing() {
    let store = memory();
    let old = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = old.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();

    let new = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let by_new = new.client().await.transact("cat", r#"[{:person/email "new"}]"#).await.unwrap();
    assert_eq!(by_new.report.t, 2);
    // The first request finds out and is sent again by the client; the next answer says where.
    let error = client.transact("cat", r#"[{:person/email "old"}]"#).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::FailedPrecondition), "{error}");
    let (reason, metadata) = error.info().unwrap();
    assert_eq!((reason.as_str(), &metadata["address"]), ("database/elsewhere", &new.grpc));
    let next = new.client().await.transact("cat", r#"[{:person/email "next"}]"#).await.unwrap();
    assert_eq!(next.report.t, 3);
    assert_eq!(
        emails(&db(&store, "cat").await).await,
        BTreeSet::from(["new", "next"].map(str::to_owned))
    );
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn WriteStore> = Arc::new(FileStore::new(folder.path(), MissingFolder::Empty));
    let mut answered = BTreeSet::new();
    for round in 0..5 {
        let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
        let client = server.client().await;
        if round == 0 {
            client.create_database("cat").await.unwrap();
            client.transact("cat", SCHEMA).await.unwrap();
        }
        for i in 0..10 {
            let email = format!("{round}-{i}");
            let edn = format!(r#"[{{:person/email "{email}"}}]"#);
            client.transact("cat", &edn).await.unwrap();
            answered.insert(email);
        }
        server.kill();
    }
    assert_eq!(emails(&db(&store, "cat").await).await, answered);
}

#[tokio::test]
async fn a_transaction_larger_than_a_root_goes_through_a_segment() {
    let store = memory();
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    client.transact("cat", r#"[{:person/email "before"}]"#).await.unwrap();
    let people: Vec<String> =
        (0..8_000).map(|i| format!(r#"{{:person/email "{i:0100}"}}"#)).collect();
    let large = client.transact("cat", &format!("[{}]", people.join(" "))).await.unwrap();
    assert_eq!(large.report.datoms.len(), 8_001);
    client.transact("cat", r#"[{:person/email "after"}]"#).await.unwrap();
    let snapshot = snapshot(&store, "cat").await;
    assert!(snapshot.root().seal().unwrap().len() < 256 << 10);
    assert_eq!(emails(snapshot.db()).await.len(), 8_002);
    server.stop().await;

    let refusing = Settings { transaction_bytes_max: 10_000, ..Settings::default() };
    let server = TestServer::start(Arc::clone(&store), refusing).await;
    let edn = format!(r#"[{{:person/name "{}"}}]"#, "x".repeat(20_000));
    let error = server.client().await.transact("cat", &edn).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::InvalidArgument), "{error}");
    assert_eq!(error.info().unwrap().0, "tx/too-large");
    server.stop().await;
}

/// Limits so small that a few hundred transactions spill and merge many times.
fn small() -> Settings {
    Settings {
        tail_bytes_target: 1_000,
        root_bytes_max: 40_000,
        novelty_soft: NoveltyLimits { datoms: 60, bytes: 8_000, segments: 4 },
        novelty_hard: NoveltyLimits { datoms: 5_000, bytes: 500_000, segments: 400 },
        leaf_records_max: 8,
        branch_children_max: 4,
        requests_remembered: 50,
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_beside_commits_lose_nothing() {
    let store = memory();
    let server = TestServer::start(Arc::clone(&store), small()).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let first = Uuid::now_v7();
    let ann = request(r#"[{:person/email "ann" :person/age 1}]"#, first);
    client.transact_request(ann.clone()).await.unwrap();
    let writers = (0..4).map(|writer| {
        let client = client.clone();
        tokio::spawn(async move {
            for i in 0..60 {
                let edn = format!(
                    r#"[{{:person/email "{writer}-{i}" :person/age {i}}}
                        {{:person/email "ann" :person/age {i}}}]"#
                );
                client.transact("cat", &edn).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    server.stop().await;
    let snapshot = snapshot(&store, "cat").await;
    let merged = snapshot.root().checkpoint.expect("merges took place").t;
    assert!(merged > T::new(20).unwrap(), "merged up to {merged}");
    let found = emails(snapshot.db()).await;
    assert_eq!(found.len(), 241);
    let genesis = T::GENESIS;
    let log = snapshot.db().tx_range(genesis, T::MAX).await.unwrap();
    assert_eq!(log.len() as u64, snapshot.root().t.get() + 1);

    // Replayed from the log, after a takeover; or refused, never taken as new.
    let server = TestServer::start(Arc::clone(&store), small()).await;
    let error = server.client().await.transact_request(ann).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::OutOfRange), "{error}");
    let t = server.client().await.transact("cat", "[]").await.unwrap().report.t;
    assert_eq!(t, log.len() as u64);
    server.stop().await;
}

#[tokio::test]
async fn a_merged_transaction_is_still_replayed() {
    let store = memory();
    let settings = Settings { requests_remembered: 10_000, ..small() };
    let server = TestServer::start(Arc::clone(&store), settings).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let ann = request(r#"[{:db/id "a" :person/email "ann" :person/age 1}]"#, Uuid::now_v7());
    let first = client.transact_request(ann.clone()).await.unwrap();
    for i in 0..200 {
        let edn = format!(r#"[{{:person/email "{i}" :person/age {i}}}]"#);
        client.transact("cat", &edn).await.unwrap();
    }
    let checkpoint = snapshot(&store, "cat").await.root().checkpoint.expect("merged");
    assert!(checkpoint.t.get() > first.report.t);
    let again = client.transact_request(ann).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.report.datoms, first.report.datoms);
    server.stop().await;
}

#[tokio::test]
async fn damage_is_told_with_the_object_and_others_are_served() {
    let store = memory();
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    for name in ["cat", "dog"] {
        client.create_database(name).await.unwrap();
        client.transact(name, SCHEMA).await.unwrap();
    }
    server.stop().await;
    let newest = {
        let root = snapshot(&store, "cat").await.root().place.clone();
        let name = DatabaseName::new("cat").unwrap();
        DatabaseFolder::new(&name).contents(root.id).root(&root.branch, root.n)
    };
    let mut bytes = store.get(&newest).await.unwrap().unwrap().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    store.put(&newest, bytes.into()).await.unwrap();

    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    let error = client.transact("cat", "[]").await.unwrap_err();
    assert_eq!(error.code(), Some(Code::DataLoss), "{error}");
    let (reason, metadata) = error.info().unwrap();
    assert_eq!((reason.as_str(), metadata["object"].as_str()), ("store/corrupt", newest.path()));
    assert_eq!(client.transact("dog", "[]").await.unwrap().report.t, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_answers_what_waits_and_loses_nothing() {
    let latency = Latency { read: Duration::from_millis(2), write: Duration::from_millis(20) };
    let store: Arc<dyn WriteStore> = Arc::new(Delayed::new(Arc::new(MemoryStore::new()), latency));
    let server = TestServer::start(Arc::clone(&store), Settings::default()).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let writers = (0..8).map(|writer| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut answered = Vec::new();
            for i in 0.. {
                let email = format!("{writer}-{i}");
                let ask = request(&format!(r#"[{{:person/email "{email}"}}]"#), Uuid::now_v7());
                // Without a second try: whatever fails now is not in the list.
                match client.transact_request_once(ask).await {
                    Ok(_) => answered.push(email),
                    Err(_) => break,
                }
            }
            answered
        })
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    let mut answered = BTreeSet::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    assert!(answered.len() > 8, "{}", answered.len());
    let found = emails(&db(&store, "cat").await).await;
    assert!(answered.is_subset(&found), "lost: {:?}", answered.difference(&found));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let latency = Latency { read: Duration::ZERO, write: Duration::from_millis(100) };
    let store: Arc<dyn WriteStore> = Arc::new(Delayed::new(Arc::new(MemoryStore::new()), latency));
    let settings =
        Settings { queue_requests_max: 2, batch_transactions_max: 1, ..Settings::default() };
    let server = TestServer::start(store, settings).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let requests = (0..20).map(|_| {
        let client = client.clone();
        let ask = request("[]", Uuid::now_v7());
        tokio::spawn(async move { client.transact_request_once(ask).await })
    });
    let mut refused = 0;
    for request in requests.collect::<Vec<_>>() {
        if let Err(error) = request.await.unwrap() {
            assert_eq!(error.code(), Some(Code::ResourceExhausted), "{error}");
            refused += 1;
        }
    }
    assert!((10..19).contains(&refused), "{refused} refused");
    server.stop().await;
}

#[tokio::test]
async fn too_much_novelty_refuses_until_it_is_merged() {
    let settings = Settings {
        novelty_soft: NoveltyLimits { datoms: 100, bytes: 1 << 20, segments: 100 },
        novelty_hard: NoveltyLimits { datoms: 100, bytes: 1 << 20, segments: 100 },
        ..Settings::default()
    };
    let server = TestServer::start(memory(), settings).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    let mut busy = 0;
    for i in 0..200 {
        let ask = request(&format!(r#"[{{:person/email "{i}"}}]"#), Uuid::now_v7());
        while let Err(error) = client.transact_request_once(ask.clone()).await {
            assert_eq!(error.info().unwrap().0, "busy", "{error}");
            busy += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(busy > 0);
    assert_eq!(client.status("cat").await.unwrap().databases[0].t, 201);
    server.stop().await;
}
