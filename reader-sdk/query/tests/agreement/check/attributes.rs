//! The attributes of the generated databases, and values for them.

use duramen_model::edn::{self, Edn};
use duramen_model::{Keyword, Value, ValueType};

/// How many entities there are, and how many values of each type.
pub(crate) const SIZE: usize = 6;

pub(crate) const ENTITIES: [&str; SIZE] = ["e/0", "e/1", "e/2", "e/3", "e/4", "e/5"];

pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    /// In the first database and in the second.
    pub(crate) types: [ValueType; 2],
    pub(crate) many: bool,
    /// What else the schema says.
    more: &'static str,
}

const fn same(name: &'static str, of: ValueType, many: bool, more: &'static str) -> Attribute {
    Attribute { name, types: [of, of], many, more }
}

/// The rules use the first of them, which are alike in both databases.
pub(crate) const ATTRIBUTES: [Attribute; 15] = [
    same("a/ref", ValueType::Ref, true, ""),
    same("a/up", ValueType::Ref, false, ""),
    same("a/one", ValueType::Long, false, ":db/index true"),
    same("a/many", ValueType::Long, true, ""),
    same("a/text", ValueType::String, false, ""),
    same("a/tag", ValueType::String, true, ":db/index true"),
    same("a/id", ValueType::String, false, ":db/unique :db.unique/identity"),
    same("a/key", ValueType::Keyword, false, ""),
    same("a/real", ValueType::Double, false, ":db/index true"),
    same("a/flag", ValueType::Boolean, false, ""),
    same("a/big", ValueType::BigInt, false, ""),
    same("a/at", ValueType::Instant, false, ":db/index true"),
    same("a/float", ValueType::Float, true, ""),
    Attribute {
        name: "a/two",
        types: [ValueType::Long, ValueType::Double],
        many: false,
        more: ":db/index true",
    },
    Attribute {
        name: "a/mixed",
        types: [ValueType::String, ValueType::Keyword],
        many: true,
        more: "",
    },
];

/// The schema of the first or of the second database. Entities of one name have different ids.
pub(crate) fn schema(database: usize) -> String {
    let mut text = String::from("[");
    for attribute in &ATTRIBUTES {
        let many = if attribute.many { "many" } else { "one" };
        text.push_str(&format!(
            "{{:db/ident :{} :db/valueType :db.type/{} :db/cardinality :db.cardinality/{many} {}}}\n",
            attribute.name,
            attribute.types[database].name(),
            attribute.more
        ));
    }
    let mut names = ENTITIES;
    if database == 1 {
        names.reverse();
    }
    names.iter().for_each(|name| text.push_str(&format!("{{:db/ident :{name}}} ")));
    text + "]"
}

/// A value of a type. Those of different types that are equal as numbers are among them.
pub(crate) fn value(of: ValueType, n: usize) -> Value {
    const LONGS: [i64; SIZE] = [0, 1, 2, 3, 5, -1];
    const DOUBLES: [f64; SIZE] = [0.0, 1.0, 2.5, f64::NAN, f64::INFINITY, -0.0];
    const FLOATS: [f32; SIZE] = [0.0, 1.0, 2.5, f32::NAN, f32::NEG_INFINITY, -1.5];
    const BIGS: [&str; SIZE] = ["0N", "1N", "2N", "100000000000000000000N", "-7N", "3N"];
    const TEXTS: [&str; SIZE] = ["", "t1", "t2", "T1", "é", "t1 and more"];
    let n = n % SIZE;
    match of {
        ValueType::Boolean => Value::Boolean(n.is_multiple_of(2)),
        ValueType::Long => Value::Long(LONGS[n]),
        ValueType::Double => Value::Double(DOUBLES[n]),
        ValueType::Float => Value::Float(FLOATS[n]),
        ValueType::BigInt => match edn::read(BIGS[n]).expect("a number").edn {
            Edn::Value(value) => value,
            other => unreachable!("{other}"),
        },
        ValueType::String => Value::string(TEXTS[n]),
        ValueType::Keyword => Value::Keyword(Keyword::new(format!("k/{n}"))),
        ValueType::Instant => {
            Value::Instant(duramen_model::Instant::from_millis(n as i64 * 1_000 - 2_000))
        }
        other => unreachable!("no values of type {}", other.name()),
    }
}

/// The same as it is read from the text of a query, which has doubles alone.
pub(crate) fn written(of: ValueType, n: usize) -> Value {
    match value(of, n) {
        Value::Float(number) => Value::Double(f64::from(number)),
        other => other,
    }
}
