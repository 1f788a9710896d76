//! A cell of a file as a value.

use duramen::{Edn, Value, ValueType, edn};

/// A cell of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Whether it is marked as text, as strings are in JSON.
    pub(crate) quoted: bool,
}

impl Cell {
    /// A cell that may be anything.
    pub(crate) fn bare(text: &str) -> Self {
        Self { text: text.to_owned(), quoted: false }
    }
}

/// Reads the text of a cell as a type; the error says what was expected.
pub(crate) fn read(text: &str, value_type: ValueType) -> Result<Value, String> {
    let expected = || format!("{text:?} is no {}", value_type.name());
    let scalar = |text: &str| match edn::read(text) {
        Ok(form) => match form.edn {
            Edn::Value(value) if value.value_type() == value_type => Ok(value),
            _ => Err(expected()),
        },
        Err(_) => Err(expected()),
    };
    match value_type {
        ValueType::String => Ok(Value::string(text)),
        ValueType::Uri => Ok(Value::Uri(text.into())),
        ValueType::Boolean => text.parse().map(Value::Boolean).map_err(|_| expected()),
        ValueType::Long => text.parse().map(Value::Long).map_err(|_| expected()),
        ValueType::Double => text.parse().map(Value::Double).map_err(|_| expected()),
        ValueType::Float => text.parse().map(Value::Float).map_err(|_| expected()),
        ValueType::Instant => text.parse().map(Value::Instant).map_err(|_| expected()),
        ValueType::Uuid => text.parse().map(Value::Uuid).map_err(|_| expected()),
        ValueType::BigInt => scalar(&format!("{}N", text.trim_end_matches('N'))),
        ValueType::BigDec => scalar(&format!("{}M", text.trim_end_matches('M'))),
        ValueType::Keyword => scalar(&format!(":{}", text.trim_start_matches(':'))),
        ValueType::Symbol => scalar(text),
        ValueType::Bytes | ValueType::Ref | ValueType::Tuple => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duramen::Keyword;

    #[test]
    fn cells_become_values() {
        assert_eq!(read("42", ValueType::Long), Ok(Value::Long(42)));
        assert_eq!(read(":a/b", ValueType::Keyword), Ok(Value::Keyword(Keyword::new("a/b"))));
        assert_eq!(read("a/b", ValueType::Keyword), Ok(Value::Keyword(Keyword::new("a/b"))));
        assert_eq!(read("4x", ValueType::Long), Err("\"4x\" is no long".to_owned()));
        assert!(read("a b", ValueType::Keyword).is_err());
        assert!(read("12.50", ValueType::BigDec).is_ok());
    }
}
