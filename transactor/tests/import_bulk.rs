//! `import --bulk`, as processes: the same as rows that are transacted, whatever befalls it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod program;
mod support;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use duramen_db::{Db, Selection};
use duramen_model::{Datom, Keyword, Value, builtin};
use duramen_store::WriteStore;
use duramen_store::file::{FileStore, MissingFolder};
use program::{Program, Server, duramen};
use support::db;
use tempfile::TempDir;

/// A file of rows, and a folder for databases.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn store(&self) -> String {
        format!("file://{}", self.path("store"))
    }

    fn import(&self, file: &str, words: &[&str]) -> Program {
        let (file, store) = (self.path(file), self.store());
        let mut all = vec!["import", "stock", &file, "--bulk", "--store", &store];
        all.extend(words);
        duramen(&all)
    }

    async fn db(&self) -> Db {
        let path = self.folder.path().join("store");
        let store: Arc<dyn WriteStore> = Arc::new(FileStore::new(path, MissingFolder::NoPlace));
        db(&store, "stock").await
    }

    fn query(&self, query: &str) -> Vec<String> {
        let url = format!("{}/stock", self.store());
        let output = duramen(&["query", "--db", &url, query, "--edn"]).succeeds();
        output.stdout.lines().map(str::to_owned).collect()
    }
}

/// All that was ever said, but for when it was said.
async fn content(db: &Db) -> Vec<Datom> {
    let mut datoms = db.history().select(&Selection::all()).await.unwrap();
    datoms.retain(|datom| datom.a != builtin::TX_INSTANT);
    datoms
}

async fn assert_content(db: &Db, expected: &[Datom]) {
    let found = content(db).await;
    let differ = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert_eq!(differ, None);
    assert_eq!(found.len(), expected.len());
}

/// What people see of entities: ids differ between ways to import.
async fn rows(db: &Db, names: &[&str]) -> Vec<Vec<Value>> {
    let a = |name: &&str| {
        let attribute = db.schema().attribute_named(&Keyword::new(name));
        attribute.unwrap_or_else(|| panic!("no {name}")).id
    };
    let mut rows = Vec::new();
    for key in db.select(&Selection::all().with_a(a(&names[0]))).await.unwrap() {
        let mut row = Vec::new();
        for name in names {
            let selection = Selection::all().with_e(key.e).with_a(a(name));
            row.extend(db.select(&selection).await.unwrap().into_iter().map(|datom| datom.v));
        }
        rows.push(row);
    }
    rows.sort();
    rows
}

/// Rows of 97 in 100 keys of their own; the others say something new of one before.
fn people(count: u64) -> String {
    let mut text = "email,name,age,joined\n".to_owned();
    for n in 0..count {
        let key = if n % 33 == 32 { n / 2 } else { n };
        let age = if n % 3 == 0 { String::new() } else { (n % 80).to_string() };
        writeln!(text, "p{key}@x.org,\"Person {}\",{age},2024-01-0{}", n % 100, n % 9 + 1).unwrap();
    }
    text
}

const PEOPLE: [&str; 4] = ["p/email", "p/name", "p/age", "p/joined"];

#[tokio::test]
async fn it_makes_what_an_import_through_a_transactor_makes() {
    let place = Place::new("people.csv", &people(1_000));
    let words = ["--namespace", "p", "--key", "email"];
    let output = place.import("people.csv", &words).succeeds();
    assert!(output.stdout.starts_with("1000 rows, "), "{output:?}");

    let server = Server::start();
    server.on(&["create", "stock"]).succeeds();
    let path = place.path("people.csv");
    let mut all = vec!["import", "stock", &path, "--parallel", "1", "--batch", "10"];
    all.extend(words);
    server.on(&all).succeeds();
    let folder = server.stop();
    let store: Arc<dyn WriteStore> =
        Arc::new(FileStore::new(folder.path(), MissingFolder::NoPlace));
    let expected = rows(&db(&store, "stock").await, &PEOPLE).await;
    assert_eq!(rows(&place.db().await, &PEOPLE).await, expected);
    let url = format!("{}/stock", place.store());
    duramen(&["verify", "--db", &url]).succeeds();

    // It is there, and stays.
    let output = place.import("people.csv", &words).fails_with(5);
    assert!(output.stderr.contains("there is a database named \"stock\" already"), "{output:?}");
}

#[tokio::test]
async fn a_transactor_serves_what_was_imported() {
    let place = Place::new("people.csv", &people(200));
    place.import("people.csv", &["--namespace", "p", "--key", "email"]).succeeds();
    let folder = TempDir::new().unwrap();
    std::fs::remove_dir(folder.path()).unwrap();
    std::fs::rename(place.path("store"), folder.path()).unwrap();
    let server = Server::start_in(folder);
    let path = place.path("people.csv");
    // What is there already makes no datoms.
    let words = [
        "import",
        "stock",
        &path,
        "--namespace",
        "p",
        "--key",
        "email",
        "--parallel",
        "1",
        "--batch",
        "10",
    ];
    server.on(&words).succeeds();
    server.on(&["transact", "stock", "[{:p/email \"p7@x.org\" :p/age 99}]"]).succeeds();
    let query = "[:find ?n :where [?e :p/age 99] [?e :p/email \"p7@x.org\"] [?e :p/name ?n]]";
    let url = server.url("stock");
    let output = duramen(&["query", "--db", &url, query, "--edn"]).succeeds();
    assert!(output.stdout.contains("Person 7"), "{output:?}");
}

#[test]
fn json_lines_with_several_values_and_bad_rows() {
    let text = "{\"id\":1,\"tags\":[\"a\",\"b\",\"a\"]}\n{\"id\":2,\"tags\":[\"b\"]}\n[]\n{\"tags\":[\"c\"]}\n{\"id\":1,\"tags\":[\"d\"]}\n";
    let place = Place::new("items.jsonl", text);
    let words = ["--namespace", "item", "--key", "id"];
    let output = place.import("items.jsonl", &words).fails_with(3);
    assert!(output.stderr.contains("line 3: expected an object"), "{output:?}");
    assert!(output.stderr.contains("nothing was loaded"), "{output:?}");
    let url = format!("{}/stock", place.store());
    duramen(&["status", "--db", &url]).fails_with(4);

    let output =
        place.import("items.jsonl", &[&words[..], &["--skip-bad", "2"]].concat()).succeeds();
    assert!(output.stdout.starts_with("3 rows, 2 passed over, "), "{output:?}");
    assert!(output.stderr.contains("line 4, column \"id\": the key is missing"), "{output:?}");
    let found = place.query("[:find ?i ?t :where [?e :item/id ?i] [?e :item/tags ?t]]").join(" ");
    for pair in ["[1 \"a\"]", "[1 \"b\"]", "[1 \"d\"]", "[2 \"b\"]"] {
        assert!(found.contains(pair), "{found}");
    }
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new("a.csv", "id,name\n1,x\n");
    place.import("a.csv", &["--namespace", "a", "--memory", "much"]).fails_with(2);
    place.import("a.csv", &["--namespace", "a", "--key", "name2"]).fails_with(2);
    let path = place.path("a.csv");
    let output = duramen(&["import", "stock", &path, "--bulk", "--namespace", "a"]).fails_with(2);
    assert!(output.stderr.contains("no store"), "{output:?}");
    duramen(&["import", "stock", &path, "--namespace", "a", "--work", "x"]).fails_with(2);
}

#[test]
fn a_folder_that_belongs_to_another_import_is_left_alone() {
    let place = Place::new("people.csv", &people(20_000));
    let work = place.path("work");
    let words = ["--namespace", "p", "--memory", "1", "--work", &work, "--key"];
    let mut delay_ms = 50;
    while !Path::new(&work).join("import.json").exists() {
        let import = place.import("people.csv", &[&words[..], &["email"]].concat());
        assert_eq!(import.killed_after(delay_ms), None);
        delay_ms += 50;
    }
    let output = place.import("people.csv", &[&words[..], &["name"]].concat()).fails_with(5);
    assert!(output.stderr.contains("of another mapping, key or batch"), "{output:?}");
    std::fs::write(place.path("people.csv"), people(20_001)).unwrap();
    let output = place.import("people.csv", &[&words[..], &["email"]].concat()).fails_with(5);
    assert!(output.stderr.contains("of another length of the file"), "{output:?}");
}

/// Killed again and again, each time later, until it comes to its end.
#[tokio::test]
async fn what_was_killed_is_invisible_and_goes_on() {
    let text = people(20_000);
    let words = ["--namespace", "p", "--key", "email", "--batch", "50"];
    let whole = Place::new("people.csv", &text);
    let folder = whole.path("work");
    whole.import("people.csv", &[&words[..], &["--work", &folder]].concat()).succeeds();
    assert!(!Path::new(&folder).exists(), "what it worked with is left");
    let expected = content(&whole.db().await).await;

    let place = Place::new("people.csv", &text);
    let work = place.path("work");
    let url = format!("{}/stock", place.store());
    let all = [&words[..], &["--memory", "1", "--work", &work]].concat();
    let (mut killed, mut gone_on) = (0, 0);
    for delay_ms in (40..).step_by(45) {
        gone_on += usize::from(Path::new(&work).join("import.json").exists());
        match place.import("people.csv", &all).killed_after(delay_ms) {
            None => {}
            Some(0) => break,
            // It had come to its end, and had begun to clear the folder.
            Some(5) if !Path::new(&work).join("import.json").exists() => break,
            Some(code) => panic!("{code}"),
        }
        killed += 1;
        let status = duramen(&["status", "--db", &url]).run();
        if status.code == Some(0) {
            // It came to its end, but could not say so.
            assert_content(&place.db().await, &expected).await;
        } else {
            assert_eq!(status.code, Some(4), "{status:?}");
        }
    }
    assert!(killed > 2 && gone_on > 1, "killed {killed} times, gone on {gone_on} times");
    assert_content(&place.db().await, &expected).await;
    duramen(&["verify", "--db", &url]).succeeds();
}

#[test]
fn nothing_is_left_of_an_import_without_a_folder() {
    let place = Place::new("people.csv", &people(20_000));
    let words = ["--namespace", "p", "--key", "email", "--memory", "1"];
    assert_eq!(place.import("people.csv", &words).killed_after(100), None);
    place.import("people.csv", &words).succeeds();
    let found = place.query("[:find (count ?e) :where [?e :p/email]]").join(" ");
    assert!(found.contains("19697"), "{found}");
}
