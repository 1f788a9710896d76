//! Predicates over text and a constant, for all rows at once and without a copy of the text.

use memchr::memmem::Finder;

use super::column::{Column, TextColumn};
use super::compute::Operand;
use super::parallel::in_parts;
use crate::budget::Meter;
use crate::cell::Cell;
use crate::error::QueryError;
use crate::functions::Function;

/// Whether a text passes.
type Test<'c> = Box<dyn Fn(&str) -> bool + Sync + 'c>;

/// So many tests are worth a thread.
const TESTS_MIN: usize = 1 << 15;

/// The rows for which a predicate over strings and a constant holds; `None` if it is something else.
///
/// # Errors
/// When the query is to end.
pub(super) fn tested(
    function: &Function,
    operands: &[Operand<'_>],
    meter: &Meter,
) -> Result<Option<Vec<usize>>, QueryError> {
    let Some((texts, test)) = test(function, operands) else { return Ok(None) };
    if !texts.are_strings() {
        return Ok(None);
    }
    let parts = in_parts(texts.len(), TESTS_MIN, meter, |rows| texts.passed(rows, &test, meter));
    let mut passed = Vec::new();
    for part in parts {
        passed.append(&mut part?);
    }
    Ok(Some(passed))
}

fn test<'c>(function: &Function, operands: &[Operand<'c>]) -> Option<(&'c TextColumn, Test<'c>)> {
    let (Function::Builtin(builtin), [a, b]) = (function, operands) else { return None };
    match (a, b) {
        (Operand::Column(Column::Texts(texts)), wanted) => {
            Some((texts, contains(builtin.name, constant_text(wanted)?)?))
        }
        (pattern, Operand::Column(Column::Texts(texts))) => {
            let Cell::Pattern(pattern) = constant(pattern)? else { return None };
            let regex = match builtin.name {
                "re-find" => pattern.anywhere(),
                "re-matches" => pattern.whole()?,
                _ => return None,
            };
            Some((texts, Box::new(move |text| regex.is_match(text))))
        }
        _ => None,
    }
}

fn contains<'c>(name: &str, wanted: &'c str) -> Option<Test<'c>> {
    Some(match name {
        "clojure.string/includes?" => {
            let finder = Finder::new(wanted);
            Box::new(move |text| finder.find(text.as_bytes()).is_some())
        }
        "clojure.string/starts-with?" => Box::new(move |text| text.starts_with(wanted)),
        "clojure.string/ends-with?" => Box::new(move |text| text.ends_with(wanted)),
        _ => return None,
    })
}

/// The string that all rows have, as they do where an input gave it.
fn constant_text<'c>(operand: &Operand<'c>) -> Option<&'c str> {
    match operand {
        Operand::Column(Column::Texts(texts)) => texts.constant_string(),
        other => constant(other)?.as_str(),
    }
}

fn constant<'c>(operand: &Operand<'c>) -> Option<&'c Cell> {
    match operand {
        Operand::Constant(cell) => Some(cell),
        Operand::Column(Column::Cells(cells)) => {
            let first = cells.first()?;
            cells.iter().all(|cell| cell == first).then_some(first)
        }
        Operand::Column(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use duramen_model::{Symbol, Value};

    use super::*;
    use crate::cell::Pattern;
    use crate::execute::Members;
    use crate::registry::Registry;

    #[test]
    fn rows_pass_as_each_of_them_would() {
        let words = ["", "a", "ab", "ba", "aba", "é", "xabx"];
        let values: Vec<Value> =
            (0..80_000).map(|row| Value::string(words[row % words.len()])).collect();
        let mut column = Column::default();
        column.append_values(&values.iter().collect(), Members::All(values.len()));
        let (texts, word) = (Operand::Column(&column), Cell::string("ab"));
        let pattern = Cell::Pattern(Arc::new(Pattern::new("a|ab").expect("an expression")));
        for (name, operands) in [
            ("clojure.string/includes?", [texts, Operand::Constant(&word)]),
            ("clojure.string/starts-with?", [texts, Operand::Constant(&word)]),
            ("clojure.string/ends-with?", [texts, Operand::Constant(&word)]),
            ("re-find", [Operand::Constant(&pattern), texts]),
            ("re-matches", [Operand::Constant(&pattern), texts]),
        ] {
            let function = Function::named(&Symbol::new(name), &Registry::default()).unwrap();
            let called = |row: &usize| {
                function.call(&operands.map(|operand| operand.get(*row))).unwrap().is_truthy()
            };
            let expected: Vec<usize> = (0..values.len()).filter(called).collect();
            let found = tested(&function, &operands, &Meter::default()).expect("no limit");
            assert_eq!(found, Some(expected), "{name}");
        }
        let function =
            Function::named(&Symbol::new("clojure.string/includes?"), &Registry::default());
        let (function, same) = (function.unwrap(), Column::repeated(&word, values.len()));
        let of_constant = tested(&function, &[texts, Operand::Constant(&word)], &Meter::default());
        let of_constant = of_constant.expect("no limit");
        for same in [same, Column::Cells(vec![word.clone()]).gather(&vec![0; values.len()])] {
            let found = tested(&function, &[texts, Operand::Column(&same)], &Meter::default());
            assert_eq!(found.expect("no limit"), of_constant);
        }
        let function = Function::named(&Symbol::new("re-find"), &Registry::default()).unwrap();
        let operands = [Operand::Constant(&word), texts];
        assert_eq!(tested(&function, &operands, &Meter::default()).expect("no limit"), None);
    }
}
