//! The HTTP side.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use duramen_store::MemoryStore;
use duramen_transactor::{Settings, instruments};
use support::{SCHEMA, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn get(server: &TestServer, path: &str) -> String {
    let address = server.http.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_pages_tell_how_it_is_doing() {
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::start(store, Settings::default()).await;
    let client = server.client().await;
    client.create_database("cat").await.unwrap();
    client.transact("cat", SCHEMA).await.unwrap();
    assert!(get(&server, "/livez").await.starts_with("HTTP/1.1 200"));
    assert!(get(&server, "/readyz").await.contains("ready"));
    let overview = get(&server, "/").await;
    assert!(
        overview.contains(r#""database":"cat""#) && overview.contains(r#""t":1"#),
        "{overview}"
    );
    assert!(get(&server, "/metrics").await.starts_with("HTTP/1.1 404"));
    assert!(get(&server, "/nothing").await.starts_with("HTTP/1.1 404"));
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_what_was_published() {
    let handle = instruments::collector().unwrap().install_recorder().unwrap();
    instruments::describe();
    let store = Arc::new(MemoryStore::new());
    let server = TestServer::start_measured(store, Settings::default(), Some(handle)).await;
    let client = server.client().await;
    client.create_database("measured").await.unwrap();
    client.transact("measured", SCHEMA).await.unwrap();
    client.transact("measured", "[oops]").await.unwrap_err();
    let text = get(&server, "/metrics").await;
    // Other tests of this process are counted too.
    assert!(text.contains("\nduramen_transactions_total "), "{text}");
    assert!(text.contains("duramen_requests_total{outcome=\"applied\"} "), "{text}");
    assert!(text.contains("duramen_publish_seconds_bucket{"), "{text}");
    assert!(text.contains("duramen_t{database=\"measured\"} 1"), "{text}");
    server.stop().await;
}
