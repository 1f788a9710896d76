//! Any text is answered or refused as a query.
#![no_main]

use std::sync::LazyLock;

use duramen_db::Db;
use duramen_model::Edn;
use duramen_model::edn::read;
use duramen_query::pull::PullPattern;
use duramen_query::{Input, Limits, Query, QueryOptions, q_with};
use libfuzzer_sys::fuzz_target;

#[path = "../small/mod.rs"]
mod small;

static DB: LazyLock<Db> = LazyLock::new(small::database);

fuzz_target!(|input: (u8, &str)| {
    let (inputs, text) = input;
    let _ = PullPattern::parse(text);
    let Ok(query) = Query::parse(text) else { return };
    let db = if inputs & 1 == 0 { DB.clone() } else { DB.history() };
    let relation = vec![vec![Edn::from(1), Edn::from("a")], vec![Edn::from(2), Edn::Nil]];
    let rules = "[[(near ?a ?b) [?a :p/friend ?b]] [(near ?a ?b) [?a :p/friend ?c] (near ?c ?b)]]";
    let rules = read(rules).expect("the rules are right");
    let mut given = vec![Input::from(db)];
    match inputs >> 1 & 3 {
        1 => given.push(Input::Relation(relation)),
        2 => given.push(Input::Rules(rules)),
        3 => given.push(Input::from(Edn::from("a"))),
        _ => {}
    }
    let limits = Limits { rows_max: 5_000, rounds_max: 50, ..Limits::default() };
    let options = QueryOptions { limits, ..QueryOptions::default() };
    if let Ok(answer) = futures_executor::block_on(q_with(&query, given, &options)) {
        let _ = answer.to_edn().to_string();
    }
});
