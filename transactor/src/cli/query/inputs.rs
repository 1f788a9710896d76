//! What stands at which place of `:in`.

use std::collections::VecDeque;

use duramen::{Edn, Form, Input};

use crate::cli::exit::Failure;
use crate::cli::sources::Source;
use crate::cli::text::Text;

/// Reads the inputs that are no databases.
pub(crate) fn read(texts: &[String]) -> Result<VecDeque<Form>, Failure> {
    texts.iter().map(|text| Text::typed("--in", text)?.form()).collect()
}

/// Puts databases and values in the order of `:in`. A database that stands there as `$name` is the
/// one that was given as `name`; those without a name are taken in the order given.
pub(crate) fn arrange(
    query: &Form,
    sources: &[Source],
    mut values: VecDeque<Form>,
) -> Result<Vec<Input>, Failure> {
    let dollar = Edn::from(duramen::Symbol::new("$"));
    let places = places(query).unwrap_or_else(|| vec![&dollar]);
    let mut left: Vec<&Source> = sources.iter().collect();
    let inputs = places.into_iter().map(|place| input(place, &mut left, &mut values));
    let inputs = inputs.collect::<Result<_, _>>()?;
    if let Some(source) = left.first() {
        let name = source.name.as_deref().map(|name| format!(" ${name}")).unwrap_or_default();
        return Err(Failure::usage(format!(
            "the query has no place in :in for the database{name}"
        )));
    }
    if let Some(value) = values.front() {
        let value = &value.edn;
        return Err(Failure::usage(format!("the query has no place in :in for --in {value}")));
    }
    Ok(inputs)
}

/// What stands after `:in`, in a query that is a vector or a map.
pub(crate) fn places(query: &Form) -> Option<Vec<&Edn>> {
    let is_in = |form: &Form| form.as_keyword().is_some_and(|keyword| keyword.text() == "in");
    match &query.edn {
        Edn::Map(entries) => {
            let (_, places) = entries.iter().find(|(key, _)| is_in(key))?;
            Some(places.as_sequence()?.iter().map(|form| &form.edn).collect())
        }
        edn => {
            let after = edn.as_sequence()?.iter().skip_while(|form| !is_in(form)).skip(1);
            let places: Vec<_> = after
                .take_while(|form| form.as_keyword().is_none())
                .map(|form| &form.edn)
                .collect();
            (!places.is_empty()).then_some(places)
        }
    }
}

fn input(
    place: &Edn,
    left: &mut Vec<&Source>,
    values: &mut VecDeque<Form>,
) -> Result<Input, Failure> {
    let name = place.as_symbol().map_or("", duramen::Symbol::text);
    if let Some(name) = name.strip_prefix('$') {
        if let Some(source) = take(left, name) {
            return Ok(Input::Db(source.db.clone()));
        }
        if name.is_empty() || values.is_empty() {
            let named = if name.is_empty() { String::new() } else { format!("{name}=") };
            return Err(Failure::usage(format!(
                "nothing is given for {place}: add --db {named}URL"
            )));
        }
    }
    let value = values.pop_front().ok_or_else(|| {
        Failure::usage(format!("nothing is given for {place} in :in: add --in EDN"))
    })?;
    match name {
        "%" => Ok(Input::Rules(value)),
        name if name.starts_with('$') => relation(place, &value).map(Input::Relation),
        _ => Ok(Input::Value(value.edn)),
    }
}

/// The database of a name, or else the first that has none.
fn take<'a>(left: &mut Vec<&'a Source>, name: &str) -> Option<&'a Source> {
    let named = left.iter().position(|source| source.name.as_deref() == Some(name));
    let found = named.or_else(|| left.iter().position(|source| source.name.is_none()))?;
    Some(left.remove(found))
}

/// Rows in the place of a database.
pub(crate) fn relation(place: &Edn, value: &Form) -> Result<Vec<Vec<Edn>>, Failure> {
    let rows = match &value.edn {
        Edn::Set(rows) => Some(rows.as_slice()),
        edn => edn.as_sequence(),
    };
    let row = |row: &Form| Some(row.as_sequence()?.iter().map(|cell| cell.edn.clone()).collect());
    rows.and_then(|rows| rows.iter().map(row).collect()).ok_or_else(|| {
        Failure::usage(format!(
            "{place} is given {}: expected rows such as [[1 2] [3 4]]",
            value.edn.kind()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use duramen::edn;

    fn places_of(query: &str) -> Vec<String> {
        let form = edn::read(query).unwrap();
        places(&form).unwrap_or_default().into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn places_are_found_in_vectors_and_maps() {
        assert_eq!(places_of("[:find ?a :in $x [?y ...] % :where [?a]]"), ["$x", "[?y ...]", "%"]);
        assert_eq!(places_of("{:find [?a] :in [$ ?b] :where [[?a]]}"), ["$", "?b"]);
        assert!(places_of("[:find ?a :where [?a]]").is_empty());
    }

    #[test]
    fn values_are_taken_in_order() {
        let form = edn::read("[:find ?a :in ?a $rows % :where [$rows ?a]]").unwrap();
        let values = read(&["1".into(), "[[1 2]]".into(), "[]".into()]).unwrap();
        let inputs = arrange(&form, &[], values).unwrap();
        assert!(matches!(
            inputs.as_slice(),
            [Input::Value(_), Input::Relation(_), Input::Rules(_)]
        ));
    }

    #[test]
    fn too_few_and_too_many_inputs_are_told() {
        let form = edn::read("[:find ?a :in ?a :where [(= ?a 1)]]").unwrap();
        let refused =
            |texts: &[String]| arrange(&form, &[], read(texts).unwrap()).unwrap_err().to_string();
        assert_eq!(refused(&[]), "nothing is given for ?a in :in: add --in EDN");
        let many = refused(&["1".into(), "2".into()]);
        assert_eq!(many, "the query has no place in :in for --in 2");
        let form = edn::read("[:find ?a :where [?a]]").unwrap();
        let error = arrange(&form, &[], VecDeque::new()).unwrap_err().to_string();
        assert_eq!(error, "nothing is given for $: add --db URL");
    }
}
