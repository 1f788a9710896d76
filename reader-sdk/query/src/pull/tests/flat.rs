//! What is shown without a tree is what a tree shows.

use duramen_db::Db;
use duramen_model::{EntityId, Keyword, T};
use proptest::prelude::*;

use super::super::flat;
use super::super::tree::Tree;
use super::super::{PullErrorKind, PullLimits, PullOptions, PullPattern, pull_many_with};
use super::database;

const SCHEMA: &str = "[
  {:db/ident :who/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :who/ages :db/valueType :db.type/long :db/cardinality :db.cardinality/many}
  {:db/ident :who/knows :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :who/boss :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]";

const PEOPLE: &str = r#"[
  {:db/id "a" :db/ident :a :who/name "Ada" :who/ages [30 31 32] :who/boss "c"}
  {:db/id "b" :db/ident :b :who/name "Ben" :who/ages [20] :who/knows ["a" "c"]}
  {:db/id "c" :db/ident :c :who/ages [31]}
  {:db/id "d" :db/ident :d}]"#;

const LATER: &str = r#"[
  {:db/id :a :who/name "Adele" :who/ages [33]}
  [:db/retract :b :who/knows :c]
  {:db/id :d :who/name "Dan" :who/boss :a}]"#;

const PATTERNS: [&str; 8] = [
    "[:who/name]",
    "[:who/ages :who/name :db/id]",
    "[:db/id]",
    "[:who/knows :who/boss :who/none]",
    "[[:who/ages :limit 2] [:who/name :as \"n\" :default \"nobody\"]]",
    "[[:who/ages :limit 1] [:who/ages :as :all] :db/ident]",
    "[[:who/none :default 7]]",
    "[:who/none]",
];

async fn people() -> Db {
    database(&[SCHEMA, PEOPLE, LATER]).await
}

/// What is shown without a tree, and with one.
async fn both_ways(db: &Db, pattern: &str, entities: &[EntityId]) {
    let (pattern, options) = (PullPattern::parse(pattern).unwrap(), PullOptions::default());
    let plans = pattern.plans(db.shared_schema(), &options.registry).unwrap();
    let plan = plans.plan(plans.top);
    assert!(plan.is_flat, "{pattern:?}");
    let limits = options.limits;
    let tree = Tree::grow(db, &plans, db.schema(), entities, limits).await.unwrap();
    let expected = tree.fold(entities.len()).unwrap();
    let found = flat::show(db, plan, entities, limits).await.unwrap();
    // The keys come in one order, too.
    let text = |maps: &[duramen_model::Edn]| format!("{maps:?}");
    assert_eq!(text(&found), text(&expected), "{pattern:?} of {entities:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn values_are_shown_as_a_tree_shows_them(
        picked in prop::collection::vec(0_usize..5, 0..7),
        pattern in prop::sample::select(PATTERNS.as_slice()),
        t in prop::option::of(1_u64..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let db = people().await;
            let ident = |ident| db.schema().entity(&Keyword::new(ident));
            let known = ["a", "b", "c", "d"].map(|own| ident(own).unwrap());
            let unknown = EntityId::user(1_000).unwrap();
            let entity = |at: &usize| known.get(*at).copied().unwrap_or(unknown);
            let entities: Vec<EntityId> = picked.iter().map(entity).collect();
            let db = t.map_or(db.clone(), |t| db.as_of(T::new(t).unwrap()));
            both_ways(&db, pattern, &entities).await;
        });
    }
}

#[tokio::test]
async fn more_entities_than_allowed_are_refused() {
    let db = people().await;
    let limits = PullLimits { entities_max: 1, ..PullLimits::default() };
    let options = PullOptions { limits, ..PullOptions::default() };
    let pattern = PullPattern::parse("[:who/name]").unwrap();
    let entities = [EntityId::MIN; 2];
    let error = pull_many_with(&db, &pattern, &entities, &options).await.unwrap_err();
    assert_eq!(error.kind, PullErrorKind::TooLarge);
    assert_eq!(pull_many_with(&db, &pattern, &entities[..1], &options).await.unwrap().len(), 1);
}

#[test]
fn what_is_nested_or_called_is_not_flat() {
    let schema = std::sync::Arc::new(duramen_model::Schema::default());
    for text in ["[*]", "[{:who/knows [:who/name]}]", "[{:who/knows ...}]"] {
        let pattern = PullPattern::parse(text).unwrap();
        let plans = pattern.plans(&schema, &PullOptions::default().registry).unwrap();
        // An attribute that is not there has nothing that could be followed.
        assert_eq!(plans.plan(plans.top).is_flat, text.contains("knows"), "{text}");
    }
}
