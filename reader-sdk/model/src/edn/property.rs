//! Properties of reading, printing and ordering, over forms of any shape.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use bigdecimal::BigDecimal;
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::read::{Limits, read, read_all, read_with};
use super::{Edn, Form};
use crate::{Instant, Keyword, Symbol, Value};

fn name() -> impl Strategy<Value = String> {
    let part = "[a-zé*!_?$%&=<>][a-z0-9.*+!_?$%&=<>#'|é-]{0,6}";
    prop_oneof![
        3 => part.prop_map(String::from),
        2 => (part, part).prop_map(|(namespace, name)| format!("{namespace}/{name}")),
        1 => "[-+.][a-z.+-]{0,3}".prop_map(String::from),
    ]
}

fn symbol() -> impl Strategy<Value = Symbol> {
    let constant = |name: &String| ["nil", "true", "false"].contains(&name.as_str());
    name().prop_filter("constants are no symbols", move |n| !constant(n)).prop_map(Symbol::new)
}

fn big_int() -> impl Strategy<Value = BigInt> {
    vec(any::<u8>(), 0..20).prop_map(|bytes| BigInt::from_signed_bytes_le(&bytes))
}

/// Values that text can tell apart.
fn value() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![any::<String>(), "[ -~\n\t]{0,12}"].prop_map(Arc::<str>::from);
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Long),
        (-9_i64..9).prop_map(Value::Long),
        any::<f64>().prop_map(|v| Value::Double(if v.is_nan() { f64::NAN } else { v })),
        big_int().prop_map(|v| Value::BigInt(Arc::new(v))),
        (big_int(), -100_i64..100)
            .prop_map(|(v, scale)| Value::BigDec(Arc::new(BigDecimal::new(v, scale)))),
        text().prop_map(Value::String),
        name().prop_map(|v| Value::Keyword(Keyword::new(v))),
        symbol().prop_map(Value::Symbol),
        any::<i64>().prop_map(|v| Value::Instant(Instant::from_millis(v))),
        (0_i64..2_000_000_000_000).prop_map(|v| Value::Instant(Instant::from_millis(v))),
        any::<u128>().prop_map(|v| Value::Uuid(Uuid::from_u128(v))),
        text().prop_map(Value::Uri),
        vec(any::<u8>(), 0..8).prop_map(|v| Value::Bytes(v.into())),
    ]
}

pub(super) fn edn() -> impl Strategy<Value = Edn> {
    let leaf = prop_oneof![
        1 => Just(Edn::Nil),
        1 => any::<char>().prop_map(Edn::Character),
        8 => value().prop_map(Edn::Value),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let forms = || vec(inner.clone().prop_map(Form::from), 0..6);
        let entries = vec((inner.clone(), inner.clone()), 0..6);
        let tag = "[a-hj-t][a-z]{0,3}/[a-z]{1,3}".prop_map(Symbol::new);
        prop_oneof![
            forms().prop_map(Edn::List),
            forms().prop_map(Edn::Vector),
            forms().prop_map(|forms| Edn::Set(distinct(forms))),
            entries.prop_map(map),
            (tag, inner.clone()).prop_map(|(tag, edn)| Edn::Tagged(tag, Box::new(edn.into()))),
        ]
    })
}

fn distinct(forms: Vec<Form>) -> Vec<Form> {
    forms.into_iter().collect::<HashSet<_>>().into_iter().collect()
}

fn map(entries: Vec<(Edn, Edn)>) -> Edn {
    let entries: BTreeMap<Edn, Edn> = entries.into_iter().collect();
    Edn::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
}

/// The same form with the members of maps and sets the other way round.
fn reversed(edn: &Edn) -> Edn {
    let each = |forms: &[Form]| -> Vec<Form> {
        forms.iter().map(|form| reversed(&form.edn).into()).collect()
    };
    match edn {
        Edn::List(forms) => Edn::List(each(forms)),
        Edn::Vector(forms) => Edn::Vector(each(forms)),
        Edn::Set(forms) => Edn::Set(each(forms).into_iter().rev().collect()),
        Edn::Map(entries) => {
            let entry = |(k, v): &(Form, Form)| (reversed(&k.edn).into(), reversed(&v.edn).into());
            Edn::Map(entries.iter().rev().map(entry).collect())
        }
        Edn::Tagged(tag, form) => Edn::Tagged(tag.clone(), Box::new(reversed(&form.edn).into())),
        scalar => scalar.clone(),
    }
}

fn hash(edn: &Edn) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(edn)
}

/// Texts of all sorts of tokens, most of them wrong as a whole.
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
        "#",
        "##NaN",
        "##",
        "#inst",
        "#uuid",
        "#:a{",
        "_/",
        "#x",
        "\"",
        "\"a\"",
        "\\a",
        "\\",
        ";",
        "\n",
        " ",
        " ",
        ",",
        ":",
        ":a",
        ":a/b",
        "/",
        "a",
        "nil",
        "true",
        "0",
        "1",
        "-",
        "+",
        "1.5",
        "e9",
        "N",
        "M",
        "0x",
        "9r",
        ".",
        "^",
        "'",
        "é",
        "\u{2028}",
        "\u{0}",
        "\\u00e9",
        "\"\\u00e9\"",
        "\"2020\"",
        "99999999999999999999",
    ];
    vec(proptest::sample::select(tokens), 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_printed_reads_back(edn in edn()) {
        let text = edn.to_string();
        let form = read(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&form.edn, &edn);
        prop_assert_eq!(form.to_string(), text);
    }

    #[test]
    fn pretty_lines_say_the_same(edn in edn(), width in 0_usize..60) {
        let text = edn.pretty(width).to_string();
        prop_assert_eq!(read(&text).map(|form| form.edn), Ok(edn));
    }

    #[test]
    fn spans_cut_out_the_text_of_a_form(edn in edn()) {
        let text = format!(" {edn} ");
        let form = read(&text).expect("it was printed");
        prop_assert_eq!(form.span.end as usize, text.len() - 1);
        let mut forms = vec![&form];
        while let Some(form) = forms.pop() {
            let piece = &text[form.span.start as usize..form.span.end as usize];
            prop_assert_eq!(&read(piece).map(|again| again.edn), &Ok(form.edn.clone()));
            match &form.edn {
                Edn::List(members) | Edn::Vector(members) | Edn::Set(members) => {
                    forms.extend(members);
                }
                Edn::Map(entries) => forms.extend(entries.iter().flat_map(|(k, v)| [k, v])),
                Edn::Tagged(_, form) => forms.push(form),
                _ => {}
            }
        }
    }

    #[test]
    fn order_does_not_matter_where_it_should_not(edn in edn()) {
        let other = reversed(&edn);
        prop_assert_eq!(&edn, &other);
        prop_assert_eq!(edn.cmp(&other), Ordering::Equal);
        prop_assert_eq!(hash(&edn), hash(&other));
    }

    #[test]
    fn the_order_is_total_and_agrees_with_equality(forms in vec(edn(), 3)) {
        let [a, b, c] = forms.as_slice() else { return Ok(()) };
        prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
        prop_assert_eq!(a == b, a.cmp(b) == Ordering::Equal);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        if a == b {
            prop_assert_eq!(hash(a), hash(b));
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused(forms in vec(edn(), 1..6), again in any::<usize>()) {
        let members: BTreeSet<Edn> = forms.iter().cloned().collect();
        let twice = reversed(&forms[again % forms.len()]);
        let members: Vec<String> = members.iter().map(Edn::to_string).collect();
        let set = format!("#{{{}}}", members.join(" "));
        prop_assert!(read(&set).is_ok());
        let set = format!("#{{{} {twice}}}", members.join(" "));
        let error = read(&set).expect_err("a member is there twice");
        prop_assert_eq!(error.expected, "each member once");
        let map: Vec<String> = members.iter().map(|key| format!("{key} 1")).collect();
        let error = read(&format!("{{{} {twice} 2}}", map.join(" "))).expect_err("a key is too");
        prop_assert_eq!(error.expected, "each key once");
    }

    #[test]
    fn damaged_text_is_refused_or_read_but_never_panics(
        edn in edn(), at in any::<usize>(), cut in 0_usize..4, put in soup()
    ) {
        let text = edn.to_string();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = places[at % places.len()];
        let end = text[start..].char_indices().nth(cut).map_or(text.len(), |(at, _)| start + at);
        refused_or_read(&text[..start])?;
        refused_or_read(&format!("{}{put}{}", &text[..start], &text[end..]))?;
    }

    #[test]
    fn soup_is_refused_or_read_but_never_panics(text in soup()) {
        refused_or_read(&text)?;
    }
}

/// Reads what may be anything; what is read must print and read again, and an error must point
/// into the text.
fn refused_or_read(text: &str) -> Result<(), TestCaseError> {
    match read_all(text, Limits::default()) {
        Ok(forms) => {
            for form in forms {
                let printed = form.to_string();
                prop_assert_eq!(read(&printed), Ok(form));
            }
        }
        Err(error) => prop_assert!(text.is_char_boundary(error.offset), "{}: {}", text, error),
    }
    Ok(())
}

#[test]
fn nesting_is_refused_before_it_hurts() {
    for opening in ["[", "(", "#{", "{1 ", "#a ", "#_ "] {
        let error = read(&opening.repeat(1_000_000)).expect_err(opening);
        assert_eq!(error.expected, "at most 128 levels of nesting");
        let limits = Limits { depth_max: usize::MAX, ..Limits::default() };
        let error = read_with(&opening.repeat(1_000_000), limits).expect_err(opening);
        assert_eq!(error.expected, "at most 1000 levels of nesting");
    }
    let deepest = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert!(read(&deepest).is_ok());
}

#[test]
fn text_forms_and_numbers_are_limited() {
    let small = Limits { text_bytes_max: 8, forms_max: 3, number_chars_max: 4, depth_max: 9 };
    let expected = |text: &str| read_with(text, small).map_err(|error| error.expected);
    assert!(expected("[1 2222]").is_ok());
    assert_eq!(expected("[1 22222"), Err("a number of at most 4 digits".into()));
    assert_eq!(expected("[1 2 33 ]"), Err("at most 8 bytes of text".into()));
    let few = Limits { text_bytes_max: 99, ..small };
    assert!(read_with("[1 #_2]", few).is_ok());
    let error = read_with("[1 #_2 3]", few).expect_err("a vector and three numbers");
    assert_eq!((error.offset, error.expected.as_str()), (0, "at most 3 forms"));
}

#[test]
fn large_maps_and_sets_take_time_in_proportion() {
    const MEMBERS: usize = 100_000;
    let map: String = (0..MEMBERS).map(|n| format!(":key/k{n} {n} ")).collect();
    let form = read(&format!("{{{map}}}")).expect("keys are distinct");
    assert!(matches!(&form.edn, Edn::Map(entries) if entries.len() == MEMBERS));
    let set: String = (0..MEMBERS).rev().map(|n| format!("#{{[{n}] {{:a {n}}}}}")).collect();
    let form = read(&format!("#{{{set}}}")).expect("members are distinct");
    assert_eq!(form, read(&form.to_string()).expect("it was printed"));
    // Built by hand, nothing limits the depth of what is printed.
    let mut deep = Edn::Nil;
    for _ in 0..5_000 {
        deep = Edn::Vector(vec![deep.into()]);
    }
    assert_eq!(deep.to_string().len(), 10_003);
    assert!(!deep.pretty(80).to_string().is_empty());
}
