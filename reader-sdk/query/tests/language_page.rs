//! Every example of LANGUAGE.md is run.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn::{self, Edn};
use duramen_query::{Input, Query, q};

const PAGE: &str = include_str!("../LANGUAGE.md");

/// The blocks that are fenced with these words, each with its first line.
fn blocks(words: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut within = None;
    for (number, line) in PAGE.lines().enumerate() {
        match (line.strip_prefix("```"), within) {
            (Some(found), None) => {
                within = Some(found == words);
                if found == words {
                    blocks.push((number + 1, String::new()));
                }
            }
            (Some(_), Some(_)) => within = None,
            (None, Some(true)) => {
                let block = &mut blocks.last_mut().expect("a block has begun").1;
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// What stands behind `;in`, `;=>` and `;=!`, with the lines that go on with it.
fn notes(block: &str) -> Vec<(String, String)> {
    let mut notes: Vec<(String, String)> = Vec::new();
    for line in block.lines().filter(|line| line.starts_with(';')) {
        match (line.get(1..3), notes.last_mut()) {
            (Some(kind @ ("in" | "=>" | "=!")), _) => {
                notes.push((kind.to_owned(), line[3..].to_owned()));
            }
            (_, Some((_, text))) => {
                text.push(' ');
                text.push_str(&line[1..]);
            }
            _ => {}
        }
    }
    notes
}

async fn database() -> Db {
    let mut db = Db::genesis();
    for words in ["clojure schema", "clojure data"] {
        let form = edn::read(&blocks(words)[0].1).expect("EDN");
        let data = TxData::from_form(&form).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

#[tokio::test]
async fn every_example_gives_what_it_says() {
    let db = database().await;
    let examples = blocks("clojure");
    assert!(examples.len() > 25);
    let mut wrongs = Vec::new();
    for (line, block) in examples {
        let notes = notes(&block);
        let read = |text: &str| edn::read(text).unwrap_or_else(|e| panic!("line {line}: {e}")).edn;
        let given = |kind: &'static str| notes.iter().filter(move |(own, _)| own == kind);
        let mut inputs: Vec<Input> = Vec::new();
        if !block.contains(":in [?") {
            inputs.push(Input::from(&db));
        }
        inputs.extend(given("in").map(|(_, text)| Input::Value(read(text))));
        let answer = match Query::parse(&block) {
            Ok(query) => q(&query, inputs).await,
            Err(error) => Err(error),
        };
        let wrong = match (&answer, notes.last()) {
            (Ok(answer), Some((kind, text))) if kind == "=>" => {
                let (found, expected): (Edn, Edn) = (answer.to_edn(), read(text));
                (found != expected).then(|| found.to_string())
            }
            (Err(error), Some((kind, text))) if kind == "=!" => {
                (error.code() != text.trim()).then(|| error.to_string())
            }
            _ => Some(format!("{answer:?}")),
        };
        wrongs.extend(wrong.map(|found| format!("line {line}: {found}")));
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
