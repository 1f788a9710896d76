//! What small queries cost, and what it costs to show large answers: microseconds for each, by
//! `cargo run --release -p duramen-query --example overhead [NAME] [TIMES]`. With a name and a
//! number it asks that query so often and nothing else, for counting instructions. Time is that of
//! the processor where the system tells it, so that a busy machine does not matter much.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::error::Error;
use std::time::{Duration, Instant as Wall};

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::{Instant, edn};
use duramen_query::{Input, Query, QueryOptions, q};

const SCHEMA: &str = "[
  {:db/ident :name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :email :db/valueType :db.type/string :db/cardinality :db.cardinality/one
   :db/unique :db.unique/identity}
  {:db/ident :age :db/valueType :db.type/long :db/cardinality :db.cardinality/one}
  {:db/ident :follows :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]";

const PEOPLE: usize = 10_000;
const FOLLOWS: usize = 5;

/// Name, query, whether it takes a person.
const QUERIES: [(&str, &str, bool); 7] = [
    ("point", "[:find ?a . :in $ ?x :where [?x :age ?a]]", true),
    ("star", "[:find ?a ?n ?m :in $ ?x :where [?x :age ?a] [?x :name ?n] [?x :email ?m]]", true),
    ("hop2", "[:find ?z :in $ ?x :where [?x :follows ?y] [?y :follows ?z]]", true),
    ("text", "[:find ?a . :in $ ?x :where [?x :email \"p77@example.com\"] [?x :age ?a]]", true),
    ("pairs", "[:find ?e ?a :where [?e :age ?a]]", false),
    ("names", "[:find ?n (count ?e) :where [?e :name ?n]]", false),
    ("ages", "[:find ?n (sum ?a) (max ?a) :with ?e :where [?e :name ?n] [?e :age ?a]]", false),
];

async fn people() -> Result<Db, Box<dyn Error>> {
    let person = |n: usize| {
        let follows: String =
            (1..=FOLLOWS).map(|k| format!(" \"{}\"", (n * 7 + k * 131) % PEOPLE)).collect();
        format!(
            "{{:db/id \"{n}\" :name \"Name {}\" :email \"p{n}@example.com\" :age {} :follows [{follows}]}}",
            n * 31 % 97,
            n % 100
        )
    };
    let people: String = (0..PEOPLE).map(person).collect();
    let mut db = Db::genesis();
    for text in [SCHEMA, &format!("[{people}]")] {
        let data = TxData::from_form(&edn::read(text)?)?;
        db = db.with(&data, Instant::from_millis(0)).await?.0;
    }
    Ok(db)
}

/// Time of the processor, or else of the clock, since whenever.
fn time(begun: Wall) -> Duration {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| text.split_whitespace().next()?.parse().ok());
    ran.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

fn main() -> Result<(), Box<dyn Error>> {
    let begun = Wall::now();
    let mut arguments = std::env::args().skip(1);
    let (only, times) = (arguments.next(), arguments.next());
    let times: Option<usize> = times.map(|times| times.parse()).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let db = people().await?;
        let query = Query::parse("[:find ?e . :where [?e :email \"p4711@example.com\"]]")?;
        let found = q(&query, vec![Input::from(&db)]).await?;
        let person = found.rows()[0][0].as_long().ok_or("a person")?;
        for (name, text, takes_person) in QUERIES {
            if only.as_ref().is_some_and(|only| only != name) {
                continue;
            }
            let query = Query::parse(text)?;
            let inputs = || match takes_person {
                true => vec![Input::from(&db), person.into()],
                false => vec![Input::from(&db)],
            };
            let times = times.unwrap_or(if takes_person { 2_000 } else { 50 });
            let rows = q(&query, inputs()).await?.len();
            let before = time(begun);
            for _ in 0..times {
                q(&query, inputs()).await?;
            }
            let asked = (time(begun) - before) / times as u32;
            let prepared = query.prepare(inputs(), &QueryOptions::default()).await?;
            let before = time(begun);
            for _ in 0..times {
                prepared.run(inputs()).await?;
            }
            let ran = (time(begun) - before) / times as u32;
            println!("{name:8} {rows:6} rows  q {asked:>10.2?}  prepared {ran:>10.2?}");
        }
        Ok(())
    })
}
