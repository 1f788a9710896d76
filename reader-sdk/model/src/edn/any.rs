//! EDN as a part of an application's own type: whatever stands there.

use std::fmt;

use serde::de::{
    Deserialize, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::Value;

use super::read::{Limits, read_with};
use super::{Edn, Form};

/// The name by which our own deserializer knows that EDN is asked for, and gives it whole.
pub(super) const WHOLE: &str = "$duramen::Edn";

/// Takes any EDN whole from [`from_edn`](super::de::from_edn), types and tags included; but a
/// float becomes a double, a reference a long and a tuple a vector, as in text. From another format
/// it takes what that one can say: nil, booleans, numbers, strings, vectors and maps.
impl<'de> Deserialize<'de> for Edn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(WHOLE, Whole)
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Edn::deserialize(deserializer).map(Self::from)
    }
}

/// Takes what a datom can hold; a vector becomes a tuple.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let edn = Edn::deserialize(deserializer)?;
        edn.to_value().ok_or_else(|| {
            D::Error::custom(format!("invalid type: {}, expected a value", edn.kind()))
        })
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Edn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EDN")
    }

    /// Other formats ignore the name and come here.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Edn, D::Error> {
        deserializer.deserialize_any(self)
    }

    /// Our own deserializer comes here, with the EDN as text.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Edn, A::Error> {
        let (_, content) = access.variant::<String>()?;
        let text: String = content.newtype_variant()?;
        let limits = Limits {
            text_bytes_max: usize::MAX,
            depth_max: usize::MAX,
            forms_max: usize::MAX,
            number_chars_max: usize::MAX,
        };
        read_with(&text, limits).map(|form| form.edn).map_err(A::Error::custom)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Edn, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Edn, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Edn, E> {
        Ok(Edn::Value(match i64::try_from(v) {
            Ok(long) => Value::Long(long),
            Err(_) => Value::BigInt(std::sync::Arc::new(v.into())),
        }))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Edn, E> {
        Ok(v.into())
    }

    fn visit_char<E>(self, v: char) -> Result<Edn, E> {
        Ok(Edn::Character(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Edn, E> {
        Ok(v.into())
    }

    fn visit_bytes<E>(self, v: &[u8]) -> Result<Edn, E> {
        Ok(Edn::Value(Value::Bytes(v.into())))
    }

    fn visit_unit<E>(self) -> Result<Edn, E> {
        Ok(Edn::Nil)
    }

    fn visit_none<E>(self) -> Result<Edn, E> {
        Ok(Edn::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Edn, D::Error> {
        Edn::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Edn, A::Error> {
        let mut forms = Vec::new();
        while let Some(form) = access.next_element()? {
            forms.push(form);
        }
        Ok(Edn::Vector(forms))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Edn, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry::<Form, Form>()? {
            entries.push(entry);
        }
        let mut keys: Vec<&Form> = entries.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom(format!("the key {} is there twice", twice[0])));
        }
        Ok(Edn::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::edn::de::{from_edn, from_value};
    use crate::edn::read;
    use crate::{EntityId, Instant, Keyword, Symbol};

    const ALL_SORTS: &str = "{:a [1 1N 1.5 1.50M \\x nil] (b) #{#inst \"2020\" #my/tag :c}}";

    #[test]
    fn edn_comes_whole_out_of_edn() {
        let form = read(ALL_SORTS).expect("edn");
        assert_eq!(from_edn(&form), Ok(form.clone()));
        let map: BTreeMap<Edn, Edn> = from_edn(&form).expect("a map of anything");
        assert_eq!(
            map.get(&read(":a").expect("edn").edn),
            form.edn.get(&read(":a").expect("edn").edn)
        );
        let optional: Vec<Option<Value>> =
            from_edn(&read("[nil [1 nil]]").expect("edn")).expect("values");
        let tuple = Value::Tuple([Some(Value::from(1)), None].into());
        assert_eq!(optional, [None, Some(tuple.clone())]);
        assert_eq!(from_value::<Value>(&tuple), Ok(tuple));
        let error = from_edn::<Vec<Value>>(&read("[{}]").expect("edn")).expect_err("a map");
        assert_eq!(error.to_string(), "at [0]: invalid type: a map, expected a value");
    }

    #[test]
    fn edn_takes_from_json_what_json_can_say() {
        let json = r#"{"a": [1, -1, 1.5, "x", null, true, 18446744073709551615]}"#;
        let edn: Edn = serde_json::from_str(json).expect("json");
        assert_eq!(edn.to_string(), r#"{"a" [1 -1 1.5 "x" nil true 18446744073709551615N]}"#);
        let twice = serde_json::from_str::<Edn>(r#"{"a": 1, "a": 2}"#);
        assert!(
            twice.is_err_and(|error| error.to_string().contains("the key \"a\" is there twice"))
        );
    }

    #[test]
    fn names_instants_and_ids_are_parts_of_types() {
        #[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
        struct Fact {
            id: EntityId,
            at: Instant,
            ident: Keyword,
            function: Symbol,
        }
        let text = "{:db/id 17 :at #inst \"1970-01-01T00:00:00.007Z\" :ident :a/b :function f}";
        let fact: Fact = from_edn(&read(text).expect("edn")).expect("a fact");
        let expected = Fact {
            id: EntityId::constant(17),
            at: Instant::from_millis(7),
            ident: Keyword::new("a/b"),
            function: Symbol::new("f"),
        };
        assert_eq!(fact, expected);
        let json = serde_json::to_string(&fact).expect("json");
        assert_eq!(serde_json::from_str::<Fact>(&json).ok(), Some(fact));
        let millis = json.replace("\"1970-01-01T00:00:00.007Z\"", "7");
        assert_eq!(serde_json::from_str::<Fact>(&millis).ok(), Some(expected));
        let big = "{\"id\":9007199254740992";
        assert!(serde_json::from_str::<Fact>(&json.replace("{\"id\":17", big)).is_err());
    }
}
