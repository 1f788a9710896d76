//! The attributes of the generated databases, and values for them.

use duramen_model::edn::{self, Edn};
use duramen_model::{Keyword, Symbol, Value, ValueType};
use uuid::Uuid;

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
pub(crate) const ATTRIBUTES: [Attribute; 27] = [
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
    same("a/decimal", ValueType::BigDec, true, ":db/index true"),
    same("a/uuid", ValueType::Uuid, false, ":db/index true"),
    same("a/uri", ValueType::Uri, false, ""),
    same("a/symbol", ValueType::Symbol, true, ""),
    same("a/bytes", ValueType::Bytes, false, ""),
    same("a/pair", ValueType::Tuple, true, ":db/tupleTypes [:db.type/long :db.type/string]"),
    same("a/row", ValueType::Tuple, false, ":db/index true :db/tupleType :db.type/long"),
    same("a/step", ValueType::Tuple, false, ":db/tupleTypes [:db.type/ref :db.type/double]"),
    same("a/both", ValueType::Tuple, false, ":db/index true :db/tupleAttrs [:a/one :a/key]"),
    same("a/next", ValueType::Ref, false, ":db/unique :db.unique/value"),
    Attribute {
        name: "a/number",
        types: [ValueType::Long, ValueType::BigDec],
        many: false,
        more: ":db/unique :db.unique/identity",
    },
    same("a/sign", ValueType::BigInt, true, ":db/index true"),
];

/// The entities that an entity's `a/next` may be: no two have the same.
pub(crate) const fn next(e: usize) -> usize {
    (e + 1) % SIZE
}

/// A value of `a/id` that the entity alone may have.
pub(crate) fn id(e: usize, v: usize) -> Value {
    Value::string(format!("i{e}{}", v % 2))
}

/// A value of `a/number` that the entity alone may have.
pub(crate) fn own_number(of: ValueType, e: usize, v: usize) -> Value {
    let number = 2 * e + v % 2;
    match of {
        ValueType::BigDec => read(&format!("{number}.0M")),
        _ => Value::Long(number as i64),
    }
}

fn read(text: &str) -> Value {
    match edn::read(text).expect("a value").edn {
        Edn::Value(value) => value,
        other => unreachable!("{other}"),
    }
}

/// The types of the members of an attribute's tuples, where the schema says them.
pub(crate) fn members(name: &str) -> &'static [ValueType] {
    match name {
        "a/pair" => &[ValueType::Long, ValueType::String],
        "a/row" => &[ValueType::Long; 8],
        "a/step" => &[ValueType::Ref, ValueType::Double],
        _ => &[],
    }
}

/// A value of an attribute of tuples, with an entity as it is written in transactions.
pub(crate) fn tuple(name: &str, n: usize) -> Value {
    let long = |n| Some(value(ValueType::Long, n));
    let members = match name {
        "a/row" => (0..2 + n % 2).map(|at| long(n + at)).collect(),
        "a/step" => {
            let entity = Value::Keyword(Keyword::new(ENTITIES[n % SIZE]));
            vec![Some(entity), Some(value(ValueType::Double, n % 3))]
        }
        "a/both" => vec![long(n), Some(value(ValueType::Keyword, n))],
        _ => vec![long(n), (!n.is_multiple_of(3)).then(|| value(ValueType::String, n))],
    };
    Value::Tuple(members.into())
}

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
    const DECIMALS: [&str; SIZE] = ["0M", "1.00M", "2.5M", "0.1M", "1E+20M", "-7M"];
    const TEXTS: [&str; SIZE] = ["", "t1", "t2", "T1", "é", "t1 and more"];
    let n = n % SIZE;
    match of {
        ValueType::Boolean => Value::Boolean(n.is_multiple_of(2)),
        ValueType::Long => Value::Long(LONGS[n]),
        ValueType::Double => Value::Double(DOUBLES[n]),
        ValueType::Float => Value::Float(FLOATS[n]),
        ValueType::BigInt => read(BIGS[n]),
        ValueType::BigDec => read(DECIMALS[n]),
        ValueType::String => Value::string(TEXTS[n]),
        ValueType::Keyword => Value::Keyword(Keyword::new(format!("k/{n}"))),
        ValueType::Instant => {
            Value::Instant(duramen_model::Instant::from_millis(n as i64 * 1_000 - 2_000))
        }
        ValueType::Symbol => Value::Symbol(Symbol::new(format!("s{n}"))),
        ValueType::Uuid => Value::Uuid(Uuid::from_u128(n as u128)),
        ValueType::Uri => Value::Uri(format!("https://example.org/{n}").into()),
        ValueType::Bytes => Value::Bytes(vec![n as u8; n].into()),
        ValueType::Tuple => tuple("a/pair", n),
        ValueType::Ref => unreachable!("entities are named"),
    }
}

/// The same as it is read from the text of a query, which has doubles alone.
pub(crate) fn written(of: ValueType, n: usize) -> Value {
    match value(of, n) {
        Value::Float(number) => Value::Double(f64::from(number)),
        other => other,
    }
}
