//! The shell, driven through a pipe: what is entered, what is printed, how it ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod program;

use program::{Output, Server, duramen};

const ITEMS: &str = "[{:db/ident :item/sku :db/valueType :db.type/string
  :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
 {:db/ident :item/left :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
 {:db/ident :item/part :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";
const BOOKS: &str = "[{:db/ident :book/sku :db/valueType :db.type/string
  :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
 {:db/ident :book/title :db/valueType :db.type/string :db/cardinality :db.cardinality/one}]";

/// A server with items and books. Transaction 3 of the stock changes what is left.
fn databases() -> Server {
    let server = Server::start();
    for (name, schema, data) in [
        (
            "stock",
            ITEMS,
            r#"[{:db/id "a" :item/sku "oak-1" :item/left 40 :item/part "b"}
                {:db/id "b" :item/sku "oak-2" :item/left 3 :item/part "c"}
                {:db/id "c" :item/sku "oak-3" :item/left 9}]"#,
        ),
        ("books", BOOKS, r#"[{:book/sku "oak-2" :book/title "Oaks"}]"#),
    ] {
        server.on(&["create", name]).succeeds();
        server.on(&["transact", name, schema]).succeeds();
        server.on(&["transact", name, data]).succeeds();
    }
    server.on(&["transact", "stock", r#"[{:item/sku "oak-1" :item/left 39}]"#]).succeeds();
    server
}

/// What the shell makes of some input, with the stock attached.
fn shell(server: &Server, input: &str) -> Output {
    let stock = format!("stock={}", server.url("stock"));
    duramen(&["shell", &stock]).stdin(input).run()
}

/// The lines that were printed.
fn lines(output: &Output) -> Vec<&str> {
    output.stdout.lines().collect()
}

#[test]
fn questions_are_answered_one_after_the_other() {
    let server = databases();
    let output = shell(
        &server,
        r#":edn
[:find ?left .
 :where [?e :item/sku "oak-1"]
        [?e :item/left ?left]]   ; over several lines
[:find [?s ...] :in $ ?least :where [?e :item/left ?n] [(>= ?n ?least)] [?e :item/sku ?s] :order-by ?s] 9

(pull [:item/sku {:item/part [:item/sku]}] [:item/sku "oak-2"])
:pull [:item/left] [:item/sku "oak-3"]
:table
[:find ?sku ?left :where [?e :item/sku ?sku] [?e :item/left ?left]]
"#,
    );
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    let printed = lines(&output);
    assert_eq!(printed[..2], ["39", r#"["oak-1" "oak-3"]"#], "{output:?}");
    assert_eq!(printed[2], r#"{:item/sku "oak-2" :item/part [{:item/sku "oak-3"}]}"#);
    assert_eq!(printed[3], "{:item/left 9}");
    assert!(
        printed[4].trim_start().starts_with("?sku") && output.stdout.ends_with("3 rows\n"),
        "{output:?}"
    );
}

#[test]
fn databases_are_attached_and_joined_by_name() {
    let server = databases();
    let books = server.url("books");
    let output = shell(
        &server,
        &format!(
            r#":edn
:attach {books}
[:find ?title ?left :in $stock $books
 :where [$books ?b :book/sku ?s] [$books ?b :book/title ?title]
        [$stock ?i :item/sku ?s] [$stock ?i :item/left ?left]]
[:find [?title ...] :in $books :where [$books _ :book/title ?title]]
(pull $books [:book/title] [:book/sku "oak-2"])
[:find ?n . :in $rows :where [$rows 2 ?n]] [[1 2] [2 3]]
:table
:databases
:schema $books
:schema item/l
:detach stock
[:find ?title . :where [_ :book/title ?title]]
"#
        ),
    );
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    let printed = lines(&output);
    assert_eq!(
        printed[..4],
        [r#"#{["Oaks" 3]}"#, r#"["Oaks"]"#, r#"{:book/title "Oaks"}"#, "3"],
        "{output:?}"
    );
    for text in ["$ $stock", "$books", ":book/title", "identity", ":item/left"] {
        assert!(output.stdout.contains(text), "{text}: {output:?}");
    }
    assert!(!output.stdout.contains(":item/sku"), "{output:?}");
}

#[test]
fn a_database_is_looked_at_as_of_any_time() {
    let server = databases();
    let left = r#"[:find [?n ...] :where [[:item/sku "oak-1"] :item/left ?n] :order-by ?n]"#;
    let output = shell(
        &server,
        &format!(
            ":edn\n:as-of 2\n{left}\n:as-of stock now\n{left}\n:history on\n{left}\n:history off
             :since stock 2\n[:find (count ?n) . :where [_ :item/left ?n]]\n:since off\n{left}\n"
        ),
    );
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    assert_eq!(lines(&output), ["[40]", "[39]", "[39 40]", "1", "[39]"]);
}

#[test]
fn what_is_newest_is_seen_unless_it_is_not_wanted() {
    let server = databases();
    let output = shell(
        &server,
        ":follow off\n:refresh\n:edn\n[:find (max ?n) . :where [_ :item/left ?n]]\n",
    );
    assert_eq!(lines(&output), ["$stock is at t 3", "39"], "{output:?}");
}

#[test]
fn rules_last_for_the_session() {
    let server = databases();
    let output = shell(
        &server,
        r#":edn
:rules [[(within ?a ?b) [?a :item/part ?b]]
        [(within ?a ?b) [?a :item/part ?c] (within ?c ?b)]]
[:find [?s ...] :in $ % :where [?e :item/sku "oak-1"] (within ?e ?p) [?p :item/sku ?s] :order-by ?s]
:rules [(within ?a ?b) [?a :item/part ?b]]
[:find [?s ...] :in $ % :where [?e :item/sku "oak-1"] (within ?e ?p) [?p :item/sku ?s] :order-by ?s]
:rules
"#,
    );
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    let expected =
        [r#"["oak-2" "oak-3"]"#, r#"["oak-2"]"#, "[[(within ?a ?b) [?a :item/part ?b]]]"];
    assert_eq!(lines(&output), expected);
}

#[test]
fn a_statement_that_fails_is_shown_where_it_is_wrong_and_the_rest_goes_on() {
    let server = databases();
    let output = shell(
        &server,
        "[:find ?e\n :where [?e :item/color ?c]]\n:select\n:edn\n[:find (count ?e) . :where [?e :item/sku]]\n",
    );
    assert_eq!((output.code, output.stdout.as_str()), (Some(3), "3\n"), "{output:?}");
    for text in [
        "error: statement from line 1: line 2, column ",
        "[?e :item/color ?c]]\n",
        "^^",
        "no command :select",
        "error: 2 of 4 statements failed",
    ] {
        assert!(output.stderr.contains(text), "{text}: {output:?}");
    }
    // What is wrong in a rule is shown in the rule.
    let output = shell(
        &server,
        ":rules [[(red ?e) [?e :item/color \"red\"]]]\n[:find ?e :in $ % :where (red ?e)]\n[:find",
    );
    assert_eq!(output.code, Some(3));
    assert!(output.stderr.contains("error: rules: line 1, column "), "{output:?}");
    assert!(output.stderr.contains("2 of 3 statements failed"), "{output:?}");
}

#[test]
fn what_takes_too_long_is_stopped() {
    let server = databases();
    let slow = "[:find (count ?x) . :where [(range 1000000) [?x ...]] [(range 1000) [?y ...]]
                 [(* ?x ?y) ?z] [(= ?z -1)]]";
    let output = shell(&server, &format!(":timeout 1\n{slow}\n:timeout off\n:timing on\n:help\n"));
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stderr.contains("1 of 5 statements failed"), "{output:?}");
    assert!(output.stdout.contains(":as-of [NAME] T|INSTANT|now"), "{output:?}");
}

#[test]
fn steps_are_explained_with_what_they_cost() {
    let server = databases();
    let output = shell(
        &server,
        ":timing on\n:explain [:find ?s :where [?e :item/sku ?s] [?e :item/left 9]]\n",
    );
    for text in ["estimated", ":item/left 9", " ms\n"] {
        assert!(output.stdout.contains(text), "{text}: {output:?}");
    }
}

#[test]
fn a_database_that_is_not_there_ends_it_at_once() {
    let server = databases();
    let url = server.url("nothing");
    duramen(&["shell", &url]).stdin(":help\n").fails_with(4);
    duramen(&["shell", "stock"]).fails_with(2);
    let output = duramen(&["shell"]).stdin("[:find ?e :where [?e]]\n").run();
    assert!(output.stderr.contains("no database is attached"), "{output:?}");
}
