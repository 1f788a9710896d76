//! From EDN to other formats through serde, JSON above all.
//!
//! The table of [`de`](super::de) read backwards: keywords and symbols become their text without
//! the colon, instants RFC 3339, UUIDs and URIs strings, big integers and decimals their digits
//! as a string, so that nothing is rounded. Beyond that: bytes become hexadecimal digits where the
//! format is text; numbers that JSON lacks become the strings `NaN`, `Infinity` and `-Infinity`;
//! `#tag form` becomes `{"#tag": form}`.
//!
//! The keys of a map become text likewise if all of them are keywords, or all are strings. In any
//! other map each key becomes its EDN, so that `:a` and `"a"` stay apart.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Value;

use super::de::decimal_text;
use super::{Edn, Form};

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.edn.serialize(serializer)
    }
}

impl Serialize for Edn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Value(value) => value.serialize(serializer),
            Self::Character(c) => serializer.serialize_char(*c),
            Self::List(forms) | Self::Vector(forms) | Self::Set(forms) => {
                serializer.collect_seq(forms)
            }
            Self::Map(entries) => serialize_map(entries, serializer),
            Self::Tagged(tag, form) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(&format!("#{tag}"), form)?;
                map.end()
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(v) => serializer.serialize_bool(*v),
            Self::Long(v) => serializer.serialize_i64(*v),
            Self::Double(v) => match not_finite(*v) {
                Some(text) => serializer.serialize_str(text),
                None => serializer.serialize_f64(*v),
            },
            Self::Float(v) => match not_finite(f64::from(*v)) {
                Some(text) => serializer.serialize_str(text),
                None => serializer.serialize_f32(*v),
            },
            Self::BigInt(v) => serializer.collect_str(v),
            Self::BigDec(_) => serializer.serialize_str(&decimal_text(self)),
            Self::String(v) | Self::Uri(v) => serializer.serialize_str(v),
            Self::Keyword(v) => serializer.serialize_str(v.text()),
            Self::Symbol(v) => serializer.serialize_str(v.text()),
            Self::Instant(v) => serializer.collect_str(v),
            Self::Uuid(v) => serializer.collect_str(v),
            Self::Bytes(v) if serializer.is_human_readable() => serializer.serialize_str(&hex(v)),
            Self::Bytes(v) => serializer.serialize_bytes(v),
            Self::Ref(v) => serializer.serialize_u64(v.get()),
            Self::Tuple(values) => serializer.collect_seq(values.iter()),
        }
    }
}

fn not_finite(number: f64) -> Option<&'static str> {
    match number {
        number if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn serialize_map<S: Serializer>(
    entries: &[(Form, Form)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let keywords = entries.iter().all(|(key, _)| key.as_keyword().is_some());
    let strings = entries.iter().all(|(key, _)| key.as_str().is_some());
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        if keywords || strings {
            map.serialize_entry(key, value)?;
        } else {
            map.serialize_entry(&key.to_string(), value)?;
        }
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use crate::edn::read;
    use crate::{EntityId, Value};

    /// EDN, and the JSON that it becomes.
    const JSON: &[(&str, &str)] = &[
        ("nil", "null"),
        ("[true 1 1.5 -0.0]", "[true,1,1.5,-0.0]"),
        ("[##NaN ##Inf ##-Inf]", r#"["NaN","Infinity","-Infinity"]"#),
        ("[1N 1.50M 1e99M]", r#"["1","1.50","1E+99"]"#),
        (r#"[:a/b a/b "a" \a]"#, r#"["a/b","a/b","a","a"]"#),
        ("#inst \"2020\"", r#""2020-01-01T00:00:00.000Z""#),
        (
            "#uuid \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
            r#""f81d4fae-7dec-11d0-a765-00a0c91e6bf6""#,
        ),
        ("[#uri \"x:y\" #bytes \"00ff\"]", r#"["x:y","00ff"]"#),
        ("((1) #{2} [])", "[[1],[2],[]]"),
        ("{:p/a 1 :b {}}", r#"{"p/a":1,"b":{}}"#),
        ("{\"a\" 1}", r#"{"a":1}"#),
        ("{\"a\" 1 :a 2 [3] 4}", r#"{"\"a\"":1,":a":2,"[3]":4}"#),
        ("#my/tag [1]", r##"{"#my/tag":[1]}"##),
    ];

    #[test]
    fn json_says_the_same() {
        for (edn, json) in JSON {
            let form = read(edn).expect(edn);
            assert_eq!(serde_json::to_string(&form).ok().as_deref(), Some(*json), "of {edn}");
        }
    }

    #[test]
    fn references_are_numbers_and_tuples_are_arrays() {
        let entity = EntityId::user(7).expect("a small number");
        let tuple = Value::Tuple([Some(Value::Ref(entity)), None].into());
        let json = format!("[{entity},null]");
        assert_eq!(serde_json::to_string(&tuple).ok(), Some(json));
    }
}
