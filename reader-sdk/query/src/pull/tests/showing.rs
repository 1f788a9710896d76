//! What a pull shows.

use std::sync::Arc;

use duramen_db::EntityRef;
use duramen_model::{Edn, EntityId, Keyword};

use super::super::{PullErrorKind, PullLimits, PullOptions, PullPattern, pull_many};
use super::{database, edn, shown, try_pull, with};
use crate::Registry;

const SCHEMA: &str = "[
  {:db/ident :who/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one}
  {:db/ident :who/nicks :db/valueType :db.type/string :db/cardinality :db.cardinality/many}
  {:db/ident :who/shy? :db/valueType :db.type/boolean :db/cardinality :db.cardinality/one}
  {:db/ident :who/boss :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}
  {:db/ident :who/likes :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :who/limbs :db/valueType :db.type/ref :db/cardinality :db.cardinality/many
   :db/isComponent true}
  {:db/ident :limb/side :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one}
  {:db/ident :limb/tip :db/valueType :db.type/ref :db/cardinality :db.cardinality/one
   :db/isComponent true}]";

/// A chain of bosses (d to a), a circle of likes (a, b, c), and limbs of a.
const PEOPLE: &str = r#"[
  {:db/id "a" :db/ident :a :who/name "Ada" :who/nicks ["Ace" "Addy"] :who/shy? false
   :who/likes ["b"] :who/limbs ["l" "r"]}
  {:db/id "b" :db/ident :b :who/name "Ben" :who/boss "a" :who/likes ["c" "d"]}
  {:db/id "c" :db/ident :c :who/name "Cyd" :who/boss "b" :who/likes ["a"]}
  {:db/id "d" :db/ident :d :who/name "Dot" :who/boss "c" :who/likes ["d"]}
  {:db/id "e" :db/ident :e}
  {:db/id "l" :db/ident :l :limb/side :left :limb/tip "t"}
  {:db/id "r" :db/ident :r :limb/side :right}
  {:db/id "t" :db/ident :t :who/name "Tip"}]"#;

fn members(set: &Edn) -> usize {
    match set {
        Edn::Set(members) => members.len(),
        _ => 0,
    }
}

async fn people() -> duramen_db::Db {
    database(&[SCHEMA, PEOPLE]).await
}

fn id(db: &duramen_db::Db, ident: &str) -> EntityId {
    db.schema().entity(&Keyword::new(ident)).expect("an ident of the test")
}

/// Checks cases of the form `entity pattern => expectation`; `@x` stands for the id of `:x`.
async fn check(db: &duramen_db::Db, cases: &[(&str, &str, &str)]) {
    for (ident, pattern, expected) in cases {
        let mut expected = (*expected).to_owned();
        for name in ["a", "b", "c", "d", "l", "r", "t"] {
            expected = expected.replace(&format!("@{name}"), &id(db, name).to_string());
        }
        assert_eq!(shown(db, pattern, ident).await, edn(&expected), "{ident} {pattern}");
    }
}

#[tokio::test]
async fn attributes_are_shown_under_their_names_and_left_out_when_absent() {
    let cases = [
        ("a", "[:who/name :who/shy?]", r#"{:who/name "Ada" :who/shy? false}"#),
        ("a", "[:who/nicks]", r#"{:who/nicks #{"Ace" "Addy"}}"#),
        ("b", "[:who/name :who/shy? :no/such]", r#"{:who/name "Ben"}"#),
        ("e", "[:who/name]", "nil"),
        ("a", "[:db/id [:db/id :as :id]]", "{:db/id @a :id @a}"),
        ("nobody", "[:db/id]", "nil"),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn an_entity_is_named_by_a_unique_value_alone() {
    let db = people().await;
    let pattern = PullPattern::parse("[*]").expect("a pattern");
    let named = EntityRef::lookup(Keyword::new("who/name"), "Ada");
    let error = super::super::pull(&db, &pattern, &named).await.expect_err("not unique");
    assert_eq!(error.kind, PullErrorKind::NotAnEntity);
    assert!(error.message.contains(":who/name is not unique"), "{}", error.message);
}

#[tokio::test]
async fn references_show_ids_and_components_show_all() {
    let cases = [
        (
            "b",
            "[:who/boss :who/likes]",
            "{:who/boss {:db/id @a} :who/likes #{{:db/id @c} {:db/id @d}}}",
        ),
        (
            "a",
            "[:who/limbs]",
            r#"{:who/limbs #{{:db/id @r :db/ident :r :limb/side :right}
                             {:db/id @l :db/ident :l :limb/side :left
                              :limb/tip {:db/id @t :db/ident :t :who/name "Tip"}}}}"#,
        ),
        (
            "a",
            "[{:who/limbs [:limb/side]}]",
            "{:who/limbs #{{:limb/side :left} {:limb/side :right}}}",
        ),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn a_wildcard_shows_all_and_yields_to_what_is_named() {
    let cases = [
        (
            "b",
            "[*]",
            r#"{:db/id @b :db/ident :b :who/name "Ben" :who/boss {:db/id @a}
                         :who/likes #{{:db/id @c} {:db/id @d}}}"#,
        ),
        (
            "b",
            "[* [:who/name :as :n] {:who/boss [:who/name]} {:who/likes [:no/such]}]",
            r#"{:db/id @b :db/ident :b :n "Ben" :who/boss {:who/name "Ada"}}"#,
        ),
        (
            "t",
            "[* :limb/_tip]",
            r#"{:db/id @t :db/ident :t :who/name "Tip" :limb/_tip {:db/id @l}}"#,
        ),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn an_attribute_can_be_followed_backwards() {
    let cases = [
        ("a", "[:who/_boss]", "{:who/_boss #{{:db/id @b}}}"),
        (
            "a",
            "[{:who/_boss [:who/name {:who/_boss [:db/id]}]}]",
            r#"{:who/_boss #{{:who/name "Ben" :who/_boss #{{:db/id @c}}}}}"#,
        ),
        ("l", "[{:who/_limbs [:who/name]}]", r#"{:who/_limbs {:who/name "Ada"}}"#),
        ("d", "[:who/name {:who/_boss [:who/name]}]", r#"{:who/name "Dot"}"#),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn recursion_goes_as_far_as_it_may() {
    let cases = [
        (
            "d",
            "[:who/name {:who/boss ...}]",
            r#"{:who/name "Dot" :who/boss {:who/name "Cyd" :who/boss {:who/name "Ben"
             :who/boss {:who/name "Ada"}}}}"#,
        ),
        (
            "d",
            "[:who/name {:who/boss 2}]",
            r#"{:who/name "Dot" :who/boss {:who/name "Cyd" :who/boss {:who/name "Ben"}}}"#,
        ),
        (
            "a",
            "[:who/name {[:who/_boss :as :over] ...}]",
            r#"{:who/name "Ada" :over #{{:who/name "Ben" :over #{{:who/name "Cyd"
             :over #{{:who/name "Dot"}}}}}}}"#,
        ),
        // Each recursion has a bound of its own, whichever way a level was reached.
        (
            "c",
            "[:db/ident {:who/boss 1} {:who/_boss 1}]",
            "{:db/ident :c :who/boss {:db/ident :b :who/_boss #{{:db/id @c}}}
           :who/_boss #{{:db/ident :d :who/boss {:db/id @c}}}}",
        ),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn recursion_stops_at_an_entity_met_on_the_way() {
    let cases = [
        ("d", "[:who/name {:who/likes ...}]", r#"{:who/name "Dot" :who/likes #{{:db/id @d}}}"#),
        (
            "a",
            "[:who/name {:who/likes ...}]",
            r#"{:who/name "Ada" :who/likes #{{:who/name "Ben" :who/likes
              #{{:who/name "Cyd" :who/likes #{{:db/id @a}}}
                {:who/name "Dot" :who/likes #{{:db/id @d}}}}}}}"#,
        ),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn components_that_own_each_other_end() {
    let ring = r#"[{:db/id "x" :db/ident :x :limb/tip "y"} {:db/id "y" :limb/tip "x"}]"#;
    let db = database(&[SCHEMA, ring]).await;
    let Edn::Map(entries) = shown(&db, "[*]", "x").await else { panic!("a map") };
    let tip = entries.iter().find(|(key, _)| key.edn == edn(":limb/tip")).expect("a tip");
    let again = tip.1.edn.get(&edn(":limb/tip")).expect("the tip's tip");
    assert_eq!(*again, edn(&format!("{{:db/id {}}}", id(&db, "x"))));
}

#[tokio::test]
async fn defaults_stand_in_for_what_is_not_there() {
    let cases = [
        ("b", "[[:who/shy? :default true]]", "{:who/shy? true}"),
        ("a", "[[:who/shy? :default true]]", "{:who/shy? false}"),
        ("b", "[[:no/such :default 7 :as :n]]", "{:n 7}"),
        ("e", "[{[:who/boss :default :none] [:who/name]}]", "{:who/boss :none}"),
        ("c", "[{:who/boss [[:who/shy? :default :perhaps]]}]", "{:who/boss {:who/shy? :perhaps}}"),
        ("e", "[(default :who/nicks [])]", "{:who/nicks #{}}"),
    ];
    check(&people().await, &cases).await;
}

#[tokio::test]
async fn limits_count_values() {
    let db = people().await;
    let tags: Vec<String> = (0..1200).map(|n| format!("\"{n}\"")).collect();
    let many = format!("[{{:db/ident :many :who/nicks [{}]}}]", tags.join(" "));
    let db = with(&db, &many).await;
    for (pattern, count) in [
        ("[:who/nicks]", 1000),
        ("[[:who/nicks :limit 3]]", 3),
        ("[(limit :who/nicks 1100)]", 1100),
        ("[[:who/nicks :limit nil]]", 1200),
        ("[*]", 1000),
    ] {
        let shown = try_pull(&db, pattern, "many", &PullOptions::default()).await.expect("a map");
        let nicks = shown.get(&edn(":who/nicks")).and_then(Edn::as_sequence).expect("nicks");
        assert_eq!(nicks.len(), count, "{pattern}");
    }
    let likes = shown(&db, "[{[:who/likes :limit 1] [:db/id]}]", "b").await;
    assert_eq!(likes.get(&edn(":who/likes")).map(members), Some(1));
}

#[tokio::test]
async fn functions_change_what_is_shown() {
    let db = people().await;
    let registry = Registry::new()
        .with("shout", |text: String| text.to_uppercase())
        .with("count", |values: Vec<Edn>| values.len() as i64)
        .with("hide", |_: Edn| Edn::Nil)
        .with("add", |a: i64, b: i64| a + b);
    let options = PullOptions { registry, ..PullOptions::default() };
    for (pattern, expected) in [
        ("[[:who/name :xform shout]]", r#"{:who/name "ADA"}"#),
        ("[[:who/nicks :xform count :as :n]]", "{:n 2}"),
        ("[[:who/name :xform hide :default 0]]", "{:who/name 0}"),
        ("[{[:who/limbs :xform count] [:db/id]}]", "{:who/limbs 2}"),
    ] {
        let shown = try_pull(&db, pattern, "a", &options).await.expect(pattern);
        assert_eq!(shown, edn(expected), "{pattern}");
    }
    for (pattern, kind) in [
        ("[[:who/name :xform eval]]", PullErrorKind::UnknownFunction),
        ("[[:who/name :xform add]]", PullErrorKind::UnknownFunction),
        ("[[:who/shy? :xform shout]]", PullErrorKind::FunctionFailed),
    ] {
        let error = try_pull(&db, pattern, "a", &options).await.expect_err(pattern);
        assert_eq!(error.kind, kind, "{pattern}");
    }
}

#[tokio::test]
async fn only_references_can_be_followed() {
    let db = people().await;
    for pattern in ["[:who/_name]", "[{:who/name [:db/id]}]", "[{:who/nicks ...}]"] {
        let error = try_pull(&db, pattern, "a", &PullOptions::default()).await.expect_err(pattern);
        assert_eq!(error.kind, PullErrorKind::NotAReference, "{pattern}");
    }
}

#[tokio::test]
async fn results_that_grow_without_end_are_refused() {
    let db = people().await;
    let limits = PullLimits { depth_max: 2, ..PullLimits::default() };
    let shallow = PullOptions { limits, ..PullOptions::default() };
    let error =
        try_pull(&db, "[:who/name {:who/boss ...}]", "d", &shallow).await.expect_err("deep");
    assert_eq!(error.kind, PullErrorKind::TooDeep);
    assert!(try_pull(&db, "[:who/name {:who/boss 2}]", "d", &shallow).await.is_ok());
    let limits = PullLimits { entities_max: 3, ..PullLimits::default() };
    let small = PullOptions { limits, ..PullOptions::default() };
    let error = try_pull(&db, "[:who/name {:who/boss ...}]", "d", &small).await.expect_err("large");
    assert_eq!(error.kind, PullErrorKind::TooLarge);
}

#[tokio::test]
async fn long_chains_cost_no_stack() {
    let links: Vec<String> = (0..400)
        .map(|n| format!("{{:db/id \"{n}\" :db/ident :n/n{n} :who/boss \"{}\"}}", n + 1))
        .collect();
    let chain = format!("[{} {{:db/id \"400\" :db/ident :n/n400}}]", links.join(" "));
    let db = database(&[SCHEMA, &chain]).await;
    let mut shown = &try_pull(&db, "[:db/ident {:who/boss ...}]", "n/n0", &PullOptions::default())
        .await
        .expect("a chain");
    let mut length = 0;
    while let Some(boss) = shown.get(&edn(":who/boss")) {
        shown = boss;
        length += 1;
    }
    assert_eq!(length, 400);
}

#[tokio::test]
async fn many_entities_come_in_their_order() {
    let db = people().await;
    let pattern = PullPattern::parse("[:who/name]").expect("a pattern");
    let entities = [id(&db, "b"), id(&db, "e"), id(&db, "a"), id(&db, "b")];
    let shown = pull_many(&db, &pattern, &entities).await.expect("results");
    let expected = [r#"{:who/name "Ben"}"#, "nil", r#"{:who/name "Ada"}"#, r#"{:who/name "Ben"}"#];
    assert_eq!(shown, expected.map(edn));
    assert_eq!(pull_many(&db, &pattern, &[]).await.expect("nothing"), []);
}

#[tokio::test]
async fn a_past_state_can_be_pulled_but_not_the_history() {
    let db = database(&[SCHEMA, PEOPLE, r#"[[:db/add :a :who/name "Eve"]]"#]).await;
    let then = db.as_of(duramen_model::T::new(2).expect("small"));
    assert_eq!(shown(&db, "[:who/name]", "a").await, edn(r#"{:who/name "Eve"}"#));
    assert_eq!(shown(&then, "[:who/name]", "a").await, edn(r#"{:who/name "Ada"}"#));
    let history = try_pull(&db.history(), "[:who/name]", "a", &PullOptions::default()).await;
    assert_eq!(history.expect_err("no state").kind, PullErrorKind::History);
}

#[test]
fn pulls_can_be_sent_between_threads() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let db = Arc::new(duramen_db::Db::genesis());
    let pattern = PullPattern::parse("[*]").expect("a pattern");
    drop(sendable(async move { pull_many(&db, &pattern, &[]).await }));
}
