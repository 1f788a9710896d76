//! Entities in the order of an index.

use duramen_db::Db;
use duramen_model::{Edn, Keyword, T, Value};

use super::super::{Along, PullErrorKind, PullOptions, PullPattern, index_pull};
use super::{database, edn};

const SCHEMA: &str = "[
  {:db/ident :who/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :who/ages :db/valueType :db.type/long :db/cardinality :db.cardinality/many
   :db/index true}]";

const PEOPLE: &str = r#"[
  {:db/id "a" :db/ident :a :who/name "Ada" :who/ages [30 31]}
  {:db/id "b" :db/ident :b :who/name "Ben" :who/ages [20]}
  {:db/id "c" :db/ident :c :who/ages [31]}]"#;

fn ages() -> Along {
    Along::values(Keyword::new("who/ages"))
}

async fn names(db: &Db, along: &Along) -> Vec<Edn> {
    let pattern = PullPattern::parse("[:who/name]").expect("a pattern");
    let mut pull = index_pull(db, &pattern, along, &PullOptions::default()).expect("an index");
    let mut names = Vec::new();
    while let Some(batch) = pull.next_batch().await.expect("a batch") {
        assert!(!batch.is_empty());
        names.extend(batch);
    }
    names
}

#[tokio::test]
async fn entities_come_once_for_each_value() {
    let db = database(&[SCHEMA, PEOPLE]).await;
    let (ada, ben) = (edn(r#"{:who/name "Ada"}"#), edn(r#"{:who/name "Ben"}"#));
    let all = [ben.clone(), ada.clone(), ada.clone(), Edn::Nil];
    assert_eq!(names(&db, &ages()).await, all);
    assert_eq!(names(&db, &ages().from(30_i64)).await, all[1..]);
    assert_eq!(names(&db, &ages().from(32_i64)).await, []);
    let mut reversed = all.clone();
    reversed.reverse();
    assert_eq!(names(&db, &ages().reversed()).await, reversed);
    assert_eq!(names(&db, &ages().from(30_i64).reversed()).await, [ada.clone(), ben.clone()]);
    let by_entity = Along::entities(Keyword::new("who/ages"));
    let b = Value::Ref(db.schema().entity(&Keyword::new("b")).expect("an ident"));
    assert_eq!(names(&db, &by_entity).await, [ada.clone(), ada.clone(), ben.clone(), Edn::Nil]);
    assert_eq!(names(&db, &by_entity.clone().from(b.clone())).await, [ben.clone(), Edn::Nil]);
    assert_eq!(names(&db, &by_entity.from(b).reversed()).await, [ben, ada.clone(), ada]);
    assert_eq!(names(&db.as_of(T::new(1).expect("small")), &ages()).await, []);
}

#[tokio::test]
async fn long_indexes_come_in_batches() {
    let people: String = (0..600).map(|age| format!("{{:who/ages [{age}]}}")).collect();
    let db = database(&[SCHEMA, &format!("[{people}]")]).await;
    let pattern = PullPattern::parse("[:who/ages]").expect("a pattern");
    let along = ages().from(599_i64).reversed();
    let mut pull = index_pull(&db, &pattern, &along, &PullOptions::default()).expect("an index");
    let first = pull.next_batch().await.expect("a batch").expect("some");
    assert!(first.len() < 600);
    assert_eq!(first[..2], [edn("{:who/ages [599]}"), edn("{:who/ages [598]}")]);
    assert_eq!(names(&db, &along).await.len(), 600);
}

#[tokio::test]
async fn what_no_index_has_is_refused() {
    let db = database(&[SCHEMA, PEOPLE]).await;
    let pattern = PullPattern::parse("[:who/name]").expect("a pattern");
    let refused = |along: &Along| {
        index_pull(&db, &pattern, along, &PullOptions::default()).expect_err("no index").kind
    };
    assert_eq!(refused(&ages().from("x")), PullErrorKind::Malformed);
    let unknown = Along::entities(Keyword::new("who/none"));
    assert_eq!(refused(&unknown), PullErrorKind::NotAnEntity);
}
