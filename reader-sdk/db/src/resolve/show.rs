//! How values and entities are named in messages.

use std::fmt::{self, Display, Write};

use duramen_model::{Edn, EntityId, Schema, Value};

/// Messages quote no more of a value than this.
const SHOWN_CHARS_MAX: usize = 60;

/// A form, as it is written.
pub(crate) fn show(edn: &Edn) -> String {
    shortened(edn)
}

/// A value, as it is written.
pub(crate) fn show_value(value: &Value) -> String {
    shortened(value)
}

/// An entity: by its ident if it has one.
pub(crate) fn show_entity(e: EntityId, schema: &Schema) -> String {
    match schema.ident(e) {
        Some(ident) => ident.to_string(),
        None => e.to_string(),
    }
}

fn shortened(written: impl Display) -> String {
    let mut text = Shortened { text: String::new(), chars_left: SHOWN_CHARS_MAX };
    if write!(text, "{written}").is_err() {
        text.text.push('…');
    }
    text.text
}

/// Takes in so much text, and then fails: nobody has to write out a long value in full.
struct Shortened {
    text: String,
    chars_left: usize,
}

impl Write for Shortened {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            self.chars_left = self.chars_left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_short() {
        assert_eq!(show_value(&Value::from("short")), "\"short\"");
        let long = show_value(&Value::from("x".repeat(1000)));
        assert_eq!((long.chars().count(), long.ends_with('…')), (SHOWN_CHARS_MAX + 1, true));
    }
}
