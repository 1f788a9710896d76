//! Our reader against `clojure-reader`, where that one is right.
//!
//! It does not read: octal numbers, `N` and `M`, `##Inf`, `\uXXXX` and half of the other escapes,
//! `\formfeed` and its like. It leaves namespaced maps and known tags as tagged forms, and it takes
//! names that are none.

use std::borrow::Cow;

use clojure_reader::edn::Edn as Theirs;
use proptest::collection::vec;
use proptest::prelude::*;

use super::property::edn;
use super::read::read;
use super::{Edn, Form};
use crate::Value;

/// What the oracle should make of the form, or `None` where it is known to be wrong.
fn theirs(edn: &Edn) -> Option<Theirs<'static>> {
    let each = |forms: &[Form]| forms.iter().map(|form| theirs(&form.edn)).collect::<Option<_>>();
    Some(match edn {
        Edn::Nil => Theirs::Nil,
        Edn::Value(value) => scalar(value)?,
        Edn::Character(c) if c.is_control() || c.is_whitespace() => return None,
        Edn::Character(c) => Theirs::Char(*c),
        Edn::List(forms) => Theirs::List(each(forms)?),
        Edn::Vector(forms) => Theirs::Vector(each(forms)?),
        Edn::Set(forms) => {
            Theirs::Set(forms.iter().map(|f| theirs(&f.edn)).collect::<Option<_>>()?)
        }
        Edn::Map(entries) => {
            let entry = |(k, v): &(Form, Form)| Some((theirs(&k.edn)?, theirs(&v.edn)?));
            Theirs::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Edn::Tagged(tag, form) => {
            Theirs::Tagged(tag.text().to_owned().into(), Box::new(theirs(&form.edn)?))
        }
    })
}

fn scalar(value: &Value) -> Option<Theirs<'static>> {
    let text = |text: &str| -> Cow<'static, str> { Cow::Owned(text.to_owned()) };
    let tagged = |tag, text| Theirs::Tagged(Cow::Borrowed(tag), Box::new(Theirs::Str(text)));
    let escaped = |text: &str| text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
    Some(match value {
        Value::Boolean(v) => Theirs::Bool(*v),
        Value::Long(v) => Theirs::Int(*v),
        Value::Double(v) if v.is_finite() => Theirs::Double((*v).into()),
        Value::String(v) if !escaped(v) => Theirs::Str(text(v)),
        Value::Keyword(v) => Theirs::Key(text(v.text())),
        Value::Symbol(v) => Theirs::Symbol(text(v.text())),
        Value::Instant(v) => tagged("inst", v.to_string().into()),
        Value::Uuid(v) => tagged("uuid", v.to_string().into()),
        Value::Uri(v) if !escaped(v) => tagged("uri", text(v)),
        _ => return None,
    })
}

/// Tokens that both readers know, in any order: mostly wrong, and right in unusual ways.
fn soup() -> impl Strategy<Value = String> {
    let tokens = vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "#{",
        "#_",
        "#x ",
        "#a/b",
        "\"a\"",
        "\"\\n\\\"\\\\\"",
        " \\a",
        " \\space",
        " \\( ",
        ";",
        "\n",
        " ",
        " ",
        ",",
        ":a",
        ":a/b",
        "/",
        "a",
        "a.b",
        "nil",
        "true",
        "1",
        "-1",
        "+",
        "1.5",
        "e9",
        "7r",
        "0x",
        "é",
        "\u{2028}",
    ];
    vec(proptest::sample::select(tokens), 0..16).prop_map(|tokens| format!("[{}]", tokens.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_oracle_reads_what_we_print(edn in edn()) {
        let Some(expected) = theirs(&edn) else { return Ok(()) };
        let text = edn.to_string();
        let found = clojure_reader::edn::read_string(&text).map_err(|error| error.to_string());
        prop_assert_eq!(found, Ok(expected), "of {}", text);
    }

    #[test]
    fn the_oracle_agrees_where_both_read(text in soup()) {
        if let (Ok(form), Ok((found, ""))) = (read(&text), clojure_reader::edn::read(&text))
            && let Some(expected) = theirs(&form.edn)
        {
            prop_assert_eq!(found, expected, "of {}", text);
        }
    }
}
