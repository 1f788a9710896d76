//! What a caller makes of every kind of answer, sent over a socket by a server that follows a
//! script.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{Creation, Key, StoreError, Stores, WriteStore};

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Play {
    /// Answers with a status, headers and a body.
    Answer(u16, &'static str, &'static str),
    /// Closes the connection.
    Close,
    /// Says nothing for longer than anyone waits.
    Hang,
}

use Play::{Answer, Close, Hang};

/// Follows the script, a request a step, and gives the requests it got.
struct Server {
    address: String,
    task: JoinHandle<Vec<String>>,
}

impl Server {
    async fn play(script: &'static [Play]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut requests = Vec::new();
            for play in script {
                let (mut connection, _) = listener.accept().await.unwrap();
                requests.push(read_request(&mut connection).await);
                match play {
                    Answer(status, headers, body) => {
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: \
                             {length}\r\n{headers}\r\n{body}"
                        );
                        connection.write_all(answer.as_bytes()).await.unwrap();
                    }
                    Close => {}
                    Hang => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            }
            requests
        });
        Self { address, task }
    }

    fn options(&self) -> Vec<(String, String)> {
        let options = [
            ("aws_endpoint", self.address.as_str()),
            ("azure_endpoint", self.address.as_str()),
            ("google_base_url", self.address.as_str()),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
            ("google_bearer_token", "token"),
            ("azure_storage_account_name", "account"),
            ("azure_storage_account_key", "a2V5"),
            ("timeout", "500ms"),
        ];
        options.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn open(&self, url: &str) -> Arc<dyn WriteStore> {
        let builder = Stores::builder().retry_for(Duration::from_secs(2));
        builder.options(self.options()).build().open(url).unwrap()
    }
}

async fn read_request(connection: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if count == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

fn key() -> Key {
    Key::new("folder/object")
}

/// Creates once over a scripted answer. Checks that one request was sent, with the condition.
async fn created(url: &str, script: &'static [Play]) -> Result<Creation, StoreError> {
    let server = Server::play(script).await;
    let outcome = server.open(url).create(&key(), "bytes".into()).await;
    let requests = server.task.await.unwrap();
    assert_eq!(requests.len(), 1);
    let conditions = ["if-none-match: *", "x-goog-if-generation-match: 0"];
    let request = requests[0].to_ascii_lowercase();
    assert!(conditions.iter().any(|condition| request.contains(condition)), "{request}");
    assert!(request.contains("cache-control: public, max-age=31536000, immutable"), "{request}");
    outcome
}

#[tokio::test]
async fn creating_is_created_exists_or_refused_only_when_that_is_certain() {
    const OK: Play = Answer(200, "etag: \"1\"\r\n", "");
    let ok = created("s3://bucket", &[OK]).await;
    assert!(matches!(ok, Ok(Creation::Created)), "{ok:?}");

    const TAKEN: Play = Answer(412, "", "<Code>PreconditionFailed</Code>");
    for url in ["s3://bucket", "gs://bucket", "az://container"] {
        let taken = created(url, &[TAKEN]).await;
        assert!(matches!(taken, Ok(Creation::Exists)), "{url}: {taken:?}");
    }
    const BLOB: Play = Answer(409, "", "<Code>BlobAlreadyExists</Code>");
    let taken = created("az://container", &[BLOB]).await;
    assert!(matches!(taken, Ok(Creation::Exists)), "{taken:?}");

    const DENIED: Play = Answer(403, "", "<Code>AccessDenied</Code>");
    let denied = created("s3://bucket", &[DENIED]).await;
    assert!(matches!(denied, Err(StoreError::Denied { .. })), "{denied:?}");
    const EXPIRED: Play = Answer(400, "", "<Code>ExpiredToken</Code>");
    let expired = created("s3://bucket", &[EXPIRED]).await;
    assert!(matches!(expired, Err(StoreError::Denied { .. })), "{expired:?}");
    const NO_BUCKET: Play = Answer(404, "", "<Code>NoSuchBucket</Code>");
    let no_place = created("s3://bucket", &[NO_BUCKET]).await;
    assert!(matches!(no_place, Err(StoreError::NoPlace { .. })), "{no_place:?}");
    const ELSEWHERE: Play = Answer(301, "", "<Code>PermanentRedirect</Code>");
    let elsewhere = created("s3://bucket", &[ELSEWHERE]).await;
    assert!(matches!(elsewhere, Err(StoreError::Url { .. })), "{elsewhere:?}");
}

#[tokio::test]
async fn creating_is_unknown_when_the_answer_leaves_a_doubt() {
    const CONFLICT: Play = Answer(409, "", "<Code>ConditionalRequestConflict</Code>");
    const SCRIPTS: [&[Play]; 7] = [
        &[CONFLICT],
        &[Answer(500, "", "")],
        &[Answer(503, "", "<Code>SlowDown</Code>")],
        &[Answer(429, "", "")],
        &[Answer(408, "", "")],
        &[Close],
        &[Hang],
    ];
    for (number, script) in SCRIPTS.into_iter().enumerate() {
        let outcome = created("s3://bucket", script).await;
        assert!(matches!(outcome, Ok(Creation::Unknown(_))), "{number}: {outcome:?}");
    }
    let conflict = created("gs://bucket", &[CONFLICT]).await;
    assert!(matches!(conflict, Ok(Creation::Unknown(_))), "{conflict:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_created_nothing() {
    let server = Server::play(&[]).await;
    let store = server.open("s3://bucket");
    server.task.await.unwrap();
    let outcome = store.create(&key(), "bytes".into()).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated() {
    const OK: Play =
        Answer(200, "etag: \"1\"\r\nlast-modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "");
    let server = Server::play(&[Answer(503, "", ""), OK, Answer(500, "", ""), OK]).await;
    let store = server.open("s3://bucket");
    store.put(&key(), "bytes".into()).await.unwrap();
    assert_eq!(store.get(&key()).await.unwrap().unwrap(), "");
    server.task.await.unwrap();
}

#[tokio::test]
async fn reads_tell_an_absent_object_from_an_absent_bucket() {
    const NO_KEY: Play = Answer(404, "", "<Code>NoSuchKey</Code>");
    const NO_BUCKET: Play = Answer(404, "", "<Code>NoSuchBucket</Code>");
    const DENIED: Play = Answer(403, "", "<Code>AccessDenied</Code>");
    const BEYOND: Play = Answer(416, "", "<Code>InvalidRange</Code>");
    let script = &[NO_KEY, NO_BUCKET, NO_BUCKET, DENIED, BEYOND];
    let server = Server::play(script).await;
    let store = server.open("s3://bucket");
    assert_eq!(store.get(&key()).await.unwrap(), None);
    let no_place = store.get(&key()).await.unwrap_err();
    assert!(matches!(no_place, StoreError::NoPlace { .. }), "{no_place}");
    let no_place = store.list(&Key::new(""), 9).await.unwrap_err();
    assert!(matches!(no_place, StoreError::NoPlace { .. }), "{no_place}");
    let denied = store.list(&Key::new(""), 9).await.unwrap_err();
    assert!(matches!(denied, StoreError::Denied { .. }), "{denied}");
    assert!(denied.to_string().contains("aws_access_key_id"), "{denied}");
    assert_eq!(store.get_range(&key(), 9..10).await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn hints_are_not_to_be_cached() {
    let server = Server::play(&[Answer(200, "etag: \"1\"\r\n", "")]).await;
    let store = server.open("s3://bucket");
    store.put(&Key::new("cat/HEAD/main"), "bytes".into()).await.unwrap();
    let requests = server.task.await.unwrap();
    assert!(requests[0].contains("cache-control: no-cache\r\n"), "{requests:?}");
}

#[tokio::test]
async fn a_website_is_read() {
    const DENIED: Play = Answer(403, "", "");
    const SCRIPT: &[Play] = &[
        Answer(200, "", "whole"),
        Answer(206, "content-range: bytes 1-2/5\r\n", "ho"),
        // A server that knows no ranges, asked again for the whole.
        Answer(200, "", "whole"),
        Answer(200, "", "whole"),
        Answer(404, "", ""),
        DENIED,
        Answer(200, "", "hint"),
        DENIED,
    ];
    let server = Server::play(SCRIPT).await;
    let store = Stores::default().open_read(&format!("{}/base", server.address)).unwrap();
    assert_eq!(store.get(&key()).await.unwrap().unwrap(), "whole");
    assert_eq!(store.get_range(&key(), 1..3).await.unwrap().unwrap(), "ho");
    assert_eq!(store.get_range(&key(), 3..9).await.unwrap().unwrap(), "le");
    assert_eq!(store.get(&key()).await.unwrap(), None);
    // Denied until a hint was read, which shows that reading is allowed.
    let denied = store.get(&key()).await.unwrap_err();
    assert!(matches!(denied, StoreError::Denied { .. }), "{denied}");
    assert!(store.get(&Key::new("cat/HEAD/main")).await.unwrap().is_some());
    assert_eq!(store.get(&key()).await.unwrap(), None);
    let list = store.list(&Key::new(""), 9).await.unwrap_err();
    assert!(matches!(list, StoreError::Unsupported { .. }), "{list}");
    let requests = server.task.await.unwrap();
    assert!(requests[0].starts_with("GET /base/folder/object "), "{}", requests[0]);
}

/// Answers every request with a byte after a while; the most that it had at once.
async fn slow_server(pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let most = Arc::new(AtomicUsize::new(0));
    let (shared, active) = (Arc::clone(&most), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let (most, active) = (Arc::clone(&shared), Arc::clone(&active));
            tokio::spawn(async move {
                read_request(&mut connection).await;
                most.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(pause).await;
                active.fetch_sub(1, Ordering::SeqCst);
                let answer = "HTTP/1.1 206 X\r\nconnection: close\r\ncontent-length: 1\r\n\
                              content-range: bytes 0-0/9\r\netag: \"1\"\r\n\
                              last-modified: Tue, 01 Jan 2030 00:00:00 GMT\r\n\r\nx";
                connection.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    (address, most)
}

#[tokio::test]
async fn so_many_stretches_are_read_at_once_and_no_more() {
    let (address, most) = slow_server(Duration::from_millis(50)).await;
    let server = Server { address, task: tokio::spawn(async { Vec::new() }) };
    let builder = Stores::builder().options(server.options()).stretches_at_once(3);
    let store = builder.build().open("s3://bucket").unwrap();
    let key = key();
    // Nobody who waits or is under way has to go on for others to be served.
    let mut given_up = Box::pin(store.get_range(&key, 0..1));
    assert!(futures_util::poll!(&mut given_up).is_pending());
    let mut stalled: Vec<_> = (0..3).map(|_| Box::pin(store.get_range(&key, 0..1))).collect();
    for stalled in &mut stalled {
        assert!(futures_util::poll!(stalled).is_pending());
    }
    drop(given_up);
    let reads = (0..9).map(|_| store.get_range(&key, 0..1));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.unwrap().unwrap(), "x");
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    // What was asked once has been answered meanwhile.
    for stalled in stalled {
        let answer = stalled.now_or_never().expect("an answer");
        assert_eq!(answer.unwrap().unwrap(), "x");
    }
}
