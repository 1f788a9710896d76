//! Real stores keep the promises of stores, and fail in ways that say what to do.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use duramen_store::conformance;
use duramen_store::{Creation, Key, StoreError, Stores, WriteStore, probe};
use duramen_tests::servers::{Azurite, S3Server};

fn opened(url: &str, options: Vec<(String, String)>) -> Arc<dyn WriteStore> {
    Stores::builder().options(options).build().open(url).unwrap()
}

/// Every request to a place that is not there says so, and an attempt to create is certain.
async fn assert_no_place(store: &dyn WriteStore) {
    let key = Key::new("a/b");
    for answer in [
        store.get(&key).await.map(drop),
        store.get_range(&key, 0..9).await.map(drop),
        store.list(&Key::new("a"), 9).await.map(drop),
        store.list_folders(&Key::new("")).await.map(drop),
        store.create(&key, "x".into()).await.map(drop),
        store.put(&key, "x".into()).await,
    ] {
        assert!(matches!(answer, Err(StoreError::NoPlace { .. })), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_promises() {
    let server = S3Server::start().await.unwrap();
    let bucket = server.make_bucket("promises").unwrap();
    let store = opened(&format!("{bucket}/some/folder"), server.options());
    probe::create_only(&*store, &Key::new("")).await.unwrap();
    probe::create_only(&*store, &Key::new("")).await.unwrap();
    conformance::all(&store, &Key::new("x")).await;

    let whole = opened(&bucket, server.options());
    conformance::listings_are_sorted_and_limited(&whole, &Key::new("y")).await;
    assert_eq!(whole.list_folders(&Key::new("")).await.unwrap(), ["some", "y"]);

    assert_no_place(&*opened(&server.url("absent"), server.options())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_keeps_the_promises() {
    let server = Azurite::start().await.unwrap();
    let container = server.make_container("promises").unwrap();
    let store = opened(&format!("{container}/some/folder"), server.options());
    probe::create_only(&*store, &Key::new("")).await.unwrap();
    conformance::all(&store, &Key::new("x")).await;

    assert_no_place(&*opened(&server.url("absent"), server.options())).await;

    let mut options = server.options();
    options.push(("azure_storage_account_key".to_owned(), "d3Jvbmc=".to_owned()));
    let denied = opened(&container, options);
    let read = denied.get(&Key::new("x")).await.unwrap_err();
    assert!(matches!(read, StoreError::Denied { .. }), "{read}");
    let create = denied.create(&Key::new("x"), "x".into()).await.unwrap_err();
    assert!(create.to_string().contains("azure_storage_account_key"), "{create}");
}

/// Forty increments by each of eight writers, each by creating the next number: none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_numbered_objects_never_overwrite_each_other() {
    let server = S3Server::start().await.unwrap();
    let store = opened(&server.make_bucket("numbers").unwrap(), server.options());
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut number, mut created) = (0, 0);
            while created < 40 {
                let key = Key::new(format!("root/{number:05}"));
                match store.create(&key, format!("{writer}").into()).await.unwrap() {
                    Creation::Created => created += 1,
                    Creation::Exists => {}
                    Creation::Unknown(cause) => panic!("{cause}"),
                }
                number += 1;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(store.list(&Key::new("root"), 999).await.unwrap().len(), 320);
}

#[tokio::test]
async fn missing_credentials_show_soon_and_say_what_to_set() {
    for (url, option) in [
        ("s3://bucket/x", "aws_access_key_id"),
        ("gs://bucket/x", "google_service_account"),
        ("az://container/x", "azure_storage_account_name"),
    ] {
        let began = Instant::now();
        let stores = Stores::default();
        let denied = match stores.open(url) {
            Ok(store) => store.create(&Key::new("x"), "x".into()).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(denied, StoreError::Denied { .. }), "{denied}");
        assert!(denied.to_string().contains(option), "{denied}");
        assert!(began.elapsed() < Duration::from_secs(8), "{url}: {:?}", began.elapsed());
    }
}

/// The clients need tokio; whoever lives on another executor need not know.
#[test]
fn any_executor_can_read_a_bucket() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(S3Server::start()).unwrap();
    let bucket = server.make_bucket("executor").unwrap();
    let store = opened(&bucket, server.options());
    block_on(async {
        let key = Key::new("x");
        assert!(matches!(store.create(&key, "1".into()).await.unwrap(), Creation::Created));
        assert_eq!(store.get(&key).await.unwrap().unwrap(), "1");
    });
}

/// An executor that is not tokio's: a thread that sleeps until it is woken.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
