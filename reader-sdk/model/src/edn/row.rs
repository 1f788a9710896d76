//! From a row of a result into an application's own type.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::Edn;
use super::de::{EdnDeserializer, FromEdnError, Member, declared, visit_members};

/// Makes a value of a type from a row: a struct or a map by the names of the columns, a tuple or
/// another sequence by position, and anything else from the only cell. The question mark of a
/// variable and the colon of a keyword are no part of a column's name; otherwise names match as
/// in [`de`](super::de).
///
/// ```
/// # use duramen_model::edn::{Edn, row::from_row};
/// #[derive(serde::Deserialize)]
/// struct Person { name: String, age: i64 }
/// let cells = [Edn::from(7), Edn::from("Ann")];
/// let person: Person = from_row(&["?age", "?name"], &cells)?;
/// assert_eq!((person.name.as_str(), person.age), ("Ann", 7));
/// let (age, name): (i64, String) = from_row(&["?age", "?name"], &cells)?;
/// # assert_eq!((name.as_str(), age), ("Ann", 7));
/// # Ok::<(), duramen_model::edn::de::FromEdnError>(())
/// ```
///
/// # Errors
/// Says which cell does not suit the type, and why.
pub fn from_row<'de, T: Deserialize<'de>>(
    columns: &'de [impl AsRef<str>],
    cells: &'de [Edn],
) -> Result<T, FromEdnError> {
    T::deserialize(Row { columns, cells })
}

struct Row<'de, C> {
    columns: &'de [C],
    cells: &'de [Edn],
}

impl<'de, C> Row<'de, C> {
    fn only_cell(&self) -> Result<EdnDeserializer<'de>, FromEdnError> {
        match self.cells {
            [cell] => Ok(EdnDeserializer::from(cell)),
            cells => Err(FromEdnError::custom(format!(
                "a row of {} cells can become a struct, a map, a tuple or another sequence only",
                cells.len()
            ))),
        }
    }
}

/// Methods that leave a visitor to the only cell.
macro_rules! only_cell {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
            self.only_cell()?.$method(visitor)
        })*
    };
}

impl<'de, C: AsRef<str>> Deserializer<'de> for Row<'de, C> {
    type Error = FromEdnError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        visit_members(self.cells.iter().map(Member::from), visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FromEdnError> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        let Self { columns, cells } = self;
        if columns.len() != cells.len() {
            let (columns, cells) = (columns.len(), cells.len());
            return Err(FromEdnError::custom(format!("{columns} columns, but {cells} cells")));
        }
        visitor.visit_map(Cells {
            columns: columns.iter(),
            cells: cells.iter(),
            fields,
            column: "",
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.only_cell()?.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        self.only_cell()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, FromEdnError> {
        visitor.visit_unit()
    }

    only_cell! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_identifier
    }
}

/// The cells of a row with the names of their columns.
struct Cells<'de, C> {
    columns: slice::Iter<'de, C>,
    cells: slice::Iter<'de, Edn>,
    fields: &'static [&'static str],
    /// The column that was given out last.
    column: &'de str,
}

impl<'de, C: AsRef<str>> MapAccess<'de> for Cells<'de, C> {
    type Error = FromEdnError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, FromEdnError> {
        let Some(column) = self.columns.next() else { return Ok(None) };
        self.column = column.as_ref();
        let name = self.column.strip_prefix(['?', ':']).unwrap_or(self.column);
        let name = declared(name, self.fields);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, FromEdnError> {
        let Some(cell) = self.cells.next() else {
            return Err(FromEdnError::custom("a cell was asked for beyond the last"));
        };
        seed.deserialize(EdnDeserializer::from(cell))
            .map_err(|error: FromEdnError| error.within(self.column))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_row_becomes_a_map_a_sequence_or_its_only_cell() {
        let cells = [Edn::from(1), Edn::from(2)];
        let columns = ["?a", ":n/b"];
        let map = BTreeMap::from([(String::from("a"), 1), (String::from("n/b"), 2)]);
        assert_eq!(from_row(&columns, &cells), Ok(map));
        assert_eq!(from_row(&columns, &cells), Ok(vec![1, 2]));
        assert_eq!(from_row(&columns[..1], &cells[..1]), Ok(1));
        assert!(from_row::<i64>(&columns, &cells).is_err());
        assert!(from_row::<(i64,)>(&columns, &cells).is_err());
        let error = from_row::<(i64, String)>(&columns, &cells).expect_err("2 is no string");
        assert_eq!(error.to_string(), "at [1]: invalid type: integer `2`, expected a string");
    }

    #[test]
    fn more_columns_than_cells_are_an_error() {
        let row = from_row::<BTreeMap<String, i64>>(&["?a", "?b"], &[Edn::from(1)]);
        assert_eq!(row.map_err(|e| e.to_string()), Err("2 columns, but 1 cells".into()));
    }
}
