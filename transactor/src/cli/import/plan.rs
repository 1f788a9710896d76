//! What the columns of a file mean in a database.

use std::collections::BTreeMap;
use std::sync::Arc;

use duramen::{Attribute, Cardinality, Edn, Form, Keyword, Schema, Unique, Value, ValueType};

use super::cell::{self, Cell};
use super::keys;
use super::mapping::{self, Column};
use super::rows::{BadRow, Row};
use crate::cli::arguments::Import;
use crate::cli::exit::Failure;
use crate::cli::report::entry;

/// What to make of the rows of a file.
#[derive(Debug)]
pub(crate) struct Plan {
    columns: Vec<Planned>,
    /// Places of the columns by their names.
    places: BTreeMap<String, usize>,
    /// The column without which a row is no entity.
    key: Option<usize>,
    /// Whether a column that is not planned is left out, rather than an error.
    selective: bool,
}

/// A column, and the attribute it goes to.
#[derive(Debug)]
struct Planned {
    name: String,
    attribute: Keyword,
    value_type: ValueType,
    many: bool,
    /// Whether the database has no such attribute.
    missing: bool,
    /// Whether rows with one value of it are about one entity.
    identifies: bool,
}

impl Plan {
    /// Decides from what was asked for, the first rows, and the attributes that there are.
    pub(crate) fn make(
        flags: &Import,
        names: &[Arc<str>],
        sample: &[Row],
        schema: &Schema,
    ) -> Result<Self, Failure> {
        let columns = columns(flags, names)?;
        let planned = columns.into_iter().map(|column| plan(column, sample, schema));
        let columns = planned.collect::<Result<Vec<_>, _>>()?;
        let by_name =
            columns.iter().enumerate().map(|(place, column)| (column.name.clone(), place));
        let places: BTreeMap<_, _> = by_name.collect();
        let key = flags.key.as_deref().map(|key| key_place(key, &columns, &places, schema));
        Ok(Self { key: key.transpose()?, selective: !flags.map.is_empty(), columns, places })
    }

    /// The transaction that creates the attributes that are missing.
    pub(crate) fn schema(&self) -> Option<Edn> {
        let missing = self.columns.iter().enumerate().filter(|(_, column)| column.missing);
        let definitions: Vec<Form> = missing
            .map(|(place, column)| column.definition(self.key == Some(place)).into())
            .collect();
        (!definitions.is_empty()).then_some(Edn::Vector(definitions))
    }

    /// The attributes of the columns.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Keyword> {
        self.columns.iter().map(|column| &column.attribute)
    }

    /// The place of the column without which a row is no entity.
    pub(crate) const fn key(&self) -> Option<usize> {
        self.key
    }

    /// What a column is called in the file.
    pub(crate) fn column(&self, place: usize) -> &str {
        &self.columns[place].name
    }

    /// What the values of a row have in common with those of another one about the same entity.
    pub(crate) fn keys<'a>(
        &'a self,
        values: &'a [(usize, Vec<Value>)],
    ) -> impl Iterator<Item = u128> + 'a {
        let identifies = |place: usize| self.key == Some(place) || self.columns[place].identifies;
        let identifying = values.iter().filter(move |(place, _)| identifies(*place));
        identifying.flat_map(|(place, values)| values.iter().map(|v| keys::hash(&(*place, v))))
    }

    /// The values of a row as an entity map.
    pub(crate) fn entity_of(&self, values: Vec<(usize, Vec<Value>)>) -> Edn {
        let entry = |(place, values): (usize, Vec<Value>)| {
            let mut values = values.into_iter().map(|value| Form::from(Edn::Value(value)));
            let value = match (values.next(), values.len()) {
                (Some(value), 0) => value,
                (first, _) => Edn::Vector(first.into_iter().chain(values).collect()).into(),
            };
            (Edn::from(self.columns[place].attribute.clone()).into(), value)
        };
        Edn::Map(values.into_iter().map(entry).collect())
    }

    /// The values of a row, by the places of their columns.
    pub(crate) fn values(&self, row: &Row) -> Result<Vec<(usize, Vec<Value>)>, BadRow> {
        let bad = |column: &str, message: String| {
            Err(BadRow { line: row.line, column: Some(column.to_owned()), message })
        };
        let mut values = Vec::with_capacity(row.cells.len());
        let mut has_key = self.key.is_none();
        for (name, cells) in &row.cells {
            let place = match self.places.get(&**name) {
                Some(place) => *place,
                None if self.selective => continue,
                None => return bad(name, "not in the first rows: give it with --map".to_owned()),
            };
            has_key |= self.key == Some(place);
            match self.columns[place].values(cells) {
                Ok(read) => values.push((place, read)),
                Err(message) => return bad(name, message),
            }
        }
        match self.key {
            Some(key) if !has_key => bad(&self.columns[key].name, "the key is missing".to_owned()),
            _ => Ok(values),
        }
    }
}

impl Planned {
    fn definition(&self, key: bool) -> Edn {
        let enumerated = |name: &str| Edn::from(Keyword::new(name));
        let many = if self.many { "db.cardinality/many" } else { "db.cardinality/one" };
        let value_type = format!("db.type/{}", self.value_type.name());
        let mut entries = vec![
            entry("db/ident", Edn::from(self.attribute.clone())),
            entry("db/valueType", enumerated(&value_type)),
            entry("db/cardinality", enumerated(many)),
        ];
        if key {
            entries.push(entry("db/unique", enumerated("db.unique/identity")));
        }
        Edn::Map(entries)
    }

    fn values(&self, cells: &[Cell]) -> Result<Vec<Value>, String> {
        if cells.len() > 1 && !self.many {
            let (count, attribute) = (cells.len(), &self.attribute);
            return Err(format!("{count} values for {attribute}, which takes one"));
        }
        cells.iter().map(|cell| cell::read(&cell.text, self.value_type)).collect()
    }
}

/// The columns that are wanted, in the order of the file.
fn columns(flags: &Import, names: &[Arc<str>]) -> Result<Vec<Column>, Failure> {
    let file = flags.file.display();
    if let Some(namespace) = &flags.namespace {
        return Ok(names.iter().map(|name| mapping::derived(name, namespace)).collect());
    }
    let columns = flags.map.iter().map(|text| mapping::parse(text));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    for Column { name, .. } in &columns {
        if !names.iter().any(|known| **known == **name) {
            let known = names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(format!("{file}: no column {name:?}: there are {known}")));
        }
    }
    Ok(columns)
}

fn plan(column: Column, sample: &[Row], schema: &Schema) -> Result<Planned, Failure> {
    let Column { name, attribute, value_type } = column;
    let known = schema.attribute_named(&attribute);
    let value_type = match (value_type, known) {
        (Some(asked), Some(Attribute { value_type, .. })) if asked != *value_type => {
            let (has, asked) = (value_type.name(), asked.name());
            let message = format!("column {name:?}: {attribute} is of type {has}, not {asked}");
            return Err(Failure::usage(message));
        }
        (_, Some(Attribute { value_type, .. })) => *value_type,
        (Some(asked), None) => asked,
        (None, None) => mapping::guess(of_column(sample, &name).flatten()),
    };
    if matches!(value_type, ValueType::Ref | ValueType::Tuple | ValueType::Bytes) {
        let kind = value_type.name();
        let message = format!("column {name:?}: {attribute} is of type {kind}, which no cell is");
        return Err(Failure::usage(message));
    }
    let many = match known {
        Some(known) => known.cardinality == Cardinality::Many,
        None => of_column(sample, &name).any(|cells| cells.len() > 1),
    };
    let identifies = known.is_some_and(|known| known.unique == Some(Unique::Identity));
    Ok(Planned { name, attribute, value_type, many, missing: known.is_none(), identifies })
}

fn of_column<'a>(sample: &'a [Row], name: &'a str) -> impl Iterator<Item = &'a Vec<Cell>> + Clone {
    let cells = sample.iter().flat_map(|row| &row.cells);
    cells.filter(move |(column, _)| **column == *name).map(|(_, cells)| cells)
}

fn key_place(
    key: &str,
    columns: &[Planned],
    places: &BTreeMap<String, usize>,
    schema: &Schema,
) -> Result<usize, Failure> {
    let place = *places
        .get(key)
        .ok_or_else(|| Failure::usage(format!("--key {key}: there is no such column to load")))?;
    let attribute = &columns[place].attribute;
    let identifies = |known: &Attribute| known.unique == Some(Unique::Identity);
    if columns[place].many {
        return Err(Failure::usage(format!("--key {key}: it has several values in one row")));
    }
    if schema.attribute_named(attribute).is_some_and(|known| !identifies(known)) {
        let message = format!("--key {key}: {attribute} is not :db.unique/identity");
        return Err(Failure::usage(message));
    }
    Ok(place)
}
