//! Which column goes to which attribute, and as what type.

use duramen::{Keyword, Value, ValueType};

use super::cell::{self, Cell};
use crate::cli::exit::Failure;

/// A column and its attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name of the column in the file.
    pub(crate) name: String,
    /// The attribute.
    pub(crate) attribute: Keyword,
    /// The type of its values; nothing if it is to be guessed.
    pub(crate) value_type: Option<ValueType>,
}

/// Reads `column=:attribute` or `column=:attribute:type`.
pub(crate) fn parse(text: &str) -> Result<Column, Failure> {
    let wrong = |reason: &str| Failure::usage(format!("--map {text}: {reason}"));
    let (name, target) = text.split_once('=').ok_or_else(|| wrong("expected COLUMN=:ATTRIBUTE"))?;
    let target = target.strip_prefix(':').ok_or_else(|| wrong("an attribute begins with ':'"))?;
    let (attribute, value_type) = match target.split_once(':') {
        Some((attribute, type_name)) => {
            let known = named_type(type_name).ok_or_else(|| wrong("no such type"))?;
            (attribute, Some(known))
        }
        None => (target, None),
    };
    if attribute.is_empty() || name.is_empty() {
        return Err(wrong("a name is empty"));
    }
    Ok(Column { name: name.to_owned(), attribute: Keyword::new(attribute), value_type })
}

/// Makes an attribute of a column: `First Name` in `person` is `:person/first-name`.
pub(crate) fn derived(column: &str, namespace: &str) -> Column {
    let keep = |c: char| if c.is_alphanumeric() || "*+!_?-.".contains(c) { c } else { '-' };
    let name: String = column.trim().to_lowercase().chars().map(keep).collect();
    let attribute = Keyword::qualified(namespace, &name);
    Column { name: column.to_owned(), attribute, value_type: None }
}

/// The types that a cell can be read as, the most particular first.
const GUESSES: [ValueType; 5] =
    [ValueType::Long, ValueType::Double, ValueType::Boolean, ValueType::Instant, ValueType::Uuid];

/// The first type that all cells can be read as; strings when there is none, or no cell.
pub(crate) fn guess<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> ValueType {
    let fits = |value_type: &ValueType| {
        let mut cells = cells.clone().peekable();
        cells.peek().is_some() && cells.all(|cell| is_plainly(cell, *value_type))
    };
    GUESSES.into_iter().find(fits).unwrap_or(ValueType::String)
}

/// Leading zeros and bare years mean something that a number or an instant would lose; and what is
/// marked as text is no number.
fn is_plainly(cell: &Cell, value_type: ValueType) -> bool {
    let text = cell.text.as_str();
    match (value_type, cell::read(text, value_type)) {
        (ValueType::Long | ValueType::Double | ValueType::Boolean, _) if cell.quoted => false,
        (ValueType::Long, Ok(Value::Long(number))) => number.to_string() == text,
        (ValueType::Double, Ok(_)) => text.contains(['.', 'e']) && !text.starts_with("00"),
        (ValueType::Instant, Ok(_)) => text.len() >= "2024-01-01".len() && text.contains('-'),
        (_, read) => read.is_ok(),
    }
}

fn named_type(name: &str) -> Option<ValueType> {
    let scalar = |t: &ValueType| !matches!(t, ValueType::Ref | ValueType::Tuple | ValueType::Bytes);
    ValueType::ALL.into_iter().filter(scalar).find(|value_type| value_type.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_name_attribute_and_type() {
        let column = parse("mail=:person/email:string").unwrap();
        assert_eq!(column.attribute, Keyword::new("person/email"));
        assert_eq!(column.value_type, Some(ValueType::String));
        assert_eq!(parse("a=:b/c").unwrap().value_type, None);
        for wrong in ["a", "a=b", "a=:b/c:integer", "=:b", "a=:"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_become_attributes() {
        assert_eq!(derived("First Name", "person").attribute, Keyword::new("person/first-name"));
    }

    #[test]
    fn types_are_guessed_without_loss() {
        let guessed = |texts: &[&str]| {
            let cells: Vec<Cell> = texts.iter().map(|text| Cell::bare(text)).collect();
            guess(cells.iter())
        };
        assert_eq!(guessed(&["1", "-20"]), ValueType::Long);
        assert_eq!(guessed(&["1.5", "2.0"]), ValueType::Double);
        assert_eq!(guessed(&["007", "12"]), ValueType::String);
        assert_eq!(guessed(&["true", "false"]), ValueType::Boolean);
        assert_eq!(guessed(&["2024-05-01", "2024-05-01T10:00:00Z"]), ValueType::Instant);
        assert_eq!(guessed(&["2024", "2025"]), ValueType::Long);
        assert_eq!(guessed(&[]), ValueType::String);
        let quoted = [Cell { text: "1".to_owned(), quoted: true }];
        assert_eq!(guess(quoted.iter()), ValueType::String);
    }
}
