//! Cyclic patterns: no more is looked at than the answer and the facts warrant.

use duramen_db::Db;
use duramen_db::resolve::TxData;
use duramen_model::Instant;
use duramen_model::edn;
use duramen_query::{Input, Limits, Query, QueryOptions, q_with};

const SCHEMA: &str = "[{:db/ident :to :db/valueType :db.type/ref
                        :db/cardinality :db.cardinality/many}
                       {:db/ident :name :db/valueType :db.type/long
                        :db/cardinality :db.cardinality/one}]";

/// A hub that as many point to as it points to, `spokes`; some of the last point to some of the
/// first.
async fn wheel(spokes: usize, closing: &[(usize, usize)]) -> Db {
    let mut forms = String::from("[");
    for spoke in 0..spokes {
        forms +=
            &format!("[:db/add \"in{spoke}\" :to \"hub\"] [:db/add \"hub\" :to \"out{spoke}\"] ");
        forms +=
            &format!("[:db/add \"in{spoke}\" :name {spoke}] [:db/add \"out{spoke}\" :name 0] ");
    }
    for (out, into) in closing {
        forms += &format!("[:db/add \"out{out}\" :to \"in{into}\"] ");
    }
    forms += "]";
    let mut db = Db::genesis();
    for text in [SCHEMA, &forms] {
        let data = TxData::from_form(&edn::read(text).expect("EDN")).expect("transaction data");
        db = db.with(&data, Instant::from_millis(0)).await.expect("a transaction").0;
    }
    db
}

async fn count(db: &Db, query: &str, rows_max: usize) -> usize {
    let limits = Limits { rows_max, ..Limits::default() };
    let options = QueryOptions { limits, ..QueryOptions::default() };
    let query = Query::parse(query).expect(query);
    q_with(&query, vec![Input::from(db)], &options).await.expect("within the limits").rows().len()
}

#[tokio::test]
async fn a_triangle_through_a_hub_does_not_blow_up() {
    let db = wheel(600, &[(0, 0), (1, 7), (5, 3)]).await;
    // The join of two patterns has 360,000 rows.
    let triangle = "[:find ?a ?b ?c :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]";
    assert_eq!(count(&db, triangle, 20_000).await, 9);
    let named = "[:find ?n ?c :where [?a :to ?b] [?b :to ?c] [?c :to ?a] [?a :name ?n]]";
    // Those that point back have one name, and the hub has none.
    assert_eq!(count(&db, named, 20_000).await, 4);
}

#[tokio::test]
async fn patterns_that_cross_give_what_joins_give() {
    let closing: Vec<(usize, usize)> = (0..40).map(|n| (n * 7 % 30, n * 11 % 30)).collect();
    let db = wheel(30, &closing).await;
    let mut edges = Vec::new();
    let query = Query::parse("[:find ?a ?b :where [?a :to ?b]]").expect("a query");
    let answer = q_with(&query, vec![Input::from(&db)], &QueryOptions::default()).await;
    for row in answer.expect("edges").rows() {
        edges.push((row[0].as_long().expect("an entity"), row[1].as_long().expect("an entity")));
    }
    let is = |a, b| edges.contains(&(a, b));
    let mut triangles = 0;
    let mut squares = 0;
    for (a, b) in &edges {
        for (_, c) in edges.iter().filter(|(from, _)| from == b) {
            triangles += usize::from(is(*c, *a));
            squares += edges.iter().filter(|(from, d)| from == c && is(*d, *a)).count();
        }
    }
    let triangle = "[:find ?a ?b ?c :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]";
    assert_eq!(count(&db, triangle, 100_000).await, triangles);
    let square = "[:find ?a ?b ?c ?d :where [?a :to ?b] [?b :to ?c] [?c :to ?d] [?d :to ?a]]";
    assert_eq!(count(&db, square, 1_000_000).await, squares);
}
