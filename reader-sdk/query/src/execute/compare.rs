//! Comparisons of plain numbers and of text, for all rows at once.

use duramen_model::Value;

use super::column::{Column, TextColumn};
use super::compute::Operand;
use crate::cell::Cell;
use crate::functions::Function;

/// Numbers on one side of a comparison.
#[derive(Clone, Copy)]
enum Numbers<'c> {
    One(i64),
    Each(&'c [i64]),
}

/// The rows for which a comparison of two numbers holds; `None` if it is something else.
pub(super) fn compared(
    function: &Function,
    operands: &[Operand<'_>],
    rows: usize,
) -> Option<Vec<usize>> {
    let (Function::Builtin(builtin), [a, b]) = (function, operands) else { return None };
    if let Some((a, b)) = texts(a, b) {
        return match builtin.name {
            "=" => Some((0..rows).filter(|&row| a.equal(row, b, row)).collect()),
            "not=" | "!=" => Some((0..rows).filter(|&row| !a.equal(row, b, row)).collect()),
            _ => None,
        };
    }
    let (a, b) = (numbers(a)?, numbers(b)?);
    match builtin.name {
        "<" => Some(rows_where(a, b, rows, |a, b| a < b)),
        "<=" => Some(rows_where(a, b, rows, |a, b| a <= b)),
        ">" => Some(rows_where(a, b, rows, |a, b| a > b)),
        ">=" => Some(rows_where(a, b, rows, |a, b| a >= b)),
        "=" | "==" => Some(rows_where(a, b, rows, |a, b| a == b)),
        "not=" | "!=" => Some(rows_where(a, b, rows, |a, b| a != b)),
        _ => None,
    }
}

fn numbers<'c>(operand: &Operand<'c>) -> Option<Numbers<'c>> {
    match operand {
        Operand::Constant(Cell::Value(Value::Long(number))) => Some(Numbers::One(*number)),
        Operand::Column(Column::Longs(longs)) => Some(Numbers::Each(longs)),
        Operand::Constant(_) | Operand::Column(_) => None,
    }
}

fn texts<'c>(a: &Operand<'c>, b: &Operand<'c>) -> Option<(&'c TextColumn, &'c TextColumn)> {
    match (a, b) {
        (Operand::Column(Column::Texts(a)), Operand::Column(Column::Texts(b))) => Some((a, b)),
        _ => None,
    }
}

fn rows_where(
    a: Numbers<'_>,
    b: Numbers<'_>,
    rows: usize,
    holds: impl Fn(i64, i64) -> bool,
) -> Vec<usize> {
    let rows = 0..rows;
    match (a, b) {
        (Numbers::One(a), Numbers::One(b)) => rows.filter(|_| holds(a, b)).collect(),
        (Numbers::Each(a), Numbers::One(b)) => rows.filter(|&row| holds(a[row], b)).collect(),
        (Numbers::One(a), Numbers::Each(b)) => rows.filter(|&row| holds(a, b[row])).collect(),
        (Numbers::Each(a), Numbers::Each(b)) => rows.filter(|&row| holds(a[row], b[row])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use duramen_model::{Keyword, Symbol};

    use super::*;
    use crate::execute::Members;
    use crate::registry::Registry;

    #[test]
    fn rows_pass_as_each_of_them_would() {
        let (a, b) =
            (Column::Longs(vec![1, 2, 3, i64::MIN]), Column::Longs(vec![3, 2, 1, i64::MAX]));
        let (two, text) = (Cell::long(2), Cell::string("2"));
        let operands = [Operand::Column(&a), Operand::Column(&b), Operand::Constant(&two)];
        for name in ["<", "<=", ">", ">=", "=", "==", "not=", "!="] {
            let function = Function::named(&Symbol::new(name), &Registry::default()).unwrap();
            for pair in [[0, 1], [1, 2], [2, 0], [2, 2]].map(|pair| pair.map(|at| operands[at])) {
                let called = |row: &usize| {
                    let cells = pair.map(|operand| operand.get(*row));
                    function.call(&cells).unwrap() == Cell::boolean(true)
                };
                let expected: Vec<usize> = (0..4).filter(called).collect();
                assert_eq!(compared(&function, &pair, 4), Some(expected), "{name}");
            }
            let pair = [operands[0], Operand::Constant(&text)];
            assert_eq!(compared(&function, &pair, 4), None);
        }
    }

    #[test]
    fn text_is_compared_where_it_stands() {
        let column = |values: &[Value]| {
            let mut column = Column::default();
            column.append_values(&values.iter().collect(), Members::All(values.len()));
            column
        };
        let strings = column(&["a", "b", "c"].map(Value::string));
        let others = column(&["a", "c", "b"].map(Value::string));
        let names = column(&["a", "b", "c"].map(|name| Value::Keyword(Keyword::new(name))));
        for (other, equal) in [(&others, vec![0]), (&names, vec![]), (&strings, vec![0, 1, 2])] {
            let operands = [Operand::Column(&strings), Operand::Column(other)];
            for name in ["=", "not="] {
                let function = Function::named(&Symbol::new(name), &Registry::default()).unwrap();
                let is_meant = |row: &usize| equal.contains(row) == (name == "=");
                let expected: Vec<usize> = (0..3).filter(is_meant).collect();
                assert_eq!(compared(&function, &operands, 3), Some(expected), "{name}");
            }
            let function = Function::named(&Symbol::new("<"), &Registry::default()).unwrap();
            assert_eq!(compared(&function, &operands, 3), None);
        }
    }
}
