//! Every conformance case passes: all of them in memory, some of them through a folder, a
//! transactor and a reader. The program `conformance` runs all of them so.

use std::path::Path;

use duramen_tests::conformance::case::Suite;
use duramen_tests::conformance::place::Place;
use duramen_tests::conformance::run::{Verdict, run};

async fn failures(place: &Place, every: usize) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let suite = Suite::read(&folder).expect("the cases");
    assert!(suite.cases.len() > 600, "only {} cases", suite.cases.len());
    let mut failures = Vec::new();
    for case in suite.cases.iter().step_by(every) {
        if let Verdict::Failed(reason) = run(&suite, case, place).await {
            failures.push(format!("{}: {reason}", case.name));
        }
    }
    failures
}

#[tokio::test]
async fn cases_pass_in_memory() {
    assert_eq!(failures(&Place::Memory, 1).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_pass_through_transactor_and_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::folder(folder.path()).expect("a store");
    assert_eq!(failures(&place, 16).await, Vec::<String>::new());
}
