//! Any two texts are planned, or refused, as a query and its rules.
#![no_main]

use std::sync::LazyLock;

use duramen_db::Db;
use duramen_model::Edn;
use duramen_query::{Input, Limits, PlanCache, Query, QueryOptions, explain, q_with};
use libfuzzer_sys::fuzz_target;

#[path = "../small/mod.rs"]
mod small;

static DB: LazyLock<Db> = LazyLock::new(small::database);

fuzz_target!(|input: (&str, &str)| {
    let (text, rules) = input;
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(error) => {
            // Wherever the query is at fault, that place is in it.
            assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
            return;
        }
    };
    let limits = Limits { rows_max: 1_000, rounds_max: 20, ..Limits::default() };
    let plans = Some(PlanCache::new(4));
    let options = QueryOptions { limits, plans, seed: Some(1), ..QueryOptions::default() };
    for inputs in [
        |db: &Db, _: &str| vec![Input::from(db)],
        |db: &Db, rules: &str| vec![Input::from(db), Input::from(rules)],
        |db: &Db, rules: &str| vec![Input::from(db), Input::from(rules), Input::from(1)],
        |_: &Db, _: &str| vec![Input::Relation(vec![vec![Edn::from(1), Edn::from("a")]])],
    ] {
        let plan = explain(&query, inputs(&DB, rules), &options);
        let Ok(plan) = futures_executor::block_on(plan) else { continue };
        let _ = (plan.to_string(), plan.to_json());
        for db in [&*DB, &DB.history(), &*DB] {
            let _ = futures_executor::block_on(q_with(&query, inputs(db, rules), &options));
        }
    }
});
