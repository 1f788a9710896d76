//! Runs the transactions of the conformance cases: those that must be refused are, for the right
//! reason, and all others are accepted. What they leave behind is for the query crate to see.

use std::fmt::Write as _;
use std::path::PathBuf;

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::edn::{self, Limits};
use duramen_model::{Edn, Form, Instant, Keyword};

const FILES: [&str; 20] = [
    "aggregates",
    "edge",
    "errors",
    "find-specs",
    "fixtures",
    "functions",
    "inputs",
    "not",
    "or",
    "patterns",
    "predicates",
    "pull",
    "return-maps",
    "rules",
    "schema",
    "time",
    "transactions",
    "tuples",
    "tx-errors",
    "types",
];

fn read(file: &str) -> Form {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let path = folder.join(format!("{file}.edn"));
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let mut forms = edn::read_all(&text, Limits::default()).expect("the file is EDN");
    assert_eq!(forms.len(), 1, "{file}");
    forms.remove(0)
}

fn get<'a>(map: &'a Edn, key: &str) -> Option<&'a Edn> {
    map.get(&Edn::from(Keyword::new(key)))
}

fn sequence(map: &Edn, key: &str) -> Vec<Form> {
    get(map, key).and_then(Edn::as_sequence).map(<[Form]>::to_vec).unwrap_or_default()
}

/// The transactions of a case, the schema first.
fn transactions(case: &Edn, fixtures: &Edn) -> Vec<Form> {
    let nothing = Edn::Map(Vec::new());
    let fixture = get(case, "fixture").and_then(|name| fixtures.get(name)).unwrap_or(&nothing);
    let mut schema = sequence(fixture, "schema");
    schema.extend(sequence(case, "schema"));
    let dated = "{:db/id \"datomic.tx\" :db/txInstant #inst \"1990-01-01\"}";
    schema.push(edn::read(dated).expect("well-formed"));
    let mut all = vec![Edn::Vector(schema).into()];
    all.extend(sequence(fixture, "tx"));
    all.extend(sequence(case, "tx"));
    all
}

/// Runs the transactions; the code and message of the last one's error, if it is refused.
async fn transact(txs: &[Form]) -> Result<Option<(String, String)>, String> {
    let now: Instant = "2030-01-01".parse().expect("an instant");
    let mut db = Db::genesis();
    for (index, form) in txs.iter().enumerate() {
        let outcome = match TxData::from_form(form) {
            Ok(data) => db.with(&data, now).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok((after, _)) => db = after,
            Err(error) if index + 1 == txs.len() => {
                return Ok(Some((error.code().to_owned(), error.to_string())));
            }
            Err(error) => return Err(format!("transaction {index}: {} {error}", error.code())),
        }
    }
    Ok(None)
}

async fn fault(case: &Edn, fixtures: &Edn) -> Option<String> {
    let expected = get(case, "expect-error")
        .and_then(Edn::as_keyword)
        .filter(|kind| kind.namespace() == Some("tx"))
        .map(Keyword::text);
    match (transact(&transactions(case, fixtures)).await, expected) {
        (Err(error), _) => Some(error),
        (Ok(None), None) => None,
        (Ok(None), Some(expected)) => Some(format!("accepted, expected {expected}")),
        (Ok(Some((code, _))), Some(expected)) if code == expected => None,
        (Ok(Some((code, message))), expected) => {
            Some(format!("refused as {code} ({message}), expected {expected:?}"))
        }
    }
}

#[tokio::test]
async fn transactions_are_accepted_or_refused_as_expected() {
    let fixtures = read("fixtures").edn;
    let (mut run, mut faults) = (0, String::new());
    for file in FILES.iter().filter(|file| **file != "fixtures") {
        let cases = read(file);
        for case in cases.as_sequence().expect("a vector of cases") {
            run += 1;
            if let Some(fault) = fault(&case.edn, &fixtures).await {
                let name = get(&case.edn, "name").and_then(Edn::as_str).unwrap_or_default();
                writeln!(faults, "{name}: {fault}").expect("a string takes all");
            }
        }
    }
    assert!(faults.is_empty(), "of {run} cases these fail:\n{faults}");
    assert_eq!(run, 623);
}
