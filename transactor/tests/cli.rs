//! The program, run as people run it: processes, ports, exit codes, what is printed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod program;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use duramen_store::envelope::{HEADER_BYTES, Header, Kind};
use program::{Server, duramen};
use tempfile::TempDir;

const ITEMS: &str = "[{:db/ident :item/sku :db/valueType :db.type/string
  :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
 {:db/ident :item/left :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]";
const BOOKS: &str = "[{:db/ident :book/sku :db/valueType :db.type/string
  :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
 {:db/ident :book/title :db/valueType :db.type/string :db/cardinality :db.cardinality/one}]";

/// A server with a database of items, in which two were transacted.
fn stock() -> Server {
    let server = Server::start();
    server.on(&["create", "stock"]).succeeds();
    server.on(&["transact", "stock", ITEMS]).succeeds();
    let items = r#"[{:item/sku "oak-1" :item/left 40} {:item/sku "oak-2" :item/left 3}]"#;
    server.on(&["transact", "stock", items]).succeeds();
    server
}

#[test]
fn what_is_transacted_is_read_from_the_folder() {
    let server = stock();
    let url = server.url("stock");
    let query = "[:find ?sku ?left :where [?e :item/sku ?sku] [?e :item/left ?left]]";
    let table = duramen(&["query", "--db", &url, query]).succeeds();
    for text in ["?sku", "?left", "oak-1", "40", "2 rows"] {
        assert!(table.stdout.contains(text), "{table:?}");
    }
    let one = r#"[:find ?left . :in $ ?sku :where [?e :item/sku ?sku] [?e :item/left ?left]]"#;
    let edn = duramen(&["query", "--db", &url, "--edn", "--in", "\"oak-2\"", one]).succeeds();
    assert_eq!(edn.stdout, "3\n");
    let json =
        duramen(&["query", "--db", &url, "--json", "[:find [?s ...] :where [_ :item/sku ?s]]"]);
    let mut skus: Vec<String> = serde_json::from_str(&json.succeeds().stdout).unwrap();
    skus.sort();
    assert_eq!(skus, ["oak-1", "oak-2"]);
    let steps = duramen(&["query", "--db", &url, "--explain", query]).succeeds();
    for text in ["estimated", "match $ [?e :item/sku ?sku] of 2", "requests"] {
        assert!(steps.stdout.contains(text), "{steps:?}");
    }
    let steps = duramen(&["query", "--db", &url, "--explain", "--json", query]).succeeds();
    let steps: serde_json::Value = serde_json::from_str(&steps.stdout).unwrap();
    assert_eq!(steps["steps"][1]["actual"]["rows"], 2);
}

#[test]
fn a_database_is_verified() {
    let server = stock();
    let url = server.url("stock");
    let folder = server.stop();
    let sound = duramen(&["verify", "--db", &url]).succeeds();
    assert!(sound.stdout.ends_with("all is as it should be\n"), "{sound:?}");
    let json = duramen(&["verify", "--db", &url, "--json"]).succeeds();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["sound"], &report["transactions"]), (&true.into(), &3.into()));
    assert_eq!(report["objects"]["claim"]["live"]["objects"], 1);

    let head = folder.path().join("stock/HEAD/main");
    let mut bytes = std::fs::read(&head).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&head, bytes).unwrap();
    let damaged = duramen(&["verify", "--db", &url]).fails_with(8);
    assert!(damaged.stdout.contains("stock/HEAD/main: expected hash"), "{damaged:?}");
    assert!(damaged.stderr.contains("damaged: 1 finding"), "{damaged:?}");
    duramen(&["verify", "--db", folder.path().to_str().unwrap()]).fails_with(2);
}

#[test]
fn a_transaction_is_reported() {
    let server = stock();
    let data = r#"[{:db/id "new" :item/sku "elm-1" :item/left 7}]"#;
    let json = server.on(&["transact", "stock", data, "--json", "--datoms"]).succeeds();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["t"], &report["count"]), (&3.into(), &3.into()));
    let new = report["tempids"]["new"].as_i64().unwrap();
    let datoms = report["datoms"].as_array().unwrap();
    assert!(datoms.contains(&serde_json::json!([new, "item/left", 7, 3, true])), "{report}");
    let edn = server.on(&["transact", "stock", "[]", "--edn"]).succeeds();
    assert!(edn.stdout.starts_with("{:t 4 :tx "), "{edn:?}");
}

#[test]
fn repeating_a_request_id_changes_nothing() {
    let server = stock();
    let id = uuid::Uuid::now_v7().to_string();
    let data = r#"[{:item/sku "elm-1"}]"#;
    let first = server.on(&["transact", "stock", data, "--request-id", &id]).succeeds();
    let again = server.on(&["transact", "stock", data, "--request-id", &id]).succeeds();
    assert!(!first.stdout.contains(":replayed"), "{first:?}");
    assert!(again.stdout.contains(":t 3") && again.stdout.contains(":replayed true"), "{again:?}");
}

#[test]
fn a_file_holds_several_transactions() {
    let server = stock();
    let file = server.folder().join("tx.edn");
    std::fs::write(&file, "; two\n[{:item/sku \"a\"}]\n[{:item/sku \"b\"}]\n").unwrap();
    let output = server.on(&["transact", "stock", "--edn", "--file", text(&file)]).succeeds();
    assert_eq!(output.stdout.lines().count(), 2);
    let output = server.on(&["transact", "stock", "--edn", "-"]);
    let output = output.stdin("[{:item/sku \"c\"}]").succeeds();
    assert!(output.stdout.starts_with("{:t 5 "), "{output:?}");
    // What is wrong is told where it is in the file, and what is before it was applied.
    std::fs::write(&file, "[{:item/sku \"d\"}]\n\n[{:item/left \"many\"}]").unwrap();
    let output = server.on(&["transact", "stock", "--file", text(&file)]).fails_with(3);
    assert!(output.stderr.contains("tx.edn: line 3, column "), "{output:?}");
    assert!(output.stdout.contains(":t 6"), "{output:?}");
}

#[test]
fn two_stores_are_joined_also_as_of_earlier() {
    let (stock, shop) = (stock(), Server::start());
    shop.on(&["create", "books"]).succeeds();
    shop.on(&["transact", "books", BOOKS]).succeeds();
    shop.on(&["transact", "books", r#"[{:book/sku "oak-1" :book/title "Oaks"}]"#]).succeeds();
    stock.on(&["transact", "stock", r#"[{:item/sku "oak-1" :item/left 0}]"#]).succeeds();
    let (cat, inv) = (format!("cat={}", shop.url("books")), format!("$inv={}", stock.url("stock")));
    let query = "[:find ?title ?left :in $inv $cat
      :where [$cat ?b :book/sku ?sku] [$cat ?b :book/title ?title]
             [$inv ?i :item/sku ?sku] [$inv ?i :item/left ?left]]";
    let flags = ["query", "--edn", "--stats", "--db", &cat, "--db", &inv];
    let now = duramen(&[&flags[..], &[query]].concat()).succeeds();
    assert_eq!(now.stdout, "#{[\"Oaks\" 0]}\n");
    assert!(now.stderr.contains("GETs") && now.stderr.contains("2 databases"), "{now:?}");
    let then = duramen(&[&flags[..], &["--as-of", "inv=2", query]].concat()).succeeds();
    assert_eq!(then.stdout, "#{[\"Oaks\" 40]}\n");
    let before = duramen(&[&flags[..], &["--as-of", "2001-01-01", query]].concat()).fails_with(3);
    assert!(
        before.stderr.contains(":book/sku") || before.stderr.contains(":item/sku"),
        "{before:?}"
    );
    let history = "[:find ?left ?added :where [_ :item/left ?left _ ?added]]";
    let past = duramen(&[
        "query",
        "--edn",
        "--db",
        &inv[1..],
        "--history",
        "--since",
        "2",
        &history.replace(":where", ":in $inv :where").replace("[_ :item", "[$inv _ :item"),
    ]);
    let past = past.succeeds();
    assert!(past.stdout.contains("[40 false]") && past.stdout.contains("[0 true]"), "{past:?}");
}

#[test]
fn an_entity_is_pulled() {
    let server = stock();
    let entity = r#"[:item/sku "oak-1"]"#;
    let url = server.url("stock");
    let pulled = duramen(&["pull", "--db", &url, "[:item/left]", entity]).succeeds();
    assert_eq!(pulled.stdout, "{:item/left 40}\n");
    let json =
        duramen(&["pull", "--json", "--stats", "--db", &url, "[:item/left]", entity]).succeeds();
    assert_eq!(json.stdout, "{\"item/left\":40}\n");
    assert!(json.stderr.contains("GET"), "{json:?}");
}

#[test]
fn the_log_is_shown() {
    let server = stock();
    let url = server.url("stock");
    let all = duramen(&["log", "--db", &url]).succeeds();
    assert!(all.stdout.starts_with("t 0  1970-01-01T00:00:00.000Z  "), "{all:?}");
    assert!(all.stdout.contains(" :item/sku \"oak-1\"\n"), "{all:?}");
    assert!(all.stdout.contains(" :db/valueType :db.type/string\n"), "{all:?}");
    let some = duramen(&["log", "--db", &url, "--from", "2", "--to", "3", "--json"]).succeeds();
    let record: serde_json::Value = serde_json::from_str(&some.stdout).unwrap();
    assert_eq!(record["t"], 2);
    assert_eq!(record["datoms"].as_array().unwrap().len(), 5);
    let none = duramen(&["log", "--db", &url, "--from", "9", "--edn"]).succeeds();
    assert_eq!(none.stdout, "");
}

#[test]
fn databases_are_listed_and_dropped() {
    let server = stock();
    server.on(&["create", "other"]).succeeds();
    let list = server.on(&["list"]).succeeds();
    let names: Vec<&str> = list.stdout.lines().map(|line| &line[..5]).collect();
    assert_eq!(names, ["other", "stock"]);
    server.on(&["drop", "other"]).succeeds();
    assert_eq!(server.on(&["list"]).succeeds().stdout.lines().count(), 1);
    server.on(&["drop", "other"]).fails_with(4);
    duramen(&["query", "--db", &server.url("other"), "[:find ?e :where [?e]]"]).fails_with(4);
}

#[test]
fn a_status_is_told_by_the_server_and_by_the_folder() {
    let server = stock();
    let status = server.on(&["status"]).succeeds();
    assert!(status.stdout.contains("stock") && status.stdout.contains("serving"), "{status:?}");
    let json = server.on(&["status", "--json"]).succeeds();
    let status: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(status["databases"][0]["t"], 2);
    let json = duramen(&["status", "--json", "--db", &server.url("stock")]).succeeds();
    let status: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&status["t"], &status["attributes"]), (&2.into(), &2.into()));
    // The environment says nothing against the folder.
    server.on(&["status", "--db", &server.url("stock")]).succeeds();
}

#[test]
fn wrong_edn_is_shown_where_it_is() {
    let server = stock();
    let output = server.on(&["transact", "stock", "[{:item/sku \"a\" :item/left }]"]).fails_with(3);
    assert!(output.stderr.starts_with("error: transaction: line 1, column "), "{output:?}");
    assert!(output.stderr.trim_end().ends_with('^'), "{output:?}");
    let url = server.url("stock");
    let output =
        duramen(&["query", "--db", &url, "[:find ?e\n :where [?e :item/sku"]).fails_with(3);
    assert!(output.stderr.contains("query: line 2, column "), "{output:?}");
    let output =
        duramen(&["pull", "--db", &url, "[:item/sku {]", "[:item/sku \"a\"]"]).fails_with(3);
    assert!(output.stderr.contains("pattern: line 1, column "), "{output:?}");
}

#[test]
fn unknown_attributes_and_wrong_types_are_shown_where_they_are() {
    let server = stock();
    let output = server.on(&["transact", "stock", "[{:item/skew \"a\"}]"]).fails_with(3);
    assert!(output.stderr.contains("(tx/unknown-attribute)"), "{output:?}");
    assert!(output.stderr.contains(":item/skew") && output.stderr.contains('^'), "{output:?}");
    assert_eq!(output.stderr.lines().count(), 3, "{output:?}");
    let output =
        server.on(&["transact", "stock", "[[:db/add \"a\" :item/left \"b\"]]"]).fails_with(3);
    assert!(output.stderr.contains("(tx/wrong-type)"), "{output:?}");
    let query = "[:find ?e :where [?e :item/skew \"a\"]]";
    let output = duramen(&["query", "--db", &server.url("stock"), query]).fails_with(3);
    assert!(output.stderr.contains("query: line 1, column "), "{output:?}");
    assert!(output.stderr.contains("query/unknown-attribute"), "{output:?}");
}

#[test]
fn conflicts_have_a_code_of_their_own() {
    let server = stock();
    let output = server.on(&["create", "stock"]).fails_with(5);
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    let swap = r#"[[:db/cas [:item/sku "oak-1"] :item/left 41 39]]"#;
    let output = server.on(&["transact", "stock", swap]).fails_with(5);
    assert!(output.stderr.contains("(tx/cas-failed)"), "{output:?}");
}

#[test]
fn what_is_not_there_is_named() {
    let server = stock();
    let query = "[:find ?e :where [?e :item/sku]]";
    let output = server.on(&["transact", "stok", "[]"]).fails_with(4);
    assert!(output.stderr.contains("stok"), "{output:?}");
    let output = duramen(&["query", "--db", &server.url("stok"), query]).fails_with(4);
    assert!(output.stderr.contains("stok"), "{output:?}");
    let missing = server.folder().join("missing");
    let url = format!("file://{}/stock", text(&missing));
    let output = duramen(&["query", "--db", &url, query]).fails_with(4);
    assert!(output.stderr.contains("missing"), "{output:?}");
    assert!(!missing.exists());
}

#[test]
fn nobody_is_there() {
    let output = duramen(&["list", "--server", "http://127.0.0.1:1"]).fails_with(6);
    assert!(output.stderr.contains("no transactor answers at http://127.0.0.1:1"), "{output:?}");
    duramen(&["list", "--server", "here"]).fails_with(2);
}

#[test]
fn without_credentials_access_is_denied() {
    let query = "[:find ?e :where [?e :item/sku]]";
    let output = duramen(&["query", "--db", "s3://bucket/stock", query]).fails_with(10);
    assert!(output.stderr.contains("AWS_ACCESS_KEY_ID"), "{output:?}");
    let output = duramen(&["serve", "--store", "s3://bucket", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.fails_with(10).stdout, "");
}

#[test]
fn what_a_bucket_refuses_is_told() {
    let query = "[:find ?e :where [?e :item/sku]]";
    for (status, error, code) in
        [("404 Not Found", "NoSuchBucket", 4), ("403 Forbidden", "InvalidAccessKeyId", 10)]
    {
        let endpoint = bucket_that_answers(status, error);
        let read = duramen(&["query", "--db", "s3://bucket/stock", query]);
        let serve = duramen(&["serve", "--store", "s3://bucket", "--listen", "127.0.0.1:0"]);
        for program in [read, serve] {
            let program = program.env("AWS_ENDPOINT", &endpoint).env("AWS_ALLOW_HTTP", "true");
            let program = program.env("AWS_ACCESS_KEY_ID", "k").env("AWS_SECRET_ACCESS_KEY", "s");
            let output = program.fails_with(code);
            assert!(output.stderr.contains("s3://bucket"), "{output:?}");
            assert_eq!(output.stdout, "");
        }
    }
}

/// An S3 endpoint that has one answer to everything.
fn bucket_that_answers(status: &'static str, error: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The thread ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 16 << 10];
            // What was asked makes no difference.
            let _ = stream.read(&mut request);
            let body = format!("<Error><Code>{error}</Code><Message>no</Message></Error>");
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n");
            let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
        }
    });
    format!("http://{address}")
}

#[test]
fn misuse_has_a_code_of_its_own() {
    duramen(&["fly"]).fails_with(2);
    duramen(&["query", "[:find ?e]"]).fails_with(2);
    let output = duramen(&["serve"]).fails_with(2);
    assert!(output.stderr.contains("--store"), "{output:?}");
    let output = duramen(&["serve", "--store", "memory://a", "--listen", "nowhere"]).fails_with(2);
    assert!(output.stderr.contains("nowhere"), "{output:?}");
    let output = duramen(&["query", "--db", "/tmp/shop", "[:find ?e :where [?e]]"]).fails_with(2);
    assert!(output.stderr.contains("file:///"), "{output:?}");
}

type Damage = fn(&mut Vec<u8>);

#[test]
fn damaged_roots_are_named() {
    let flip: Damage = |bytes| *bytes.last_mut().unwrap() ^= 1;
    let cut: Damage = |bytes| bytes.truncate(bytes.len() / 2);
    let newer: Damage = |bytes| bytes[ENVELOPE_VERSION_AT] += 1;
    let cases: [(Damage, i32); 3] = [(flip, 8), (cut, 8), (newer, 9)];
    for (damage, code) in cases {
        let server = stock();
        let root = server.newest_root("stock");
        let folder = server.stop();
        let mut bytes = std::fs::read(&root).unwrap();
        damage(&mut bytes);
        std::fs::write(&root, bytes).unwrap();
        // The hint is a copy: without it the root itself counts.
        std::fs::remove_dir_all(folder.path().join("stock/HEAD")).unwrap();
        is_refused_by_all(folder, &root, code);
    }
}

#[test]
fn an_object_of_a_newer_format_version_is_named() {
    let server = stock();
    let claim = server.folder().join("stock/claim");
    let claim = objects(&claim).pop().unwrap();
    let folder = server.stop();
    let bytes = std::fs::read(&claim).unwrap();
    let payload = &bytes[HEADER_BYTES..];
    let version = Kind::Claim.version() + 1;
    let newer = Header { version, ..Header::new(Kind::Claim, payload.len()) };
    // A claim is bound to its database and number.
    let context = [&b"stock/"[..], &0_u64.to_be_bytes()].concat();
    std::fs::write(&claim, newer.seal(&context, payload)).unwrap();
    is_refused_by_all(folder, &claim, 9);
}

/// Readers and a transactor name an object that they cannot use, and the transactor goes on.
fn is_refused_by_all(folder: TempDir, object: &Path, code: i32) {
    let server = Server::start_in(folder);
    let name = object.file_name().unwrap().to_str().unwrap();
    let query = "[:find ?left :where [_ :item/left ?left]]";
    let output = duramen(&["query", "--db", &server.url("stock"), query]).fails_with(code);
    assert!(output.stderr.contains(name), "{output:?}");
    let output = server.on(&["transact", "stock", "[]"]).fails_with(code);
    assert!(output.stderr.contains(name), "{output:?}");
    server.on(&["create", "another"]).succeeds();
}

/// Where the version of the frame stands in every object.
const ENVELOPE_VERSION_AT: usize = 8;

#[test]
fn csv_is_imported() {
    let server = stock();
    let file = server.folder().join("people.csv");
    let mut text = "Email,First Name,age,zip\n".to_owned();
    for n in 0..2_000 {
        text.push_str(&format!("p{n}@x,\"Ann, {n}\",{},0{n}\n", n % 90));
    }
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let words = ["import", "stock", path, "--namespace", "person", "--key", "Email"];
    let output = server.on(&words).succeeds();
    assert!(output.stdout.starts_with("2000 rows, "), "{output:?}");
    assert!(output.stdout.contains(" datoms/s"), "{output:?}");
    let query = "[:find ?name ?age ?zip :where [?e :person/email \"p7@x\"]
                  [?e :person/first-name ?name] [?e :person/age ?age] [?e :person/zip ?zip]]";
    let url = server.url("stock");
    let found = duramen(&["query", "--edn", "--db", &url, query]).succeeds();
    assert_eq!(found.stdout, "#{[\"Ann, 7\" 7 \"07\"]}\n");
    // Again, everything is there already: only the transactions themselves are new.
    let output = server.on(&words).succeeds();
    assert!(output.stdout.starts_with("2000 rows, 4 datoms"), "{output:?}");
}

/// A transaction for each key that is met again would contradict itself, and batches that overtake
/// each other would let any row win.
#[test]
fn of_rows_of_one_key_the_last_wins() {
    let server = stock();
    let file = server.folder().join("people.csv");
    let mut text = "email,age,nick\n".to_owned();
    for n in 0..400 {
        text.push_str(&format!("p{}@x,{n},{}\n", n % 7, if n < 10 { "first" } else { "" }));
    }
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let words = ["import", "stock", path, "--namespace", "p", "--parallel", "8", "--batch", "5"];
    let output = server.on(&[&words[..], &["--key", "email"]].concat()).succeeds();
    assert!(output.stdout.starts_with("400 rows, "), "{output:?}");
    let found = |query: &str| {
        let url = server.url("stock");
        duramen(&["query", "--edn", "--db", &url, query]).succeeds().stdout
    };
    let ages = "[:find (count ?e) (min ?age) (max ?age) :where [?e :p/email] [?e :p/age ?age]]";
    assert_eq!(found(ages), "#{[7 393 399]}\n");
    // What a later row says nothing of, stays.
    let nicks = "[:find (count ?e) . :where [?e :p/nick \"first\"]]";
    assert_eq!(found(nicks), "7\n");
    // The attribute identifies its entities by now, whether a key is named or not.
    server.on(&words).succeeds();
    assert_eq!(found(ages), "#{[7 393 399]}\n");
}

#[test]
fn json_lines_are_imported_by_a_mapping() {
    let server = stock();
    let file = server.folder().join("items.jsonl");
    let lines =
        "{\"sku\":\"elm-1\",\"n\":5,\"tags\":[\"a\",\"b\"],\"on\":\"2024-05-01\",\"x\":{}}\n";
    std::fs::write(&file, lines.replace(",\"x\":{}", "") + "{\"sku\":\"elm-2\",\"n\":null}\n")
        .unwrap();
    let path = file.to_str().unwrap();
    let words = [
        "import",
        "stock",
        path,
        "--key",
        "sku",
        "--map",
        "sku=:item/sku",
        "--map",
        "n=:item/left",
        "--map",
        "tags=:item/tag:keyword",
        "--map",
        "on=:item/since",
    ];
    server.on(&words).succeeds();
    let pulled = duramen(&[
        "pull",
        "--db",
        &server.url("stock"),
        "[:item/left :item/tag :item/since]",
        "[:item/sku \"elm-1\"]",
    ]);
    let expected =
        "{:item/left 5 :item/tag [:a :b] :item/since #inst \"2024-05-01T00:00:00.000Z\"}\n";
    assert_eq!(pulled.succeeds().stdout, expected);
}

#[test]
fn a_bad_row_is_named_by_line_and_column() {
    let server = stock();
    let file = server.folder().join("bad.csv");
    std::fs::write(&file, "sku,left\na,1\nb,many\nc,3\n").unwrap();
    let path = file.to_str().unwrap();
    let words = ["import", "stock", path, "--namespace", "item", "--key", "sku"];
    let output = server.on(&words).fails_with(3);
    let expected =
        "bad.csv: line 3, column \"left\": \"many\" is no long; 1 row of it had been loaded";
    assert!(output.stderr.contains(expected), "{output:?}");
    let output = server.on(&[&words[..], &["--skip-bad", "1"]].concat()).succeeds();
    assert!(output.stdout.starts_with("2 rows, 1 passed over"), "{output:?}");
    assert!(output.stderr.contains("passed over"), "{output:?}");
    server.on(&["import", "stock", path, "--namespace", "item", "--key", "skew"]).fails_with(2);
    server.on(&["import", "stock", "none.csv", "--namespace", "item"]).fails_with(2);
    let output = server.on(&["import", "stock", path, "--map", "sku=:item/left"]).fails_with(3);
    assert!(output.stderr.contains("line 2, column \"sku\""), "{output:?}");
}

#[test]
fn settings_come_from_flags_the_environment_and_a_file() {
    let server = stock();
    let file = server.folder().join("settings.toml");
    std::fs::write(&file, format!("server = {:?}\n", server.address())).unwrap();
    duramen(&["--config", text(&file), "list"]).succeeds();
    duramen(&["list"]).env("DURAMEN_CONFIG", text(&file)).succeeds();
    let wrong =
        duramen(&["--config", text(&file), "list"]).env("DURAMEN_SERVER", "http://127.0.0.1:1");
    wrong.fails_with(6);
    let right = ["--config", text(&file), "list", "--server", server.address()];
    duramen(&right).env("DURAMEN_SERVER", "http://127.0.0.1:1").succeeds();
    std::fs::write(&file, "sever = 1").unwrap();
    let output = duramen(&["--config", text(&file), "list"]).fails_with(2);
    assert!(output.stderr.contains("sever"), "{output:?}");
}

#[test]
fn the_server_tells_where_it_listens_and_stops_when_told() {
    let server = stock();
    assert!(server.line().starts_with("listening grpc=127.0.0.1:"), "{}", server.line());
    assert!(server.line().contains(" http=127.0.0.1:"), "{}", server.line());
    assert!(server.line().contains(" store=file:///"), "{}", server.line());
    let url = server.url("stock");
    // Checks that the process ends by itself, and well.
    let _folder = server.stop();
    let count = "[:find (count ?e) . :where [?e :item/sku]]";
    assert_eq!(duramen(&["query", "--edn", "--db", &url, count]).succeeds().stdout, "2\n");
}

#[test]
fn the_demo_shows_everything() {
    let output = duramen(&["demo"]).succeeds();
    for text in
        ["CreateDatabase catalogue", "$ duramen query", "Rings and Years", "GETs", "--as-of"]
    {
        assert!(output.stdout.contains(text), "{text}: {output:?}");
    }
    assert_eq!(output.stderr, "");
    // What it shows is true: three are left before the sale, none after.
    let left: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| line.contains("Rings and Years") && line.contains("24.00M"))
        .collect();
    assert!(left.iter().any(|line| line.trim_end().ends_with(" 0")), "{left:?}");
    assert!(left.iter().any(|line| line.trim_end().ends_with(" 3")), "{left:?}");
}

#[test]
fn the_demo_keeps_a_folder_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("teams");
    let output = duramen(&["demo", "--dir", text(&dir)]).succeeds();
    assert!(output.stdout.contains("(count ?b)"), "{output:?}");
    let url = format!("file://{}/shop/catalogue", text(&dir));
    let count = "[:find (count ?b) . :where [?b :book/sku]]";
    assert_eq!(duramen(&["query", "--edn", "--db", &url, count]).succeeds().stdout, "2503\n");
    duramen(&["demo", "--dir", text(&dir)]).fails_with(2);
}

#[test]
fn the_help_teaches_by_example() {
    for command in ["", "serve", "transact", "query", "pull", "log", "import"] {
        let words: Vec<&str> =
            [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = duramen(&words).succeeds();
        assert!(help.stdout.contains("Examples:\n  duramen "), "{command}: {help:?}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The objects in a folder and below.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = |path: PathBuf| if path.is_dir() { objects(&path) } else { vec![path] };
    entries.flat_map(nested).collect()
}

impl Server {
    /// The newest root of a database: names of roots sort backwards.
    fn newest_root(&self, database: &str) -> PathBuf {
        let objects = objects(&self.folder().join(database));
        let root = |path: &PathBuf| path.parent().unwrap().ends_with("root");
        objects
            .into_iter()
            .filter(root)
            .min_by_key(|path| path.file_name().unwrap().to_owned())
            .unwrap()
    }
}
