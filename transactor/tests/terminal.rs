//! The shell at a terminal: what is typed, completed, remembered, and called off.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod program;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use program::{Server, duramen};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

/// How long anything may take on a machine that has other things to do.
const PATIENCE_MS: u64 = 180_000;
/// How long a statement may go on after Ctrl-C on such a machine; on an idle one it is a second.
const CALL_OFF_MAX: Duration = Duration::from_secs(30);
/// What the editor tells the terminal when it begins to read a line, and when it has one and
/// Ctrl-C is a signal again: it turns bracketed paste on and off.
const READS: &str = "\x1b[?2004h";
const WORKS: &str = "\x1b[?2004l";
const TAB: &str = "\t";
const UP: &str = "\x1b[A";

/// Entities that refer to the next, all in one circle, for a recursion that takes long.
const CIRCLE: usize = 3_000;
/// Entities of three values each, whose product is just less than the rows that are allowed.
const VALUES: usize = 270;
const LEFT: &str = r#"[:find ?left . :where [?e :item/sku "oak-1"] [?e :item/left ?left]]"#;
const SCHEMA: &str = "[
  {:db/ident :item/sku :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :item/left :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :item/next :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
  {:db/ident :value/a :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :value/b :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :value/c :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]";

/// A server whose database has what takes long. Transaction 3 changes what is left of an item.
fn database() -> Server {
    let mut data = r#"[{:item/sku "oak-1" :item/left 40}"#.to_owned();
    for own in 0..CIRCLE {
        let next = (own + 1) % CIRCLE;
        write!(data, r#"{{:db/id "e{own}" :item/next "e{next}"}}"#).unwrap();
    }
    for own in 0..VALUES {
        write!(data, "{{:value/a {own} :value/b {own} :value/c {own}}}").unwrap();
    }
    data.push(']');
    let server = Server::start();
    server.on(&["create", "stock"]).succeeds();
    server.on(&["transact", "stock", SCHEMA]).succeeds();
    server.on(&["transact", "stock", "-"]).stdin(&data).succeeds();
    server.on(&["transact", "stock", r#"[{:item/sku "oak-1" :item/left 39}]"#]).succeeds();
    server
}

/// A shell, and who sits at it.
struct Terminal(PtySession);

impl Terminal {
    /// Starts a shell that finds and leaves its history in a folder.
    fn open(server: &Server, home: &TempDir) -> Self {
        let stock = format!("stock={}", server.url("stock"));
        let home = home.path().to_str().unwrap();
        let program = duramen(&["shell", &stock]).env("HOME", home).env("TERM", "xterm");
        let mut own = Self(spawn_command(program.command(), Some(PATIENCE_MS)).unwrap());
        own.sees(READS);
        own
    }

    fn types(&mut self, text: &str) {
        self.0.send(text).unwrap();
        self.0.flush().unwrap();
    }

    /// Waits for a text; what came before it.
    fn sees(&mut self, text: &str) -> String {
        self.0.exp_string(text).unwrap()
    }

    /// Enters a statement, and waits until it is worked on.
    fn begins(&mut self, text: &str) {
        self.types(text);
        self.types("\n");
        self.sees(WORKS);
    }

    /// What is answered to a statement, from the next line on.
    fn asks(&mut self, text: &str) -> String {
        self.begins(text);
        self.sees("\r\n");
        self.sees(READS)
    }

    fn presses_control(&mut self, key: char) {
        self.0.send_control(key).unwrap();
        self.0.flush().unwrap();
    }

    /// Ends the shell in the usual way.
    fn leaves(mut self) {
        self.presses_control('d');
        self.0.exp_eof().unwrap();
        let status = self.0.process().wait().unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    }
}

#[test]
fn names_are_completed() {
    let server = database();
    let mut terminal = Terminal::open(&server, &tempfile::tempdir().unwrap());
    terminal.types(":ed");
    terminal.asks(TAB);
    terminal.types("[:find ?left . :in $st");
    terminal.types(TAB);
    terminal.types(" :where [$stock ?e :item/s");
    terminal.types(TAB);
    terminal.types(" \"oak-1\"] [$stock ?e :item/le");
    terminal.types(TAB);
    let answer = terminal.asks(" ?left]]");
    assert!(answer.starts_with("39\r\n"), "{answer:?}");
    // Where there is more than one way to go on, they are shown.
    terminal.types("[:find ?e :where [?e :item/");
    terminal.types(TAB);
    terminal.types(TAB);
    for name in [":item/left", ":item/next", ":item/sku"] {
        terminal.sees(name);
    }
    terminal.presses_control('c');
    terminal.sees(READS);
    terminal.leaves();
}

#[test]
fn statements_are_remembered_over_lines_and_over_sessions() {
    let server = database();
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::open(&server, &home);
    terminal.asks(":edn");
    let lines = LEFT.replace(" :where", "\n :where").replace("] [", "]\n        [");
    assert_eq!(lines.lines().count(), 3);
    for statement in [lines.as_str(), UP] {
        let answer = terminal.asks(statement);
        assert!(answer.starts_with("39\r\n"), "{answer:?}");
    }
    // A terminal that is closed takes the shell with it, but not what was entered.
    terminal.0.process_mut().exit().unwrap();
    let mut terminal = Terminal::open(&server, &home);
    assert!(terminal.asks(UP).contains("39"));
    terminal.asks(":edn");
    terminal.types(UP);
    assert!(terminal.asks(UP).starts_with("39\r\n"));
    terminal.leaves();
}

#[test]
fn a_time_is_looked_at_and_times_are_shown() {
    let server = database();
    let mut terminal = Terminal::open(&server, &tempfile::tempdir().unwrap());
    let answer = terminal.asks(LEFT);
    assert!(answer.contains("1 row\r\n") && answer.contains(" ms\r\n"), "{answer:?}");
    for statement in [":edn", ":timing off"] {
        terminal.asks(statement);
    }
    for (time, left) in [("2", "40\r\n"), ("now", "39\r\n")] {
        terminal.asks(&format!(":as-of stock {time}"));
        assert_eq!(terminal.asks(LEFT), left);
    }
    let answer = terminal.asks("[:find ?e :where [?e :item/color]]");
    assert!(answer.contains("error: ") && answer.contains("^^"), "{answer:?}");
    terminal.leaves();
}

#[test]
fn what_is_typed_is_dropped() {
    let server = database();
    let mut terminal = Terminal::open(&server, &tempfile::tempdir().unwrap());
    terminal.asks(":edn");
    terminal.types("[:find ?e\n :where");
    terminal.presses_control('c');
    terminal.sees(READS);
    assert!(terminal.asks(LEFT).starts_with("39\r\n"));
    terminal.presses_control('c');
    terminal.sees(READS);
    terminal.leaves();
}

/// Statements that compute for long, all within what they may use.
const LONG: [&str; 4] = [
    "[:find (count ?b) . :in $ % :where (reaches ?a ?b)]",
    r#"[:find (count ?s) . :where [_ :value/a ?a] [_ :value/b ?b] [_ :value/c ?c]
        [(str ?a "-" ?b "-" ?c) ?s] [(clojure.string/includes? ?s "x")]]"#,
    "[:find (sum ?n) . :where [(range 100000) [?x ...]]
      [(q [:find (count ?y) . :in ?x :where [(range 100000) [?y ...]] [(* ?y ?x) ?z] [(= ?z 17)]]
          ?x) ?n]]",
    ":explain [:find (count ?b) . :in $ % :where (reaches ?a ?b)]",
];

#[test]
fn a_query_is_called_off() {
    let server = database();
    let mut terminal = Terminal::open(&server, &tempfile::tempdir().unwrap());
    terminal.asks(":edn");
    let rule = "[(reaches ?a ?b) [?a :item/next ?b]]";
    let step = "[(reaches ?a ?b) [?a :item/next ?c] (reaches ?c ?b)]";
    terminal.asks(&format!(":rules [{rule} {step}]"));
    for query in LONG {
        // At its very beginning, and in the middle of it.
        for delay in [Duration::ZERO, Duration::from_millis(300)] {
            terminal.begins(query);
            std::thread::sleep(delay);
            terminal.presses_control('c');
            let begun = Instant::now();
            let said = terminal.sees(READS);
            assert!(said.contains("error: called off after "), "{query}: {said:?}");
            assert!(begun.elapsed() < CALL_OFF_MAX, "{query}: {:?}", begun.elapsed());
            assert!(terminal.asks(LEFT).starts_with("39\r\n"));
        }
    }
    terminal.leaves();
}

#[test]
fn a_long_answer_is_called_off_while_it_is_shown() {
    let server = database();
    let mut terminal = Terminal::open(&server, &tempfile::tempdir().unwrap());
    terminal.asks(":edn");
    terminal
        .begins("[:find ?x ?y :where [(range 600) [?x ...]] [(range 600) [?y ...]] :order-by ?x]");
    terminal.sees("[0 ");
    terminal.presses_control('c');
    let said = terminal.sees(READS);
    assert!(said.contains("error: called off after "), "{}", said.len());
    assert!(terminal.asks(LEFT).starts_with("39\r\n"));
    terminal.leaves();
}
