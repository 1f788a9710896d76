//! Whether a result is the expected one: the expectation is read as a pattern.

use std::collections::BTreeMap;

use duramen_model::edn::{Edn, Form};
use duramen_model::{EntityId, Symbol, Value};

/// How expectations are read.
#[derive(Debug)]
pub struct Comparison<'c> {
    /// The entities that symbols stand for.
    pub ids: &'c BTreeMap<Symbol, EntityId>,
    /// Whether the kinds of numbers count.
    pub strict_numbers: bool,
}

impl Comparison<'_> {
    /// Whether a result matches an expectation.
    #[must_use]
    pub fn matches(&self, expected: &Edn, actual: &Edn) -> bool {
        match expected {
            Edn::Value(Value::Symbol(symbol)) if symbol.text() == "_" => *actual != Edn::Nil,
            Edn::Value(Value::Symbol(symbol)) if self.ids.contains_key(symbol) => {
                actual.as_long() == i64::try_from(self.ids[symbol].get()).ok()
            }
            Edn::Set(members) | Edn::List(members) => {
                collection(actual).is_some_and(|actual| self.members_match(members, actual))
            }
            Edn::Vector(members) => actual.as_sequence().is_some_and(|actual| {
                actual.len() == members.len()
                    && members.iter().zip(actual).all(|(e, a)| self.matches(&e.edn, &a.edn))
            }),
            Edn::Map(entries) => match actual {
                Edn::Map(actual) => self.entries_match(entries, actual),
                _ => false,
            },
            Edn::Value(expected) => match actual {
                Edn::Value(actual) => self.values_match(expected, actual),
                _ => false,
            },
            other => other == actual,
        }
    }

    /// Pairs every expected member with one of its own; blanks take what is left.
    fn members_match(&self, expected: &[Form], actual: &[Form]) -> bool {
        if expected.len() != actual.len() {
            return false;
        }
        let is_blank = |form: &&Form| form.as_symbol().is_some_and(|s| s.text() == "_");
        let mut left: Vec<&Form> = actual.iter().collect();
        for member in expected.iter().filter(|form| !is_blank(form)) {
            match left.iter().position(|form| self.matches(&member.edn, &form.edn)) {
                Some(at) => drop(left.swap_remove(at)),
                None => return false,
            }
        }
        left.iter().all(|form| form.edn != Edn::Nil)
    }

    fn entries_match(&self, expected: &[(Form, Form)], actual: &[(Form, Form)]) -> bool {
        expected.len() == actual.len()
            && expected.iter().all(|(key, value)| {
                let own = actual.iter().find(|(own, _)| own == key);
                own.is_some_and(|(_, own)| self.matches(&value.edn, &own.edn))
            })
    }

    fn values_match(&self, expected: &Value, actual: &Value) -> bool {
        if self.strict_numbers && kind(expected) != kind(actual) {
            return false;
        }
        match (number(expected), number(actual)) {
            (Some(a), Some(b)) if is_exact(expected) && is_exact(actual) => {
                digits(expected) == digits(actual) && a == b
            }
            (Some(a), Some(b)) => {
                a == b
                    || (a.is_nan() && b.is_nan())
                    || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
            }
            (None, None) => expected == actual,
            _ => false,
        }
    }
}

fn collection(edn: &Edn) -> Option<&[Form]> {
    match edn {
        Edn::Set(members) | Edn::Vector(members) | Edn::List(members) => Some(members),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Long(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::Float(number) => Some(f64::from(*number)),
        Value::BigInt(number) => number.to_string().parse().ok(),
        Value::BigDec(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

const fn is_exact(value: &Value) -> bool {
    matches!(value, Value::Long(_) | Value::BigInt(_))
}

fn digits(value: &Value) -> String {
    match value {
        Value::Long(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        _ => String::new(),
    }
}

const fn kind(value: &Value) -> u8 {
    match value {
        Value::Long(_) | Value::BigInt(_) => 1,
        Value::Double(_) | Value::Float(_) => 2,
        Value::BigDec(_) => 3,
        _ => 0,
    }
}
