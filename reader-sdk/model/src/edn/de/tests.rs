use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::*;
use crate::edn::{Span, read};

/// Reads the text into a type; an error as its message.
fn get<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    from_edn(&read(text).expect(text)).map_err(|error| error.to_string())
}

#[derive(Debug, PartialEq, Deserialize)]
struct Person {
    name: String,
    #[serde(rename = "person/age")]
    age: Option<u8>,
    #[serde(default)]
    first_names: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    EmptySet,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8 },
}

#[test]
fn scalars_become_what_is_asked_for() {
    assert_eq!(get("7"), Ok(7_u8));
    assert_eq!(get("300"), Err::<u8, _>("invalid value: integer `300`, expected u8".into()));
    assert_eq!(get("7N"), Ok(7_i16));
    assert_eq!(get("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(get("-170141183460469231731687303715884105728N"), Ok(i128::MIN));
    assert_eq!(get("7N"), Ok(String::from("7")));
    assert_eq!(get("1.50M"), Ok(String::from("1.50")));
    assert_eq!(get("1.50M"), Ok(1.5_f64));
    assert_eq!(get("2"), Ok(2.0_f32));
    assert_eq!(get(":a/b"), Ok(String::from("a/b")));
    assert_eq!(get("a/b"), Ok(String::from("a/b")));
    assert_eq!(get("\\x"), Ok('x'));
    assert_eq!(get("#inst \"1970-01-01T00:00:01Z\""), Ok(1_000_i64));
    let text = String::from("1970-01-01T00:00:01.000Z");
    assert_eq!(get("#inst \"1970-01-01T00:00:01Z\""), Ok(text));
    assert_eq!(get("#bytes \"00ff\""), Ok(vec![0_u8, 255]));
    assert_eq!(get("nil"), Ok(()));
    assert_eq!(get("nil"), Ok(None::<bool>));
    assert_eq!(get("true"), Ok(Some(true)));
    assert_eq!(get("#unknown 7"), Ok(7_i64));
}

#[test]
fn collections_become_sequences_maps_and_structs() {
    assert_eq!(get("[1 (2) #{3}]"), Ok((1_u8, [2_u8], HashSet::from([3_u8]))));
    let refused = Err::<(u8, u8), _>("invalid length 3, expected 2 members".into());
    assert_eq!(get("[1 2 3]"), refused);
    let map = BTreeMap::from([(String::from("p/a"), 1), (String::from("b"), 2)]);
    assert_eq!(get("{:p/a 1 \"b\" 2}"), Ok(map));
    let person = Person { name: "Ann".into(), age: Some(7), first_names: vec!["A".into()] };
    let text = "{:person/name \"Ann\" :person/age 7 :first-names [\"A\"] :db/id 17}";
    assert_eq!(get(text).as_ref(), Ok(&person));
    assert_eq!(get("[\"Ann\" 7 [\"A\"]]").as_ref(), Ok(&person));
}

#[test]
fn enums_are_named_by_keywords_maps_and_tags() {
    assert_eq!(get(":shape/empty-set"), Ok(Shape::EmptySet));
    assert_eq!(get("{:circle 2}"), Ok(Shape::Circle(2.0)));
    assert_eq!(get("#shape/circle 2.5"), Ok(Shape::Circle(2.5)));
    assert_eq!(get("{:line [1 2]}"), Ok(Shape::Line(1, 2)));
    assert_eq!(get("#box {:width 7}"), Ok(Shape::Box { width: 7 }));
    for (text, message) in [
        (":circle", "the variant circle must hold something"),
        ("7", "expected a keyword, a map of one entry or a tag that names a variant"),
        ("{:box {:width 700}}", "at box :width: invalid value: integer `700`, expected u8"),
    ] {
        assert_eq!(get::<Shape>(text), Err(message.into()));
    }
}

#[test]
fn errors_name_the_part_and_its_place() {
    let form = read("[{:name \"Ann\"}\n {:name \"Bob\" :person/age :old}]").expect("edn");
    let error = from_edn::<Vec<Person>>(&form).expect_err("an age that is a keyword");
    assert_eq!(error.path, "[1] :person/age");
    assert_eq!(error.message, "invalid type: string \"old\", expected u8");
    assert_eq!(error.span, Some(Span { start: 41, end: 45 }));
}

#[test]
fn a_tuple_value_is_a_sequence_with_nil() {
    let tuple = Value::Tuple([Some(Value::from(1)), None].into());
    assert_eq!(from_value(&tuple), Ok((1_i64, None::<String>)));
}
