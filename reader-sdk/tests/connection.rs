//! Connections to databases that a small writer of the tests publishes.

mod publisher;

use std::time::Duration;

use duramen::{Client, Connection, DbExt, Edn, Error, ErrorKind, Input, Keyword, Order, Stores, T};
use duramen_index::NodeOptions;
use publisher::{Publisher, stores};

const SCHEMA: &str =
    "[{:db/ident :note/text :db/valueType :db.type/string :db/cardinality :db.cardinality/one}]";
const NOTE: &str = r#"[{:db/ident :note :note/text "first"}]"#;

fn t(number: u64) -> T {
    T::new(number).expect("small")
}

async fn connected(stores: &Stores) -> Connection {
    let client = Client::builder().stores(stores.clone()).build();
    client.connect("memory://place/notes").await.expect("a connection")
}

async fn note(db: &duramen::Db) -> Option<String> {
    let shown = db.pull("[:note/text]", Keyword::new("note")).await.expect("an answer");
    shown.get(&Keyword::new("note/text").into()).and_then(|text| text.as_str()).map(str::to_owned)
}

#[tokio::test]
async fn a_connection_sees_what_is_published() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    let connection = connected(&stores).await;
    assert_eq!(connection.name(), "notes");
    assert_eq!(connection.db().await.expect("a value").basis_t(), T::GENESIS);
    publisher.transact(SCHEMA).await;
    publisher.transact(NOTE).await;
    let db = connection.db().await.expect("a value");
    assert_eq!((db.basis_t(), note(&db).await.as_deref()), (t(2), Some("first")));
    publisher.transact(r#"[[:db/add :note :note/text "second"]]"#).await;
    assert_eq!(note(&connection.last_db()).await.as_deref(), Some("first"));
    assert_eq!(note(&connection.db().await.expect("a value")).await.as_deref(), Some("second"));
    assert_eq!(note(&db).await.as_deref(), Some("first"), "a value never changes");
    assert_eq!(note(&connection.last_db().as_of(t(2))).await.as_deref(), Some("first"));
    let log = connection.tx_range(t(1), t(3)).await.expect("the log");
    assert_eq!(log.iter().map(|tx| tx.t).collect::<Vec<_>>(), [t(1), t(2)]);
}

#[tokio::test]
async fn nothing_new_costs_one_get() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    publisher.transact(SCHEMA).await;
    let connection = connected(&stores).await;
    let before = connection.stats();
    connection.db().await.expect("a value");
    let cost = connection.stats() - before;
    assert_eq!((cost.gets, cost.lists, cost.bytes), (1, 0, 0), "{cost}");
    let before = connection.stats();
    let all = (0..100).map(|_| connection.db());
    futures_util::future::try_join_all(all).await.expect("values");
    let cost = connection.stats() - before;
    assert!(cost.gets <= 2, "{cost}");
}

#[tokio::test]
async fn sync_waits_for_a_transaction() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    let connection = connected(&stores).await;
    let waiting = tokio::spawn({
        let connection = connection.clone();
        async move { connection.sync(t(2)).await.map(|db| db.basis_t()) }
    });
    tokio::time::sleep(Duration::from_millis(30)).await;
    publisher.transact(SCHEMA).await;
    publisher.transact(NOTE).await;
    assert_eq!(waiting.await.expect("a task").expect("a value"), t(2));
    let before = connection.stats();
    connection.sync(t(1)).await.expect("a value");
    assert_eq!(connection.stats(), before, "what was seen needs no look");
}

#[tokio::test]
async fn an_application_may_bring_its_own_timer() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let client = Client::builder()
        .stores(stores.clone())
        .sleep(move |pause| {
            began.send(pause).expect("the test listens");
            Box::pin(tokio::time::sleep(Duration::from_millis(1)))
        })
        .build();
    let connection = client.connect("memory://place/notes").await.expect("a connection");
    let waiting = tokio::spawn(async move { connection.sync(t(1)).await.map(|db| db.basis_t()) });
    for expected in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        assert_eq!(begins.recv().await, Some(Duration::from_millis(expected)));
    }
    publisher.transact(SCHEMA).await;
    assert_eq!(waiting.await.expect("a task").expect("a value"), t(1));
}

#[tokio::test]
async fn databases_of_one_client_share_its_stores() {
    let stores = stores();
    let mut notes = Publisher::create(&stores, "memory://place", "notes").await;
    let mut others = Publisher::create(&stores, "memory://elsewhere/deep", "others").await;
    for publisher in [&mut notes, &mut others] {
        publisher.transact(SCHEMA).await;
        publisher.transact(NOTE).await;
    }
    let client = Client::builder().stores(stores).cache_bytes(1 << 20).build();
    for url in ["memory://place/notes", "memory://elsewhere/deep/others/"] {
        let db = client.connect(url).await.expect(url).db().await.expect("a value");
        assert_eq!(note(&db).await.as_deref(), Some("first"), "{url}");
    }
}

/// A client that starts with the folder of another one asks the store for no node.
#[tokio::test]
async fn a_disk_cache_outlives_its_client() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    publisher.transact(SCHEMA).await;
    publisher.transact(NOTE).await;
    publisher.merge(&NodeOptions { top_bytes_max: 0, ..NodeOptions::default() }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut costs = Vec::new();
    for _ in 0..2 {
        let builder = Client::builder().stores(stores.clone());
        let client = builder.disk_cache(folder.path(), 1 << 30).build();
        let connection = client.connect("memory://place/notes").await.expect("a connection");
        assert_eq!(note(&connection.last_db()).await.as_deref(), Some("first"));
        client.flush_disk_cache().await;
        costs.push(connection.stats());
    }
    assert!(costs[0].node_loads > 0 && costs[0].node_disk_hits == 0, "{}", costs[0]);
    assert!(costs[1].node_loads == 0 && costs[1].node_disk_hits > 0, "{}", costs[1]);
}

#[test]
fn futures_can_be_sent_between_threads() {
    fn sendable<T: Send>(_: &T) {}
    let client = Client::builder().build();
    let all = async move {
        let connection = client.connect("memory://place/notes").await?;
        connection.tx_range(T::GENESIS, T::MAX).await?;
        connection.sync(T::GENESIS).await?;
        connection.db().await
    };
    sendable(&all);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    let client = Client::builder().stores(stores.clone()).build();
    let kind = async |url: &str| client.connect(url).await.map(|_| ()).map_err(|e| e.kind());
    assert_eq!(kind("memory://place/absent").await, Err(ErrorKind::NotFound));
    assert_eq!(kind("memory://place").await, Err(ErrorKind::Invalid));
    assert_eq!(kind("ftp://place/notes").await, Err(ErrorKind::Invalid));
    assert_eq!(kind("notes").await, Err(ErrorKind::Invalid));
    let connection = client.connect("memory://place/notes").await.expect("a connection");
    publisher.drop_database().await;
    let error: Error = connection.db().await.expect_err("it was dropped");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(connection.last_db().basis_t(), T::GENESIS, "what was seen stays");
    assert_eq!(kind("memory://place/notes").await, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn damage_names_the_object() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    let connection = connected(&stores).await;
    let key = publisher.publish_damaged(SCHEMA).await;
    let error = connection.db().await.expect_err("damage");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains(key.path()), "{error}");
}

#[tokio::test]
async fn damage_beneath_a_question_is_damage() {
    let stores = stores();
    let mut publisher = Publisher::create(&stores, "memory://place", "notes").await;
    publisher.transact(SCHEMA).await;
    publisher.transact(NOTE).await;
    publisher.merge(&NodeOptions { top_bytes_max: 0, ..NodeOptions::default() }).await;
    publisher.damage_packs().await;
    let db = connected(&stores).await.last_db();
    let note = db.schema().entity(&Keyword::new("note")).expect("an ident");
    let shown = "[:find (pull ?n [:note/text]) :in $ ?n]";
    let errors = [
        db.q("[:find ?e :where [?e :note/text]]", []).await.map(|_| ()),
        db.q(shown, [Input::Value(Edn::from(i64::from(note)))]).await.map(|_| ()),
        db.pull("[*]", note).await.map(|_| ()),
        db.entity(note).await.map(|_| ()),
        db.datoms_at(Order::Eavt, &[]).await.map(|_| ()),
    ];
    for error in errors.map(|answer| answer.expect_err("damage")) {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    }
}

#[test]
fn options_of_the_environment_are_those_of_stores() {
    for (name, _) in duramen::options_from_env() {
        let prefix = name.split('_').next().unwrap_or_default().to_ascii_lowercase();
        assert!(["aws", "google", "azure"].contains(&prefix.as_str()), "{name}");
    }
    let builder = Client::builder().option("aws_secret_access_key", "hush");
    assert!(!format!("{builder:?}").contains("hush"));
}
