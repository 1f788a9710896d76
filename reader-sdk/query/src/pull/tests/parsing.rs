//! What is a pull pattern and what is not.

use proptest::prelude::*;

use super::super::{PullErrorKind, PullPattern};

fn message(text: &str) -> String {
    let error = PullPattern::parse(text).expect_err(text);
    assert_eq!(error.kind, PullErrorKind::Malformed, "{text}");
    assert_eq!(error.kind.code(), "pull/malformed");
    error.message
}

#[test]
fn options_may_stand_in_a_vector_or_a_list() {
    let vector = PullPattern::parse("[[:a/b :limit 5 :as :c]]").expect("a pattern");
    let list = PullPattern::parse("[(:a/b :limit 5 :as :c)]").expect("a pattern");
    assert_eq!(vector.attributes[0].key, list.attributes[0].key);
    assert_eq!((vector.attributes[0].limit, list.attributes[0].limit), (Some(5), Some(5)));
}

#[test]
fn the_old_forms_of_limit_and_default_mean_the_same() {
    let old = PullPattern::parse(r#"[(limit :a/b 5) ("default" :a/c "x")]"#).expect("a pattern");
    let new = PullPattern::parse(r#"[[:a/b :limit 5] [:a/c :default "x"]]"#).expect("a pattern");
    assert_eq!(old.attributes[0].limit, new.attributes[0].limit);
    assert_eq!(old.attributes[1].default, new.attributes[1].default);
    let none = PullPattern::parse("[(limit :a/b nil)]").expect("a pattern");
    assert_eq!(none.attributes[0].limit, None);
}

#[test]
fn an_underscore_reverses_an_attribute() {
    let pattern = PullPattern::parse("[:a/_b :_c :a/b_ :_]").expect("a pattern");
    let names: Vec<_> =
        pattern.attributes.iter().map(|spec| (spec.name.to_string(), spec.reverse)).collect();
    let expected = [(":a/b", true), (":c", true), (":a/b_", false), (":_", false)];
    assert_eq!(names, expected.map(|(name, reverse)| (name.to_owned(), reverse)));
}

#[test]
fn a_wildcard_may_be_a_string() {
    assert!(PullPattern::parse(r#"["*"]"#).expect("a pattern").wildcard);
    assert!(PullPattern::parse("[:a/b *]").expect("a pattern").wildcard);
}

#[test]
fn what_is_no_pattern_is_refused_with_a_reason() {
    assert!(message(":a/b").contains("found a keyword"));
    assert!(message("[]").contains("at least one"));
    assert!(message("[42]").contains("found an integer"));
    assert!(message("[{}]").contains("at least one"));
    assert!(message("[{:a/b []}]").contains("at least one"));
    assert!(message(r#"[{:a/b "name"}]"#).contains("found a string"));
    assert!(message("[{:a/b 0}]").contains("not 0"));
    assert!(message("[{:a/b -3}]").contains("not -3"));
    assert!(message("[{:db/id [:a/b]}]").contains(":db/id"));
    assert!(message("[[:a/b :limit -1]]").contains("not -1"));
    assert!(message("[[:a/b :limit 0]]").contains("not 0"));
    assert!(message("[[:a/b :limit :many]]").contains("found a keyword"));
    assert!(message("[[:a/b :limit]]").contains("has a value"));
    assert!(message("[[:a/b :xform 1]]").contains("function"));
    assert!(message("[[:a/b :frobnicate 1]]").contains(":xform"));
    assert!(message("[(limit (limit :a/b 1) 2)]").contains("name of an attribute"));
    assert!(message("[[]]").contains("found a vector"));
}

#[test]
fn errors_say_where() {
    let error = PullPattern::parse("[:a/b {:c/d [:e/f 42]}]").expect_err("a number");
    assert_eq!((error.span.start, error.span.end), (18, 20));
    let error = PullPattern::parse("[:a/b").expect_err("not closed");
    assert!(error.message.contains("line 1"), "{}", error.message);
}

proptest! {
    #[test]
    fn no_text_upsets_the_parser(text in r#"[\[\](){}:a/_b*.0-9 "nillimitdefault#-]{0,60}"#) {
        let _ = PullPattern::parse(&text);
    }

    #[test]
    fn whatever_is_a_pattern_can_be_pulled(
        specs in proptest::collection::vec(spec(), 1..4),
    ) {
        let pattern = PullPattern::parse(&format!("[{}]", specs.join(" "))).expect("a pattern");
        let db = duramen_db::Db::genesis();
        let twice = [duramen_model::builtin::VALUE_TYPE.entity(); 2];
        let pull = super::super::pull_many(&db, &pattern, &twice);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        match runtime.block_on(pull) {
            Ok(shown) => prop_assert_eq!(&shown[0], &shown[1]),
            Err(error) => prop_assert_eq!(error.kind, PullErrorKind::NotAReference),
        }
    }
}

/// A spec over builtin attributes and one that there is none of.
fn spec() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        ":db/ident",
        ":db/valueType",
        ":db/_valueType",
        ":db/cardinality",
        ":no/such",
        ":db/_ident",
    ]);
    let option = prop::sample::select(vec!["", " :limit 1", " :default 1 :as :x", " :limit nil"]);
    let attribute =
        (name.clone(), option.clone()).prop_map(|(name, option)| format!("[{name}{option}]"));
    let attribute = prop_oneof![name.prop_map(str::to_owned), attribute];
    let leaf = prop_oneof![Just("*".to_owned()), Just(":db/id".to_owned()), attribute.clone()];
    leaf.prop_recursive(3, 8, 2, move |inner| {
        let next = prop_oneof![
            Just("...".to_owned()),
            Just("2".to_owned()),
            proptest::collection::vec(inner, 1..3)
                .prop_map(|specs| format!("[{}]", specs.join(" "))),
        ];
        (attribute.clone(), next).prop_map(|(attribute, next)| format!("{{{attribute} {next}}}"))
    })
}
